/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * later.bpf.h - deletes that failed, and are done again; and who may use the memory meanwhile
 *
 * A delete from a hash map fails with ENOENT if somebody else was first. It also fails when the
 * lock of the bucket is not to be had: the program has interrupted another on the same CPU that is
 * just in there (EBUSY, up to v6.14), or, from v6.15 on (rqspinlock), EDEADLK and ETIMEDOUT. The
 * element is still there then. So whoever gets such an error counts it, and
 *
 *   1  marks the element as nobody's, by an atomic operation that expects its owner, so that the
 *      next owner of the address cannot take it for its own (AUTOKILL_LEFT, FILE_LEFT,
 *      TETHER_LEFT);
 *   2  puts a note of it in the ring `later`, of which a timer takes one after the other. (A tether
 *      has a timer of its own.)
 *
 * What is keyed by an address may get a new owner before the timer comes. The new owner takes the
 * element over in place, by a compare-and-exchange of the mark; or the timer takes it for itself
 * first, likewise, and deletes it: one of the two. The keys of tethers, works and waiting are never
 * used twice, and a slot of maps/members is free only after its delete. So for these the note is
 * enough.
 *
 * The same timer takes idle entries out of maps/users (users.bpf.h). It runs in softirq context, so
 * what it does at a time is little; no program of the same CPU comes in between its mark and its
 * delete.
 */
#ifndef AUTOKILL_LATER_BPF_H
#define AUTOKILL_LATER_BPF_H

#include "events.bpf.h"
#include "mutant.bpf.h"

#define LATER_MOST 64	 /* elements that the timer takes at a time */
#define LATER_MS 1	 /* until it takes more */
#define LATER_AGAIN_MS 8 /* until it tries again what has failed again */

/* bpf_map_delete_elem(): 0 or a negative errno. */
#define map_delete(map, key)                                                                       \
	(MUTANT(DELETE_FAILS) && bpf_get_prandom_u32() & 1 ? -EBUSY : bpf_map_delete_elem(map, key))

enum later_kind {
	LATER_USER = 1, /* a: uid */
	LATER_TASK,	/* a: address of the task_struct */
	LATER_FILE,	/* a: address of the struct file */
	LATER_MEMBER,	/* a: id, b: slot */
	LATER_WORK,	/* a: id, b: role */
	LATER_WAITING,	/* a: start time, b: tgid */
};

/*
 * A ring. Whoever adds takes the next number, writes the note, and last its number plus 1, which
 * says that it is whole. It needs no lock that could fail, and no map of a kind that a syscall
 * program may not use (up to v6.8, BPF_MAP_TYPE_QUEUE).
 */
struct later_note {
	u64 seq; /* its number, plus 1, when the rest is there */
	u64 a;
	u32 b;
	u32 kind;
};

#define LATER_ROOM 32768
#define LATER_SPARE 1024 /* more CPUs than that do not add at the same time */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LATER_ROOM);
	__type(key, u32);
	__type(value, struct later_note);
} later SEC(".maps");

u64 later_tail; /* numbers given out; atomic adds */
u64 later_head; /* notes that the timer has taken; it alone writes */
/*
 * 1: the timer is set, or about to be. From 0 by compare-and-exchange; to 0 by the timer, which
 * looks again then.
 */
u32 later_on;

static __always_inline u64 later_open(void)
{
	return READ_ONCE(later_tail) - READ_ONCE(later_head);
}

/*
 * This may be done anywhere, by a kprobe and by timers, too. To start the timer may not: a kprobe
 * may use no map with timers, and the verifier would follow the timer into itself. So that is done
 * at the end of what can leave something here and is not one of these (later_look()): birth,
 * release, a tether's timer, the watch, task_free.
 *
 * -E2BIG: no room, which is for the caller to count: the call stack of the verifier has room for 8
 * functions, and from here no further call fits.
 */
static __noinline int later_note(u32 kind, u64 a, u32 b)
{
	struct later_note *note;
	u64 n;
	u32 at;

	if (later_open() >= LATER_ROOM - LATER_SPARE)
		return -E2BIG;
	n = __sync_fetch_and_add(&later_tail, 1);
	at = n & (LATER_ROOM - 1);
	note = bpf_map_lookup_elem(&later, &at);
	if (!note)
		return -ENOENT; /* cannot be: there is one for each number below LATER_ROOM */
	note->a = a;
	note->b = b;
	note->kind = kind;
	__sync_lock_test_and_set(&note->seq, n + 1); /* after the rest; pairs with later_one() */
	return 0;
}

/*
 * The address @p as a number: the verifier lets nobody mark a pointer that it knows as one. A read
 * by a helper forgets what it was.
 */
static __always_inline u64 address(u64 p)
{
	u64 n = 0;

	bpf_probe_read_kernel(&n, sizeof(n), &p);
	return n;
}

/* The delete of what @kind, @a and @b name has failed with @err, and is counted as @what. */
static __always_inline int later_add(u32 kind, u64 a, u32 b, u32 what, int err)
{
	failure_count(what, err);
	err = later_note(kind, a, b);
	if (err)
		failure_count(FAIL_LATER, err);
	return err;
}

#endif /* AUTOKILL_LATER_BPF_H */
