/* SPDX-License-Identifier: MIT */
/*
 * autokill.h - what a program needs to tether a child to a pidfd
 *
 * The creation of a child through this interface returns a pidfd. The kernel sends the child
 * SIGKILL when the last reference to that pidfd goes: by close(), by exec of a descriptor with
 * FD_CLOEXEC, or by the death of the last holder, whatever killed it.
 *
 * Words used here:
 *   tether   the bond between one pidfd (one struct file) and one child
 *   arm      a thread's request that its next child be tethered
 *   guard    what replaces no_new_privs: an exec by the child, or by any process that descends from
 *            it, fails with EPERM if it would gain privileges
 *
 * The functions are in libautokill; `pkg-config --cflags --libs autokill` tells how to link. The
 * prctl() can also be called without the library.
 */
#ifndef AUTOKILL_H
#define AUTOKILL_H

#ifndef __bpf__ /* the kernel side takes the numbers below from here, and has no libc */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clone_args; /* <linux/sched.h> */

/*
 * The flags that clone3() has had since Linux 7.1, for programs that are built with older kernel
 * headers. Source: include/uapi/linux/sched.h of Linux 7.1.
 */
#ifndef CLONE_AUTOREAP
#define CLONE_AUTOREAP (1ULL << 34)
#endif
#ifndef CLONE_NNP
#define CLONE_NNP (1ULL << 35)
#endif
#ifndef CLONE_PIDFD_AUTOKILL
#define CLONE_PIDFD_AUTOKILL (1ULL << 36)
#endif
#endif /* __bpf__ */

/*
 * prctl(PR_AUTOKILL, command, flags, addr, 0)
 *
 * "AKIL" in ASCII, far from the numbers that the kernel gives out. Success is a value of 1 or more,
 * never 0 (fmod_ret on security_task_prctl: returning 0 would let the call go on to the kernel's
 * own switch, which answers EINVAL). Errors:
 *
 *   EINVAL  nothing is loaded; or the command or a flag is unknown; or a spare argument is not 0.
 *           A QUERY tells the first case from the others. The kernel can skip the programs that
 *           serve the call, and the caller then sees EINVAL, too. autokill_request() does not
 *           depend on them.
 *   EPERM   ARM by a caller who has neither CAP_SYS_ADMIN in its user namespace, nor AUTOKILL_NNP,
 *           nor no_new_privs set for itself, nor is under a guard
 *   EAGAIN  ARM when the caller's uid has its share of requests, or the room for them is used up;
 *           or, on Linux 6.1 to 6.17, when no agent is alive
 *   ENOMEM  ARM when the kernel has no memory for the request
 *
 * The same requests can be made by setrlimit(), where the kernel never skips the program, since
 * do_prlimit() calls the hook with preemption disabled. prlimit64(0, RLIMIT_LOCKS, new, NULL) with
 *
 *   new.rlim_cur = AUTOKILL_LIMIT(command, flags)
 *   new.rlim_max = AUTOKILL_LIMIT_ADDR | addr, or the present hard limit if addr is 0
 *
 * returns what prctl() would, and sets no limit. 0: nothing answers, and the limit is set. It
 * limits nothing (since Linux 2.4.25), but without CAP_SYS_RESOURCE a hard limit cannot be raised
 * again. So QUERY first. autokill_request() does all that.
 */
#define PR_AUTOKILL 0x414b494c

/* @command has 8 bits, @flags 24, and an address 57: no user address is longer. */
#define AUTOKILL_LIMIT(command, flags)                                                             \
	((unsigned long long)PR_AUTOKILL << 32 | (flags) << 8 | (command))
#define AUTOKILL_LIMIT_ADDR 0x8000000000000000ULL
#define AUTOKILL_LIMIT_ADDR_BITS 57

enum autokill_command {
	/* The version of this interface that is loaded, 1 or more. Flags and addr must be 0. */
	AUTOKILL_QUERY = 0,
	/*
	 * Ask that the next child process of the calling thread that gets a pidfd (CLONE_PIDFD,
	 * by clone3() or clone()) be tethered. With @addr, ask it for the next child whose pidfd
	 * is to be stored at @addr (pidfd of struct clone_args, parent_tid of clone()). No other
	 * clone, by a runtime, a library or a signal handler, can use the request up then.
	 *
	 * The request belongs to the thread. It is not inherited. It ends when a clone uses it,
	 * when the clone that would use it fails, at execve(), and at any change of the thread's
	 * credentials. The child is then an ordinary one, and AUTOKILL_ASK tells so. The right to
	 * arm is checked here, and again when the child is created. A clone that is refused
	 * before the kernel starts on it (EINVAL from clone3's own checks of its arguments) has
	 * used nothing up: UNARM after it.
	 *
	 * The clone itself can then fail. EAGAIN: no room for one more tether, the uid has its
	 * share, trees are nested too deep, no agent is alive where the kernel needs it, the
	 * kernel side is being unloaded, or with @addr clone3's struct cannot be read any more.
	 * ENOMEM. EPERM: the right is gone.
	 */
	AUTOKILL_ARM = 1,
	/* Take the thread's request back, if there is one. Flags and addr must be 0. */
	AUTOKILL_UNARM = 2,
	/*
	 * What became of this thread's last request? The answer is one of enum autokill_asked, or
	 * AUTOKILL_SERVED and the child's number. With the flag AUTOKILL_ASK_SELF: is the calling
	 * thread itself the child of a tether? AUTOKILL_SERVED or AUTOKILL_ASK_NONE. addr must be
	 * 0. Since version 2.
	 */
	AUTOKILL_ASK = 6,
};

#define AUTOKILL_ASK_SELF (1U << 0) /* flag of AUTOKILL_ASK alone */

enum autokill_asked {
	AUTOKILL_ASK_NONE = 1,	  /* there was none, or it was taken back */
	AUTOKILL_ASK_PENDING = 2, /* it is still there */
	AUTOKILL_ASK_EXEC = 3,	  /* it ended at an exec */
	AUTOKILL_ASK_CRED = 4,	  /* it ended by a change of credentials */
	AUTOKILL_ASK_FAILED = 5,  /* the clone that used it failed, or was refused */
};

/*
 * Set in the answer to AUTOKILL_ASK if a child was tethered. The rest is the child's process id
 * in the caller's pid namespace. It is 0 if it is not known (programs of ours were skipped).
 */
#define AUTOKILL_SERVED (1 << 30)
#define AUTOKILL_SERVED_PID(answer) ((pid_t)((answer) & (AUTOKILL_SERVED - 1)))

/* Flags of AUTOKILL_ARM and autokill_clone3(). */

/*
 * The whole tree: the release kills the child and every process that descends from it, whatever
 * it did meanwhile: setsid(), double fork, exec, another uid, other namespaces. It does so also
 * when the child itself has exited long before. A clone by a member of a tree that was released
 * fails with EAGAIN, and its process is killed. Without this flag the child alone is killed, its
 * threads included.
 *
 * Trees nest, to a depth of 16. A child that is created within a tree is a member of it, too, and
 * a release of the inner tree kills that one only.
 */
#define AUTOKILL_TREE (1U << 0)
#define AUTOKILL_NNP (1U << 1) /* put the child under the guard */

/* The version that AUTOKILL_QUERY returns when the kernel side is of this header's version. */
#define AUTOKILL_ABI 2

#ifndef __bpf__

/**
 * autokill_request - prctl(PR_AUTOKILL, ...) that no other process can make fail
 * @command, @flags, @addr: as for the prctl()
 *
 * By prctl(), and where that gives EINVAL by setrlimit(), see above. Sometimes neither is to be
 * had: a seccomp filter or a low hard limit bars setrlimit(), and the programs are skipped. Then
 * EINVAL after 64 tries. Safe in signal handlers.
 *
 * Return: 1 or more, errno unchanged; -1 with errno as the prctl() has it. EINVAL then means that
 * nothing is loaded, or that what is loaded does not know the command or a flag.
 */
long autokill_request(unsigned int command, unsigned int flags, uintptr_t addr);

/**
 * autokill_query - which version of the interface is loaded on this machine
 *
 * Return: 1 or more; 0 if nothing is loaded. Does not change errno.
 */
int autokill_query(void);

/**
 * autokill_clone3 - create a child process tethered to the pidfd that this call returns
 * @args: clone3()'s own argument. CLONE_PIDFD is added if it is not set; args->pidfd must point to
 *        an int, which receives the descriptor (close-on-exec).
 * @size: size of *args in bytes, as for clone3()
 * @flags: AUTOKILL_TREE, AUTOKILL_NNP, or 0
 *
 * The kernel's own flag is used where CLONE_PIDFD_AUTOKILL is served (by Linux 7.1, or by
 * autokill on older kernels), AUTOKILL_TREE is not asked for, and args->exit_signal is 0. (The
 * flag needs CLONE_AUTOREAP, which allows no exit signal.) Linux 7.1 then reaps the child itself.
 *
 * Otherwise, or if the caller has no right to the flag, the calling thread arms and calls
 * clone3(), or clone() where a seccomp filter hides clone3() (ENOSYS). All signals are blocked
 * meanwhile, so that no handler uses the request up or changes the thread's credentials. Then
 * both parent and child ask whether the child is tethered. If not, it ends before it returns from
 * here, is reaped, and the call fails with EAGAIN. A child that the kernel does not reap is
 * waited for as usual, with __WALL if exit_signal is 0.
 *
 * *args is not changed. Whatever the outcome, no request of this call's is left pending.
 *
 * Return: the child's pid in the caller's pid namespace; 0 in the child; -1 with errno set:
 *   E2BIG   @size is above 4096
 *   EINVAL  @args asks for what a function cannot return from in the child: CLONE_VM, CLONE_SETTLS,
 *           a stack; @args or args->pidfd is 0, @size is below 64, unknown flags, anything that
 *           clone3() refuses, or autokill is neither loaded nor part of the kernel
 *   EPERM   the caller has no right to tether without the guard: pass AUTOKILL_NNP (prctl above);
 *           or what clone3() itself refuses
 *   EAGAIN  no room, the uid's share is used up, no agent, the kernel skipped what makes the
 *           tether, or what clone3() itself cannot have
 *   ENOMEM  no memory
 *   ENOSYS  a seccomp filter hides clone3(), and @args asks for what clone() has not: a set_tid, a
 *           cgroup, CLONE_PARENT_SETTID, flags beyond 32 bits
 */
pid_t autokill_clone3(const struct clone_args *args, size_t size, unsigned int flags);

#ifdef __cplusplus
}
#endif

#endif /* __bpf__ */

#endif /* AUTOKILL_H */
