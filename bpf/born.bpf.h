/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * born.bpf.h - a clone is done, or failed; and the end of a task
 *
 * A clone that fails after birth is seen at task_free of the task that never lived, or, where that
 * was skipped, when copy_process() returns. A record is taken back by
 * record_end(); only a birth that fails before its task has been counted drops its own.
 */
#ifndef AUTOKILL_BORN_BPF_H
#define AUTOKILL_BORN_BPF_H

#include "again.bpf.h"
#include "arm.bpf.h"
#include "clone3.bpf.h"
#include "events.bpf.h"
#include "killer.bpf.h"
#include "maps.bpf.h"
#include "mutant.bpf.h"
#include "pid.bpf.h"
#include "record.bpf.h"
#include "tether.bpf.h"
#include "tie.bpf.h"
#include "tree.bpf.h"

/* The clone of @task, which was to be tethered by @id, failed after birth. In the creator. */
static __always_inline void tether_unbirth(u64 id, u64 task)
{
	struct autokill_task *rec = task_record(bpf_get_current_task_btf());
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	u32 uid;

	if (MUTANT(REQUEST_PENDING))
		return;
	if (rec && rec->newborn == task) {
		rec->newborn = 0;
		rec->newborn_id = 0;
	}
	if (rec && rec->asked_id == id)
		rec->asked = AUTOKILL_ASK_FAILED;
	if (!t)
		return;
	uid = t->d.uid;
	COUNT(clones_failed);
	if (event_allowed(uid, EVENT_CLONE_FAILED))
		event_tether(EVENT_CLONE_FAILED, t, 0);
	tether_take_back(t);
	/* A file that was tied already is put later; its entry goes then, and finds no tether. */
	tether_drop(id, uid, 0, 0);
}

/*
 * @task is no more, or its clone failed: it leaves its trees, and its record @rec, which counts
 * @share_units against @uid, goes. @rec may be NULL: somebody else was first.
 */
static __always_inline void record_end(struct autokill_task *rec, struct task_struct *task, u32 uid,
				       u32 share_units)
{
	if (rec && rec->depth)
		tree_leave(rec);
	task_record_drop((u64)task, uid, share_units);
}

/*
 * What is recorded of @task's address belongs to a former owner, whose task_free was skipped. It is
 * dead.
 */
static __noinline int record_reclaim(struct task_struct *task)
{
	struct autokill_task *rec = task_record(task);
	struct tether *t;
	u32 uid, share_units;
	u64 id;

	if (!rec)
		return 0;
	uid = rec->uid;
	share_units = rec->share_units;
	id = rec->tether;
	clone3_state(rec, 0);
	t = id ? bpf_map_lookup_elem(&tethers, &id) : NULL;
	/* Its clone failed, or it came and went before its tie: nobody else would end that. */
	if (t && READ_ONCE(t->d.state) == TETHER_BIRTH)
		tether_unbirth(id, (u64)task);
	record_end(task_record(task), task, uid, share_units);
	return 0;
}

/*
 * The clone failed, and the task that it was to make, @task, is still marked: task_free was not
 * seen. Without BPF LSM it can be skipped, and is not called at all when a program of somebody
 * else's on fmod_ret/security_task_alloc refuses after ours. The mark can also be of an earlier
 * clone, whose born was skipped: no pid leads to a task whose clone failed, and it never exits.
 * @id: its tether, by the mark.
 */
static __noinline int newborn_lost(struct task_struct *task, u64 id)
{
	struct autokill_task *rec = task_record(task);
	u32 uid, share_units;

	if (!rec || rec->tether != id)
		return 0;
	uid = rec->uid;
	share_units = rec->share_units;
	/*
	 * In this order: who has lived has an exit_state before its pid leads to it no more
	 * (release_task()).
	 */
	if (pid_task((u64)BPF_CORE_READ(task, thread_pid), PIDTYPE_PID) == task)
		return 0;
	if (BPF_CORE_READ(task, exit_state) && !MUTANT(NEWBORN_LIVED))
		return 0; /* task_free, and what it guards, are still to come */
	if (id)
		tether_unbirth(id, (u64)task);
	record_end(task_record(task), task, uid, share_units);
	return 0;
}

/* fexit of copy_process, in the creator. @child is an error pointer if the clone failed. */
static __always_inline void tether_born(struct kernel_clone_args *args, struct task_struct *child)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct autokill_task *rec = task_record(cur);
	struct tether *t;
	u64 flags, id;

	if (!rec)
		return;
	if (clone3_on && rec->clone3 & CLONE3_OPEN && !MUTANT(NATIVE_ONE_OUT))
		clone3_leave(IS_ERR_VALUE(child));
	if (IS_ERR_VALUE(child)) {
		/*
		 * Failed before task_alloc got to use the request up (RLIMIT_NPROC, memory). But
		 * with a signal pending copy_process() gives up at once, and the kernel makes the
		 * same call again: then the request stands.
		 */
		flags = args->flags;
		if ((long)child != -ERESTARTNOINTR && rec->armed && flags & CLONE_PIDFD &&
		    !(flags & CLONE_THREAD) &&
		    (!rec->arm_addr || rec->arm_addr == (u64)args->pidfd))
			arm_lapse(rec, AUTOKILL_ASK_FAILED);
		if (rec->newborn)
			newborn_lost((struct task_struct *)rec->newborn, rec->newborn_id);
		return;
	}
	if (MUTANT(NEWBORN_LIVED))
		return; /* as if both copies were skipped when a clone comes through */
	if (rec->newborn != (u64)child)
		return; /* it is in no tether, or the other copy has been here */
	if (rec->depth)
		kill_newborn_member(child);
	id = rec->newborn_id;
	rec->newborn = 0;
	rec->newborn_id = 0;
	t = id ? bpf_map_lookup_elem(&tethers, &id) : NULL;
	if (!t)
		return;
	if (READ_ONCE(t->d.state) != TETHER_BIRTH) {
		/*
		 * Else the mark is of an earlier owner of the address, both copies of born and then
		 * birth having been skipped.
		 */
		if (READ_ONCE(t->d.tgid) == (u32)child->tgid)
			WRITE_ONCE(t->d.start_time, child->start_boottime);
		return;
	}
	WRITE_ONCE(t->d.start_time, child->start_boottime);
	tether_untied(t, child, cur, false);
}

/*
 * @task, which the clone of the tether @id made, has lived and died. A tether that is still at
 * birth then, all programs that tie having been skipped, has nobody left to guard; a tied one goes
 * with its file. But exec by another thread takes the group over, and it lives on (de_thread(),
 * fs/exec.c).
 */
static __always_inline void tether_outlived(u64 id, const struct task_struct *task)
{
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	u32 uid;

	if (!t || READ_ONCE(t->d.state) != TETHER_BIRTH)
		return;
	/* What a tree's child has started may live, and nobody can say when to kill it: so now. */
	if (t->d.scope == SCOPE_TREE || BPF_CORE_READ(task, signal, live.counter)) {
		untied_kill(t, (u64)BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]),
			    BPF_CORE_READ(task, tgid));
		return;
	}
	uid = t->d.uid;
	if (!tether_leave_birth(t, TETHER_TAKEN_BACK))
		return;
	COUNT(releases);
	COUNT(released_dead);
	event_tether(EVENT_RELEASED_DEAD, t, 0);
	tether_drop(id, uid, 0, 0);
}

/* task_free: the last reference to @task went, or its clone failed. */
static __always_inline void task_freed(struct task_struct *task)
{
	struct autokill_task *rec = task_record(task);
	u32 uid, share_units;
	u64 id;

	if (!rec)
		return;
	uid = rec->uid;
	share_units = rec->share_units;
	id = rec->tether;
	clone3_state(rec, 0);
	/* Every task that has lived went through exit_notify(), which sets exit_state. */
	if (id && !task->exit_state)
		tether_unbirth(id, (u64)task);
	else if (id && READ_ONCE(n_births))
		tether_outlived(id, task);
	if (rec->depth && !rec->left && task->exit_state)
		COUNT(exits_made_up);
	record_end(rec, task, uid, share_units);
	later_look();
}

#endif /* AUTOKILL_BORN_BPF_H */
