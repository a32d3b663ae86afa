/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent.bpf.h - the kill on kernels before 6.18, where no BPF program can wake a sleeping task
 *
 * Architecture, in the order in which a release goes through:
 *
 *   kill_start    the releaser: the tether is TETHER_RELEASED, its victim stands in maps/waiting, and
 *                 a record in maps/releases wakes the agent (user/agent.c), which sends SIGKILL
 *   waiting_die   the victim itself, at its next fork or exec: SIGKILL from where it stands. So also
 *                 without an agent a victim cannot multiply, nor become another program
 *   agent_says    what the agent tells: killed, gone, stuck
 *   agent_alive   the heartbeat: without it nobody can arm, so that no tether is given that
 *                 nobody can keep
 *
 * Nothing is lost while the agent is dead or stopped, or when maps/releases is full: what is to be
 * done is the state of the tether, in the pinned map; an agent that starts looks through that first.
 *
 * The object for 6.1 uses no kfunc, so that it loads everywhere; that for 6.13 can also kill at once.
 */
#ifndef AUTOKILL_AGENT_BPF_H
#define AUTOKILL_AGENT_BPF_H

static __always_inline bool agent_alive(void)
{
	u32 zero = 0;
	struct autokill_agent *a = bpf_map_lookup_elem(&agent, &zero);
	u64 beat;

	if (!a)
		return false;
	/* Pairs with the agent's own update; CLOCK_MONOTONIC, so that a suspend does not count. */
	beat = READ_ONCE(a->beat);
	return beat && bpf_ktime_get_ns() - beat < AUTOKILL_AGENT_LATE_NS;
}

static __always_inline void kill_forget(u64 id, u32 tgid, u64 start_time)
{
	struct waiting_key key = { .start_time = start_time, .tgid = tgid };

	if (!bpf_map_delete_elem(&waiting, &key))
		__sync_fetch_and_sub(&waiting_open, 1);
}

static __always_inline void waiting_add(u64 id, u32 tgid, u64 start_time)
{
	struct waiting_key key = { .start_time = start_time, .tgid = tgid };
	int err = bpf_map_update_elem(&waiting, &key, &id, BPF_NOEXIST);

	if (err == -EEXIST)
		return; /* the agent is told once more */
	/* The agent kills all the same; only a victim that forks or execs first does not see it. */
	if (err) {
		failure_count(FAIL_WAITING_INSERT, err);
		return;
	}
	__sync_fetch_and_add(&waiting_open, 1);
	/* Pairs with tether_drop(): an agent that walks the map may have been faster than we. */
	if (!bpf_map_lookup_elem(&tethers, &id))
		kill_forget(id, tgid, start_time);
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
	/*
	 * The last that we do to it. An agent that just walks the map could otherwise have killed, and
	 * dropped the tether, and we would write into whatever has its memory by now.
	 */
	__sync_fetch_and_or(&t->d.flags, TETHER_TOLD);
	/* The agent looks through the tethers when this counter has changed: user/agent.c. */
	if (bpf_ringbuf_output(&releases, &r, sizeof(r), 0))
		COUNT(releases_unsent);
}

static __always_inline void released_dead(u64 id, u32 uid, struct tether *t)
{
	event_tether(EVENT_RELEASED_DEAD, t, 0);
	if (tether_drop(id, uid, 0, 0))
		COUNT(released_dead);
}

/*
 * From 6.13 on whoever closes a pidfd and lives, and so has an mm, kills at once, without the agent. Then
 * the timer sees the group go. False: it is the agent's.
 */
static __always_inline bool kill_here(struct tether *t)
{
#ifdef HAS_SEND_SIGNAL
	struct task_struct *leader;
	int err = -ESRCH;

	if (!bpf_get_current_task_btf()->mm)
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
	killed(t, KILLER_HERE);
	return !timer_set(t, LOOK_FIRST_MS);
#else
	return false;
#endif
}

/* See tether_released(). */
static __always_inline void kill_start(u64 id, u32 uid, struct tether *t)
{
	/* The file holds its struct pid until after this hook, so it cannot be another's. */
	struct task_struct *leader = pid_task(READ_ONCE(t->d.pid_struct), PIDTYPE_TGID);
	u64 start_time;

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

#ifdef HAS_SEND_SIGNAL
/* Accepted here, and then not on its way all the same: the agent's, too. */
static __always_inline void kill_again(u64 id, struct tether *t, struct task_struct *leader)
{
	agent_wake(id, t, leader->start_boottime);
}
#endif

static __always_inline void look_released(struct tether *t)
{
#ifdef HAS_SEND_SIGNAL
	if (READ_ONCE(t->d.state) == TETHER_KILLED) {
		look_group(t);
		return;
	}
#endif
	look_unseen(t);
}

/* The current process, at fork or exec: is it a victim that waits to be killed? Then it dies. */
static __noinline int waiting_die(void)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct waiting_key key = { .tgid = cur->tgid };
	struct tether *t;
	u64 *id, copy;
	int err;

	if (!READ_ONCE(waiting_open))
		return 0;
	key.start_time = cur->group_leader->start_boottime;
	id = bpf_map_lookup_elem(&waiting, &key);
	if (!id)
		return 0;
	copy = *id;
	/* Not by irq_work: task_alloc and bprm hooks run with interrupts on (bpf_send_signal_common()). */
	err = bpf_send_signal(SIGKILL);
	if (err) {
		failure_count(FAIL_SIGNAL_HERE, err);
		return -EAGAIN;
	}
	t = bpf_map_lookup_elem(&tethers, &copy);
	if (t)
		killed(t, KILLER_SELF);
	return -EAGAIN;
}

/* What the agent says, see enum autokill_agent_word. 0, -ENOENT (no such tether), -EINVAL. */
static __always_inline int agent_says(const struct autokill_agent_says *says)
{
	u64 id = says->id, start_time;
	struct tether *t;
	u32 uid, tgid;

	if (says->word == AGENT_FAILED) {
		failure_count(says->what, -says->err);
		return 0;
	}
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t)
		return -ENOENT;
	switch (says->word) {
	case AGENT_KILLED:
		killed(t, KILLER_AGENT);
		return 0;
	case AGENT_GONE:
		uid = t->d.uid;
		tgid = READ_ONCE(t->d.tgid);
		start_time = READ_ONCE(t->d.start_time);
		if (READ_ONCE(t->d.state) < TETHER_RELEASED)
			return -EINVAL;
		event_tether(EVENT_GONE, t, 0);
		if (tether_drop(id, uid, tgid, start_time))
			COUNT(gone);
		return 0;
	case AGENT_STUCK:
		__sync_fetch_and_or(&t->d.flags, TETHER_STUCK);
		event_tether(EVENT_STUCK, t, 0);
		return 0;
	default:
		return -EINVAL;
	}
}

/* Print the identity of @task's group: the agent asks for one, by its pidfd. */
static __always_inline int identity_print(struct seq_file *seq, struct task_struct *task)
{
	struct autokill_identity out = {};

	if (!task)
		return 0; /* the end of the walk */
	out.start_time = task->group_leader->start_boottime;
	out.tgid = task->tgid;
	bpf_seq_write(seq, &out, sizeof(out)); /* too little room: the reader sees too few bytes */
	return 0;
}

#endif /* AUTOKILL_AGENT_BPF_H */
