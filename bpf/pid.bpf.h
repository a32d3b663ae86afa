/* SPDX-License-Identifier: GPL-2.0-only */
/* pid.bpf.h - who is behind a pid: file, struct pid, leader, group; and SIGKILL to a group */
#ifndef AUTOKILL_PID_BPF_H
#define AUTOKILL_PID_BPF_H

#include "compat.bpf.h"
#include "mutant.bpf.h"

/*
 * The f_op of pidfds, learnt from the first file that is tied (the canary's). Written by tether_tie
 * before the file enters maps/files; read by the release hook, first thing on every file. Pairs:
 * WRITE_ONCE and the map update's bucket lock there, READ_ONCE here; once set it never changes.
 */
u64 pidfd_fops;

/*
 * The struct pid that the pidfd @file stands for: inode->i_private since v6.9 (cb12fd8e0dab
 * ("pidfd: add pidfs")). Before, pidfds share the one anonymous inode, whose i_private is NULL, and
 * it is file->private_data.
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
 * The task that is attached to @pid as @type, NULL if there is none: pid_task() (kernel/pid.c).
 * What it returns may exit at any moment; its memory stays for as long as the program runs, since a
 * task_struct goes an RCU grace period after it was unhashed. Not so in a syscall program, which
 * may sleep.
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

/*
 * The leader of the group with the number @tgid, for the caller to release; NULL: there is no such
 * group. An exec by another thread puts that thread in the leader's place (de_thread(), fs/exec.c),
 * and the old one, found just before, may be past being acquired: so NULL is believed the second
 * time.
 */
static __always_inline struct task_struct *leader_get(u32 tgid)
{
	return bpf_task_from_pid(tgid) ?: bpf_task_from_pid(tgid);
}

/*
 * The struct pid of the group of @leader. It is the group's own, and stays during such an exec;
 * that of the leader, thread_pid, is another's for a moment (exchange_tids(), kernel/pid.c).
 */
static __always_inline u64 group_pid(const struct task_struct *leader)
{
	if (MUTANT(LEADER_PID))
		return (u64)leader->thread_pid;
	return (u64)leader->signal->pids[PIDTYPE_TGID];
}

/*
 * SIGKILL to the group of @leader from the current context, which needs an mm (EPERM else). 0 if it
 * was accepted. It goes to a thread that is not exiting, for a zombie leader is refused (EPERM),
 * and to the group (PIDTYPE_TGID), so it does not matter which one, nor whether that thread is just
 * being killed by another's exec: the signal is pending on the group, which stays.
 */
static __noinline __maybe_unused int signal_group(struct task_struct *leader)
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

#endif /* AUTOKILL_PID_BPF_H */
