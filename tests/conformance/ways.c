// SPDX-License-Identifier: GPL-2.0-only
/*
 * ways.c - the ways in: how a child comes to be tethered
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ways.h"

enum way the_way;

const char *way_name(enum way way)
{
	return way == WAY_NATIVE ? "native" : "prctl";
}

bool way_parse(const char *name, enum way *way)
{
	if (strcmp(name, "native") == 0)
		*way = WAY_NATIVE;
	else if (strcmp(name, "prctl") == 0)
		*way = WAY_PRCTL;
	else
		return false;
	return true;
}

long way_prctl(unsigned long command, unsigned long flags, unsigned long arg4, unsigned long arg5)
{
	int ret = prctl(PR_AUTOKILL, command, flags, arg4, arg5);

	return ret < 0 ? -errno : ret;
}

bool way_works(const char **why)
{
	struct clone_args args = {};
	long ret;

	if (the_way == WAY_PRCTL) {
		*why = "nothing is loaded: prctl() does not know PR_AUTOKILL; autokill load first";
		return way_prctl(AUTOKILL_QUERY, 0, 0, 0) >= 1;
	}
	/*
	 * A wrong use of the flag gives EINVAL with and without the flag in the kernel, so this has
	 * to be a clone that works.
	 */
	int pidfd = -1;

	args.flags = way_clone_flags(false);
	args.pidfd = (uintptr_t)&pidfd;
	ret = raw_clone3(&args, NULL, NULL);
	if (ret == 0)
		_exit(0);
	if (ret > 0)
		close(pidfd);
	*why = ret == -EPERM
		       ? "not root: CLONE_PIDFD_AUTOKILL was refused with EPERM"
		       : "neither the kernel (Linux 7.1) nor autokill serves CLONE_PIDFD_AUTOKILL";
	return ret > 0;
}

uint64_t way_clone_flags(bool guard)
{
	uint64_t flags = CLONE_PIDFD;

	if (the_way == WAY_NATIVE) {
		flags |= CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL;
		if (guard)
			flags |= CLONE_NNP;
	}
	return flags;
}

int way_arm(unsigned int flags)
{
	long ret;

	if (the_way == WAY_NATIVE)
		return 0;
	ret = way_prctl(AUTOKILL_ARM, flags, 0, 0);
	if (ret == 0) /* no kernel side answers so; do not take it for a tether */
		return -ENOTSUP;
	return ret < 0 ? (int)ret : 0;
}

#if defined(__x86_64__)
static long clone3_on_stack(struct clone_args *args, int (*fn)(void *), void *arg)
{
	register int (*child_fn)(void *) __asm__("r12") = fn;
	register void *child_arg __asm__("r13") = arg;
	long ret;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n\t"
			 "1:"
			 : "=a"(ret)
			 : "0"((long)SYS_clone3), "D"(args), "S"(sizeof(*args)), "r"(child_fn),
			   "r"(child_arg), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory", "cc");
	return ret;
}
#else
static long clone3_on_stack(struct clone_args *args, int (*fn)(void *), void *arg)
{
	(void)args;
	(void)fn;
	(void)arg;
	return -ENOSYS;
}
#endif

long raw_clone3(struct clone_args *args, int (*fn)(void *), void *arg)
{
	long ret;

	if (args->stack)
		return clone3_on_stack(args, fn, arg);
	ret = syscall(SYS_clone3, args, sizeof(*args));
	return ret < 0 ? -errno : ret;
}
