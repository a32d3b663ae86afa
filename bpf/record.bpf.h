/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record.bpf.h - the records of tasks: found, made, taken over, dropped
 *
 * Nearly all of a record is its task's own: written and read by the task itself (prctl, its own
 * clones, exec, exit), which is below `the task`. What is written at task_alloc is written by its
 * creator before the task is visible to anybody else, and does not change: `the creator`, ordered
 * by the visibility of the task. At
 * task_free, or when its clone failed, the task is no more, and what ends the record may do all.
 *
 * Of each member of struct autokill_task: written by | read by | ordered by.
 *
 *   task            task_record_add(), last; the marks by task_record_drop(), task_record_inherit()
 *                   and again_task() | task_record(), sweeps | marks by compare-and-exchange
 *   tether          the creator | the task; the tether's timer, releases, born | none before the
 *                   task is visible but the timer, which looks again if it reads 0
 *   newborn         the task | the task | -
 *   newborn_id      the task | the task | -
 *   arm_cred        the task | the task | -
 *   arm_caps        the task | the task | -
 *   arm_exec_id     the task | the task | -
 *   arm_addr        the task | the task | -
 *   asked_id        the task | the task | -
 *   arm_uid         the task | the task | -
 *   armed           the task | the task, the user side | nothing: a word of its own
 *   arm_flags       the task | the task | -
 *   guard           the creator | the task, the user side | visibility of the task
 *   uid             task_record_add() | what ends the record, the user side | visibility
 *   clone3          CLONE3_CHILD by the creator, the rest by the task; what ends the record | the
 *                   task; of CLONE3_CHILD also other threads of the process, ioctl() by any task,
 *                   the user side |
 *                   visibility of the task: that bit does not change afterwards
 *   clone3_args     the task | the task | -
 *   clone3_flags    the task | the task | -
 *   clone3_exec_id  the task | the task | -
 *   pid             tether_tie(), in the creator or the tether's timer: the same value | the user
 *                   side | nothing: 0 or the number
 *   share_units     task_record_add() | what ends the record | visibility of the task
 *   depth           the creator, tree_enter() | the task, its creator, the iterator | visibility
 *   left            tree_leave(), at exit or by what ends the record | sweeps, the iterator,
 *                   birth | nothing: from 0 to 1 once; a sweep that reads 0 too late is done again
 *   newborn_tied    the task | the task | -
 *   asked           the task | the task | -
 *   path            the creator, tree_enter(), before the task gets its slots | the task, sweeps,
 *                   the iterator | the insert of the slot, by which a sweep finds the task
 *   slot            the creator, tree_enter() and tree_undo(); tree_leave() | the same | as left
 */
#ifndef AUTOKILL_RECORD_BPF_H
#define AUTOKILL_RECORD_BPF_H

#include "events.bpf.h"
#include "later.bpf.h"
#include "maps.bpf.h"
#include "share.bpf.h"
#include "uid.bpf.h"
#include "users.bpf.h"

/*
 * How many records maps/tasks has, or is about to have: raised before one is put there, lowered
 * after it was taken out, both by atomic adds. A program that a task runs into for itself, or for a
 * task that it makes or frees, comes after whatever made that task's record; so while this reads 0
 * there is none, and who has nothing to do with autokill pays for no look into the map.
 */
u64 n_records;

static __always_inline struct autokill_task *task_record(struct task_struct *task)
{
	u64 key = (u64)task;
	struct autokill_task *rec;

	if (!READ_ONCE(n_records))
		return NULL;
	rec = bpf_map_lookup_elem(&tasks, &key);
	/* Else it is one that a former owner of the address has left: its delete failed. */
	return rec && READ_ONCE(rec->task) == key ? rec : NULL;
}

/*
 * The tree at the place @at of the path of @rec, 0 beyond its end. The index is computed first, and
 * then that very value is checked: clang 22 and newer make of a check and a use of depth - 1 a
 * check of one copy and a use of another, which verifiers up to 6.18 do not believe ("unbounded
 * memory access").
 */
static __always_inline u64 path_at(const struct autokill_task *rec, u32 at)
{
	barrier_var(at);
	return at < AUTOKILL_DEPTH ? rec->path[at] : 0;
}

static const struct autokill_task task_blank;

struct fresh {
	u64 task;
	int err;
};

#define TASK_LEFT 1  /* in rec->task: nobody's, the timer is to delete it, later.bpf.h */
#define TASK_GOING 2 /* the timer is deleting it */
#define TASK_TRIES 16

/*
 * There is a record at @task, which is just being made, or has none: a former owner's, of which the
 * delete failed, and so nobody's. Take it over. -EAGAIN: the timer is just deleting it; -EEXIST: it
 * is somebody's.
 */
static __always_inline int task_record_inherit(u64 addr)
{
	struct autokill_task *rec = bpf_map_lookup_elem(&tasks, &addr);
	u64 was, task;

	if (!rec)
		return -EAGAIN;
	task = address(addr);
	was = __sync_val_compare_and_swap(&rec->task, task | TASK_LEFT, 0);
	if (was != (task | TASK_LEFT))
		return was == (task | TASK_GOING) ? -EAGAIN : -EEXIST;
	__sync_fetch_and_sub(&n_records, 1); /* the caller has counted the same one again */
	__builtin_memset(rec, 0, sizeof(*rec));
	return 0;
}

static int task_record_try(u32 i, struct fresh *f)
{
	u64 task = f->task;

	/* From a constant, for a record is too long for the BPF stack. */
	f->err = bpf_map_update_elem(&tasks, &task, &task_blank, BPF_NOEXIST);
	if (f->err == -EEXIST)
		f->err = task_record_inherit(task);
	return f->err != -EAGAIN;
}

/*
 * Make a record for @task, which takes @share_units of the share of @uid, whose entry is @u; the
 * other fields are for the caller to set. The caller's hold of @u goes to the record, or is given
 * back. NULL: none was made, and *@err says why, -EAGAIN (share, room) or -ENOMEM.
 */
static __noinline struct autokill_task *task_record_add(u64 task, struct user *u, u32 uid,
							u32 share_units, int *err)
{
	struct fresh f = { .task = task };
	struct autokill_config *c;
	struct autokill_task *rec;
	u32 zero = 0;

	*err = -EAGAIN;
	if (!u)
		return NULL;
	c = bpf_map_lookup_elem(&config, &zero);
	if (!c ||
	    share_take(&u->tasks, &others_tasks, uid, c->tasks_share, c->tasks_room, share_units)) {
		user_put(u, uid);
		return NULL;
	}
	__sync_fetch_and_add(&n_records, 1);
	bpf_loop(TASK_TRIES, task_record_try, &f, 0);
	rec = f.err ? NULL : bpf_map_lookup_elem(&tasks, &task);
	if (rec) {
		rec->uid = uid;
		rec->share_units = share_units;
		WRITE_ONCE(rec->task, task);
		return rec;
	}
	__sync_fetch_and_sub(&n_records, 1);
	share_give(&u->tasks, &others_tasks, uid, share_units);
	user_put(u, uid);
	failure_count(FAIL_TASK_INSERT, f.err);
	*err = f.err == -ENOMEM ? -ENOMEM : -EAGAIN;
	return NULL;
}

/* A record for the current task @cur, which has none. As task_record_add(). */
static __always_inline struct autokill_task *task_record_own(struct task_struct *cur, int *err)
{
	u32 uid = share_uid();

	return task_record_add((u64)cur, user_get(uid), uid, 1, err);
}

/* The share of the record that @uid had: it is gone, or nobody's. */
static __noinline int task_share_give(u32 uid, u32 share_units)
{
	struct user *u = bpf_map_lookup_elem(&users, &uid);

	if (u) {
		share_give(&u->tasks, &others_tasks, uid, share_units);
		user_put(u, uid);
	} else {
		failure_count(FAIL_USER_COUNT, -ENOENT);
	}
	return 0;
}

/*
 * The task is no more. Its address may be the next one's at once, so what cannot be deleted is made
 * nobody's.
 */
static __noinline int task_record_drop(u64 task, u32 uid, u32 share_units)
{
	struct autokill_task *rec;
	u64 left;
	int err = map_delete(&tasks, &task);

	if (err == -ENOENT)
		return 0; /* another copy was first */
	if (err) {
		rec = bpf_map_lookup_elem(&tasks, &task);
		left = address(task) | TASK_LEFT;
		if (!rec || __sync_val_compare_and_swap(&rec->task, left & ~(u64)TASK_LEFT, left) !=
				    (left & ~(u64)TASK_LEFT))
			return 0;
		later_add(LATER_TASK, left & ~(u64)TASK_LEFT, 0, FAIL_TASK_DELETE, err);
	} else {
		__sync_fetch_and_sub(&n_records, 1);
	}
	return task_share_give(uid, share_units);
}

#endif /* AUTOKILL_RECORD_BPF_H */
