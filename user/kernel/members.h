/* SPDX-License-Identifier: GPL-2.0-only */
/* members.h - the members of trees: what the pinned iterator progs/members prints */
#ifndef AUTOKILL_USER_MEMBERS_H
#define AUTOKILL_USER_MEMBERS_H

#include <linux/types.h>
#include <stddef.h>

#include "autokill_state.h"

/* A process that is a member, and how many of its threads are. */
struct member {
	__u64 tether;	  /* the innermost tree that it is in */
	__u64 start_time; /* ns of CLOCK_BOOTTIME: of its leader, or of a thread if that has left */
	__u32 pid,
		parent; /* in the initial pid namespace, as all pids and uids of the kernel side */
	__u32 uid;
	__u32 threads;
	char comm[AUTOKILL_COMM_LEN]; /* '?' for white space and control characters */
};

/**
 * members_parse - one line of the iterator, for one thread
 *
 * Return: 0, or -EPROTO with *@out unchanged.
 */
int members_parse(const char *line, struct member *out);

/**
 * members_read - all processes that are in a tree, sorted by pid, in malloc()ed *@out
 *
 * A snapshot of what changes. Where the loaded kernel side has no trees there are none.
 * Return: 0 or -errno; on failure *@out is NULL and *@n is 0.
 */
int members_read(struct member **out, size_t *n);

#endif /* AUTOKILL_USER_MEMBERS_H */
