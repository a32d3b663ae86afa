// SPDX-License-Identifier: MIT
/*
 * autokill.c - libautokill: tether a child to its pidfd, by whatever the kernel has
 *
 * The kernel's own flag where it is served (Linux 7.1 or autokill, exit_signal 0, no tree), else prctl(PR_AUTOKILL) and a
 * plain clone3(). Nothing here allocates or takes a lock: it may be called where fork() may.
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "autokill.h"

#define CLONE3_SIZE_MIN 64   /* CLONE_ARGS_SIZE_VER0 */
#define CLONE3_SIZE_MAX 4096 /* more than a page is E2BIG, clone3(2); the smallest page there is */

/*
 * How often to ask when the answer is EINVAL. The kernel skips a program that another task on this
 * CPU was preempted in; yielding lets that one get on. A request must not stay behind, so UNARM,
 * which is asked only where ARM was answered, is asked more often.
 */
#define TRIES 8
#define TRIES_UNARM 64

/* prctl(PR_AUTOKILL): 1 or more, or -errno. Does not change errno. */
static int ask(enum autokill_command command, unsigned int flags)
{
	int tries = command == AUTOKILL_UNARM ? TRIES_UNARM : TRIES;
	int saved = errno, ret = -EINVAL;

	for (int i = 0; i < tries; i++) {
		if (i)
			sched_yield();
		ret = prctl(PR_AUTOKILL, (unsigned long)command, (unsigned long)flags, 0UL, 0UL);
		ret = ret < 0 ? -errno : ret;
		if (ret != -EINVAL)
			break;
	}
	errno = saved;
	return ret;
}

int autokill_query(void)
{
	int ret = ask(AUTOKILL_QUERY, 0);

	return ret < 0 ? 0 : ret;
}

/* *args of any size that the kernel accepts, as a copy of ours */
union clone_buffer {
	struct clone_args args;
	char bytes[CLONE3_SIZE_MAX];
};

static pid_t clone3_call(union clone_buffer *buffer, size_t size)
{
	return syscall(SYS_clone3, &buffer->args, size);
}

/*
 * -1 with errno EINVAL where the kernel has no such flags, or refuses them for these arguments
 * (CLONE_PARENT).
 */
static pid_t clone_native(union clone_buffer *buffer, size_t size, bool guard)
{
	uint64_t flags = buffer->args.flags;
	pid_t pid;

	buffer->args.flags |= CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL | (guard ? CLONE_NNP : 0);
	pid = clone3_call(buffer, size);
	if (pid)
		buffer->args.flags = flags;
	return pid;
}

static pid_t clone_armed(union clone_buffer *buffer, size_t size, unsigned int flags)
{
	pid_t pid;
	int ret;

	ret = ask(AUTOKILL_ARM, flags);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	pid = clone3_call(buffer, size);
	if (pid < 0)
		ask(AUTOKILL_UNARM, 0);
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
		if (pid >= 0 || (errno != EINVAL && errno != EPERM))
			return pid;
		err = errno;
	}
	/* After EPERM, too: the caller's own no_new_privs, or a guard, is a right here, but not to the flag. */
	pid = clone_armed(&buffer, size, flags);
	if (pid < 0 && errno == EINVAL)
		errno = err; /* nothing is loaded: then the kernel's own word stands */
	return pid;
}
