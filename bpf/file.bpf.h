/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file.bpf.h - a tied file and its end: who may do what with an element of maps/files
 *
 * tied_file.word says it. It is the address of the file and a mark:
 *
 *   file               tied
 *   file | FILE_GOING  the kprobe is noting; from 0 marks, by the kprobe
 *   file | FILE_GONE   noted, by the kprobe; start_time is written before
 *   file | FILE_LEFT   dealt with, but its delete failed; by whoever has taken it
 *   0                  taken, by the release, the watch, a tie, a make-up or again.bpf.h
 *
 * Every step is a compare-and-exchange, a full barrier, that expects the address. So whoever holds
 * a pointer to an element that was deleted, and is another file's by now, changes nothing. Whoever
 * brings it to 0 owns the element, handles the release and deletes it; nobody else deletes.
 *
 * The kprobe and the release of one file are run by one task, one after the other, in whichever
 * order: if release was first, the kprobe finds no element.
 */
#ifndef AUTOKILL_FILE_BPF_H
#define AUTOKILL_FILE_BPF_H

#include "events.bpf.h"
#include "later.bpf.h"
#include "maps.bpf.h"
#include "pid.bpf.h"

#define WATCH_MS 20
#define WATCH_MOST 128 /* notes that the watch takes at a time */

#define FILE_GOING 1ULL
#define FILE_GONE 2ULL
#define FILE_LEFT 3ULL
#define FILE_MARKS 3ULL

/*
 * Elements of maps/files: raised before one is put there, lowered after it was deleted. Atomic
 * adds.
 */
u64 n_tied;

/*
 * What the kprobe has noted, in the order of time. The loader makes it as long as maps/files: of a
 * file there is one note, which stays for 20 ms. Written by the kprobe, read by the watch alone.
 */
struct gone_note {
	u64 file; /* address */
	u64 due;  /* ns of CLOCK_MONOTONIC: from then on release has had its time */
};

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, struct gone_note);
} gone SEC(".maps");

/*
 * 1: a note did not get into the queue. The watch then goes through all files. Set by the kprobe,
 * to 0 by the watch.
 */
u32 gone_lost;

/*
 * The mark that the element at @tied had when we took it; -ENOENT if it is not that of @file, or
 * taken.
 */
static __always_inline int file_claim(struct tied_file *tied, u64 file)
{
	u64 word;

	/* Once for each change that the kprobe makes, and once more. */
	for (int i = 0; i < 3; i++) {
		word = READ_ONCE(tied->word);
		if ((word & ~FILE_MARKS) != file || (word & FILE_MARKS) == FILE_LEFT)
			return -ENOENT;
		if (__sync_val_compare_and_swap(&tied->word, word, 0) == word)
			return word & FILE_MARKS;
	}
	return -ENOENT;
}

/*
 * The element at @tied, of which we own the word, goes. What is done with it is no less done if it
 * cannot.
 */
static __noinline int file_forget(struct tied_file *tied, u64 file)
{
	int err;

	if (!tied)
		return 0;
	err = map_delete(&files, &file);
	if (err) {
		file = address(file);
		__sync_lock_test_and_set(&tied->word, file | FILE_LEFT);
		later_add(LATER_FILE, file, 0, FAIL_FILE_DELETE, err);
	} else {
		__sync_fetch_and_sub(&n_tied, 1);
	}
	return err;
}

/*
 * The new file at the address @file takes over what a former one has left there, for @tied. True:
 * it has.
 */
static __always_inline bool file_inherit(struct tied_file *old, u64 file,
					 const struct tied_file *tied)
{
	u64 left = address(file) | FILE_LEFT;

	if (__sync_val_compare_and_swap(&old->word, left, 0) != left)
		return false;
	old->id = tied->id;
	old->pid_struct = tied->pid_struct;
	old->start_time = 0;
	__sync_lock_test_and_set(&old->word, file); /* after the rest, and a full barrier */
	return true;
}

/* Whoever gets a mark, and not -ENOENT, handles the release of @file. */
static __always_inline int file_take(struct tied_file *tied, u64 file)
{
	int mark = file_claim(tied, file);

	if (mark >= 0)
		file_forget(tied, file);
	return mark;
}

/*
 * The kprobe, before or after the release, in the same task: the last reference to @file went. The
 * file still holds its struct pid, so what is attached to that is the child.
 */
static __always_inline void file_going(const struct file *file)
{
	u64 key = (u64)file, start_time = 0;
	struct gone_note note = { .file = key };
	struct tied_file *tied = bpf_map_lookup_elem(&files, &key);
	struct task_struct *leader;
	int err;

	/*
	 * Another struct pid: an earlier file's, which went unseen. Nobody can say any more whose
	 * that was.
	 */
	if (!tied || tied->pid_struct != file_pid(file))
		return;
	/*
	 * Else it is being taken back by tether_make_up(); or it is an earlier file's, noted and
	 * not taken yet.
	 */
	if (__sync_val_compare_and_swap(&tied->word, key, key | FILE_GOING) != key)
		return;
	leader = pid_task(tied->pid_struct, PIDTYPE_TGID);
	if (leader && BPF_CORE_READ(leader, signal, live.counter))
		start_time = BPF_CORE_READ(leader, start_boottime);
	WRITE_ONCE(tied->start_time, start_time);
	if (__sync_val_compare_and_swap(&tied->word, key | FILE_GOING, key | FILE_GONE) !=
	    (key | FILE_GOING))
		return; /* release was first: it has interrupted us */
	note.due = bpf_ktime_get_ns() + WATCH_MS * NSEC_PER_MSEC;
	err = bpf_map_push_elem(&gone, &note, 0);
	if (err) {
		failure_count(FAIL_FILE_NOTE, err);
		WRITE_ONCE(gone_lost, 1);
	}
}

#endif /* AUTOKILL_FILE_BPF_H */
