/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sweep.bpf.h - SIGKILL to every member of a released tree, from wherever that works
 *
 * tree.bpf.h says why nobody escapes; group.bpf.h, who can signal from where. A sweep costs in
 * proportion to the members of its own tree, whoever else there is on the machine. It runs in the
 * releaser, if that has an mm; else by task work in the tether's child, the closer's parent or
 * init. The timer only looks whether anybody is left, and asks for another sweep. It sweeps by
 * itself only where that is short.
 */
#ifndef AUTOKILL_SWEEP_BPF_H
#define AUTOKILL_SWEEP_BPF_H

#include "events.bpf.h"
#include "maps.bpf.h"
#include "mutant.bpf.h"
#include "record.bpf.h"
#include "tether.bpf.h"
#include "tree.bpf.h"

struct sweep {
	u64 id;
	u32 depth;
	u32 signalled; /* thread groups that got SIGKILL */
	u32 unborn;    /* members whose clone is not through */
	int err;       /* the last that a signal failed with */
};

/* SIGKILL to the group of @task, if it needs one. 1: sent; 0: not needed; or a negative errno. */
static __always_inline int sweep_task(struct task_struct *task)
{
	int err;

	if (!task || READ_ONCE(task->flags) & PF_EXITING)
		return 0;
	/* A group that dumps core has the flag, too, and goes on until a SIGKILL comes. */
	if (READ_ONCE(task->signal->flags) & SIGNAL_GROUP_EXIT && !task->signal->core_state)
		return 0;
	err = bpf_send_signal_task(task, SIGKILL, PIDTYPE_TGID, 0);
	return err ?: 1;
}

static int sweep_slot(u32 slot, struct sweep *s)
{
	struct autokill_member_key key = { .id = s->id, .slot = slot };
	struct autokill_member *member = bpf_map_lookup_elem(&members, &key);
	struct task_struct *task;
	struct autokill_task *rec;
	u64 addr;
	int ret;

	if (!member)
		return 0;
	if (MUTANT_SLOW)
		mutant_sweeps_slowly();
	addr = READ_ONCE(member->task);
	if (addr & AUTOKILL_LEFT)
		return 0; /* it has exited, and the slot is being emptied */
	task = bpf_task_from_pid(BPF_CORE_READ((struct task_struct *)addr, pid));
	if (task && (u64)task != addr) {
		bpf_task_release(task);
		task = NULL;
	}
	/*
	 * The entry may have been another's by the time it was read. The record decides, and while
	 * we hold the task, its record cannot go: task_free comes after the last reference.
	 */
	rec = bpf_map_lookup_elem(&tasks, &addr);
	if (rec && rec->task == addr && rec->path[s->depth & (AUTOKILL_DEPTH - 1)] == s->id) {
		if (!task) {
			/* No pid leads to it: not yet, or no more, or just now (de_thread()). */
			s->unborn += !READ_ONCE(rec->left);
		} else {
			ret = sweep_task(task);
			if (ret < 0)
				s->err = ret;
			else
				s->signalled += ret;
		}
	}
	if (task)
		bpf_task_release(task);
	return 0;
}

/* Return: how many members are unborn, or a negative errno if somebody could not be signalled. */
__noinline int tree_sweep(u64 id)
{
	struct sweep s = { .id = id };
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	struct autokill_stats *stats = stats_get();

	if (!t || !stats)
		return -ENOENT;
	s.depth = t->d.depth;
	/*
	 * After the mark, see tree.bpf.h: a slot beyond this belongs to a look that saw the mark.
	 */
	bpf_loop(READ_ONCE(t->d.slots), sweep_slot, &s, 0);
	__sync_fetch_and_add(&t->d.sweeps, 1);
	__sync_fetch_and_add(&t->d.signalled, s.signalled);
	__sync_fetch_and_add(&stats->sweeps, 1);
	__sync_fetch_and_add(&stats->signalled, s.signalled);
	__sync_fetch_and_add(&stats->unborn, s.unborn);
	if (s.err)
		return s.err;
	return s.unborn;
}

/* Sweep from here, and say so when all have their signal. @what counts a failure. */
static __noinline int tree_work(u64 id, u32 killer, u32 what)
{
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	int ret;

	if (!t || READ_ONCE(t->d.state) < TETHER_RELEASED)
		return 0;
	ret = tree_sweep(id);
	/* Meanwhile the last one may have gone, and the element be another's. */
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t)
		return 0;
	if (MUTANT(NO_SECOND_SWEEP))
		ret = 0;
	if (ret < 0)
		failure_count(what, ret);
	else if (!ret)
		tether_killed(t, killer);
	return ret;
}

/* fexit of copy_process, in the creator: SIGKILL to @child, which is visible by now. */
static __noinline int kill_newborn(struct task_struct *child)
{
	struct task_struct *task;
	u64 addr;
	int ret;

	if (!child)
		return 0;
	task = bpf_task_from_pid(BPF_CORE_READ(child, pid));
	if (!task)
		return 0;
	/* Else clang would go on with @child, being equal, which the verifier does not trust. */
	addr = (u64)task;
	barrier_var(addr);
	if (addr == (u64)child) {
		ret = sweep_task(task);
		if (ret < 0)
			failure_count(FAIL_SIGNAL_HERE, ret);
	}
	bpf_task_release(task);
	return 0;
}

/* fexit of copy_process, in the creator: the look after the child is visible. */
static __always_inline void kill_newborn_member(struct task_struct *child)
{
	if (tree_marked(task_record(child)))
		kill_newborn(child);
}

#endif /* AUTOKILL_SWEEP_BPF_H */
