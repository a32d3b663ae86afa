/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unreaped.h - dead children of callers of clone3's native flags, which nobody has waited for
 *
 * By the kernel's own flags such children go by themselves (CLONE_AUTOREAP), so a program built for
 * them does not wait. Served by us, they stay until their creator ends: a leak that must be seen.
 */
#ifndef AUTOKILL_USER_UNREAPED_H
#define AUTOKILL_USER_UNREAPED_H

#include <stddef.h>

#include "maps.h"

struct unreaped {
	__u64 creator; /* pid of who would have to wait: the creator, or who has inherited them */
	size_t children;
	char comm[AUTOKILL_COMM_LEN]; /* the creator's name; "" if it has just ended */
};

/**
 * unreaped_read - the creators that have such children, most first, in malloc()ed *@out
 *
 * Return: 0 or -errno, with *@out NULL and *@n 0.
 */
int unreaped_read(const struct maps *m, struct unreaped **out, size_t *n);

/**
 * unreaped_add - a child of @creator more: count it in @list of *@n, which has room for one more
 */
void unreaped_add(struct unreaped *list, size_t *n, __u32 creator);

#endif /* AUTOKILL_USER_UNREAPED_H */
