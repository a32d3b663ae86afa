/* SPDX-License-Identifier: GPL-2.0-only */
/* again.bpf.h - the timer of later.bpf.h: each delete that failed is done again, until it succeeds */
#ifndef AUTOKILL_AGAIN_BPF_H
#define AUTOKILL_AGAIN_BPF_H

/*
 * Each of these: 0, it is done, or nothing is to be done; or the errno with which it failed again. Who has left
 * the mark of the element is its only owner, but for a new owner of the address, who takes it by the same mark.
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
		__sync_fetch_and_sub(&tasks_open, 1);
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
		__sync_fetch_and_sub(&files_open, 1);
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
		__sync_fetch_and_sub(&members_open, 1);
	return err;
}

#ifdef AGENT
static __noinline int again_waiting(u64 start_time, u32 tgid)
{
	struct waiting_key key = { .start_time = start_time, .tgid = tgid };
	int err = map_delete(&waiting, &key);

	if (!err)
		__sync_fetch_and_sub(&waiting_open, 1);
	return err;
}
#else
static __noinline int again_work(u64 id, u32 role)
{
	struct work_key key = { .id = id, .role = role };

	return map_delete(&works, &key);
}
#endif

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
#ifdef AGENT
	case LATER_WAITING:
		return again_waiting(note->a, note->b);
#else
	case LATER_WORK:
		return again_work(note->a, note->b);
#endif
	default:
		return 0;
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
		/* Pairs with later_look(): either we see the note now, or it sees that we have stopped. */
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

#endif /* AUTOKILL_AGAIN_BPF_H */
