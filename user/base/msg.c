// SPDX-License-Identifier: GPL-2.0-only
/* msg.c - messages to the user of the command */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/msg.h"

#define MSG_MAX 2048 /* longer ones are cut */

static void msg_print(const char *kind, const char *fmt, va_list args)
{
	char text[MSG_MAX];
	int saved = errno;

	vsnprintf(text, sizeof(text), fmt, args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	/* One call, so that the lines of two processes do not mix. */
	fprintf(stderr, "autokill: %s%s\n", kind, text);
	errno = saved;
}

void msg_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	msg_print("", fmt, args);
	va_end(args);
}

void msg_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	msg_print("warning: ", fmt, args);
	va_end(args);
}

void msg_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	msg_print("", fmt, args);
	va_end(args);
}
