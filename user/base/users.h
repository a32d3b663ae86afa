/* SPDX-License-Identifier: GPL-2.0-only */
/* users.h - names of users */
#ifndef AUTOKILL_USER_USERS_H
#define AUTOKILL_USER_USERS_H

#include <stddef.h>
#include <sys/types.h>

/** user_name - the name of @uid, or its number where it has no name. Returns @buf. */
char *user_name(char *buf, size_t size, uid_t uid);

/** user_parse - a number or a name. Return: 0 or -EINVAL; on failure @uid is unchanged. */
int user_parse(const char *text, uid_t *uid);

#endif /* AUTOKILL_USER_USERS_H */
