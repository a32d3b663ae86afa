/* SPDX-License-Identifier: GPL-2.0-only */
/* place.h - where in the system we are: namespaces and limits in which nothing can be relied on */
#ifndef AUTOKILL_USER_PLACE_H
#define AUTOKILL_USER_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define PLACE_TEXT_MAX 256

/**
 * place_wrong - is this process in a user, pid or time namespace other than the initial one?
 * @why: receives which, what that means and what to do, for the end of a message; else ""
 *
 * The initial ones have fixed numbers (include/linux/proc_ns.h). Where /proc cannot tell, it is wrong, too.
 */
bool place_wrong(char why[PLACE_TEXT_MAX]);

/** place_in_user_namespace - is it known that this is not the initial one? */
bool place_in_user_namespace(void);

/**
 * place_descriptors - are @n more descriptors to be had? The soft limit is raised for it if need be
 *
 * Return: 0; -EMFILE, -ENFILE, -errno.
 */
int place_descriptors(int n);

/** place_memory - is there no limit on memory (RLIMIT_AS, RLIMIT_DATA) below 64 MiB? Raised if need be. */
bool place_memory(void);

#endif /* AUTOKILL_USER_PLACE_H */
