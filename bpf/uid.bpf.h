/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uid.bpf.h - which uid answers for what the current task takes: of the room, and of the log of
 * events
 *
 * In a user namespace it is the owner of the outermost one. Otherwise a user with 65,536
 * subordinate uids would have as many shares. A namespace that root has made is a container: all
 * tasks in it count as the uid that it maps first, which is 0 only for a container whose root is
 * root outside, too.
 */
#ifndef AUTOKILL_UID_BPF_H
#define AUTOKILL_UID_BPF_H

#include "compat.bpf.h"

#define USER_NS_DEPTH 33 /* create_user_ns() refuses a level above 32 */

#define MAP_EXTENTS 5 /* UID_GID_MAP_MAX_BASE_EXTENTS, include/linux/user_namespace.h */

static __always_inline u32 container_uid(const struct user_namespace *ns, u32 uid)
{
	u32 extents = BPF_CORE_READ(ns, uid_map.nr_extents);

	if (!extents)
		return uid; /* not mapped yet */
	if (extents > MAP_EXTENTS)
		return BPF_CORE_READ(ns, uid_map.forward, lower_first);
	return BPF_CORE_READ(ns, uid_map.extent[0].lower_first);
}

static __noinline u32 share_uid(void)
{
	const struct cred *cred = bpf_get_current_task_btf()->cred;
	struct user_namespace *ns = cred->user_ns;

	if (ns->level == 0)
		return cred->uid.val;
	for (int i = 0; i < USER_NS_DEPTH; i++) {
		if (ns->level == 1)
			break;
		ns = ns->parent;
	}
	return ns->owner.val ?: container_uid(ns, cred->uid.val);
}

#endif /* AUTOKILL_UID_BPF_H */
