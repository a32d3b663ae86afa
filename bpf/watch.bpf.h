/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch.bpf.h - the tie of a file and its end; and the watch, which makes up for a skipped release
 *
 * Where the release is a tracing program, the kernel skips it while another task is preempted in it on the
 * same CPU. A kprobe runs with preemption disabled, from before it is counted as active
 * (kprobe_ftrace_handler(), trace_call_bpf()), so no preempted peer keeps it from running: it is skipped
 * only where a bpf() system call on a map is preempted halfway (bpf_prog_active). But it may not use a map
 * with timers (is_tracing_prog_type()), and so not maps/tethers. Therefore:
 *
 *   release_kp  (file_going)   notes in maps/files that the file goes, and who its child was; and in the
 *                              queue `gone` that it has noted it
 *   release     (file_take)    the same call's other program handles it, nearly always, at once
 *   watch_tick  (timer)        goes through the queue, and releases what was noted and left
 *
 * So the watch looks at what was noted, and at nothing else, however many tethers there are: a walk over 200,000
 * elements had kept the CPU for 46 ms.
 *
 * Who may do what is said by tied_file.word, the address of the file and a mark:
 *
 *   file               tied
 *   file | FILE_GOING  the kprobe is noting                     from 0 marks, by the kprobe
 *   file | FILE_GONE   noted                                   by the kprobe; start_time is written before
 *   file | FILE_LEFT   dealt with, but its delete failed       by whoever has taken it
 *   0                  taken                                   by release, watch, tie, make-up or the timer of again.bpf.h
 *
 * Every step is a compare-and-exchange, a full barrier, that expects the address: so whoever holds a pointer
 * to an element that was deleted, and is another file's by now, changes nothing. Whoever brings it to 0 owns
 * the element, handles the release and deletes it; nobody else deletes. The kprobe and the release
 * of one file are run by one task, one after the other, in whichever order: if release was first, the
 * kprobe finds no element. For 20 ms release has its time; if it is preempted for longer it finds its work done.
 *
 * A new file can get the address before the watch was there. If it is tied, tether_tie() finds and takes the
 * old element; if the watch has just taken it, and not deleted it yet, tether_tie() fails, and the tie
 * is made up by born. If it is not tied, its release takes the element.
 */
#ifndef AUTOKILL_WATCH_BPF_H
#define AUTOKILL_WATCH_BPF_H

#define WATCH_MS 20
#define WATCH_MOST 128 /* notes that the watch takes at a time */

#define FILE_GOING 1ULL
#define FILE_GONE 2ULL
#define FILE_LEFT 3ULL
#define FILE_MARKS 3ULL

/* 1: the kprobe is loaded. Set by the loader before load, as native_on. */
const volatile u32 watch_on SEC(".rodata.watch") = 0;

/* Elements of maps/files: raised before one is put there, lowered after it was deleted. Atomic adds. */
u64 files_open;
/*
 * What the kprobe has noted, in the order of time. The loader makes it as long as maps/files: of a file there is one
 * note, which stays for 20 ms. Written by the kprobe, read by the watch alone.
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

/* 1: a note did not get into the queue. The watch then goes through all files. Set by the kprobe, to 0 by the watch. */
u32 gone_lost;
/*
 * 1: the timer of the watch is set, or whoever has moved this is about to set it. By compare-and-exchange:
 * from 0 by a birth, or by a tick that has seen a birth; to 0 by the tick.
 */
u32 watching;

/* The mark that the element at @tied had when we took it; -ENOENT if it is not that of @file, or taken. */
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

/* The element at @tied, of which we own the word, goes. What is done with it is no less done if it cannot. */
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
		__sync_fetch_and_sub(&files_open, 1);
	}
	return err;
}

/* The new file at the address @file takes over what a former one has left there, for @tied. True: it has. */
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
 * The kprobe, before or after the release, in the same task: the last reference to @file went. The file still
 * holds its struct pid, so what is attached to that is the child.
 */
static __always_inline void file_going(const struct file *file)
{
	u64 key = (u64)file, start_time = 0;
	struct gone_note note = { .file = key };
	struct tied_file *tied = bpf_map_lookup_elem(&files, &key);
	struct task_struct *leader;
	int err;

	/* Another struct pid: an earlier file's, which went unseen. Nobody can say any more whose that was. */
	if (!tied || tied->pid_struct != file_pid(file))
		return;
	/* Else it is being taken back by tether_make_up(); or it is an earlier file's, noted and not taken yet. */
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

/*
 * The tether @id was released, and nobody has seen it in time: its struct pid may have gone with the file.
 * @noted: the kprobe says who the child was, by @start_time, or, by 0, that it was dead. Else it is what
 * born has written, and the timer finds out. The timer kills, too: a kill from here would not fit on
 * the BPF stack.
 */
static __noinline int release_unseen(u64 id, u64 start_time, bool noted)
{
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	u32 uid, members;

	if (!t || is_left(t))
		return 0; /* its clone failed, or the release came after all */
	if (__sync_val_compare_and_swap((u32 *)&t->d.state, TETHER_LIVE, TETHER_RELEASED) !=
		    TETHER_LIVE &&
	    !birth_ends(t, TETHER_RELEASED))
		return 0;
	uid = t->d.uid;
	t->d.released_at = bpf_ktime_get_boot_ns();
	t->d.looks = 0;
	COUNT(releases);
	COUNT(releases_made_up);
	if (t->d.scope == SCOPE_TREE) {
		members = READ_ONCE(t->d.holds) & ~HOLD_FILE;
		t->d.members = members;
		event_tether(members ? EVENT_RELEASED : EVENT_RELEASED_DEAD, t, 0);
		if (members) {
			timer_set(t, LOOK_FIRST_MS);
#ifdef AGENT
			return 0; /* the agent puts it, when it has killed: tree_wake() */
#endif
		} else {
			COUNT(released_dead);
		}
		hold_put(id, HOLD_FILE);
		return 0;
	}
	if (noted && !start_time) {
		event_tether(EVENT_RELEASED_DEAD, t, 0);
		if (tether_drop(id, uid, 0, 0))
			COUNT(released_dead);
		return 0;
	}
	if (noted)
		WRITE_ONCE(t->d.start_time, start_time); /* pairs with is_victim() */
	event_tether(EVENT_RELEASED, t, 0);
	timer_set(t, LOOK_FIRST_MS);
	return 0;
}

/* The release of @file was noted, and has had its time: if it is still there, it is for us. */
static __always_inline void watch_release(struct tied_file *tied, u64 file)
{
	u64 id, start_time;

	if (READ_ONCE(tied->word) != (file | FILE_GONE))
		return;
	/* Of this file, if we can take it. */
	id = tied->id;
	start_time = READ_ONCE(tied->start_time);
	if (file_take(tied, file) >= 0)
		release_unseen(id, start_time, true);
}

struct watched {
	u64 now;
	u32 more; /* 1: there is more to do now */
};

static int watch_note(u32 i, struct watched *w)
{
	struct tied_file *tied;
	struct gone_note note;

	w->more = 0;
	if (bpf_map_peek_elem(&gone, &note) || note.due > w->now)
		return 1;
	if (bpf_map_pop_elem(&gone, &note))
		return 1;
	w->more = 1;
	tied = bpf_map_lookup_elem(&files, &note.file);
	if (tied)
		watch_release(tied, note.file);
	return 0;
}

/* Where a note was lost. Release may be in the middle of its work then, and finds it done. */
static long watch_file(struct bpf_map *map, const u64 *key, struct tied_file *tied, void *ctx)
{
	watch_release(tied, READ_ONCE(tied->word) & ~FILE_MARKS);
	return 0;
}

struct watch {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct watch);
} watch SEC(".maps");

/* A tether that waits for its release is counted in one of the two, and in births_open first. */
static __always_inline bool watch_needed(void)
{
	u64 births = READ_ONCE(births_open);

	smp_mb();
	return births || READ_ONCE(files_open);
}

static int watch_tick(void *map, u32 *key, struct watch *w)
{
	struct watched done = { .now = bpf_ktime_get_ns() };
	u64 ms = WATCH_MS;
	int err;

	bpf_loop(WATCH_MOST, watch_note, &done, 0);
	if (done.more)
		ms = 1;
	if (READ_ONCE(gone_lost) && __sync_val_compare_and_swap(&gone_lost, 1, 0))
		bpf_for_each_map_elem(&files, watch_file, NULL, 0);
	later_look();
	if (!done.more && !watch_needed()) {
		/* Pairs with watch_start(): either we see the birth now, or it sees that we have stopped. */
		__sync_val_compare_and_swap(&watching, 1, 0);
		if (!watch_needed() || __sync_val_compare_and_swap(&watching, 0, 1))
			return 0;
	}
	err = bpf_timer_start(&w->timer, ms * NSEC_PER_MSEC, 0);
	if (err) {
		failure_count(FAIL_TIMER_START, err);
		WRITE_ONCE(watching, 0);
	}
	return 0;
}

/*
 * At birth, when births_open has been raised. What can fail is to make the timer, without memory, and that is
 * done once, at the canary's birth: load fails then. The next birth tries again.
 */
static __noinline int watch_start(void)
{
	struct watch *w;
	u32 zero = 0;
	int err;

	smp_mb(); /* births_open before watching, see watch_tick() */
	if (READ_ONCE(watching) || __sync_val_compare_and_swap(&watching, 0, 1))
		return 0;
	w = bpf_map_lookup_elem(&watch, &zero);
	if (!w)
		return 0;
	err = bpf_timer_init(&w->timer, &watch, CLOCK_MONOTONIC);
	if (!err || err == -EBUSY) /* EBUSY: made before */
		err = bpf_timer_set_callback(&w->timer, watch_tick);
	if (!err)
		err = bpf_timer_start(&w->timer, WATCH_MS * NSEC_PER_MSEC, 0);
	if (err) {
		failure_count(FAIL_TIMER_INIT, err);
		WRITE_ONCE(watching, 0);
	}
	return 0;
}

#endif /* AUTOKILL_WATCH_BPF_H */
