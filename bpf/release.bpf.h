/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * release.bpf.h - the last reference to a pidfd went: seen, or made up for
 *
 * Seen: by file_release, first thing in __fput(), in whoever drops the reference. With BPF LSM the
 * kernel never skips that (v6.2: bpf_prog_check_recur()). Without, a skipped release is made up
 * for: by the watch (watch.bpf.h), or by the tie of a new file at the same address.
 */
#ifndef AUTOKILL_RELEASE_BPF_H
#define AUTOKILL_RELEASE_BPF_H

#include "again.bpf.h"
#include "events.bpf.h"
#include "file.bpf.h"
#include "killer.bpf.h"
#include "maps.bpf.h"
#include "pid.bpf.h"
#include "record.bpf.h"
#include "tether.bpf.h"
#include "tree.bpf.h"

/*
 * The tree @id was released, whose tether is @t. @seen: in the releaser; else it was made up for,
 * and the timer kills. HOLD_FILE keeps the tether there until the end.
 */
static __always_inline void tree_released(u64 id, struct tether *t, bool seen)
{
	u32 members = READ_ONCE(t->d.holds) & ~HOLD_FILE;

	t->d.members = members;
	if (members) {
		event_tether(EVENT_RELEASED, t, 0);
		if (seen)
			kill_tree(id, t);
		else
			timer_set(t, LOOK_FIRST_MS);
		if (KILLER_HOLDS)
			return; /* the agent puts it, when it has killed: agent_says() */
	} else {
		event_tether(EVENT_RELEASED_DEAD, t, 0);
		COUNT(released_dead);
	}
	hold_put(id, HOLD_FILE);
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
	release_begin(t);
	t->d.lender = cur->real_parent->pid;
	if (t->d.scope == SCOPE_TREE)
		tree_released(id, t, true);
	else
		kill_start(id, uid, t);
	return 0;
}

/*
 * The tether @id was released, and nobody has seen it in time: its struct pid may have gone with
 * the file. @noted: the kprobe says who the child was, by @start_time, or, by 0, that it was dead.
 * Else it is what born has written, and the timer finds out. The timer kills, too: a kill from here
 * would not fit on the BPF stack.
 */
static __noinline int release_unseen(u64 id, u64 start_time, bool noted)
{
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	u32 uid;

	if (!t || is_left(t))
		return 0; /* its clone failed, or the release came after all */
	if (!tether_release(t))
		return 0;
	uid = t->d.uid;
	release_begin(t);
	COUNT(releases_made_up);
	if (t->d.scope == SCOPE_TREE) {
		tree_released(id, t, false);
		return 0;
	}
	if (noted && !start_time) {
		released_dead(id, uid, t);
		return 0;
	}
	if (noted)
		WRITE_ONCE(t->d.start_time, start_time); /* pairs with is_victim() */
	event_tether(EVENT_RELEASED, t, 0);
	timer_set(t, LOOK_FIRST_MS);
	return 0;
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
	if (tether_leave_birth(t, TETHER_RELEASED)) {
		COUNT(releases_made_up);
		tether_released(t);
	}
	return 0;
}

/*
 * The last reference to @file, which is a pidfd, is gone; its memory and its pid are still there.
 */
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
		if (READ_ONCE(n_births))
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
	if (tether_release(t))
		tether_released(t);
}

/* file_release of every file. It returns at once unless the file is a pidfd. */
static __always_inline void file_released(struct file *file)
{
	if ((u64)file->f_op == READ_ONCE(pidfd_fops))
		pidfd_released(file);
}

#endif /* AUTOKILL_RELEASE_BPF_H */
