// SPDX-License-Identifier: GPL-2.0-only
/*
 * autokill.bpf.c - the kernel side: every program, and on which hook it hangs
 *
 * Architecture:
 *
 *   prctl, prctl2 to prctl12  fmod_ret/security_task_prctl  arm, unarm, ask, query. An LSM program could
 *                                                 not serve it: it may return no positive value
 *   rlimit     fmod_ret/security_task_setrlimit   the same requests, where no program is ever skipped
 *   birth      lsm/task_alloc                     make the tether, or refuse the clone
 *   tie, tie2  fexit/pidfs_alloc_file             join the pidfd's struct file and the tether
 *   born, born2  fexit/copy_process               clone done or failed; a missing tie
 *   unbirth    lsm/task_free                      clone failed late; forget the task
 *   guard      lsm/bprm_creds_from_file           refuse an exec that gains privileges
 *   exit, exit2  tp_btf/sched_process_exit        a member of a tree is one no more
 *   release    lsm/file_release                   the last reference went: kill
 *   release_kp kprobe/__fput                      without BPF LSM: note it, for the watch (watch.bpf.h)
 *   native_in, native_in_kp  fentry/copy_clone_args_from_user, kprobe/__x64_sys_clone3
 *                                                 the kernel's own clone3 flags, before 7.1: take
 *                                                 them out of the caller's struct
 *   native_out  fexit/copy_clone_args_from_user   put them back
 *   native_info, native_info2  fexit/pidfd_ioctl  PIDFD_INFO_EXIT of a child made by the flags
 *   (timer)    look() in tether.bpf.h             look again until the group is gone
 *   (timer)    watch_tick() in watch.bpf.h        make up for a release that was skipped
 *   (task work) *_work() in kill.bpf.h            kill from a context that has an mm
 *   members    iter/task                          print the members of trees, for who reads the pin
 *
 * On 6.1 to 6.8 the release hangs on fentry and kprobe of pidfd_release (release_pidfd), which see pidfds
 * only, and the tie on fexit/anon_inode_getfile (tie_anon).
 * Up to 6.17 the agent kills (agent.bpf.h); it talks to three programs more:
 *
 *   agent      syscall                            the agent says: killed, swept, gone, stuck
 *   sweep      syscall                            the agent asks: who is in a released tree
 *   identity   syscall                            the agent asks: whom its pidfds stand for, exactly
 *
 * Without `bpf` in the kernel's list of active LSMs an LSM program attaches and is never called.
 * Then the same functions hang on fmod_ret and fentry of security_* (suffix _fn), which attach to
 * any kernel, but can be skipped under preemption, so birth, unbirth and guard are there twice, and birth_late
 * makes up for a skipped birth; *commit* kills where guard cannot see what an exec gains. `autokill status` says
 * so and counts what was skipped.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "compat.bpf.h"
#include "maps.bpf.h"
#include "events.bpf.h"
#include "later.bpf.h"
#include "users.bpf.h"
#include "share.bpf.h"
#include "state.bpf.h"
#include "tree.bpf.h"
#ifdef AGENT
#include "agent.bpf.h"
#else
#include "kill.bpf.h"
#include "sweep.bpf.h"
#endif
#include "arm.bpf.h"
#include "guard.bpf.h"
#include "native.bpf.h"
#include "watch.bpf.h"
#include "tether.bpf.h"
#include "again.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/*
 * v6.12: 5d99e198be27 ("bpf, lsm: Add check for BPF LSM return value"). The verifier wants a return
 * value that it can prove to lie in [-4095, 0]; the barrier keeps clang from turning two known
 * values into a negation, whose range it cannot follow.
 */
static __always_inline int lsm_ret(int ret)
{
	barrier_var(ret);
	if (ret > 0 || ret < -4095)
		return -EPERM;
	return ret;
}

/*
 * The kernel skips a program while a task is preempted in it on this CPU, and a user can make that long: by SCHED_IDLE
 * processes that loop on prctl(), with busy ones beside them. A copy is called when those before it are skipped, so that
 * each takes one more such task, and a CPU has to hold one for every copy before a call is skipped by all: 60 loopers a
 * CPU on 7.3 got 12 copies to that in 0.3 % of their own calls, and in none of the 250 of another user. (On 6.2 and newer an
 * LSM program is not skipped, but may return no positive value.) For who must not depend on that, there is rlimit.
 */
#define PRCTL(name)                                                                                \
	SEC("fmod_ret/security_task_prctl")                                                        \
	int BPF_PROG(name, int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, \
		     unsigned long arg5, int ret)                                                  \
	{                                                                                          \
		if (option != PR_AUTOKILL || ret)                                                  \
			return ret;                                                                \
		return arg5 ? -EINVAL : arm_request(arg2, arg3, arg4);                             \
	}

PRCTL(autokill_prctl)
PRCTL(autokill_prctl2)
PRCTL(autokill_prctl3)
PRCTL(autokill_prctl4)
PRCTL(autokill_prctl5)
PRCTL(autokill_prctl6)
PRCTL(autokill_prctl7)
PRCTL(autokill_prctl8)
PRCTL(autokill_prctl9)
PRCTL(autokill_prctl10)
PRCTL(autokill_prctl11)
PRCTL(autokill_prctl12)

SEC("fmod_ret/security_task_setrlimit")
int BPF_PROG(autokill_rlimit, struct task_struct *task, unsigned int resource,
	     const struct rlimit *new, int ret)
{
	return ret ?: arm_rlimit(task, resource, new);
}

SEC("lsm/task_alloc")
int BPF_PROG(autokill_birth, struct task_struct *task, unsigned long clone_flags, int ret)
{
	return lsm_ret(ret ?: tether_birth(task, clone_flags));
}

/*
 * Where birth can be skipped. @second: this copy runs after the other, and leaves what that has done. (What is attached last is called
 * first, user/rungs.c. Were it the other way round, the first copy would undo the second's work, and the canary fail.)
 */
static __always_inline int birth_skippable(struct task_struct *task, u64 flags, bool second)
{
	if (second && is_born(task, flags))
		return 0;
	record_stale(task);
	return tether_birth(task, flags);
}

SEC("fmod_ret/security_task_alloc")
int BPF_PROG(autokill_birth2_fn, struct task_struct *task, unsigned long clone_flags, int ret)
{
	return ret ?: birth_skippable(task, clone_flags, true);
}

SEC("fmod_ret/security_task_alloc")
int BPF_PROG(autokill_birth_fn, struct task_struct *task, unsigned long clone_flags, int ret)
{
	return ret ?: birth_skippable(task, clone_flags, false);
}

SEC("lsm/task_free")
int BPF_PROG(autokill_unbirth, struct task_struct *task)
{
	task_freed(task);
	return 0;
}

SEC("fentry/security_task_free")
int BPF_PROG(autokill_unbirth2_fn, struct task_struct *task)
{
	task_freed(task); /* finds nothing if the other copy was called */
	return 0;
}

SEC("fentry/security_task_free")
int BPF_PROG(autokill_unbirth_fn, struct task_struct *task)
{
	task_freed(task);
	return 0;
}

SEC("fexit/pidfs_alloc_file")
int BPF_PROG(autokill_tie, struct pid *pid, unsigned int flags, struct file *file)
{
	tether_tie_new((u64)pid, pid->tasks[PIDTYPE_PID].first, pid->numbers[0].nr, file);
	return 0;
}

/*
 * Second copies. What makes the kernel skip a program is a task preempted in that very program, so
 * the copy runs nearly always when the first does not; where the first has run, it finds its work
 * done. Both skipped, it is left to the timer, which can be in doubt about the file, and kills then.
 */
SEC("fexit/pidfs_alloc_file")
int BPF_PROG(autokill_tie2, struct pid *pid, unsigned int flags, struct file *file)
{
	tether_tie_new((u64)pid, pid->tasks[PIDTYPE_PID].first, pid->numbers[0].nr, file);
	return 0;
}

/* Before v6.9 a pidfd is an anonymous inode's file: "[pidfd]" and its NUL are 8 characters. */
static __always_inline void tie_anon(const char *name, const struct pid *pid, struct file *file)
{
	char text[8];
	u64 word, pidfd;

	if (!READ_ONCE(births_open) || bpf_probe_read_kernel(&word, sizeof(word), name))
		return;
	__builtin_memcpy(text, "[pidfd]", sizeof(text));
	__builtin_memcpy(&pidfd, text, sizeof(pidfd));
	if (word == pidfd)
		tether_tie_new((u64)pid, BPF_CORE_READ(pid, tasks[PIDTYPE_PID].first),
			       BPF_CORE_READ(pid, numbers[0].nr), file);
}

SEC("fexit/anon_inode_getfile")
int BPF_PROG(autokill_tie_anon, const char *name, void *fops, void *priv, int flags,
	     struct file *file)
{
	tie_anon(name, priv, file);
	return 0;
}

SEC("fexit/anon_inode_getfile")
int BPF_PROG(autokill_tie_anon2, const char *name, void *fops, void *priv, int flags,
	     struct file *file)
{
	tie_anon(name, priv, file);
	return 0;
}

SEC("fexit/copy_process")
int BPF_PROG(autokill_born2, struct pid *pid, int trace, int node, struct kernel_clone_args *args,
	     struct task_struct *child)
{
	tether_born(args, child);
	return 0;
}

SEC("fexit/copy_process")
int BPF_PROG(autokill_born, struct pid *pid, int trace, int node, struct kernel_clone_args *args,
	     struct task_struct *child)
{
	tether_born(args, child);
	return 0;
}

/* Attached after born, so called before: it then finds a newborn whose tie is missing. */
SEC("fexit/copy_process")
int BPF_PROG(autokill_birth_late_fn, struct pid *pid, int trace, int node,
	     struct kernel_clone_args *args, struct task_struct *child)
{
	if (!IS_ERR_VALUE(child))
		birth_late(child, args->flags);
	return 0;
}

SEC("lsm/bprm_creds_from_file")
int BPF_PROG(autokill_guard, struct linux_binprm *bprm, const struct file *file, int ret)
{
	return lsm_ret(ret ?: guard_exec(bprm));
}

/* An exec that the first copy has refused does not get to the second. */
SEC("fmod_ret/security_bprm_creds_from_file")
int BPF_PROG(autokill_guard2_fn, struct linux_binprm *bprm, const struct file *file, int ret)
{
	return ret ?: guard_exec(bprm);
}

SEC("fmod_ret/security_bprm_creds_from_file")
int BPF_PROG(autokill_guard_fn, struct linux_binprm *bprm, const struct file *file, int ret)
{
	return ret ?: guard_exec(bprm);
}

SEC("fentry/security_bprm_committing_creds")
int BPF_PROG(autokill_commit2_fn, const struct linux_binprm *bprm)
{
	guard_commit(bprm);
	return 0;
}

SEC("fentry/security_bprm_committing_creds")
int BPF_PROG(autokill_commit_fn, const struct linux_binprm *bprm)
{
	guard_commit(bprm);
	return 0;
}

/* v6.16: the tracepoint moved to the beginning of do_exit(); before, it is behind exit_mm(). */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(autokill_exit, struct task_struct *task)
{
	tree_exit(task);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(autokill_exit2, struct task_struct *task)
{
	tree_exit(task);
	return 0;
}

SEC("lsm/file_release")
int BPF_PROG(autokill_release, struct file *file)
{
	file_released(file);
	return 0;
}

SEC("fentry/security_file_release")
int BPF_PROG(autokill_release_fn, struct file *file)
{
	file_released(file);
	return 0;
}

/*
 * What no preempted peer can keep from running, see watch.bpf.h. On every file, so what is no pidfd leaves at
 * once. On __fput(), which calls the hook, and not on that itself: beside a trampoline on the same
 * function, ftrace would go through the list of both, 500 instructions more.
 */
SEC("kprobe/__fput")
int autokill_release_kp(struct pt_regs *regs)
{
	const struct file *file = (const struct file *)regs->di;

	if ((u64)BPF_CORE_READ(file, f_op) == READ_ONCE(pidfd_fops))
		file_going(file);
	return 0;
}

SEC("kprobe/pidfd_release")
int autokill_release_pidfd_kp(struct pt_regs *regs)
{
	file_going((const struct file *)regs->si); /* the second argument */
	return 0;
}

SEC("fentry/pidfd_release")
int BPF_PROG(autokill_release_pidfd, struct inode *inode, struct file *file)
{
	pidfd_released(file);
	return 0;
}

/* Where there are no kprobes. It finds the file out of its map, and leaves. */
SEC("fentry/pidfd_release")
int BPF_PROG(autokill_release_pidfd2, struct inode *inode, struct file *file)
{
	pidfd_released(file);
	return 0;
}

/*
 * The kernel's own clone3 flags, before 7.1 (native.bpf.h). The way in is there twice. The kernel skips the first
 * while another task is preempted in it: under 200 threads on one CPU with preempt=full, in some per cent of
 * the calls. A kprobe runs with preemption disabled, from before it is counted as active
 * (kprobe_ftrace_handler(), trace_call_bpf()), so no peer can keep it from running; it is skipped only while a
 * bpf() system call on a map is preempted halfway (bpf_prog_active). It hangs on a function of its own:
 * beside a trampoline on the same one, ftrace would go through the list of both, 500 instructions more.
 */
SEC("kprobe/__x64_sys_clone3")
int autokill_native_in_kp(struct pt_regs *entry)
{
	const struct pt_regs *call = (const struct pt_regs *)entry->di; /* the only argument */

	native_enter(BPF_CORE_READ(call, di), BPF_CORE_READ(call, si));
	return 0;
}

SEC("fentry/copy_clone_args_from_user")
int BPF_PROG(autokill_native_in, void *kargs, void *uargs, unsigned long usize)
{
	native_enter((u64)uargs, usize);
	return 0;
}

SEC("fexit/copy_clone_args_from_user")
int BPF_PROG(autokill_native_out, const struct kernel_clone_args *kargs, void *uargs,
	     unsigned long usize, int ret)
{
	native_missed(kargs, ret);
	native_leave(ret != 0);
	return 0;
}

/* What a child made by the flags ended with, for those who cannot wait for it (v6.15). */
SEC("fexit/pidfd_ioctl")
int BPF_PROG(autokill_native_info, const struct file *file, unsigned int cmd, unsigned long arg,
	     long ret)
{
	if (!ret)
		native_info(file, cmd, arg);
	return 0;
}

SEC("fexit/pidfd_ioctl")
int BPF_PROG(autokill_native_info2, const struct file *file, unsigned int cmd, unsigned long arg,
	     long ret)
{
	if (!ret)
		native_info(file, cmd, arg);
	return 0;
}

/* Pinned as progs/members: whoever reads it gets a line for each member of a tree that is alive. */
SEC("iter/task")
int autokill_members(struct bpf_iter__task *ctx)
{
	member_print(ctx->meta->seq, ctx->task);
	return 0;
}

#ifdef AGENT
SEC("syscall")
int autokill_agent(struct autokill_agent_says *says)
{
	return agent_says(says);
}

SEC("syscall")
int autokill_sweep(struct autokill_sweep *ask)
{
	return tree_sweep(ask);
}

SEC("syscall")
int autokill_identity(struct autokill_identify *ask)
{
	return identities(ask);
}
#endif
