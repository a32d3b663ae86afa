/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.bpf.h - the end of a tether, whoever kills: its timer, "killed", "gone"; and who a pid is
 *
 * kill.bpf.h (task work, from Linux 6.18 on) and agent.bpf.h (before) are the two ways to kill.
 */
#ifndef AUTOKILL_STATE_BPF_H
#define AUTOKILL_STATE_BPF_H

#define LOOK_FIRST_MS 2 /* after release */
#define LOOK_MOST_MS 1024
#define STUCK_AFTER_NS 8000000000ULL
/*
 * Puts a timer off. bpf_timer_cancel() would also take its callback away, which cannot be set again
 * from inside the callback: the verifier would follow it for ever.
 */
#define LOOK_NEVER_MS (86400000ULL * 36500)

static int look(void *map, u64 *key, struct tether *t);

#if defined(MUTATE_NO_LOOK_AT_FORK) || defined(MUTATE_NO_SECOND_SWEEP)
#define MUTATE_SLOW_SWEEP
#endif

#if defined(MUTATE_LEADER_PID) || defined(MUTATE_REUSED_TETHER) || defined(MUTATE_SLOW_SWEEP)
static int mutant_loop(u32 i, void *ctx)
{
	return 0;
}

/* Makes a window wide enough for a race to be lost in it. */
static __always_inline void mutant_waits(void)
{
	bpf_loop(1 << 19, mutant_loop, NULL, 0);
}
#endif

static __always_inline int timer_set(struct tether *t, u64 ms)
{
	int err = bpf_timer_start(&t->timer, ms * NSEC_PER_MSEC, 0);

	if (err)
		failure_count(FAIL_TIMER_START, err);
	return err;
}

/* Out of TETHER_BIRTH into @state, and the timer with it; false if somebody else was first. */
static __always_inline bool birth_ends(struct tether *t, u32 state)
{
	if (__sync_val_compare_and_swap((u32 *)&t->d.state, TETHER_BIRTH, state) != TETHER_BIRTH)
		return false;
	__sync_fetch_and_sub(&births_open, 1);
	/* It must not take the tether away while the releaser works on it. */
	timer_set(t, LOOK_NEVER_MS);
	return true;
}

/*
 * The struct pid that the pidfd @file stands for: inode->i_private since v6.9 (cb12fd8e0dab ("pidfd: add
 * pidfs")). Before, pidfds share the one anonymous inode, whose i_private is NULL, and it is
 * file->private_data.
 */
static __always_inline u64 file_pid(const struct file *file)
{
	u64 pid = (u64)BPF_CORE_READ(file, f_inode, i_private);

	return pid ?: (u64)BPF_CORE_READ(file, private_data);
}

/* The file of the descriptor @fd, in the array @fds of a task, if it is a pidfd; else NULL. */
static __always_inline struct file *fd_pidfd(u64 fds, u32 fd)
{
	struct file *file = NULL;

	bpf_probe_read_kernel(&file, sizeof(file), (void *)(fds + fd * sizeof(file)));
	if (!file || (u64)BPF_CORE_READ(file, f_op) != READ_ONCE(pidfd_fops))
		return NULL;
	return file;
}

/*
 * The task that is attached to @pid as @type, NULL if there is none: pid_task() (kernel/pid.c). What
 * it returns may exit at any moment; its memory stays for as long as the program runs, since a
 * task_struct goes an RCU grace period after it was unhashed. Not so in a syscall program, which may sleep.
 */
static __always_inline struct task_struct *pid_task(u64 pid, enum pid_type type)
{
	const struct pid *p = (const struct pid *)pid;
	struct hlist_node *node = BPF_CORE_READ(p, tasks[type].first);
	u64 links = bpf_core_field_offset(struct task_struct, pid_links);

	if (!node)
		return NULL;
	return (struct task_struct *)((u64)node - links - type * sizeof(*node));
}

#ifdef HAS_SEND_SIGNAL
/*
 * The leader of the group with the number @tgid, for the caller to release; NULL: there is no such
 * group. An exec by another thread puts that thread in the leader's place (de_thread(), fs/exec.c), and
 * the old one, found just before, may be past being acquired: so NULL is believed the second time.
 */
static __always_inline struct task_struct *leader_get(u32 tgid)
{
	return bpf_task_from_pid(tgid) ?: bpf_task_from_pid(tgid);
}

/*
 * The struct pid of the group of @leader. It is the group's own, and stays during such an exec; that
 * of the leader, thread_pid, is another's for a moment (exchange_tids(), kernel/pid.c).
 */
static __always_inline u64 group_pid(const struct task_struct *leader)
{
#ifdef MUTATE_LEADER_PID
	return (u64)leader->thread_pid;
#endif
	return (u64)leader->signal->pids[PIDTYPE_TGID];
}

/*
 * SIGKILL to the group of @leader from the current context, which needs an mm (EPERM else). 0 if it was
 * accepted. It goes to a thread that is not exiting, for a zombie leader is refused (EPERM), and to
 * the group (PIDTYPE_TGID), so it does not matter which one, nor whether that thread is just being
 * killed by another's exec: the signal is pending on the group, which stays.
 */
static __noinline int signal_group(struct task_struct *leader)
{
	struct bpf_iter_task it;
	struct task_struct *thread, *target;
	int err = -ESRCH;

	if (!leader)
		return -ESRCH;
	if (!(READ_ONCE(leader->flags) & PF_EXITING))
		return bpf_send_signal_task(leader, SIGKILL, PIDTYPE_TGID, 0);
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, leader, BPF_TASK_ITER_PROC_THREADS);
	while ((thread = bpf_iter_task_next(&it))) {
		if (READ_ONCE(thread->flags) & PF_EXITING)
			continue;
		target = bpf_task_acquire(thread);
		if (!target)
			continue;
		err = bpf_send_signal_task(target, SIGKILL, PIDTYPE_TGID, 0);
		bpf_task_release(target);
		if (!err)
			break;
	}
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return err;
}
#endif

/*
 * SIGKILL was accepted. True: it is we who moved the state. Pairs with the other killers and with the
 * timer: whoever moves the state counts it; a pointer to an element that was reused meanwhile is not in
 * TETHER_RELEASED.
 */
static __always_inline bool killed(struct tether *t, u32 killer)
{
	if (__sync_val_compare_and_swap((u32 *)&t->d.state, TETHER_RELEASED, TETHER_KILLED) !=
	    TETHER_RELEASED)
		return false;
	t->d.killed_at = bpf_ktime_get_boot_ns();
	switch (killer) {
	case KILLER_HERE:
		COUNT(killed_here);
		break;
	case KILLER_TIMER:
		COUNT(killed_by_timer);
		break;
	case KILLER_VICTIM:
		COUNT(killed_by_victim);
		break;
	case KILLER_PARENT:
		COUNT(killed_by_parent);
		break;
	case KILLER_INIT:
		COUNT(killed_by_init);
		break;
	case KILLER_AGENT:
		COUNT(killed_by_agent);
		break;
	case KILLER_SELF:
		COUNT(killed_by_self);
		break;
	}
	event_tether(EVENT_KILLED, t, killer);
	return true;
}

/*
 * What else a kill has left in maps, besides the tether @id. After the tether is deleted: whoever adds
 * such a thing looks for the tether afterwards, so either we find it or he misses the tether.
 */
static __always_inline void kill_forget(u64 id, u32 tgid, u64 start_time);

/* The tether @id of @uid has been deleted. @tgid is 0 if there was nobody to kill. */
static __always_inline void tether_ended(u64 id, u32 uid, u32 tgid, u64 start_time)
{
	struct user *u;

	if (tgid)
		kill_forget(id, tgid, start_time);
	u = bpf_map_lookup_elem(&users, &uid);
	if (u) {
		share_give(&u->tethers, &others_tethers, uid, 1);
		user_put(u, uid);
	} else {
		failure_count(FAIL_USER_COUNT, -ENOENT);
	}
}

/*
 * Nothing of the group of the tether @id runs any more, or its clone failed. The caller has copied
 * @uid, @tgid and @start_time from it; @tgid is 0 if there was nobody to kill. False: somebody else
 * ended it, and counts it. What cannot be deleted now has ended all the same, and holds its share until its timer can.
 */
static __noinline bool tether_drop(u64 id, u32 uid, u32 tgid, u64 start_time)
{
	int err = map_delete(&tethers, &id);
	struct tether *t;

	if (err == -ENOENT)
		return false;
	if (!err) {
		tether_ended(id, uid, tgid, start_time);
		return true;
	}
	/* By the number, for the memory may be another tether's by now. Or nobody's: so look again. */
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t || __sync_val_compare_and_swap(&t->d.id, id, id | TETHER_LEFT) != id)
		return false;
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t)
		return false;
	failure_count(FAIL_TETHER_DELETE, err);
	timer_set(t, LATER_AGAIN_MS);
	return true;
}

/* Is @t a tether that has ended, and could not be deleted yet? Then nobody does anything with it. */
static __always_inline bool is_left(const struct tether *t)
{
	return READ_ONCE(t->d.id) & TETHER_LEFT;
}

#ifdef HAS_SEND_SIGNAL
/* Timer, after release: somebody is left. */
static __always_inline void look_later(struct tether *t)
{
	u32 next = t->d.next_look_ms;

	if (next < LOOK_MOST_MS) {
		next *= 2;
		t->d.next_look_ms = next;
	} else if (bpf_ktime_get_boot_ns() - t->d.released_at > STUCK_AFTER_NS &&
		   !(t->d.flags & TETHER_STUCK)) {
		__sync_fetch_and_or(&t->d.flags, TETHER_STUCK);
		event_tether(EVENT_STUCK, t, 0);
	}
	timer_set(t, next);
}

/* Is @leader the leader of the victim of @t? The pid alone may be a stranger's by now. */
static __always_inline bool is_victim(const struct task_struct *leader, const struct tether *t)
{
#ifdef MUTATE_NO_IDENTITY
	return true;
#endif
	u64 start = READ_ONCE(t->d.start_time);

	/* 0: born was skipped, and so was the release, which happens without BPF LSM only. */
	if (!start)
		return group_pid(leader) == READ_ONCE(t->d.pid_struct);
	return leader->start_boottime == start;
}

/* Is the element at @t still the tether @id? Ids are never used twice. */
static __always_inline bool is_tether(const struct tether *t, u64 id)
{
#ifdef MUTATE_REUSED_TETHER
	return true;
#endif
	return READ_ONCE(t->d.id) == id;
}

/* The signal to the victim of @t, whose leader is @leader, was not accepted yet: send it. */
static __always_inline void kill_again(u64 id, struct tether *t, struct task_struct *leader);

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
#endif /* HAS_SEND_SIGNAL */

#endif /* AUTOKILL_STATE_BPF_H */
