/* SPDX-License-Identifier: GPL-2.0-only */
/* place.h - where in the system we are: namespaces and limits, and what we may do there */
#ifndef AUTOKILL_USER_PLACE_H
#define AUTOKILL_USER_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define PLACE_TEXT_MAX 256

/**
 * place_wrong - is this process in a user, pid or time namespace other than the initial one?
 * @why: receives which, what that means and what to do, for the end of a message; else ""
 *
 * The initial ones have fixed numbers (include/linux/proc_ns.h). Where /proc cannot tell, the
 * answer is yes.
 */
bool place_wrong(char why[PLACE_TEXT_MAX]);

/** place_in_user_namespace - is it known that our user namespace is not the initial one? */
bool place_in_user_namespace(void);

/** has_sys_admin - is CAP_SYS_ADMIN in the effective set, in whatever user namespace we are? */
bool has_sys_admin(void);

/**
 * is_administrator - may we do what only root of the whole machine may?
 *
 * True with CAP_SYS_ADMIN in the initial user namespace. The root of a container does not have
 * that.
 */
bool is_administrator(void);

/**
 * place_descriptors - can @n more descriptors be had? The soft limit is raised for it if need be.
 *
 * Return: 0; -EMFILE, -ENFILE, -errno.
 */
int place_descriptors(int n);

/**
 * place_memory - may this process have 64 MiB (RLIMIT_AS, RLIMIT_DATA)?
 *
 * The soft limits are raised for it if need be.
 */
bool place_memory(void);

#endif /* AUTOKILL_USER_PLACE_H */
