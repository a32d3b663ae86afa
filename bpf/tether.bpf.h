/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tether.bpf.h - the life of a tether up to its release
 *
 * Architecture, in the order in which copy_process() (kernel/fork.c) gets there:
 *
 *   birth    task_alloc: may still refuse. The tether, the child's record and a timer exist from
 *            here on; nothing else can fail afterwards but the tie
 *   tie      pidfs_alloc_file returned the struct file: file and tether are joined
 *   born     copy_process returned: the child is visible and has not run yet. A tie that was
 *            skipped is made up from the creator's descriptors; else the child is killed
 *   unbirth  task_free of a task that never lived: the clone failed
 *   release  file_release, first thing in __fput()
 *
 * tie and born are tracing programs, which the kernel skips when they are preempted in the middle
 * and called again on the same CPU. birth, unbirth and release are LSM programs, which it does not
 * (v6.2: bpf_prog_check_recur()). What holds when both tracing programs are skipped: the timer
 * started at birth finds a tether without a file and does what born would have done; and a pidfd of
 * that child that is released before is taken for the release of the tether. So a newborn is
 * tied or dead.
 *
 * Where release is a tracing program, too, it is made up for by watch.bpf.h.
 *
 * Only a newborn is tied: pidfs_alloc_file is passed by pidfd_open(), too, and a request that
 * a failed clone left pending would tie a stranger. At the time of the clone's own call no task
 * is attached to the pid yet (copy_process() attaches it after its last point of failure).
 */
#ifndef AUTOKILL_TETHER_BPF_H
#define AUTOKILL_TETHER_BPF_H

#define BIRTH_LOOK_MS 20
#define BIRTH_LOOKS 250	   /* by the timer, at a creator's descriptors: 5 s */
#define FDS_LOOKED_AT 4096 /* descriptors of the creator that a make-up looks at */

static __always_inline int birth_refuse(int err)
{
	if (err == -ECANCELED) {
		tree_kill_creator();
		return -EAGAIN;
	}
	event_current(EVENT_REFUSED, -err);
	if (err == -EPERM)
		COUNT(refused_right);
	else if (err == -EINVAL)
		COUNT(natives_refused);
	else if (err == -EAGAIN)
		COUNT(refused_room);
	else if (err == -E2BIG)
		COUNT(refused_depth);
	else
		COUNT(refused_memory);
	return err == -E2BIG ? -EAGAIN : err;
}

/* The timer is part of the tether: without it neither a skipped tie nor a lost signal is noticed. */
static __always_inline int timer_prepare(struct tether *t)
{
	int err = bpf_timer_init(&t->timer, &tethers, CLOCK_MONOTONIC);

	if (!err)
		err = bpf_timer_set_callback(&t->timer, look);
	if (err) {
		failure_count(FAIL_TIMER_INIT, err);
		return err;
	}
	return timer_set(t, BIRTH_LOOK_MS);
}

/* @how: AUTOKILL_NNP, AUTOKILL_TREE; @rec: the record of the current task. On failure the share is the caller's to give back. */
static __noinline int tether_make(u64 id, const struct autokill_task *rec, u64 task, u32 uid,
				  u32 how)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	bool tree = how & AUTOKILL_TREE;
	struct tether_init init = {
		.d = {
			.id = id,
			.task = task,
			.creator_task = (u64)cur,
			.born_at = bpf_ktime_get_boot_ns(),
			.state = TETHER_BIRTH,
			.scope = tree ? SCOPE_TREE : SCOPE_PROCESS,
			.flags = how & AUTOKILL_NNP ? TETHER_GUARD : 0,
			.uid = uid,
			.creator = cur->tgid,
			.creator_tid = cur->pid,
			.next_look_ms = LOOK_FIRST_MS,
			.holds = tree ? HOLD_FILE : 0,
			.slots = tree ? SLOTS_FIRST : 0,
		},
	};
	struct tether *t;
	u32 depth;
	int err;

	if (!rec)
		return -ENOMEM; /* for the verifier: it holds the request */
	depth = rec->depth;
	init.d.depth = depth;
	if (depth)
		init.d.parent = path_at(rec, depth - 1);

	bpf_get_current_comm(init.d.comm, sizeof(init.d.comm));
	err = bpf_map_update_elem(&tethers, &id, &init, BPF_NOEXIST);
	if (err) {
		failure_count(FAIL_TETHER_INSERT, err);
		return err == -ENOMEM ? -ENOMEM : -EAGAIN; /* E2BIG: full */
	}
	t = bpf_map_lookup_elem(&tethers, &id);
	err = t ? timer_prepare(t) : -ENOENT;
	if (!err)
		return 0;
	err = map_delete(&tethers, &id);
	/* Nobody knows its number. What stays in the map for ever is one element of the room. */
	if (err)
		failure_count(FAIL_TETHER_DELETE, err);
	return -ENOMEM;
}

/*
 * The record of a new task of the user @uid, whose entry is @u, and its place in the trees of its creator, whose
 * record is @rec, and, with AUTOKILL_TREE in @how, in the new tree @id. 0; or an errno, and nothing is left behind.
 */
static __always_inline int task_born(const struct autokill_task *rec, struct task_struct *task,
				     struct user *u, u32 uid, u32 how, u64 id, u32 native)
{
	bool tree = how & AUTOKILL_TREE;
	u32 depth = rec->depth + tree;
	struct autokill_task *born;
	int err;

	/* A slot in maps/members for each tree is paid for, too. */
	born = task_record_add((u64)task, u, uid, depth ?: 1, &err);
	if (!born)
		return err;
	born->guard = !!(how & AUTOKILL_NNP);
	born->tether = id;
	born->native = native;
	if (!depth)
		return 0;
	err = tree_enter(rec, born, tree ? id : 0);
	if (err)
		task_record_drop((u64)task, uid, depth);
	return err;
}

/*
 * At task_alloc. @task is the new task_struct, nobody else knows it yet. 0, or the errno with
 * which the clone is to fail; nothing is left behind then.
 */
static __always_inline int tether_birth(struct task_struct *task, u64 flags)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct autokill_task *rec;
	u32 zero = 0, uid, how = 0;
	struct autokill_config *c;
	struct user *u;
	int native = 0;
	bool arming;
	u64 id = 0;
	int err;

#ifdef AGENT
	err = waiting_die();
	if (err)
		return err;
#endif
	if (native_on && flags & CLONE_PARENT && native_autoreap(cur))
		return birth_refuse(-EINVAL);
	rec = task_record(cur);
	if (!rec)
		return 0;
	later_look();
	rec->newborn_tied = 0;
#ifndef MUTATE_REQUEST_PENDING
	/* A clone of this thread's that is still marked has ended: born was skipped. */
	rec->newborn = 0;
	rec->newborn_id = 0;
#endif
	if (rec->armed && !arm_valid(rec, cur))
		arm_lapse(rec, arm_invalid_why(rec, cur));
	err = arm_meant(rec, flags);
	if (err < 0) { /* told, rather than made without the tether that it may be for */
		COUNT(refused_memory);
		event_current(EVENT_REFUSED, EAGAIN);
		return -EAGAIN;
	}
	arming = err;
	if (arming) {
		rec->armed = 0; /* used up, however this ends */
		rec->asked = AUTOKILL_ASK_FAILED;
	}
	if (arming)
		how = rec->arm_flags;
	if (native_on && rec->native & NATIVE_OPEN) {
		native = native_request(rec, flags);
		if (native < 0) /* EAGAIN: told and counted there */
			return native == -EAGAIN ? native : birth_refuse(native);
	}
	if (rec->guard || native & NATIVE_NNP)
		how |= AUTOKILL_NNP;
	arming |= native != 0;
	if (!arming && !how && !rec->depth)
		return 0;
	uid = share_uid();
	if (!arming) {
		err = task_born(rec, task, user_get(uid), uid, how, 0, 0);
		if (err)
			return birth_refuse(err);
		rec->newborn = (u64)task;
		return 0;
	}

	c = bpf_map_lookup_elem(&config, &zero);
	if (!c || !ready_for_current())
		return birth_refuse(-EAGAIN); /* being unloaded: better no child than one alone */
	if (!native && !arm_allowed(cur, rec->arm_flags, rec->guard))
		return birth_refuse(-EPERM);
#ifdef AGENT
	if (!agent_alive()) {
		COUNT(arms_no_agent);
		event_current(EVENT_REFUSED, EAGAIN);
		return -EAGAIN;
	}
#endif
	u = user_get(uid);
	if (!u)
		return birth_refuse(-EAGAIN);
	err = share_take(&u->tethers, &others_tethers, uid, c->share, c->room, 1);
	if (err) {
		user_put(u, uid);
		if (err == -ENOSPC)
			return birth_refuse(-EAGAIN); /* what is left is root's */
		COUNT(refused_share);
		event_current(EVENT_REFUSED, EAGAIN);
		return -EAGAIN;
	}
	id = __sync_fetch_and_add(&last_id, 1) + 1;
	user_pin(u); /* one hold for the tether, one for the record */
	err = tether_make(id, rec, (u64)task, uid, how);
	if (err) {
		user_put(u, uid);
		tether_ended(id, uid, 0, 0);
		return birth_refuse(err);
	}
	err = task_born(rec, task, u, uid, how, id, native ? NATIVE_CHILD : 0);
	if (err) {
		tether_drop(id, uid, 0, 0);
		return birth_refuse(err);
	}
	__sync_fetch_and_add(&births_open, 1);
	if (watch_on)
		watch_start();
	rec->newborn = (u64)task;
	rec->newborn_id = id;
	rec->asked = AUTOKILL_SERVED;
	rec->asked_id = id;
	rec->arm_exec_id = cur->self_exec_id; /* of a request by clone3's flags, too */
	COUNT(births);
	return 0;
}

/*
 * The release of @t has been seen, or stands for one that can never be seen. The caller has moved
 * the state to TETHER_RELEASED, and so owns the tether until it has set the timer.
 */
static __noinline int tether_released(struct tether *t)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	u64 id;
	u32 uid;

	if (!t)
		return 0;
	id = t->d.id;
	uid = t->d.uid;
	t->d.released_at = bpf_ktime_get_boot_ns();
	t->d.lender = cur->real_parent->pid;
	t->d.looks = 0; /* look_birth() counts with it, too */
	COUNT(releases);
	kill_start(id, uid, t);
	return 0;
}

/*
 * The address @file, which is a new file's and to be tied to @id, is tied to another's: then the release of its former
 * owner went unseen. It cannot with BPF LSM; without, the release hook may be skipped. 0: that is dealt with. Or it was seen,
 * and the delete failed: then the element is for us to take over, and FILE_INHERITED says that it stands for @tied.
 */
#define FILE_INHERITED 1

static __always_inline int file_evict(u64 file, const struct tied_file *tied)
{
	struct tied_file *old = bpf_map_lookup_elem(&files, &file);
	u64 lost_id, lost_start;
	int mark;

	if (!old)
		return 0; /* the watch has just taken it */
	if (old->id == tied->id)
		return -EALREADY; /* timer and born at once */
	lost_id = old->id;
	lost_start = old->start_time;
	if (file_inherit(old, file, tied))
		return FILE_INHERITED;
	mark = file_take(old, file);
	if (mark < 0)
		return -EAGAIN; /* the watch is just taking it */
	if (!mark)
		failure_count(FAIL_STALE_FILE, -EEXIST);
	release_unseen(lost_id, lost_start, mark);
	return 0;
}

/*
 * Join the file at address @file, which stands for @pid with number @nr, and @t. Under the creator nobody takes a tether
 * in BIRTH away, since the child does not run before copy_process() has returned; under the timer of @t, whose delete waits
 * for the timer, its end of BIRTH can come in between: then birth_ends() fails, and the caller takes the entry back.
 */
static __noinline int tether_tie(struct tether *t, u64 file, u64 pid, u32 nr)
{
	struct tied_file tied = { .pid_struct = pid, .word = file };
	struct autokill_task *child;
	int err;

	if (!t)
		return -ENOENT;
	tied.id = t->d.id;
	if (READ_ONCE(t->d.state) != TETHER_BIRTH)
		return -EALREADY;
	/* Read by others after birth_ends(), see struct tether. */
	WRITE_ONCE(t->d.file, file);
	WRITE_ONCE(t->d.pid_struct, pid);
	WRITE_ONCE(t->d.tgid, nr);
	/* Only native_info() and the list of who was not reaped ask for it. */
	child = native_on ? task_record((struct task_struct *)t->d.task) : NULL;
	if (child)
		child->pid = nr;
	__sync_fetch_and_add(&files_open, 1);
	err = bpf_map_update_elem(&files, &file, &tied, BPF_NOEXIST);
	if (!err)
		return 0;
	if (err == -EEXIST) {
		err = file_evict(file, &tied);
		if (!err)
			err = bpf_map_update_elem(&files, &file, &tied, BPF_NOEXIST);
		if (!err)
			return 0;
	}
	__sync_fetch_and_sub(&files_open,
			     1); /* of an inherited one the former owner's count stays */
	if (err == FILE_INHERITED)
		return 0;
	if (err != -EALREADY && err != -EAGAIN)
		failure_count(FAIL_FILE_INSERT, err);
	return err;
}

/*
 * The number of the struct pid @pid, whose number in the initial pid namespace is @nr, as the current task sees it. 0:
 * it could not be read; then AUTOKILL_ASK cannot name the child.
 */
static __always_inline u32 pid_number(u64 pid, u32 nr)
{
	u32 level = bpf_get_current_task_btf()->thread_pid->level;
	u32 seen = 0;

	if (!level)
		return nr;
	pid += bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr);
	bpf_probe_read_kernel(&seen, sizeof(seen), (void *)pid);
	return seen;
}

/*
 * A pidfd's file was made, in the creator: by clone3's own call, or by pidfd_open() and others. It stands for the
 * struct pid @pid with the number @nr; @attached: some task has that already.
 */
static __always_inline void tether_tie_new(u64 pid, bool attached, u32 nr, struct file *file)
{
	struct autokill_task *rec;
	struct tether *t;
	u64 id;

	/* Raised by this task's own birth, if it has one to tie. */
	if (!READ_ONCE(births_open))
		return;
	rec = task_record(bpf_get_current_task_btf());
	if (!rec || !rec->newborn_id || rec->newborn_tied || IS_ERR_VALUE(file))
		return;
#ifndef MUTATE_REQUEST_PENDING
	if (attached)
		return;
#endif
	id = rec->newborn_id;
	if (!READ_ONCE(pidfd_fops))
		WRITE_ONCE(pidfd_fops, (u64)file->f_op);
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t || tether_tie(t, (u64)file, pid, nr))
		return; /* counted; born or the timer finds it */
	if (birth_ends(t, TETHER_LIVE)) {
		rec->newborn_tied = 1;
		rec->asked = AUTOKILL_SERVED | pid_number(pid, nr);
		COUNT(ties);
		event_tether(EVENT_BORN, t, 0);
	}
}

struct fd_search {
	u64 pid;   /* in: struct pid that the file is to stand for */
	u64 fds;   /* in: the array */
	u64 file;  /* out: the file found */
	u32 at;	   /* out: its descriptor */
	u32 found; /* out: how many */
};

static int fd_look(u32 i, struct fd_search *s)
{
	struct file *file = fd_pidfd(s->fds, i);

	if (!file || file_pid(file) != s->pid)
		return 0;
	s->file = (u64)file;
	s->at = i;
	s->found++;
	return 0;
}

/*
 * The tie was skipped: find the file among the descriptors of @creator. Exactly one must stand for
 * the child (its creator may have called pidfd_open() on it since, and then nobody can tell).
 *
 * Enter it first, then see that it is still there: close() takes the descriptor out of the
 * table before it drops the file, so either the second look misses it, or the release comes after
 * the entry and finds it. The atomic add between the two is the full barrier that this needs.
 */
static __noinline int tether_make_up(struct tether *t, struct task_struct *creator, u64 pid, u32 nr)
{
	struct fd_search s = { .pid = pid }, again;
	struct files_struct *files_of;
	struct tied_file *tied;
	struct fdtable *fdt;
	u32 max;
	int err;

	if (!t || !creator || !READ_ONCE(pidfd_fops))
		return -EINVAL;
	files_of = BPF_CORE_READ(creator, files);
	fdt = BPF_CORE_READ(files_of, fdt);
	max = BPF_CORE_READ(fdt, max_fds);
	s.fds = (u64)BPF_CORE_READ(fdt, fd);
	if (!s.fds)
		return -ENOENT;
	again = s;
	bpf_loop(max < FDS_LOOKED_AT ? max : FDS_LOOKED_AT, fd_look, &s, 0);
	if (s.found != 1)
		return s.found ? -EEXIST : -ENOENT;
	err = tether_tie(t, s.file, pid, nr);
	if (err == -EALREADY)
		return 0; /* by the usual program, just now */
	if (err)
		return err;
	COUNT(ties_made_up);
	fd_look(s.at, &again);
	if (again.found == 1 && again.file == s.file && birth_ends(t, TETHER_LIVE)) {
		event_tether(EVENT_BORN, t, 0);
		return 0;
	}
	/* Unless it is marked: then the release has found it. */
	tied = bpf_map_lookup_elem(&files, &s.file);
	if (tied && __sync_val_compare_and_swap(&tied->word, s.file, 0) == s.file)
		file_forget(tied, s.file);
	return -ENOENT;
}

/* The group @nr, whose leader has the struct pid @pid, lives and no file was found for it. */
static __always_inline void untied_kill(struct tether *t, u64 pid, u32 nr)
{
	WRITE_ONCE(t->d.pid_struct, pid);
	WRITE_ONCE(t->d.tgid, nr);
	if (!birth_ends(t, TETHER_RELEASED))
		return;
	COUNT(untied_killed);
	event_tether(EVENT_UNTIED, t, 0);
	tether_released(t);
}

/*
 * The child of @t lives and its file is not tied: tie it now, or kill the child. @task is the task that
 * the clone made; @creator, whose descriptors are looked at, may be NULL. @patient: the creator may still be
 * about to install the descriptor, so look again later.
 */
static __noinline int tether_untied(struct tether *t, struct task_struct *task,
				    struct task_struct *creator, bool patient)
{
	struct pid *pid;
	int err = -ESRCH;
	u32 nr;

	if (!t || !task)
		return 0;
	pid = BPF_CORE_READ(task, thread_pid);
	nr = BPF_CORE_READ(task, tgid);
	if (creator)
		err = tether_make_up(t, creator, (u64)pid, nr);
	if (!err)
		return 0;
	if (patient && err == -ENOENT && !timer_set(t, BIRTH_LOOK_MS))
		return 0;
	untied_kill(t, (u64)pid, nr);
	return 0;
}

/* The clone of @task, which was to be tethered by @id, failed after birth. In the creator. */
static __always_inline void tether_unbirth(u64 id, u64 task)
{
	struct autokill_task *rec = task_record(bpf_get_current_task_btf());
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	u32 uid;

#ifdef MUTATE_REQUEST_PENDING
	return;
#endif
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
	if (READ_ONCE(t->d.state) == TETHER_BIRTH)
		birth_ends(t, TETHER_LIVE);
	/* A file that was tied already is put later; its entry goes then, and finds no tether. */
	tether_drop(id, uid, 0, 0);
}

/*
 * At task_alloc, where that can be skipped, in the second copy: has the first been there? It has if it left a record that is not
 * of a former owner of the address: one that the creator's mark and the tether in it belong to, with the request used up.
 */
static __always_inline bool is_born(struct task_struct *task, u64 flags)
{
	struct autokill_task *creator = task_record(bpf_get_current_task_btf());
	struct autokill_task *rec = task_record(task);

	return creator && rec && creator->newborn == (u64)task &&
	       creator->newborn_id == rec->tether && !creator->newborn_tied && !rec->left &&
	       !(creator->native & NATIVE_ASKED) && !arm_meant(creator, flags);
}

/* What is recorded of @task's address belongs to a former owner, whose task_free was skipped. It is dead. */
static __noinline int record_stale(struct task_struct *task)
{
	struct autokill_task *rec = task_record(task);
	struct tether *t;
	u32 uid, units;
	u64 id;

	if (!rec)
		return 0;
	uid = rec->uid;
	units = rec->units;
	id = rec->tether;
	native_state(rec, 0);
	t = id ? bpf_map_lookup_elem(&tethers, &id) : NULL;
	/* Its clone failed, or it came and went before its tie: nobody else would end that. */
	if (t && READ_ONCE(t->d.state) == TETHER_BIRTH)
		tether_unbirth(id, (u64)task);
	rec = task_record(task);
	if (rec && rec->depth)
		tree_leave(rec);
	task_record_drop((u64)task, uid, units);
	return 0;
}

/*
 * Was birth, which can be skipped where this is called, missed for @child? A request that it would have used up is still there; or
 * the child of a guarded task, or of a member of a tree, has no record. (One that an earlier owner of the address has left, because
 * its task_free was skipped as well, cannot be told from the child's.)
 */
static __always_inline bool birth_missed(struct task_struct *child, u64 flags)
{
	struct autokill_task *creator = task_record(bpf_get_current_task_btf());
	struct autokill_task *rec;

	if (!creator)
		return false;
	rec = task_record(child);
	/* It has been there: what the clone is for may have been changed in the caller's memory since. */
	if (rec && !rec->left && creator->newborn == (u64)child &&
	    creator->newborn_id == rec->tether)
		return false;
	if (arm_meant(creator, flags))
		return true;
	if (creator->native & NATIVE_ASKED)
		return true;
	if (!creator->guard && !creator->depth)
		return false;
	return !rec || rec->left;
}

/*
 * fexit of copy_process, in the creator, of a clone that succeeded: the child is visible, and has its pidfd, but it does not run
 * before this has returned. So what birth would have done can be done now; only to refuse the clone is too late.
 */
static __always_inline void birth_late(struct task_struct *child, u64 flags)
{
	int err;

	if (!birth_missed(child, flags))
		return;
	record_stale(child);
	err = tether_birth(child, flags);
	if (!err) {
		COUNT(births_made_up);
		return;
	}
	failure_count(FAIL_BIRTH_LATE, err);
#ifndef AGENT
	born_kill(child);
#endif
}

/*
 * The clone failed, and the task that it was to make, @task, is still marked: task_free was not seen.
 * Without BPF LSM it can be skipped, and is not called at all when a program of somebody else's on
 * fmod_ret/security_task_alloc refuses after ours. The mark can also be of an earlier clone, whose
 * born was skipped: no pid leads to a task whose clone failed, and it never exits. @id: its tether, by the mark.
 */
static __noinline int newborn_lost(struct task_struct *task, u64 id)
{
	struct autokill_task *rec = task_record(task);
	u32 uid, units;

	if (!rec || rec->tether != id)
		return 0;
	uid = rec->uid;
	units = rec->units;
	/* In this order: who has lived has an exit_state before its pid leads to it no more (release_task()). */
	if (pid_task((u64)BPF_CORE_READ(task, thread_pid), PIDTYPE_PID) == task)
		return 0;
#ifndef MUTATE_NEWBORN_LIVED
	if (BPF_CORE_READ(task, exit_state))
		return 0; /* task_free, and what it guards, are still to come */
#endif
	if (id)
		tether_unbirth(id, (u64)task);
	rec = task_record(task);
	if (rec && rec->depth)
		tree_leave(rec);
	task_record_drop((u64)task, uid, units);
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
#ifndef MUTATE_NATIVE_ONE_OUT
	if (native_on && rec->native & NATIVE_OPEN)
		native_leave(IS_ERR_VALUE(child));
#endif
	if (IS_ERR_VALUE(child)) {
		/*
		 * Failed before task_alloc got to use the request up (RLIMIT_NPROC, memory). But with a signal pending
		 * copy_process() gives up at once, and the kernel makes the same call again: then the request stands.
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
#ifdef MUTATE_NEWBORN_LIVED
	return; /* as if both copies were skipped when a clone comes through */
#endif
	if (rec->newborn != (u64)child)
		return; /* it is in no tether, or the other copy has been here */
#ifndef AGENT
	if (rec->depth)
		tree_born(child);
#endif
	id = rec->newborn_id;
	rec->newborn = 0;
	rec->newborn_id = 0;
	t = id ? bpf_map_lookup_elem(&tethers, &id) : NULL;
	if (!t)
		return;
	if (READ_ONCE(t->d.state) != TETHER_BIRTH) {
		/* Else the mark is of an earlier owner of the address, both copies of born and then birth having been skipped. */
		if (READ_ONCE(t->d.tgid) == (u32)child->tgid)
			WRITE_ONCE(t->d.start_time, child->start_boottime);
		return;
	}
	WRITE_ONCE(t->d.start_time, child->start_boottime);
	tether_untied(t, child, cur, false);
}

/*
 * The creator of @t, for a look at its descriptors from the timer; NULL if it has gone. It has armed, and
 * so has a record, which goes before its task_struct does; the number tells it from a new owner of the
 * address who has armed, too.
 */
static __always_inline struct task_struct *creator_find(const struct tether *t)
{
	struct task_struct *creator = (struct task_struct *)t->d.creator_task;

	if (!task_record(creator) || (u32)BPF_CORE_READ(creator, pid) != t->d.creator_tid)
		return NULL;
	return creator;
}

/* Timer, before the tie: has the clone come through without it? */
static __always_inline void look_birth(struct tether *t)
{
	struct task_struct *child = (struct task_struct *)t->d.task;
	struct autokill_task *rec;
	u64 pid;

	/*
	 * The task_struct may be gone and be another's by now, so the record decides: it goes at
	 * task_free, before the memory is free, and a new owner's names another tether, or none.
	 * Until the clone is through, no task is attached to its pid.
	 */
	rec = task_record(child);
	if (!rec || rec->tether != t->d.id) {
		timer_set(t, BIRTH_LOOK_MS); /* task_free is just taking it back */
		return;
	}
	pid = (u64)BPF_CORE_READ(child, thread_pid);
	/*
	 * The clone may be just between making the child visible and fd_install(), and the creator have to
	 * wait long for the CPU. To wait for it is safe: a pidfd of the child that is released
	 * meanwhile is taken for the release of the tether.
	 */
	if (pid && pid_task(pid, PIDTYPE_PID) == child && t->d.looks++)
		tether_untied(t, child, creator_find(t), t->d.looks < BIRTH_LOOKS);
	else
		timer_set(t, BIRTH_LOOK_MS);
}

/* Timer, after the end of @t, whose delete has failed. */
static __always_inline void tether_delete_again(struct tether *t)
{
	u64 id = t->d.id & ~TETHER_LEFT, start_time = t->d.start_time;
	u32 uid = t->d.uid, tgid = t->d.tgid;
	int err = map_delete(&tethers, &id);

	if (!err) {
		tether_ended(id, uid, tgid, start_time);
	} else if (err != -ENOENT) {
		failure_count(FAIL_TETHER_DELETE, err);
		timer_set(t, LATER_AGAIN_MS);
	}
}

/* The one timer of a tether. It runs in softirq context, never twice at a time for one tether. */
static int look(void *map, u64 *key, struct tether *t)
{
	if (is_left(t)) {
		tether_delete_again(t);
		later_look();
		return 0;
	}
	switch (READ_ONCE(t->d.state)) {
	case TETHER_BIRTH:
		look_birth(t);
		break;
	case TETHER_RELEASED:
	case TETHER_KILLED:
		look_released(t);
		break;
	default:
		break;
	}
	later_look();
	return 0;
}

/*
 * @task, which the clone of the tether @id made, has lived and died. A tether that is still at birth
 * then, all programs that tie having been skipped, has nobody left to guard; a tied one goes with its
 * file. But exec by another thread takes the group over, and it lives on (de_thread(), fs/exec.c).
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
	if (!birth_ends(t, TETHER_LIVE))
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
	u32 uid, units;
	u64 id;

	if (!rec)
		return;
	uid = rec->uid;
	units = rec->units;
	id = rec->tether;
	native_state(rec, 0);
	/* Every task that has lived went through exit_notify(), which sets exit_state. */
	if (id && !task->exit_state)
		tether_unbirth(id, (u64)task);
	else if (id && READ_ONCE(births_open))
		tether_outlived(id, task);
	if (rec->depth) {
		if (!rec->left && task->exit_state)
			COUNT(exits_made_up);
		tree_leave(rec);
	}
	task_record_drop((u64)task, uid, units);
	later_look();
}

/* A pidfd that nobody tied, while some newborn waits for its tie: is it that newborn's? */
static __noinline int release_of_newborn(u64 pid)
{
	struct task_struct *task = pid_task(pid, PIDTYPE_TGID);
	struct autokill_task *rec;
	struct tether *t;
	u64 id;

	rec = task ? task_record(task) : NULL;
	id = rec ? rec->tether : 0;
	t = id ? bpf_map_lookup_elem(&tethers, &id) : NULL;
	if (!t || READ_ONCE(t->d.state) != TETHER_BIRTH)
		return 0;
	WRITE_ONCE(t->d.pid_struct, pid);
	WRITE_ONCE(t->d.tgid, BPF_CORE_READ((struct pid *)pid, numbers[0].nr));
	if (birth_ends(t, TETHER_RELEASED)) {
		COUNT(releases_made_up);
		tether_released(t);
	}
	return 0;
}

/* The last reference to @file, which is a pidfd, is gone; its memory and its pid are still there. */
static __always_inline void pidfd_released(struct file *file)
{
	/* As file_pid(), but the verifier knows this for a file. */
	u64 pid = (u64)file->f_inode->i_private ?: (u64)file->private_data;
	u64 key = (u64)file, id, start_time;
	struct tied_file *tied = bpf_map_lookup_elem(&files, &key);
	struct tether *t;
	bool lost;
	int mark;

	if (!tied || (READ_ONCE(tied->word) & FILE_MARKS) == FILE_LEFT) {
		if (READ_ONCE(births_open))
			release_of_newborn(pid);
		return;
	}
	id = tied->id;
	start_time = tied->start_time;
	lost = tied->pid_struct != pid;
	mark = file_take(tied, key);
	if (mark < 0)
		return; /* somebody else handles it */
	later_look();
	if (lost) {
		/* An earlier file's, of which the release was skipped. */
		if (!mark)
			failure_count(FAIL_STALE_FILE, -ESTALE);
		release_unseen(id, start_time, mark);
		return;
	}
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t || is_left(t))
		return; /* its clone failed */
	if (__sync_val_compare_and_swap((u32 *)&t->d.state, TETHER_LIVE, TETHER_RELEASED) ==
	    TETHER_LIVE)
		tether_released(t);
	else if (birth_ends(t, TETHER_RELEASED)) /* between the entry and the end of the tie */
		tether_released(t);
}

/* file_release of every file: what is no pidfd leaves at once. */
static __always_inline void file_released(struct file *file)
{
	if ((u64)file->f_op == READ_ONCE(pidfd_fops))
		pidfd_released(file);
}

#endif /* AUTOKILL_TETHER_BPF_H */
