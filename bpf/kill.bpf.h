/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kill.bpf.h - SIGKILL to the thread group of a released tether, from wherever that works
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
#ifndef AUTOKILL_KILL_BPF_H
#define AUTOKILL_KILL_BPF_H

/* sweep.bpf.h */
static int tree_work(u64 id, u32 killer, u32 what);
static void tree_released(u64 id, struct tether *t);
static void look_tree(struct tether *t);

/* Would task work run soon in @task, and could it signal from there? */
static __always_inline bool task_can_run(const struct task_struct *task)
{
	u32 state = READ_ONCE(task->__state);

#ifdef MUTATE_NO_REAIM
	return true;
#endif
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
	/* TETHER_KILLED, too: the timer asks only if no signal is on its way, whatever the state says. */
	err = bpf_send_signal(SIGKILL);
	if (err)
		failure_count(FAIL_SIGNAL_VICTIM, err);
	else
		killed(t, KILLER_VICTIM);
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
#ifdef MUTATE_REUSED_TETHER
	mutant_waits();
#endif
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
			killed(t, role == WORK_INIT ? KILLER_INIT : KILLER_PARENT);
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

/* The item of @role for the tether @id goes, if there is one. */
static __always_inline void work_forget(u64 id, u32 role)
{
	struct work_key key = { .id = id, .role = role };
	int err = map_delete(&works, &key);

	if (err && err != -ENOENT)
		later_add(LATER_WORK, id, role, FAIL_WORK_DELETE, err);
}

/* The item of @role for the tether @id, made where it is missing; NULL without memory. */
static __noinline struct work *work_get(u64 id, u32 role)
{
	struct work_key key = { .id = id, .role = role };
	struct work *w = bpf_map_lookup_elem(&works, &key);
	u64 none = 0;
	int err;

	if (w)
		return w;
	err = bpf_map_update_elem(&works, &key, &none, BPF_NOEXIST);
	if (err)
		failure_count(FAIL_WORK_INSERT, err);
	/* Pairs with kill_forget(): either it finds our item, or we miss the tether. */
	if (!bpf_map_lookup_elem(&tethers, &key.id)) {
		work_forget(id, role);
		return NULL; /* the group is gone already */
	}
	return bpf_map_lookup_elem(&works, &key);
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

/*
 * One attempt on the victim of @t, whose leader is @leader. @id is the caller's copy of t->d.id: what
 * runs on after a signal was accepted must not rely on the element.
 */
static __always_inline void kill_try(u64 id, struct tether *t, struct task_struct *leader, u32 here)
{
	u32 looks = t->d.looks;
	int err = signal_group(leader);

	if (!err) {
		killed(t, here);
		return;
	}
	if (err != -EPERM || bpf_get_current_task_btf()->mm)
		failure_count(FAIL_SIGNAL_HERE, err); /* without an mm it is how things are */
#ifdef MUTATE_NO_REAIM
	lend(id, WORK_PARENT, t->d.lender);
	return;
#endif
#ifdef MUTATE_REUSED_TETHER
	looks++; /* more for the parent to do */
#endif
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

static __always_inline void kill_forget(u64 id, u32 tgid, u64 start_time)
{
	work_forget(id, WORK_PARENT);
	work_forget(id, WORK_INIT);
}

static __always_inline void kill_again(u64 id, struct tether *t, struct task_struct *leader)
{
	kill_try(id, t, leader, KILLER_TIMER);
}

/* See tether_released(). */
static __always_inline void kill_start(u64 id, u32 uid, struct tether *t)
{
	struct task_struct *leader;

	if (t->d.scope == SCOPE_TREE) {
		tree_released(id, t);
		return;
	}
	leader = leader_get(READ_ONCE(t->d.tgid));
#ifdef MUTATE_LEADER_PID
	mutant_waits(); /* so that an exec fits in */
#endif
	/*
	 * The file holds its struct pid until after this hook, so the address cannot be another's:
	 * a group found by the number that has another struct pid is a stranger's, with a reused pid.
	 */
#ifndef MUTATE_NO_IDENTITY
	if (leader && group_pid(leader) != READ_ONCE(t->d.pid_struct)) {
		bpf_task_release(leader);
		leader = NULL;
	}
#endif
	if (!leader || !leader->signal->live.counter) {
		if (leader)
			bpf_task_release(leader);
		event_tether(EVENT_RELEASED_DEAD, t, 0);
		if (tether_drop(id, uid, 0, 0))
			COUNT(released_dead);
		return;
	}
	/* From here on the pair of tgid and start time is the identity, which outlives the file. */
	WRITE_ONCE(t->d.start_time, leader->start_boottime); /* pairs with is_victim() */
	event_tether(EVENT_RELEASED, t, 0);
	kill_try(id, t, leader, KILLER_HERE);
	bpf_task_release(leader);
	timer_set(t, LOOK_FIRST_MS);
}

/* Timer, after release: see look_group() and look_tree(). */
static __always_inline void look_released(struct tether *t)
{
	if (t->d.scope == SCOPE_TREE)
		look_tree(t);
	else
		look_group(t);
}

#endif /* AUTOKILL_KILL_BPF_H */
