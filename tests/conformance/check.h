/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - cmocka, with the headers that it wants before it, and skipping by a name
 */
#ifndef CONFORMANCE_CHECK_H
#define CONFORMANCE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define cm_print_error print_error

/*
 * Ends the case: as skipped if --may-skip has @name, else as failed. "SKIP name case: reason" is
 * printed. tests/run holds these lines against what a step may skip.
 */
void skip_because(const char *name, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* A part of the case is left out: "LEFT OUT name case: reason", or a failure, as above. */
void leave_out(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Names that are no need of a case: */
#define SKIP_LOST_EXEC "kernel-lost-exec" /* X14: the kernel's own flag, and its own fault */
#define SKIP_FCAP_KILLS "fcap-kills"	  /* X28: the guard's deviation where BPF LSM is off */

/* What a case that repeats itself is at; printed if it fails. */
void step(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
