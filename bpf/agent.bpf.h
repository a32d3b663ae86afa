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
 * A tree has no victim of its own: its members look at the mark at each fork and exec (tree.bpf.h). Of it
 * the releaser keeps HOLD_FILE, and so keeps the tether there, until the agent has said that everybody
 * has his signal. The agent sweeps: it asks tree_sweep() who the members are, opens a pidfd of each, asks
 * identities() whether the pidfds are those members', and kills; and sweeps again until the tether is gone. A
 * sweep costs in proportion to the members of its own tree, whoever else there is on the machine.
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
	int err = map_delete(&waiting, &key);

	if (!err)
		__sync_fetch_and_sub(&waiting_open, 1);
	else if (err != -ENOENT)
		later_add(LATER_WAITING, start_time, tgid, FAIL_WAITING_DELETE, err);
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

/*
 * @t is the agent's to end, and @r wakes it. The last that we do to it: an agent that just walks the map
 * could otherwise have killed, and dropped the tether, and we would write into whatever has its memory.
 */
static __always_inline void agent_tell(struct tether *t, struct autokill_release *r)
{
	__sync_fetch_and_or(&t->d.flags, TETHER_TOLD);
	/* The agent looks through the tethers when this counter has changed: user/agent.c. */
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

/* The tree @id was released, and has members. We hold HOLD_FILE, which is the agent's from here on. */
static __always_inline void tree_wake(u64 id, struct tether *t)
{
	struct autokill_release r = { .id = id };

	agent_tell(t, &r);
}

/* See kill_start(). */
static __always_inline void tree_released(u64 id, struct tether *t)
{
	u32 members = READ_ONCE(t->d.holds) & ~HOLD_FILE;

	t->d.members = members;
	if (members) {
		event_tether(EVENT_RELEASED, t, 0);
		tree_wake(id, t);
		return;
	}
	event_tether(EVENT_RELEASED_DEAD, t, 0);
	COUNT(released_dead);
	hold_put(id, HOLD_FILE);
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
	struct task_struct *leader;
	u64 start_time;

	if (t->d.scope == SCOPE_TREE) {
		tree_released(id, t);
		return;
	}
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

#ifdef HAS_SEND_SIGNAL
/* Accepted here, and then not on its way all the same: the agent's, too. */
static __always_inline void kill_again(u64 id, struct tether *t, struct task_struct *leader)
{
	agent_wake(id, t, leader->start_boottime);
}
#endif

static __always_inline void look_released(struct tether *t)
{
	/* A tree's timer is set for a release that nobody saw, and by nobody else. */
	if (t->d.scope == SCOPE_TREE) {
		tree_wake(t->d.id, t);
		return;
	}
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

struct sweep {
	u64 id;
	u32 depth;
	u32 from;
	u32 found;
	u32 unborn;
};

/*
 * Is @task, which has a slot in the tree of @s, to be signalled? Then its group's identity is in @who. The
 * task_struct may go at any moment, and be another's: so the record is asked before and after. It goes
 * before the task_struct does, and a stranger's never has the id of this tree.
 */
static __always_inline bool sweep_task(struct sweep *s, u64 addr, struct autokill_identity *who)
{
	struct autokill_task *rec = bpf_map_lookup_elem(&tasks, &addr);
	struct task_struct *task = (struct task_struct *)addr;

	if (!rec || rec->task != addr || rec->left ||
	    rec->path[s->depth & (AUTOKILL_DEPTH - 1)] != s->id)
		return false;
	/*
	 * Not visible yet: what it has of an identity is its creator's, copied. Or it is just taking
	 * its leader's place (de_thread()). The next sweep will tell.
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
#ifdef MUTATE_SLOW_SWEEP
	bpf_loop(1 << 17, mutant_loop, NULL, 0); /* as under a sweep of many thousands */
#endif
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
	/* After the mark, see tree.bpf.h: a slot beyond this belongs to a look that saw the mark. */
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
 * The agent has walked over all members of @t, and signalled @count groups. In TETHER_RELEASED
 * HOLD_FILE keeps the tether there, later its last member may just have taken it away.
 */
static __always_inline void tree_swept(struct tether *t, u32 count)
{
	struct autokill_stats *stats = stats_get();

	if (READ_ONCE(t->d.state) == TETHER_RELEASED) {
		__sync_fetch_and_add(&t->d.sweeps, 1);
		__sync_fetch_and_add(&t->d.signalled, count);
	}
	if (!stats)
		return;
	__sync_fetch_and_add(&stats->sweeps, 1);
	__sync_fetch_and_add(&stats->signalled, count);
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
	if (!t || is_left(t))
		return -ENOENT;
	switch (says->word) {
	case AGENT_KILLED:
		/* Of a tree: whoever was the last, we or a member that exits, takes it away. */
		if (killed(t, KILLER_AGENT) && t->d.scope == SCOPE_TREE)
			hold_put(id, HOLD_FILE);
		return 0;
	case AGENT_SWEPT:
		if (t->d.scope != SCOPE_TREE)
			return -EINVAL;
		tree_swept(t, says->count);
		return 0;
	case AGENT_GONE:
		if (t->d.scope == SCOPE_TREE)
			return -EINVAL; /* hold_put() says so */
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

/*
 * Who is the process of the struct pid @pid? Nobody is 0; -EAGAIN: it changed under our eyes each time.
 *
 * The caller has a pidfd of it, which holds it, so it is no other process's meanwhile, and whoever is attached to
 * it leads the same group. But a syscall program may sleep, and what keeps task_structs for it, bpf_rcu_read_lock(),
 * is of 6.2: the leader that we find may go, and its memory be another's. So look until the same one is
 * attached, with the same start time, twice in succession. Then it was attached all the time in between, and led the
 * group when the first start time was read. If it went meanwhile and is back (its memory is that of a new
 * thread, which then execs), it has the group's start time again, for de_thread() (fs/exec.c) copies it
 * before it attaches; what was read in between is another's, and not the same.
 *
 * While somebody is attached, there is no moment without: de_thread() replaces in one step. So nobody is nobody.
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
 * What the agent asks, see struct autokill_identify. It is the current task, has one thread, and so nobody else
 * changes its descriptors. 0; -EBADF: one is not a pidfd; -EAGAIN: somebody cannot be told, or no pidfd was ever
 * tied, so that we do not know one when we see it.
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

#endif /* AUTOKILL_AGENT_BPF_H */
