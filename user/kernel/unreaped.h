/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unreaped.h - dead children that nobody has waited for, made by clone3's native flags
 *
 * By the kernel's own flags such children go by themselves (CLONE_AUTOREAP), so a program built
 * for them does not wait. When we serve the flags, they stay until their creator ends. That is a
 * leak, and must be seen.
 */
#ifndef AUTOKILL_USER_UNREAPED_H
#define AUTOKILL_USER_UNREAPED_H

#include <stddef.h>

#include "kernel/kernel_side.h"

struct unreaped {
	/*
	 * pid of the process that would have to wait: the creator, or one that has inherited them
	 */
	__u64 creator;
	size_t children;
	char comm[AUTOKILL_COMM_LEN]; /* the creator's name; "" if it has just ended */
};

/**
 * unreaped_read - the creators that have such children, most first, in malloc()ed *@out
 *
 * Return: 0 or -errno, with *@out NULL and *@n 0.
 */
int unreaped_read(const struct kernel_side *k, struct unreaped **out, size_t *n);

/** unreaped_add - count one more child of @creator in @list of *@n, which has room for one more */
void unreaped_add(struct unreaped *list, size_t *n, __u32 creator);

#endif /* AUTOKILL_USER_UNREAPED_H */
