/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * group.bpf.h - an attempt to kill what a released tether has, from wherever that works
 *
 * bpf_send_signal_task() wants a current task with an mm (nmi_uaccess_okay() on x86), which a
 * closer that exits has no more: exit_mm() comes before exit_files() in do_exit(). So, in order:
 *
 *   here     try it where we stand: the releaser, or whatever the timer interrupted
 *   victim   task work in a thread of the victim's that can run, which signals itself
 *   parent   task work in the closer's parent, if it can run; it is about to get SIGCHLD anyway
 *   init     task work in PID 1
 *
 * Task work wakes only a task that runs or sleeps interruptibly. A victim that is stopped, traced,
 * in vfork() or in another killable sleep would stay, a parent in such a state would never lend
 * itself; hence task_can_run(). And that can be wrong a moment later, task work can be lost
 * after the call returned 0 (it is queued from irq_work, and the task may exit by then). Hence the
 * timer: it looks again, 2 ms after release and then half as often each time, until the count
 * of live threads that the kernel itself keeps (signal_struct.live) is 0, and each look that finds
 * the signal not accepted starts one role further down. One item a role: a lender that is stuck
 * with its item (EBUSY) keeps nobody else from lending.
 *
 * Once send_signal has accepted a SIGKILL, the group is in SIGNAL_GROUP_EXIT: no thread of it
 * returns to user mode, and none can be added (copy_process() fails with a fatal signal pending).
 */
#ifndef AUTOKILL_GROUP_BPF_H
#define AUTOKILL_GROUP_BPF_H

#include "events.bpf.h"
#include "lend.bpf.h"
#include "maps.bpf.h"
#include "mutant.bpf.h"
#include "pid.bpf.h"
#include "sweep.bpf.h"
#include "tether.bpf.h"
#include "works.bpf.h"

#define KILLER_HOLDS 0

#define TIMER_SLOTS 64	 /* a softirq must be short */
#define TREE_LOOK_MS 16	 /* from look to look while somebody has no signal yet */
#define SURE_LOOK_MS 256 /* from when on to sweep although all have their signal */

/*
 * One attempt on the victim of @t, whose leader is @leader. @id is the caller's copy of t->d.id:
 * what runs on after a signal was accepted must not rely on the element.
 */
static __always_inline void kill_try(u64 id, struct tether *t, struct task_struct *leader, u32 here)
{
	u32 looks = t->d.looks;
	int err = signal_group(leader);

	if (!err) {
		tether_killed(t, here);
		return;
	}
	if (err != -EPERM || bpf_get_current_task_btf()->mm)
		failure_count(FAIL_SIGNAL_HERE, err); /* without an mm it is how things are */
	if (MUTANT(NO_REAIM)) {
		lend(id, WORK_PARENT, t->d.lender);
		return;
	}
	if (MUTANT(REUSED_TETHER))
		looks++; /* more for the parent to do */
	if (looks == 0 && !lend_victim(t, leader))
		return;
	if (looks <= 1 && !lend(id, WORK_PARENT, t->d.lender))
		return;
	if (!lend(id, WORK_INIT, 1))
		return;
	/* Not even init: whoever can run by now. */
	if (lend_victim(t, leader))
		lend(id, WORK_PARENT, t->d.lender);
}

/* One attempt on the members of the tree @id. */
static __noinline int tree_kill(u64 id, u32 here)
{
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	struct task_struct *leader;
	u32 looks;
	int err = -ESRCH;

	if (!t)
		return 0;
	looks = t->d.looks;
	if (bpf_get_current_task_btf()->mm &&
	    (here != KILLER_TIMER || READ_ONCE(t->d.slots) <= TIMER_SLOTS) &&
	    tree_work(id, here, FAIL_SIGNAL_HERE) >= 0)
		return 0;
	if (looks == 0) {
		leader = bpf_task_from_pid(READ_ONCE(t->d.tgid));
		if (leader) {
			if (is_victim(leader, t))
				err = lend_victim(t, leader);
			bpf_task_release(leader);
			if (!err)
				return 0;
		}
	}
	if (looks <= 1 && !lend(id, WORK_PARENT, t->d.lender))
		return 0;
	if (!lend(id, WORK_INIT, 1))
		return 0;
	return lend(id, WORK_PARENT, t->d.lender);
}

static __always_inline void kill_again(u64 id, struct tether *t, struct task_struct *leader)
{
	kill_try(id, t, leader, KILLER_TIMER);
}

static __always_inline void kill_start(u64 id, u32 uid, struct tether *t)
{
	struct task_struct *leader;

	leader = leader_get(READ_ONCE(t->d.tgid));
	if (MUTANT(LEADER_PID))
		mutant_waits(); /* so that an exec fits in */
	/*
	 * The file holds its struct pid until after this hook, so the address cannot be another's:
	 * a group found by the number that has another struct pid is a stranger's, with a reused
	 * pid.
	 */
	if (leader && group_pid(leader) != READ_ONCE(t->d.pid_struct) && !MUTANT(NO_IDENTITY)) {
		bpf_task_release(leader);
		leader = NULL;
	}
	if (!leader || !leader->signal->live.counter) {
		if (leader)
			bpf_task_release(leader);
		released_dead(id, uid, t);
		return;
	}
	/* From here on the pair of tgid and start time is the identity, which outlives the file. */
	WRITE_ONCE(t->d.start_time, leader->start_boottime); /* pairs with is_victim() */
	event_tether(EVENT_RELEASED, t, 0);
	kill_try(id, t, leader, KILLER_HERE);
	bpf_task_release(leader);
	timer_set(t, LOOK_FIRST_MS);
}

/* Timer, after the release: is anybody left? Then sweep again, and look again later. */
static __always_inline void look_tree(struct tether *t)
{
	COUNT(looks);
	if (!(READ_ONCE(t->d.holds) & ~HOLD_FILE))
		return; /* whoever was the last takes it away */
	t->d.looks++;
	/*
	 * Once all have their signal there is no need to, and a sweep of a thousand that are
	 * dying would hold up their deaths. But to be sure, twice, if they take longer than usual.
	 */
	if (!MUTANT(NO_SECOND_SWEEP) &&
	    (READ_ONCE(t->d.state) == TETHER_RELEASED ||
	     (t->d.next_look_ms >= SURE_LOOK_MS && t->d.next_look_ms < LOOK_MOST_MS)))
		tree_kill(t->d.id, KILLER_TIMER);
	/* An unborn member may run soon. But not for ever: after 8 s it is something else. */
	if (READ_ONCE(t->d.state) == TETHER_RELEASED && t->d.next_look_ms >= TREE_LOOK_MS &&
	    bpf_ktime_get_boot_ns() - t->d.released_at < STUCK_AFTER_NS)
		t->d.next_look_ms = TREE_LOOK_MS / 2;
	look_later(t);
}

/* Timer, after release: see look_group() and look_tree(). */
static __always_inline bool kill_look(struct tether *t)
{
	if (t->d.scope != SCOPE_TREE)
		return true;
	look_tree(t);
	return false;
}

/* The members of the tree @id, which was just released: a first attempt, and a look soon. */
static __always_inline void kill_tree(u64 id, struct tether *t)
{
	tree_kill(id, KILLER_HERE);
	timer_set(t, LOOK_FIRST_MS);
}

/* Task work can always be lent: nothing has to be ready, and no victim runs into its own death. */
static __always_inline bool kill_ready(void)
{
	return true;
}

static __always_inline int kill_at_clone(void)
{
	return 0;
}

static __always_inline int kill_at_exec(void)
{
	return 0;
}

#endif /* AUTOKILL_GROUP_BPF_H */
