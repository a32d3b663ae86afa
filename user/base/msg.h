/* SPDX-License-Identifier: GPL-2.0-only */
/* msg.h - messages to the user of the command; always to stderr, one line each */
#ifndef AUTOKILL_USER_MSG_H
#define AUTOKILL_USER_MSG_H

/**
 * msg_error - "autokill: what failed: why; what to do"
 *
 * msg_warn puts "warning: " after the colon; msg_info adds nothing. The newline is added. Control
 * characters, such as come from a file's or a process's name, are printed as '?'. All three leave
 * errno unchanged.
 */
void msg_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void msg_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* AUTOKILL_USER_MSG_H */
