/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * again.bpf.h - the timer of later.bpf.h: each delete that failed is done again, until it succeeds
 *
 * later_look() starts it. A kprobe and a tether's own deletes may leave a note, but may not start a
 * timer.
 */
#ifndef AUTOKILL_AGAIN_BPF_H
#define AUTOKILL_AGAIN_BPF_H

#include "events.bpf.h"
#include "file.bpf.h"
#include "later.bpf.h"
#include "maps.bpf.h"
#include "record.bpf.h"
#include "tree.bpf.h"
#include "users.bpf.h"
#include "waiting.bpf.h"
#include "works.bpf.h"

struct later_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct later_timer);
} later_timer SEC(".maps");

/*
 * Each of these: 0, it is done, or nothing is to be done; or the errno with which it failed again.
 * An element with the mark has one owner, its note in the ring; but a new owner of the address may
 * take it, by the same mark.
 */
static __noinline int again_task(u64 task)
{
	struct autokill_task *rec = bpf_map_lookup_elem(&tasks, &task);
	int err;

	if (!rec || __sync_val_compare_and_swap(&rec->task, task | TASK_LEFT, task | TASK_GOING) !=
			    (task | TASK_LEFT))
		return 0; /* inherited: task_record_inherit() */
	err = map_delete(&tasks, &task);
	if (err)
		__sync_lock_test_and_set(&rec->task, task | TASK_LEFT);
	else
		__sync_fetch_and_sub(&n_records, 1);
	return err;
}

static __noinline int again_file(u64 file)
{
	struct tied_file *tied = bpf_map_lookup_elem(&files, &file);
	u64 left = file | FILE_LEFT;
	int err;

	if (!tied || __sync_val_compare_and_swap(&tied->word, left, 0) != left)
		return 0; /* inherited: file_inherit() */
	err = map_delete(&files, &file);
	if (err)
		__sync_lock_test_and_set(&tied->word, left);
	else
		__sync_fetch_and_sub(&n_tied, 1);
	return err;
}

static __noinline int again_member(u64 id, u32 slot)
{
	struct autokill_member_key key = { .id = id, .slot = slot };
	struct autokill_member *member = bpf_map_lookup_elem(&members, &key);
	int err;

	if (!member || !(READ_ONCE(member->task) & AUTOKILL_LEFT))
		return 0;
	err = map_delete(&members, &key);
	if (!err)
		__sync_fetch_and_sub(&n_members, 1);
	return err;
}

static __always_inline int again_note(const struct later_note *note)
{
	switch (note->kind) {
	case LATER_USER:
		return user_reclaim(note->a);
	case LATER_TASK:
		return again_task(note->a);
	case LATER_FILE:
		return again_file(note->a);
	case LATER_MEMBER:
		return again_member(note->a, note->b);
	default:
		return kill_forget_again(note->kind, note->a, note->b);
	}
}

struct later_run {
	u32 failed;
};

static int later_one(u32 i, struct later_run *run)
{
	struct later_note note, *slot;
	u64 n = READ_ONCE(later_head);
	u32 at = n & (LATER_ROOM - 1);
	int err;

	slot = bpf_map_lookup_elem(&later, &at);
	if (!slot || READ_ONCE(slot->seq) != n + 1)
		return 1; /* not whole yet, or no more */
	smp_mb();
	note = *slot;
	WRITE_ONCE(later_head, n + 1);
	err = again_note(&note);
	if (err && err != -ENOENT) {
		run->failed = 1;
		if (later_note(note.kind, note.a, note.b)) /* we have just made room for it */
			failure_count(FAIL_LATER, -E2BIG);
	}
	return 0;
}

static int later_tick(void *map, u32 *key, struct later_timer *l)
{
	u64 n = later_open();
	struct later_run run = {};
	int err;

	bpf_loop(n < LATER_MOST ? n : LATER_MOST, later_one, &run, 0);
	if (!later_open()) {
		/*
		 * Pairs with later_look(): either we see the note now, or it sees that we have
		 * stopped.
		 */
		__sync_val_compare_and_swap(&later_on, 1, 0);
		if (!later_open() || __sync_val_compare_and_swap(&later_on, 0, 1))
			return 0;
	}
	err = bpf_timer_start(&l->timer, (run.failed ? LATER_AGAIN_MS : LATER_MS) * NSEC_PER_MSEC,
			      0);
	if (err) {
		failure_count(FAIL_TIMER_START, err);
		WRITE_ONCE(later_on, 0);
	}
	return 0;
}

static __noinline int later_start(void)
{
	struct later_timer *l;
	u32 zero = 0;
	int err;

	if (__sync_val_compare_and_swap(&later_on, 0, 1))
		return 0;
	l = bpf_map_lookup_elem(&later_timer, &zero);
	if (!l)
		return 0;
	err = bpf_timer_init(&l->timer, &later_timer, CLOCK_MONOTONIC);
	if (!err || err == -EBUSY) /* EBUSY: made before */
		err = bpf_timer_set_callback(&l->timer, later_tick);
	if (!err)
		err = bpf_timer_start(&l->timer, LATER_MS * NSEC_PER_MSEC, 0);
	if (err) {
		failure_count(FAIL_TIMER_INIT, err);
		WRITE_ONCE(later_on, 0); /* whoever comes next tries again */
	}
	return 0;
}

/* Is there something to do, and nobody who does it? */
static __always_inline void later_look(void)
{
	if (later_open() && !READ_ONCE(later_on))
		later_start();
}

#endif /* AUTOKILL_AGAIN_BPF_H */
