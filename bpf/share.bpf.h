/* SPDX-License-Identifier: GPL-2.0-only */
/* share.bpf.h - how much of the room each uid may take */
#ifndef AUTOKILL_SHARE_BPF_H
#define AUTOKILL_SHARE_BPF_H

#include "compat.bpf.h"
#include "autokill_state.h"

/* Of a room for @room, what all but root may take together. */
static __always_inline u32 room_shared(u32 room)
{
	return room - AUTOKILL_RESERVE(room);
}

/* How much of the tethers, and of the records, all users but root have. Atomic adds. */
u32 others_tethers;
u32 others_tasks;

/*
 * Take @n of @limit for @uid, and of what all but root may have of @room; root is exempt, but
 * counted. Adds first, so that two cannot both be last. -EAGAIN: the uid has its share; -ENOSPC:
 * what is left is root's.
 */
static __always_inline int share_take(u32 *taken, u32 *others, u32 uid, u32 limit, u32 room, u32 n)
{
	int err = -EAGAIN;

	if (__sync_fetch_and_add(taken, n) + n <= limit || !uid) {
		if (!uid || __sync_fetch_and_add(others, n) + n <= room_shared(room))
			return 0;
		__sync_fetch_and_sub(others, n);
		err = -ENOSPC;
	}
	__sync_fetch_and_sub(taken, n);
	return err;
}

static __always_inline void share_give(u32 *taken, u32 *others, u32 uid, u32 n)
{
	__sync_fetch_and_sub(taken, n);
	if (uid)
		__sync_fetch_and_sub(others, n);
}

#endif /* AUTOKILL_SHARE_BPF_H */
