/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - cmocka, with the headers that it wants before it, and skipping with a reason
 */
#ifndef CONFORMANCE_CHECK_H
#define CONFORMANCE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define cm_print_error print_error

/* Ends the case as skipped; the reason is printed and counted. */
#define skip_because(...) skip_because_at(__FILE__, __LINE__, __VA_ARGS__)
void skip_because_at(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* What a case that repeats itself is at; printed if it fails. */
void step(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
