/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * works.bpf.h - task work lent by others than the victim: its items
 *
 * One of the two things that a kill leaves in maps beside its tether; the other is in
 * waiting.bpf.h. This file is empty where the agent kills.
 */
#ifndef AUTOKILL_WORKS_BPF_H
#define AUTOKILL_WORKS_BPF_H

#include "events.bpf.h"
#include "later.bpf.h"
#include "maps.bpf.h"

#ifndef AGENT

/*
 * Task work lent by others than the victim: one item a lender, so that a stuck one blocks no other.
 */
enum work_role {
	WORK_VICTIM = 0, /* its item is in the tether */
	WORK_PARENT = 1,
	WORK_INIT = 2,
};

struct work_key {
	u64 id;
	u32 role;
	u32 pad;
};

struct work {
	struct bpf_task_work work;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct work_key);
	__type(value, struct work);
} works SEC(".maps");

/* The item of @role for the tether @id goes, if there is one. */
static __always_inline void work_forget(u64 id, u32 role)
{
	struct work_key key = { .id = id, .role = role };
	int err = map_delete(&works, &key);

	if (err && err != -ENOENT)
		later_add(LATER_WORK, id, role, FAIL_WORK_DELETE, err);
}

/* The item of @role for the tether @id, made where it is missing; NULL without memory. */
static __noinline struct work *work_get(u64 id, u32 role)
{
	struct work_key key = { .id = id, .role = role };
	struct work *w = bpf_map_lookup_elem(&works, &key);
	u64 none = 0;
	int err;

	if (w)
		return w;
	err = bpf_map_update_elem(&works, &key, &none, BPF_NOEXIST);
	if (err)
		failure_count(FAIL_WORK_INSERT, err);
	/* Pairs with kill_forget(): either it finds our item, or we miss the tether. */
	if (!bpf_map_lookup_elem(&tethers, &key.id)) {
		work_forget(id, role);
		return NULL; /* the group is gone already */
	}
	return bpf_map_lookup_elem(&works, &key);
}

static __always_inline void kill_forget(u64 id, u32 tgid, u64 start_time)
{
	work_forget(id, WORK_PARENT);
	work_forget(id, WORK_INIT);
}

/* The timer of again.bpf.h, for a note of @kind: the delete of an item, once more. */
static __noinline int kill_forget_again(u32 kind, u64 id, u32 role)
{
	struct work_key key = { .id = id, .role = role };

	return kind == LATER_WORK ? map_delete(&works, &key) : 0;
}

#endif /* AGENT */

#endif /* AUTOKILL_WORKS_BPF_H */
