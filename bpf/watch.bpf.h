/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch.bpf.h - the watch, which makes up for a skipped release
 *
 * Where the release is a tracing program, the kernel skips it while another task is preempted in it
 * on the same CPU. A kprobe runs with preemption disabled, from before it is counted as active
 * (kprobe_ftrace_handler(), trace_call_bpf()). So no preempted peer keeps it from running: it is
 * skipped only where a bpf() system call on a map is preempted halfway (bpf_prog_active). But it
 * may not use a map with timers (is_tracing_prog_type()), and so not maps/tethers. Therefore:
 *
 *   release_kprobe (file_going)  notes in maps/files that the file goes, and who its child was; and
 *                                in the queue `gone` that it has noted it
 *   release        (file_take)   the same call's other program handles it, nearly always, at once
 *   watch_tick     (timer)       goes through the queue, and releases what was noted and left
 *
 * So the watch looks at what was noted, and at nothing else, however many tethers there are. A walk
 * over 200,000 elements had kept the CPU for 46 ms.
 *
 * Release has its time for 20 ms. If it is preempted for longer, it finds its work done.
 *
 * A new file can get the address before the watch was there. If it is tied, tether_tie() finds and
 * takes the old element. If the watch has just taken that, and not deleted it yet, tether_tie()
 * fails, and born makes up for the tie. If the new file is not tied, its release takes the element.
 */
#ifndef AUTOKILL_WATCH_BPF_H
#define AUTOKILL_WATCH_BPF_H

#include "again.bpf.h"
#include "events.bpf.h"
#include "file.bpf.h"
#include "maps.bpf.h"
#include "release.bpf.h"
#include "tether.bpf.h"

/* 1: the kprobe is loaded. Set by the loader before load, as clone3_on. */
const volatile u32 watch_on SEC(".rodata.watch") = 0;

/*
 * 1: the timer of the watch is set, or whoever has moved this is about to set it. By
 * compare-and-exchange: from 0 by a birth, or by a tick that has seen a birth; to 0 by the tick.
 */
u32 watching;

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

/* A tether that waits for its release is counted in one of the two, and in n_births first. */
static __always_inline bool watch_needed(void)
{
	u64 births = READ_ONCE(n_births);

	smp_mb();
	return births || READ_ONCE(n_tied);
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
		/*
		 * Pairs with watch_start(): either we see the birth now, or it sees that we have
		 * stopped.
		 */
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
 * At birth, when n_births has been raised. What can fail is to make the timer, without memory, and
 * that is done once, at the canary's birth: load fails then. The next birth tries again.
 */
static __noinline int watch_start(void)
{
	struct watch *w;
	u32 zero = 0;
	int err;

	smp_mb(); /* n_births before watching, see watch_tick() */
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
