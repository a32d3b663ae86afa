/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent_sweep.bpf.h - what the agent asks: members of a released tree, and the process of a pidfd
 */
#ifndef AUTOKILL_AGENT_SWEEP_BPF_H
#define AUTOKILL_AGENT_SWEEP_BPF_H

#include "events.bpf.h"
#include "maps.bpf.h"
#include "mutant.bpf.h"
#include "pid.bpf.h"

/*
 * The processes that a sweep of a tree found, or those that the agent asks for. Written by
 * autokill_sweep and autokill_identity, which nobody runs but the agent, and by the agent before it
 * runs the latter; read by the agent when the program has returned.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, AUTOKILL_SWEEP_SLOTS);
	__type(key, u32);
	__type(value, struct autokill_identity);
} found SEC(".maps");

struct sweep {
	u64 id;
	u32 depth;
	u32 from;
	u32 found;
	u32 unborn;
};

/*
 * Is @task, which has a slot in the tree of @s, to be signalled? Then its group's identity is in
 * @who. The task_struct may go at any moment, and be another's: so the record is asked before and
 * after. It goes before the task_struct does, and a stranger's never has the id of this tree.
 */
static __always_inline bool sweep_task(struct sweep *s, u64 addr, struct autokill_identity *who)
{
	struct autokill_task *rec = bpf_map_lookup_elem(&tasks, &addr);
	struct task_struct *task = (struct task_struct *)addr;

	if (!rec || rec->task != addr || READ_ONCE(rec->left) ||
	    rec->path[s->depth & (AUTOKILL_DEPTH - 1)] != s->id)
		return false;
	/*
	 * Not visible yet: what it has of an identity is its creator's, copied. Or it is just
	 * taking its leader's place (de_thread()). The next sweep will tell.
	 */
	if (pid_task((u64)BPF_CORE_READ(task, thread_pid), PIDTYPE_PID) != task) {
		s->unborn++;
		return false;
	}
	/* A group that dumps core has the flag, too, and goes on until a SIGKILL comes. */
	if (BPF_CORE_READ(task, flags) & PF_EXITING ||
	    (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT &&
	     !BPF_CORE_READ(task, signal, core_state)))
		return false;
	who->tgid = BPF_CORE_READ(task, tgid);
	who->start_time = BPF_CORE_READ(task, group_leader, start_boottime);
	smp_mb();
	rec = bpf_map_lookup_elem(&tasks, &addr);
	return rec && rec->task == addr && rec->path[s->depth & (AUTOKILL_DEPTH - 1)] == s->id;
}

static int sweep_slot(u32 i, struct sweep *s)
{
	struct autokill_member_key key = { .id = s->id, .slot = s->from + i };
	struct autokill_member *member = bpf_map_lookup_elem(&members, &key);
	struct autokill_identity who = {}, *slot;
	u32 at = s->found;

	if (!member)
		return 0;
	if (MUTANT_SLOW)
		mutant_sweeps_slowly();
	if (!sweep_task(s, READ_ONCE(member->task), &who))
		return 0;
	slot = bpf_map_lookup_elem(&found, &at);
	if (!slot)
		return 0; /* cannot be: there is an element for each slot that we look at */
	*slot = who;
	s->found++;
	return 0;
}

/* What the agent asks, see struct autokill_sweep. 0, -ENOENT (no such tether), -EINVAL. */
static __always_inline int tree_sweep(struct autokill_sweep *ask)
{
	struct sweep s = { .id = ask->id, .from = ask->from };
	struct tether *t = bpf_map_lookup_elem(&tethers, &s.id);
	struct autokill_stats *stats = stats_get();
	u32 slots, n;

	if (!t || !stats)
		return -ENOENT;
	if (t->d.scope != SCOPE_TREE || READ_ONCE(t->d.state) < TETHER_RELEASED)
		return -EINVAL;
	s.depth = t->d.depth;
	/*
	 * After the mark, see tree.bpf.h: a slot beyond this belongs to a look that saw the mark.
	 */
	slots = READ_ONCE(t->d.slots);
	n = s.from < slots ? slots - s.from : 0;
	if (n > AUTOKILL_SWEEP_SLOTS)
		n = AUTOKILL_SWEEP_SLOTS;
	bpf_loop(n, sweep_slot, &s, 0);
	__sync_fetch_and_add(&stats->unborn, s.unborn);
	ask->found = s.found;
	ask->unborn = s.unborn;
	ask->from = s.from + n < slots ? s.from + n : 0;
	return 0;
}

/*
 * Who is the process of the struct pid @pid? Nobody is 0; -EAGAIN: it changed under our eyes each
 * time.
 *
 * The caller has a pidfd of it, which holds it, so it is no other process's meanwhile, and whoever
 * is attached to it leads the same group. But a syscall program may sleep, and what keeps
 * task_structs for it, bpf_rcu_read_lock(), is of 6.2: the leader that we find may go, and its
 * memory be another's. So look until the same one is attached, with the same start time, twice in
 * succession. Then it was attached all the time in between, and led the group when the first start
 * time was read. If it went meanwhile and is back (its memory is that of a new thread, which then
 * execs), it has the group's start time again, for de_thread() (fs/exec.c) copies it before it
 * attaches; what was read in between is another's, and not the same.
 *
 * While somebody is attached, there is no moment without: de_thread() replaces in one step. So
 * nobody is nobody.
 */
#define IDENTITY_LOOKS 8

static __always_inline int identity_read(u64 pid, struct autokill_identity *who)
{
	struct task_struct *leader, *before = NULL;
	u64 start_time, start_before = 0;

	for (int i = 0; i < IDENTITY_LOOKS; i++) {
		leader = pid_task(pid, PIDTYPE_TGID);
		if (!leader)
			return 0;
		start_time = BPF_CORE_READ(leader, start_boottime);
		if (leader == before && start_time == start_before) {
			who->start_time = start_time;
			who->tgid = BPF_CORE_READ((const struct pid *)pid, numbers[0].nr);
			return 0;
		}
		before = leader;
		start_before = start_time;
		smp_mb();
	}
	return -EAGAIN;
}

struct identify {
	u64 fds; /* the agent's */
	u32 max; /* how many there can be */
	int err;
};

static int identity_look(u32 i, struct identify *s)
{
	struct autokill_identity *who = bpf_map_lookup_elem(&found, &i);
	struct file *file;
	int pidfd;

	if (!who)
		return 1;
	who->start_time = 0;
	who->tgid = 0;
	pidfd = who->pidfd;
	if (pidfd < 0)
		return 0;
	file = (u32)pidfd < s->max ? fd_pidfd(s->fds, pidfd) : NULL;
	s->err = file ? identity_read(file_pid(file), who) : -EBADF;
	return s->err != 0;
}

/*
 * What the agent asks, see struct autokill_identify. It is the current task, has one thread, and so
 * nobody else changes its descriptors. 0; -EBADF: one is not a pidfd; -EAGAIN: somebody cannot be
 * told, or no pidfd was ever tied, so that we do not know one when we see it.
 */
static __always_inline int identities(const struct autokill_identify *ask)
{
	struct fdtable *fdt = BPF_CORE_READ(bpf_get_current_task_btf(), files, fdt);
	struct identify s = {
		.fds = (u64)BPF_CORE_READ(fdt, fd),
		.max = BPF_CORE_READ(fdt, max_fds),
	};

	if (!READ_ONCE(pidfd_fops))
		return -EAGAIN;
	bpf_loop(ask->count, identity_look, &s, 0);
	return s.err;
}

#endif /* AUTOKILL_AGENT_SWEEP_BPF_H */
