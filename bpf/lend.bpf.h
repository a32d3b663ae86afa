/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lend.bpf.h - task work in a task that has an mm, and so can signal
 *
 * The victim itself, the closer's parent, or init; group.bpf.h says in which order. The item of the
 * victim is in the tether; those of the others are in works.bpf.h.
 */
#ifndef AUTOKILL_LEND_BPF_H
#define AUTOKILL_LEND_BPF_H

#include "compat.bpf.h"
#include "events.bpf.h"
#include "maps.bpf.h"
#include "mutant.bpf.h"
#include "pid.bpf.h"
#include "sweep.bpf.h"
#include "tether.bpf.h"
#include "works.bpf.h"

/* Would task work run soon in @task, and could it signal from there? */
static __always_inline bool task_can_run(const struct task_struct *task)
{
	u32 state = READ_ONCE(task->__state);

	if (MUTANT(NO_REAIM))
		return true;
	return !(READ_ONCE(task->flags) & (PF_EXITING | PF_KTHREAD)) &&
	       (state == TASK_RUNNING || state & TASK_INTERRUPTIBLE);
}

/* Task work in the victim: signal the process that we are. */
static int victim_work(struct bpf_map *map, void *key, void *value)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct tether *t = value;
	int err;

	if (t->d.scope == SCOPE_TREE) {
		tree_work(t->d.id, KILLER_VICTIM, FAIL_SIGNAL_VICTIM);
		return 0;
	}
	if ((u32)cur->tgid != READ_ONCE(t->d.tgid) || !is_victim(cur->group_leader, t) ||
	    READ_ONCE(t->d.state) < TETHER_RELEASED)
		return 0;
	/*
	 * TETHER_KILLED, too: the timer asks only if no signal is on its way, whatever the state
	 * says.
	 */
	err = bpf_send_signal(SIGKILL);
	if (err)
		failure_count(FAIL_SIGNAL_VICTIM, err);
	else
		tether_killed(t, KILLER_VICTIM);
	return 0;
}

/* Task work in a lender: find the victim again and signal it. */
static int lender_work(struct bpf_map *map, void *key, void *value)
{
	struct work_key *wk = key;
	struct task_struct *leader;
	struct tether *t;
	u64 id = wk->id;
	u32 role = wk->role;
	bool alike;
	int err;

	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t)
		return 0;
	if (t->d.scope == SCOPE_TREE) {
		tree_work(id, role == WORK_INIT ? KILLER_INIT : KILLER_PARENT, FAIL_SIGNAL_LENDER);
		return 0;
	}
	if (READ_ONCE(t->d.state) < TETHER_RELEASED)
		return 0; /* TETHER_KILLED: as in victim_work() */
	if (MUTANT(REUSED_TETHER))
		mutant_waits();
	leader = bpf_task_from_pid(READ_ONCE(t->d.tgid));
	if (!leader)
		return 0;
	/*
	 * The tether may be gone since the look at its state, and the element be another's that
	 * lives: then what is_victim() compared was the other's. The id tells, if it is read last;
	 * it was written before anything else of the other's could be (tether_make()).
	 */
	alike = is_victim(leader, t);
	smp_mb();
	if (alike && is_tether(t, id)) {
		err = signal_group(leader);
		if (err)
			failure_count(FAIL_SIGNAL_LENDER, err);
		else
			tether_killed(t, role == WORK_INIT ? KILLER_INIT : KILLER_PARENT);
	}
	bpf_task_release(leader);
	return 0;
}

/* Ask a thread of the victim's that can run. Non-0: none did. */
static __noinline int lend_victim(struct tether *t, struct task_struct *leader)
{
	struct bpf_iter_task it;
	struct task_struct *thread, *target;
	int err = -ESRCH;

	if (!t || !leader)
		return -ESRCH;
	if (task_can_run(leader)) {
		err = task_work_schedule(leader, &t->work, &tethers, victim_work);
		if (err)
			failure_count(FAIL_LEND_VICTIM, err);
		return err;
	}
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, leader, BPF_TASK_ITER_PROC_THREADS);
	while ((thread = bpf_iter_task_next(&it))) {
		if (!task_can_run(thread))
			continue;
		target = bpf_task_acquire(thread);
		if (!target)
			continue;
		err = task_work_schedule(target, &t->work, &tethers, victim_work);
		bpf_task_release(target);
		if (err)
			failure_count(FAIL_LEND_VICTIM, err);
		break; /* one item: it is taken, or still pending elsewhere */
	}
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return err;
}

/* Ask the task with the pid @tid to kill for the tether @id. Non-0: it will not. */
static __noinline int lend(u64 id, u32 role, u32 tid)
{
	struct task_struct *lender;
	struct work *w;
	int err;

	if (!tid)
		return -ESRCH;
	w = work_get(id, role);
	if (!w)
		return -ENOMEM;
	lender = bpf_task_from_pid(tid);
	if (!lender)
		return -ESRCH;
	err = -EBUSY;
	if (task_can_run(lender)) {
		err = task_work_schedule(lender, &w->work, &works, lender_work);
		if (err)
			failure_count(role == WORK_INIT ? FAIL_LEND_INIT : FAIL_LEND_PARENT, err);
	}
	bpf_task_release(lender);
	return err;
}

#endif /* AUTOKILL_LEND_BPF_H */
