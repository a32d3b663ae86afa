// SPDX-License-Identifier: GPL-2.0-only
/* users.c - names of users */
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/users.h"

char *user_name(char *buf, size_t size, uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		snprintf(buf, size, "%s", pw->pw_name);
	else
		snprintf(buf, size, "%u", uid);
	return buf;
}

int user_parse(const char *text, uid_t *uid)
{
	const struct passwd *pw;
	unsigned long n;
	char *end;

	if (isdigit((unsigned char)*text)) {
		errno = 0;
		n = strtoul(text, &end, 10);
		/* (uid_t)-1 is nobody's: chown(2) and setresuid(2) mean "unchanged" by it */
		if (errno || *end || n >= (uid_t)-1)
			return -EINVAL;
		*uid = n;
		return 0;
	}
	pw = getpwnam(text);
	if (!pw)
		return -EINVAL;
	*uid = pw->pw_uid;
	return 0;
}
