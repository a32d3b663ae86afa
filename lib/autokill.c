// SPDX-License-Identifier: MIT
/*
 * autokill.c - libautokill: tether a child to its pidfd, by whatever the kernel has
 *
 * First the kernel's own flag, where it is served (Linux 7.1 or autokill; exit_signal 0; no
 * tree). Else a request and a plain clone3(), or clone() where clone3() is hidden. Nothing here
 * allocates or takes a lock: it may be called where fork() may.
 *
 * The kernel can skip the program that serves prctl(), and the call then looks as if nothing were
 * loaded. So where it gives EINVAL, the same is asked by setrlimit(), where no program is ever
 * skipped (bpf/arm.bpf.h, arm_rlimit()).
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h> /* __WALL */
#include <unistd.h>

#include "autokill.h"

#define CLONE3_SIZE_MIN 64   /* CLONE_ARGS_SIZE_VER0 */
#define CLONE3_SIZE_MAX 4096 /* more than a page is E2BIG, clone3(2); the smallest page there is */

/*
 * How often to ask by prctl() where setrlimit() cannot be asked, and how often a loaded kernel
 * side must say EINVAL.
 */
#define TRIES 64
#define TRIES_LOADED 3

#define SIGNAL_MAX 64 /* _NSIG; clone() takes more */

struct limit { /* struct rlimit64 of prlimit64() */
	uint64_t cur, max;
};

static long limit_call(const struct limit *new, struct limit *old)
{
	long ret = syscall(SYS_prlimit64, 0, RLIMIT_LOCKS, new, old);

	return ret < 0 ? -errno : ret;
}

/*
 * The request by setrlimit(): 1 or more, or -errno. 0: nothing answers there. -EOPNOTSUPP: a
 * seccomp filter bars this way, or a hard limit that is too low and that only CAP_SYS_RESOURCE
 * passes.
 */
static long ask_by_limit(unsigned int command, unsigned int flags, uintptr_t addr)
{
	struct limit old, new = { .cur = AUTOKILL_LIMIT(command, flags) };
	long ret;

	if (command > 0xff || flags >> 24 || addr >> AUTOKILL_LIMIT_ADDR_BITS ||
	    limit_call(NULL, &old))
		return -EOPNOTSUPP;
	new.max = addr ? AUTOKILL_LIMIT_ADDR | addr : old.max < new.cur ? RLIM_INFINITY : old.max;
	ret = limit_call(&new, NULL);
	if (ret == 0) {
		/*
		 * Nothing answered, so it is set. A request that another thread of ours has just
		 * made is no limit.
		 */
		if (old.cur >> 32 == PR_AUTOKILL)
			old.cur = old.max;
		if (limit_call(&old, NULL))
			limit_call(&(struct limit){ new.max, new.max }, NULL);
	}
	return ret;
}

/* 1 or more, or -errno. Changes errno. */
static long ask(unsigned int command, unsigned int flags, uintptr_t addr)
{
	long ret, limit = 1;
	int loaded = 0;

	for (int i = 0; i < TRIES && loaded < TRIES_LOADED; i++) {
		ret = prctl(PR_AUTOKILL, (unsigned long)command, (unsigned long)flags, addr, 0UL);
		if (ret >= 0 || errno != EINVAL)
			return ret < 0 ? -errno : ret ?: -EINVAL;
		/* First the question that leaves the hard limit as it is, should nothing answer. */
		if (limit > 0)
			limit = ask_by_limit(AUTOKILL_QUERY, 0, 0);
		if (limit > 0) {
			ret = ask_by_limit(command, flags, addr);
			if (ret && ret != -EOPNOTSUPP)
				return ret;
		}
		/*
		 * This answer was not skipped just now, so the first may have meant what it said.
		 */
		loaded += prctl(PR_AUTOKILL, (unsigned long)AUTOKILL_QUERY, 0UL, 0UL, 0UL) > 0;
		sched_yield();
	}
	return -EINVAL;
}

long autokill_request(unsigned int command, unsigned int flags, uintptr_t addr)
{
	int saved = errno;
	long ret = ask(command, flags, addr);

	errno = ret < 0 ? (int)-ret : saved;
	return ret < 0 ? -1 : ret;
}

int autokill_query(void)
{
	int saved = errno;
	long ret = ask(AUTOKILL_QUERY, 0, 0);

	errno = saved;
	return ret < 0 ? 0 : (int)ret;
}

/* *args of any size that the kernel accepts, as a copy of ours */
union clone_buffer {
	struct clone_args args;
	char bytes[CLONE3_SIZE_MAX];
};

/*
 * By clone(), where a seccomp filter hides clone3() and gives ENOSYS (container engines,
 * RestrictNamespaces= of systemd). ENOSYS, too, for requests that only clone3() takes. The
 * pidfd's address takes the place of parent_tid.
 */
static long clone_legacy(const struct clone_args *args, size_t size)
{
	const char *tail = (const char *)args + CLONE3_SIZE_MIN;
	uint64_t only_clone3 = ~0xffffffffULL | CLONE_INTO_CGROUP | CLONE_CLEAR_SIGHAND |
			       CLONE_PARENT_SETTID | CLONE_DETACHED | CSIGNAL;

	if (args->flags & only_clone3 || args->exit_signal > SIGNAL_MAX) {
		errno = ENOSYS;
		return -1;
	}
	for (size_t i = CLONE3_SIZE_MIN; i < size; i++, tail++)
		if (*tail) {
			errno = ENOSYS;
			return -1;
		}
	unsigned long flags = args->flags | args->exit_signal, pidfd = args->pidfd,
		      child_tid = args->child_tid;
#ifdef __x86_64__
	return syscall(SYS_clone, flags, 0UL, pidfd, child_tid, 0UL);
#else
	return syscall(SYS_clone, flags, 0UL, pidfd, 0UL, child_tid);
#endif
}

static pid_t clone_call(const union clone_buffer *buffer, size_t size)
{
	long pid = syscall(SYS_clone3, &buffer->args, size);

	if (pid < 0 && errno == ENOSYS)
		pid = clone_legacy(&buffer->args, size);
	return pid;
}

/*
 * -1 with errno EINVAL where the kernel has no such flags, or refuses them for these arguments
 * (CLONE_PARENT); ENOSYS where clone3() is hidden.
 */
static pid_t clone_native(union clone_buffer *buffer, size_t size, bool guard)
{
	uint64_t flags = buffer->args.flags;
	pid_t pid;

	buffer->args.flags |= CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL | (guard ? CLONE_NNP : 0);
	pid = syscall(SYS_clone3, &buffer->args, size);
	if (pid)
		buffer->args.flags = flags;
	return pid;
}

/*
 * Was the child @pid, the last that this thread has made, tethered? While no handler can run, the
 * thread's last request was for this child.
 */
static bool is_tethered(pid_t pid)
{
	long ret = ask(AUTOKILL_ASK, 0, 0);

	if (ret == -EINVAL) /* version 1 of the interface cannot be asked */
		return ask(AUTOKILL_QUERY, 0, 0) == 1;
	/* No number: the programs that tell it were skipped. */
	return ret > 0 && ret & AUTOKILL_SERVED &&
	       (!AUTOKILL_SERVED_PID(ret) || AUTOKILL_SERVED_PID(ret) == pid);
}

/* By system calls alone: those of libc are points at which the thread may be cancelled. */
static void child_undo(const struct clone_args *args, pid_t pid)
{
	int *pidfd = (int *)(uintptr_t)args->pidfd;

	if (syscall(SYS_pidfd_send_signal, *pidfd, SIGKILL, NULL, 0))
		kill(pid, SIGKILL);
	syscall(SYS_close, *pidfd);
	*pidfd = -1;
	/* Not ours to wait for with CLONE_PARENT, nor where SIGCHLD is ignored: ECHILD. */
	while (syscall(SYS_wait4, pid, NULL, __WALL, NULL) < 0 && errno == EINTR)
		;
}

static pid_t clone_requested(union clone_buffer *buffer, size_t size, unsigned int flags)
{
	long ret = ask(AUTOKILL_ARM, flags, 0);
	int err;
	pid_t pid;

	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	pid = clone_call(buffer, size);
	if (pid < 0) {
		err = errno;
		ask(AUTOKILL_UNARM, 0, 0);
		errno = err;
	} else if (pid == 0) {
		/* So that nothing runs, and starts others, before its creator finds out. */
		if (ask(AUTOKILL_ASK, AUTOKILL_ASK_SELF, 0) == AUTOKILL_ASK_NONE)
			_exit(127);
	} else if (!is_tethered(pid)) {
		child_undo(&buffer->args, pid);
		ask(AUTOKILL_UNARM, 0, 0);
		errno = EAGAIN;
		return -1;
	}
	return pid;
}

/*
 * With all signals blocked, also those that glibc keeps for itself. A handler could change the
 * thread's credentials, which ends its request (setuid() and others by another thread:
 * SIGSETXID), or make children of its own.
 */
static pid_t clone_armed(union clone_buffer *buffer, size_t size, unsigned int flags)
{
	uint64_t all = ~0ULL, mask;
	int err = errno;
	pid_t pid;

	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof(mask)))
		return -1;
	pid = clone_requested(buffer, size, flags);
	if (pid < 0)
		err = errno;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask)); /* in the child, too */
	errno = err;
	return pid;
}

/*
 * The child comes back from this function as the parent does, so it needs a stack and thread-local
 * storage of its own that hold what the parent's do: a copy of the memory.
 */
static bool child_can_return(const struct clone_args *args)
{
	return !(args->flags & (CLONE_VM | CLONE_SETTLS)) && !args->stack && !args->stack_size;
}

pid_t autokill_clone3(const struct clone_args *args, size_t size, unsigned int flags)
{
	union clone_buffer buffer;
	int err = EINVAL;
	pid_t pid;

	if (size > CLONE3_SIZE_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (!args || size < CLONE3_SIZE_MIN || flags & ~(AUTOKILL_NNP | AUTOKILL_TREE) ||
	    !args->pidfd || !child_can_return(args)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(&buffer, args, size);
	buffer.args.flags |= CLONE_PIDFD;
	/* The kernel's own flag kills the child alone. */
	if (!buffer.args.exit_signal && !(flags & AUTOKILL_TREE)) {
		pid = clone_native(&buffer, size, flags & AUTOKILL_NNP);
		if (pid >= 0 || (errno != EINVAL && errno != EPERM && errno != ENOSYS))
			return pid;
		err = errno;
	}
	/*
	 * After EPERM, too: the caller's own no_new_privs, or a guard, is a right here, but not
	 * for the flag.
	 */
	pid = clone_armed(&buffer, size, flags);
	if (pid < 0 && errno == EINVAL && !autokill_query())
		errno = err; /* nothing is loaded: then the kernel's own word stands */
	return pid;
}
