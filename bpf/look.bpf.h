/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * look.bpf.h - the one timer of a tether, and what it looks for
 *
 * In BIRTH: a tie that was skipped. After the release: is the group gone? If not, is its SIGKILL on
 * its way? After the end: a delete that failed. In LIVE it is put off.
 */
#ifndef AUTOKILL_LOOK_BPF_H
#define AUTOKILL_LOOK_BPF_H

#include "again.bpf.h"
#include "events.bpf.h"
#include "killer.bpf.h"
#include "later.bpf.h"
#include "maps.bpf.h"
#include "pid.bpf.h"
#include "record.bpf.h"
#include "tether.bpf.h"
#include "tie.bpf.h"

/* Timer, after release: is the group gone? Else, is the signal on its way? Look again later. */
static __always_inline void look_group(struct tether *t)
{
	u64 id = t->d.id;
	u32 uid = t->d.uid;
	struct task_struct *leader = leader_get(READ_ONCE(t->d.tgid));
	bool gone = true;

	COUNT(looks);
	if (leader) {
		if (is_victim(leader, t) && leader->signal->live.counter > 0) {
			gone = false;
			t->d.looks++;
			/*
			 * A group that dumps core is in SIGNAL_GROUP_EXIT before our SIGKILL, too,
			 * but only a SIGKILL ends the dump (kernel/signal.c, complete_signal()): so
			 * the flag alone is no sign that it was accepted, but its absence is one
			 * that it was not, whatever the state says.
			 */
			if (READ_ONCE(t->d.state) == TETHER_RELEASED ||
			    !(READ_ONCE(leader->signal->flags) & SIGNAL_GROUP_EXIT))
				kill_again(id, t, leader);
		}
		bpf_task_release(leader);
	}
	if (gone) {
		event_tether(EVENT_GONE, t, 0);
		if (tether_drop(id, uid, READ_ONCE(t->d.tgid), READ_ONCE(t->d.start_time)))
			COUNT(gone);
		return;
	}
	look_later(t);
}

/*
 * The creator of @t, for a look at its descriptors from the timer; NULL if it has gone. It has
 * armed, and so has a record, which goes before its task_struct does; the number tells it from a
 * new owner of the address who has armed, too.
 */
static __always_inline struct task_struct *creator_find(const struct tether *t)
{
	struct task_struct *creator = (struct task_struct *)t->d.creator_task;

	if (!task_record(creator) || (u32)BPF_CORE_READ(creator, pid) != t->d.creator_tid)
		return NULL;
	return creator;
}

/* Timer, before the tie: has the clone come through without it? */
static __always_inline void look_birth(struct tether *t)
{
	struct task_struct *child = (struct task_struct *)t->d.task;
	struct autokill_task *rec;
	u64 pid;

	/*
	 * The task_struct may be gone and be another's by now, so the record decides: it goes at
	 * task_free, before the memory is free, and a new owner's names another tether, or none.
	 * Until the clone is through, no task is attached to its pid.
	 */
	rec = task_record(child);
	if (!rec || rec->tether != t->d.id) {
		timer_set(t, BIRTH_LOOK_MS); /* task_free is just taking it back */
		return;
	}
	pid = (u64)BPF_CORE_READ(child, thread_pid);
	/*
	 * The clone may be just between making the child visible and fd_install(), and the creator
	 * have to wait long for the CPU. To wait for it is safe: a pidfd of the child that is
	 * released meanwhile is taken for the release of the tether.
	 */
	if (pid && pid_task(pid, PIDTYPE_PID) == child && t->d.looks++)
		tether_untied(t, child, creator_find(t), t->d.looks < BIRTH_LOOKS);
	else
		timer_set(t, BIRTH_LOOK_MS);
}

/* Timer, after the end of @t, whose delete has failed. */
static __always_inline void tether_delete_again(struct tether *t)
{
	u64 id = t->d.id & ~TETHER_LEFT, start_time = t->d.start_time;
	u32 uid = t->d.uid, tgid = t->d.tgid;
	int err = map_delete(&tethers, &id);

	if (!err) {
		tether_ended(id, uid, tgid, start_time);
	} else if (err != -ENOENT) {
		failure_count(FAIL_TETHER_DELETE, err);
		timer_set(t, LATER_AGAIN_MS);
	}
}

/* The one timer of a tether. It runs in softirq context, never twice at a time for one tether. */
static int look(void *map, u64 *key, struct tether *t)
{
	if (is_left(t)) {
		tether_delete_again(t);
		later_look();
		return 0;
	}
	switch (READ_ONCE(t->d.state)) {
	case TETHER_BIRTH:
		look_birth(t);
		break;
	case TETHER_RELEASED:
	case TETHER_KILLED:
		if (kill_look(t))
			look_group(t);
		break;
	default:
		break;
	}
	later_look();
	return 0;
}

/*
 * The timer is part of the tether: without it neither a skipped tie nor a lost signal is noticed.
 */
static __always_inline int timer_prepare(struct tether *t)
{
	int err = bpf_timer_init(&t->timer, &tethers, CLOCK_MONOTONIC);

	if (!err)
		err = bpf_timer_set_callback(&t->timer, look);
	if (err) {
		failure_count(FAIL_TIMER_INIT, err);
		return err;
	}
	return timer_set(t, BIRTH_LOOK_MS);
}

#endif /* AUTOKILL_LOOK_BPF_H */
