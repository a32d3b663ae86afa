/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * waiting.bpf.h - victims that wait for the agent, by identity
 *
 * One of the two things that a kill leaves in maps beside its tether; the other is in works.bpf.h.
 * This file is empty where the agent does not kill.
 */
#ifndef AUTOKILL_WAITING_BPF_H
#define AUTOKILL_WAITING_BPF_H

#include "events.bpf.h"
#include "later.bpf.h"
#include "maps.bpf.h"

#ifdef AGENT

/*
 * Elements of maps/waiting. Atomic adds; while it is 0, which is nearly always, no fork or exec
 * need ask whether its process waits to be killed.
 */
u64 n_waiting;

/*
 * Released victims that the agent has not seen gone yet, by identity: what lets a victim see its
 * own release, at its next fork or exec, while the agent is dead, stopped or slow. Added by the
 * releaser, deleted with the tether.
 */
struct waiting_key {
	u64 start_time; /* of the leader, task_struct.start_boottime */
	u32 tgid;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct waiting_key);
	__type(value, u64); /* id of the tether */
} waiting SEC(".maps");

static __always_inline void kill_forget(u64 id, u32 tgid, u64 start_time)
{
	struct waiting_key key = { .start_time = start_time, .tgid = tgid };
	int err = map_delete(&waiting, &key);

	if (!err)
		__sync_fetch_and_sub(&n_waiting, 1);
	else if (err != -ENOENT)
		later_add(LATER_WAITING, start_time, tgid, FAIL_WAITING_DELETE, err);
}

static __always_inline void waiting_add(u64 id, u32 tgid, u64 start_time)
{
	struct waiting_key key = { .start_time = start_time, .tgid = tgid };
	int err = bpf_map_update_elem(&waiting, &key, &id, BPF_NOEXIST);

	if (err == -EEXIST)
		return; /* the agent is told once more */
	/* The agent kills all the same; only a victim that forks or execs first does not see it. */
	if (err) {
		failure_count(FAIL_WAITING_INSERT, err);
		return;
	}
	__sync_fetch_and_add(&n_waiting, 1);
	/* Pairs with tether_drop(): an agent that walks the map may have been faster than we. */
	if (!bpf_map_lookup_elem(&tethers, &id))
		kill_forget(id, tgid, start_time);
}

/* The timer of again.bpf.h, for a note of @kind: the delete of an entry, once more. */
static __noinline int kill_forget_again(u32 kind, u64 start_time, u32 tgid)
{
	struct waiting_key key = { .start_time = start_time, .tgid = tgid };
	int err = kind == LATER_WAITING ? map_delete(&waiting, &key) : -ENOENT;

	if (!err)
		__sync_fetch_and_sub(&n_waiting, 1);
	return err;
}

#endif /* AGENT */

#endif /* AUTOKILL_WAITING_BPF_H */
