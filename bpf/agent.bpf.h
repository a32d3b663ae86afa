/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent.bpf.h - the kill on kernels before 6.18, where no BPF program can wake a sleeping task
 *
 * A release goes through these, in this order:
 *
 *   kill_start     the releaser: the tether is TETHER_RELEASED, its victim stands in maps/waiting,
 *                  and a record in maps/releases wakes the agent (user/agent/agent.c), which sends
 *                  SIGKILL
 *   kill_at_clone, kill_at_exec
 *                  the victim itself, at its next fork or exec: SIGKILL from where it stands. So
 *                  also without an agent a victim cannot multiply, nor become another program
 *   agent_says     what the agent tells: killed, gone, stuck
 *   kill_ready     the heartbeat: without it nobody can arm, so that no tether is given that nobody
 *                  can keep
 *
 * Nothing is lost while the agent is dead or stopped, or when maps/releases is full: what is to be
 * done is the state of the tether, in the pinned map; an agent that starts looks through that
 * first.
 *
 * A tree has no victim of its own: its members look at the mark at each fork and exec (tree.bpf.h).
 * Of it the releaser keeps HOLD_FILE, and so keeps the tether there, until the agent has said that
 * all have their signal. The agent sweeps: it asks tree_sweep() who the members are, opens a
 * pidfd of each, asks identities() whether the pidfds are those members', and kills; and sweeps
 * again until the tether is gone. A sweep costs in proportion to the members of its own tree,
 * whoever else there is on the machine.
 *
 * The object for 6.1 uses no kfunc, so that it loads everywhere; that for 6.13 can also kill at
 * once.
 */
#ifndef AUTOKILL_AGENT_BPF_H
#define AUTOKILL_AGENT_BPF_H

#include "events.bpf.h"
#include "maps.bpf.h"
#include "pid.bpf.h"
#include "record.bpf.h"
#include "tether.bpf.h"
#include "tree.bpf.h"
#include "waiting.bpf.h"

#ifdef SIGNAL_HERE
#define KILLS_HERE 1
#else
#define KILLS_HERE 0
#endif
#define KILLER_HOLDS 1

/* The agent's heartbeat. Written by the agent, read at ARM and at birth. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct autokill_agent);
} agent SEC(".maps");

/* Wakes the agent, which else sleeps. What is lost here stands in maps/tethers all the same. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} releases SEC(".maps");

static __always_inline bool kill_ready(void)
{
	u32 zero = 0;
	struct autokill_agent *a = bpf_map_lookup_elem(&agent, &zero);
	u64 beat;

	/* Pairs with the agent's own update; CLOCK_MONOTONIC, so that a suspend does not count. */
	beat = a ? READ_ONCE(a->beat) : 0;
	if (beat && bpf_ktime_get_ns() - beat < AUTOKILL_AGENT_LATE_NS)
		return true;
	COUNT(arms_no_agent);
	return false;
}

/*
 * @t is the agent's to end, and @r wakes it. The last that we do to it: an agent that just walks
 * the map could otherwise have killed, and dropped the tether, and we would write into whatever has
 * its memory.
 */
static __always_inline void agent_tell(struct tether *t, struct autokill_release *r)
{
	__sync_fetch_and_or(&t->d.flags, TETHER_TOLD);
	/* The agent looks through the tethers when this counter has changed: user/agent/agent.c. */
	if (bpf_ringbuf_output(&releases, r, sizeof(*r), 0))
		COUNT(releases_unsent);
}

/* The victim of @t is the group @tgid whose leader began at @start_time: have it killed. */
static __always_inline void agent_wake(u64 id, struct tether *t, u64 start_time)
{
	struct autokill_release r = {
		.id = id,
		.tgid = READ_ONCE(t->d.tgid),
		.start_time = start_time,
	};

	WRITE_ONCE(t->d.start_time, start_time); /* read by the agent */
	waiting_add(id, r.tgid, start_time);
	agent_tell(t, &r);
}

/*
 * The tree @id was released, and has members. We hold HOLD_FILE, which is the agent's from here on.
 */
static __always_inline void kill_tree(u64 id, struct tether *t)
{
	struct autokill_release r = { .id = id };

	agent_tell(t, &r);
}

/*
 * From 6.13 on whoever closes a pidfd and lives, and so has an mm, kills at once, without the
 * agent. Then the timer sees the group go. False: it is the agent's.
 */
static __always_inline bool kill_here(struct tether *t)
{
	struct task_struct *leader;
	int err = -ESRCH;

	if (!KILLS_HERE || !bpf_get_current_task_btf()->mm)
		return false;
	leader = leader_get(READ_ONCE(t->d.tgid));
	if (!leader)
		return false;
	if (group_pid(leader) == READ_ONCE(t->d.pid_struct)) {
		err = signal_group(leader);
		if (err)
			failure_count(FAIL_SIGNAL_HERE, err);
	}
	bpf_task_release(leader);
	if (err)
		return false;
	tether_killed(t, KILLER_HERE);
	return !timer_set(t, LOOK_FIRST_MS);
}

static __always_inline void kill_start(u64 id, u32 uid, struct tether *t)
{
	struct task_struct *leader;
	u64 start_time;

	/* The file holds its struct pid until after this hook, so it cannot be another's. */
	leader = pid_task(READ_ONCE(t->d.pid_struct), PIDTYPE_TGID);
	if (!leader || !BPF_CORE_READ(leader, signal, live.counter)) {
		released_dead(id, uid, t);
		return;
	}
	event_tether(EVENT_RELEASED, t, 0);
	start_time = BPF_CORE_READ(leader, start_boottime);
	WRITE_ONCE(t->d.start_time, start_time); /* pairs with is_victim() */
	if (!kill_here(t))
		agent_wake(id, t, start_time);
}

/*
 * Timer, after a release that nobody saw (tether_tie() found its file's address in use again). The
 * struct pid may have gone with the file, so the identity is what born has noted, or, if it was
 * skipped, the child's own record, which goes with its task_struct.
 */
static __always_inline void look_unseen(struct tether *t)
{
	struct task_struct *child = (struct task_struct *)t->d.task;
	u64 start_time = READ_ONCE(t->d.start_time), id = t->d.id;
	struct autokill_task *rec;
	u32 uid = t->d.uid;

	if (!start_time) {
		rec = task_record(child);
		if (rec && rec->tether == id)
			start_time = BPF_CORE_READ(child, start_boottime);
	}
	if (start_time)
		agent_wake(id, t, start_time);
	else
		released_dead(id, uid, t);
}

/* Accepted here, and then not on its way all the same: the agent's, too. */
static __always_inline void kill_again(u64 id, struct tether *t, struct task_struct *leader)
{
	agent_wake(id, t, leader->start_boottime);
}

static __always_inline bool kill_look(struct tether *t)
{
	/* A tree's timer is set for a release that nobody saw, and by nobody else. */
	if (t->d.scope == SCOPE_TREE) {
		kill_tree(t->d.id, t);
		return false;
	}
	/* The agent looks after what it has killed itself; here it was kill_here(). */
	if (KILLS_HERE && READ_ONCE(t->d.state) == TETHER_KILLED)
		return true;
	look_unseen(t);
	return false;
}

/* The current process, at fork or exec: is it a victim that waits to be killed? Then it dies. */
static __noinline int kill_at_clone(void)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct waiting_key key = { .tgid = cur->tgid };
	struct tether *t;
	u64 *id, copy;
	int err;

	if (!READ_ONCE(n_waiting))
		return 0;
	key.start_time = cur->group_leader->start_boottime;
	id = bpf_map_lookup_elem(&waiting, &key);
	if (!id)
		return 0;
	copy = *id;
	/*
	 * Not by irq_work: task_alloc and bprm hooks run with interrupts on
	 * (bpf_send_signal_common()).
	 */
	err = bpf_send_signal(SIGKILL);
	if (err) {
		failure_count(FAIL_SIGNAL_HERE, err);
		return -EAGAIN;
	}
	t = bpf_map_lookup_elem(&tethers, &copy);
	if (t)
		tether_killed(t, KILLER_SELF);
	return -EAGAIN;
}

/*
 * Likewise at exec, where a member of a released tree dies, too. At fork it looks by itself, see
 * tree.bpf.h.
 */
static __always_inline int kill_at_exec(void)
{
	int err = kill_at_clone();

	if (err)
		return err;
	if (tree_marked(task_record(bpf_get_current_task_btf()))) {
		tree_kill_creator();
		return -EAGAIN;
	}
	return 0;
}

/*
 * @child has neither a record nor a tether, so the agent cannot be told of it. It lives, and
 * FAIL_BIRTH_LATE counts it.
 */
static __always_inline void kill_newborn(struct task_struct *child)
{
}

/* @child is in the tree's map: the agent's sweep meets it. */
static __always_inline void kill_newborn_member(struct task_struct *child)
{
}

#endif /* AUTOKILL_AGENT_BPF_H */
