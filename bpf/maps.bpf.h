/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.bpf.h - all state, who writes it and who reads it
 *
 * Sizes are set by the loader before load (max_entries of 1 here); the two that never change stand
 * here. Hash maps are not preallocated, since they are mostly empty, and none is LRU, since nothing
 * in them may ever be thrown out.
 *
 * A value of such a hash may be reused by another element as soon as it is deleted, while a program
 * on another CPU still holds a pointer to it. So whoever acts on a tether without owning it
 * moves its state by compare-and-exchange, checks whom he is about to kill by identity (tgid and
 * start time, or the struct pid), and then, last, whether the element still has the id that he looked
 * up; a pointer to the wrong element then does nothing.
 */
#ifndef AUTOKILL_MAPS_BPF_H
#define AUTOKILL_MAPS_BPF_H

#include "autokill_state.h"

/*
 * The f_op of pidfds, learnt from the first file that is tied (the canary's). Written by tether_tie
 * before the file enters maps/files; read by the release hook, first thing on every file. Pairs:
 * WRITE_ONCE and the map update's bucket lock there, READ_ONCE here; once set it never changes.
 */
u64 pidfd_fops;
/* Ids given out. Atomic add in tether_birth only. */
u64 last_id;
/*
 * Tethers in TETHER_BIRTH. Atomic adds; while it is 0 the release hook need not ask whether an
 * unknown pidfd belongs to a newborn whose tie was skipped, nor task_free whether a dead child's was.
 */
u64 births_open;

#ifdef AGENT
/*
 * Elements of maps/waiting. Atomic adds; while it is 0, which is nearly always, no fork or exec need
 * ask whether its process waits to be killed.
 */
u64 waiting_open;
#endif

/*
 * Who writes a tether, who reads it, and what puts the two in order:
 *
 *   d.state       moved by compare-and-exchange only, a full barrier: BIRTH -> LIVE by the tie,
 *                 BIRTH or LIVE -> RELEASED by whoever sees the release, RELEASED -> KILLED by
 *                 whoever's signal was accepted. The winner goes on, the others leave.
 *   d.file, d.pid_struct, d.tgid
 *                 written at the tie, in BIRTH; read by others once they have seen a later state.
 *                 The exchange that leaves BIRTH orders the two.
 *   d.start_time  written by born and again by the releaser, both with the same value, before the
 *                 releaser schedules work or sets the timer; read by work and timer. Scheduling
 *                 (an atomic exchange in the kernel) and the timer's lock order the two. WRITE_ONCE
 *                 pairs with READ_ONCE in is_victim().
 *   d.released_at, d.lender
 *                 written by the releaser before it tries to kill; read by work and timer, as above.
 *   d.killed_at   written by the winner of RELEASED -> KILLED; read by user space only.
 *   d.holds       atomic adds and subtracts with their result used, so full barriers. Whoever brings
 *                 it to 0 owns the element alone, and takes it away. A task that is counted keeps
 *                 the element there; so does HOLD_FILE, until the release has been dealt with; with
 *                 the agent, until it has said that everybody has his signal.
 *   d.slots       doubled by compare-and-exchange by creators; read by creators and sweeps.
 *   d.sweeps, d.signalled
 *                 atomic adds by sweeps; d.members written by the releaser. For user space only.
 *   d.scope, d.depth, d.parent
 *                 constant.
 *   d.looks, d.next_look_ms, TETHER_STUCK
 *                 the timer's own, which never runs twice at a time for one tether; the releaser
 *                 resets d.looks before it sets the timer.
 *   the element   deleted by the timer, by the releaser of a child that was dead already, or by
 *                 task_free of a clone that failed; whose delete succeeds gives the share back.
 *                 Of a tree, by whoever brings d.holds to 0, or by task_free as above.
 */
struct tether {
	struct autokill_tether d;
	struct bpf_timer timer;	   /* birth: finds a missing tie; release: looks again */
	struct bpf_task_work work; /* lent by the victim itself; not in use with the agent */
};

/* The same size, free of special fields: what bpf_map_update_elem() may copy from. */
struct tether_init {
	struct autokill_tether d;
	u64 rest[(sizeof(struct bpf_timer) + sizeof(struct bpf_task_work)) / sizeof(u64)];
};

_Static_assert(sizeof(struct tether_init) == sizeof(struct tether), "tether_init mirrors tether");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct tether);
} tethers SEC(".maps");

/*
 * The tie. Put there by tether_tie in the creator. Whoever brings @word to 0 (the release hook, nearly
 * always) handles the release and deletes the element, which ends the life of the address: the
 * next file that gets it is not in the map. @pid_struct is the identity, held by the file
 * itself until its release. @word and @start_time: watch.bpf.h.
 */
struct tied_file {
	u64 id;
	u64 pid_struct;
	u64 word;	/* address of the file, and a mark in its low bits */
	u64 start_time; /* of the child, as the file's release found it; 0: dead */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, u64); /* address of the struct file */
	__type(value, struct tied_file);
} files SEC(".maps");

/*
 * What is known of one task, by the address of its task_struct, from task_alloc (or its first ARM)
 * to task_free. Not task storage: on 6.16 to 7.0 a failed fork destroys the parent's, mended by
 * "bpf,fork: wipe ->bpf_storage before bailouts that access it", and with it a guard.
 *
 * Every field is written either before the task exists for anybody else (task_alloc, by its
 * creator), or by the task itself (prctl, its own clones, its exit), or at task_free, when the
 * task is no more. So nothing here needs to be atomic. Sweeps read path alone, which never changes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct autokill_task);
} tasks SEC(".maps");

/*
 * Where a sweep finds the members of a tree without looking at anybody else: each task of each tree
 * that it is in has a slot, a number below tether.slots, chosen at random among the free ones.
 * Written by tree_enter() in the creator, deleted by the task itself at exit or at task_free.
 * tree.bpf.h says in which order.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct autokill_member_key);
	__type(value, struct autokill_member);
} members SEC(".maps");

/* What each uid has of the room. Atomic adds and subtracts only; entries stay, one a uid seen. */
struct user {
	u32 tethers;
	u32 tasks;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, struct user);
} users SEC(".maps");

#ifdef AGENT
/*
 * Released victims that the agent has not seen gone yet, by identity: what lets a victim see its own
 * release, at its next fork or exec, while the agent is dead, stopped or slow. Added by the releaser,
 * deleted with the tether.
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

/* The agent's heartbeat. Written by the agent, read at ARM and at birth. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct autokill_agent);
} agent SEC(".maps");

/* Wakes the agent, which else sleeps. What is lost here stands in maps/tethers all the same. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} releases SEC(".maps");

/*
 * Whom a sweep of a tree found; and whom the agent wants to know, and who they are. Written by
 * autokill_sweep and autokill_identity, which nobody runs but the agent, and by the agent before it
 * runs the latter; read by the agent when the program has returned.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, AUTOKILL_SWEEP_SLOTS);
	__type(key, u32);
	__type(value, struct autokill_identity);
} found SEC(".maps");
#else
/* Task work lent by others than the victim: one item a lender, so that a stuck one blocks no other. */
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
#endif /* AGENT */

/* Written by the loader; read at ARM and at birth. See enum autokill_ready. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct autokill_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct autokill_stats);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct autokill_failure);
	__type(value, u64);
} failures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AUTOKILL_EVENTS);
	__type(key, u32);
	__type(value, struct autokill_event);
} events SEC(".maps");

#endif /* AUTOKILL_MAPS_BPF_H */
