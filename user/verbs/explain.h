/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explain.h - words that several verbs say of what the rooms below have found
 *
 * Below the verbs a failure is a number or a struct. What it means and what to do is said here.
 */
#ifndef AUTOKILL_USER_EXPLAIN_H
#define AUTOKILL_USER_EXPLAIN_H

#include <stdarg.h>
#include <stddef.h>

#include "kernel/loader.h"
#include "kernel/others.h"

#define EXPLAIN_MAX 512 /* is enough for each of these */

/**
 * advice_for_root - "run: COMMAND", or without the right, "ask the administrator to run: COMMAND"
 *
 * Return: a static buffer.
 */
const char *advice_for_root(const char *command);

/**
 * explain_others - what they are, where they hang, and what to do, for the end of a message
 *
 * Return: @text.
 */
const char *explain_others(char text[EXPLAIN_MAX], const struct others *o);

/** explain_loader - what failed and why, with the words of libbpf. Return: @text. */
const char *explain_loader(char text[EXPLAIN_MAX], const struct loader_failure *f);

/** mend_loader - what to do about it. Return: a constant string. */
const char *mend_loader(const struct loader_failure *f);

/** print_verbose - for struct loader_options: print it to stderr */
int print_verbose(const char *format, va_list args);

#endif /* AUTOKILL_USER_EXPLAIN_H */
