// SPDX-License-Identifier: GPL-2.0-only
/*
 * autokill.bpf.c - the kernel side: every program, and on which hook it hangs
 *
 * Nothing but SEC() lines: programs.h says of each when it is in use and what it is for. The
 * agent's own programs are in agent_services.bpf.h.
 *
 * The files, from the ground up. A file is one moment in the life of a tether, or one noun. It
 * includes what it names, and only what stands above it here (tests/lint_bpf).
 *
 *   compat          what differs between kernels
 *   arch            what differs between machines
 *   mutant          builds with one safety taken out
 *   maps            all state that is in maps
 *   uid             which uid answers for what the current task takes
 *   events          counters, failures, events
 *   later           deletes that failed, noted
 *   users           what is held for each uid
 *   share           how much of the room each uid may take
 *   record          records of tasks
 *   pid             who is behind a pid; SIGKILL to a group
 *   works           task work lent by others than the victim (its killer: task work)
 *   waiting         victims that wait for the agent (its killer: the agent)
 *   tether          the states of a tether
 *   tree            membership in trees
 *   file            files that are tied, and their end
 *   again           the timer that does deletes again
 *   sweep           SIGKILL to all members of a tree, by task work
 *   lend            task work in a task that can signal
 *   group           an attempt to kill, by task work
 *   agent           the kill by the agent
 *   agent_sweep     what the agent asks
 *   agent_services  the agent's programs
 *   killer          what a killer provides
 *   arm             a request, and the right to make it
 *   guard           execs that would gain privileges
 *   clone3          the kernel's own flags of clone3, on older kernels
 *   release         the last reference to a pidfd went
 *   tie             a pidfd's file was made
 *   born            a clone is done, or failed; the end of a task
 *   look            the timer of a tether
 *   watch           the timer that makes up for a skipped release
 *   birth           task_alloc: make a tether, or refuse the clone
 */
#include "arch.bpf.h"
#include "arm.bpf.h"
#include "birth.bpf.h"
#include "born.bpf.h"
#include "clone3.bpf.h"
#include "compat.bpf.h"
#include "file.bpf.h"
#include "guard.bpf.h"
#include "pid.bpf.h"
#include "release.bpf.h"
#include "tie.bpf.h"
#include "tree.bpf.h"

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
 * The kernel skips a program while a task is preempted in it on this CPU, and a user can make that
 * long: by SCHED_IDLE processes that loop on prctl(), with busy ones beside them. A copy is called
 * when those before it are skipped, so that each takes one more such task, and a CPU has to hold
 * one for every copy before a call is skipped by all: 60 loopers a CPU on 7.3 got 12 copies to that
 * in 0.3 % of their own calls, and in none of the 250 of another user. (On 6.2 and newer an LSM
 * program is not skipped, but may return no positive value.) For who must not depend on that, there
 * is rlimit.
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

SEC("fmod_ret/security_task_alloc")
int BPF_PROG(autokill_birth_second_tracing, struct task_struct *task, unsigned long clone_flags,
	     int ret)
{
	return ret ?: birth_skippable(task, clone_flags, true);
}

SEC("fmod_ret/security_task_alloc")
int BPF_PROG(autokill_birth_tracing, struct task_struct *task, unsigned long clone_flags, int ret)
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
int BPF_PROG(autokill_unbirth_second_tracing, struct task_struct *task)
{
	task_freed(task); /* finds nothing if the other copy was called */
	return 0;
}

SEC("fentry/security_task_free")
int BPF_PROG(autokill_unbirth_tracing, struct task_struct *task)
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
 * done. Both skipped, it is left to the timer, which can be in doubt about the file, and kills
 * then.
 */
SEC("fexit/pidfs_alloc_file")
int BPF_PROG(autokill_tie_second, struct pid *pid, unsigned int flags, struct file *file)
{
	tether_tie_new((u64)pid, pid->tasks[PIDTYPE_PID].first, pid->numbers[0].nr, file);
	return 0;
}

SEC("fexit/anon_inode_getfile")
int BPF_PROG(autokill_tie_anon, const char *name, void *fops, void *priv, int flags,
	     struct file *file)
{
	tie_anon(name, priv, file);
	return 0;
}

SEC("fexit/anon_inode_getfile")
int BPF_PROG(autokill_tie_anon_second, const char *name, void *fops, void *priv, int flags,
	     struct file *file)
{
	tie_anon(name, priv, file);
	return 0;
}

SEC("fexit/copy_process")
int BPF_PROG(autokill_born_second, struct pid *pid, int trace, int node,
	     struct kernel_clone_args *args, struct task_struct *child)
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
int BPF_PROG(autokill_birth_late_tracing, struct pid *pid, int trace, int node,
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
int BPF_PROG(autokill_guard_second_tracing, struct linux_binprm *bprm, const struct file *file,
	     int ret)
{
	return ret ?: guard_exec(bprm);
}

SEC("fmod_ret/security_bprm_creds_from_file")
int BPF_PROG(autokill_guard_tracing, struct linux_binprm *bprm, const struct file *file, int ret)
{
	return ret ?: guard_exec(bprm);
}

SEC("fentry/security_bprm_committing_creds")
int BPF_PROG(autokill_commit_second_tracing, const struct linux_binprm *bprm)
{
	guard_commit(bprm);
	return 0;
}

SEC("fentry/security_bprm_committing_creds")
int BPF_PROG(autokill_commit_tracing, const struct linux_binprm *bprm)
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
int BPF_PROG(autokill_exit_second, struct task_struct *task)
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
int BPF_PROG(autokill_release_tracing, struct file *file)
{
	file_released(file);
	return 0;
}

/*
 * A preempted peer cannot keep this one from running, see watch.bpf.h. It is called for every file,
 * so it returns at once unless the file is a pidfd. It hangs on __fput(), which calls the hook, and
 * not on the hook itself: beside a trampoline on the same function, ftrace would go through the
 * list of both, 500 instructions more.
 */
SEC("kprobe/__fput")
int autokill_release_kprobe(struct pt_regs *regs)
{
	const struct file *file = (const struct file *)probe_arg1(regs);

	if ((u64)BPF_CORE_READ(file, f_op) == READ_ONCE(pidfd_fops))
		file_going(file);
	return 0;
}

SEC("kprobe/pidfd_release")
int autokill_release_pidfd_kprobe(struct pt_regs *regs)
{
	file_going((const struct file *)probe_arg2(regs));
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
int BPF_PROG(autokill_release_pidfd_second, struct inode *inode, struct file *file)
{
	pidfd_released(file);
	return 0;
}

/*
 * The kernel's own clone3 flags, before 7.1 (clone3.bpf.h). The way in is there twice. The kernel
 * skips the first while another task is preempted in it: under 200 threads on one CPU with
 * preempt=full, in some per cent of the calls. A kprobe runs with preemption disabled, from before
 * it is counted as active (kprobe_ftrace_handler(), trace_call_bpf()), so no peer can keep it from
 * running; it is skipped only while a bpf() system call on a map is preempted halfway
 * (bpf_prog_active). It hangs on a function of its own: beside a trampoline on the same one, ftrace
 * would go through the list of both, 500 instructions more.
 */
SEC("kprobe/__x64_sys_clone3")
int autokill_clone3_in_kprobe(struct pt_regs *entry)
{
	const struct pt_regs *call = (const struct pt_regs *)probe_arg1(entry);

	clone3_enter(call_arg1(call), call_arg2(call));
	return 0;
}

SEC("fentry/copy_clone_args_from_user")
int BPF_PROG(autokill_clone3_in, void *kargs, void *uargs, unsigned long usize)
{
	clone3_enter((u64)uargs, usize);
	return 0;
}

SEC("fexit/copy_clone_args_from_user")
int BPF_PROG(autokill_clone3_out, const struct kernel_clone_args *kargs, void *uargs,
	     unsigned long usize, int ret)
{
	clone3_missed(kargs, ret);
	clone3_leave(ret != 0);
	return 0;
}

/* What a child made by the flags ended with, for those who cannot wait for it (v6.15). */
SEC("fexit/pidfd_ioctl")
int BPF_PROG(autokill_clone3_info, const struct file *file, unsigned int cmd, unsigned long arg,
	     long ret)
{
	if (!ret)
		clone3_info(file, cmd, arg);
	return 0;
}

SEC("fexit/pidfd_ioctl")
int BPF_PROG(autokill_clone3_info_second, const struct file *file, unsigned int cmd,
	     unsigned long arg, long ret)
{
	if (!ret)
		clone3_info(file, cmd, arg);
	return 0;
}

/* Pinned as progs/members: whoever reads it gets a line for each member of a tree that is alive. */
SEC("iter/task")
int autokill_members(struct bpf_iter__task *ctx)
{
	member_print(ctx->meta->seq, ctx->task);
	return 0;
}
