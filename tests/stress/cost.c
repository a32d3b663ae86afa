// SPDX-License-Identifier: GPL-2.0-only
/*
 * cost.c - what a system call costs, in guest instructions
 *
 * For a guest under `tests/vm/run --icount`, whose clock counts executed instructions, 1 ns each. Prints
 * the median of nine runs, each the mean of many calls. Not a test: it passes no judgement.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define RUNS 9

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void call_getppid(void)
{
	syscall(SYS_getppid);
}

static void call_open_close(void)
{
	close(open("/dev/null", O_RDONLY));
}

static void call_fork_exit(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

/* A flag that no kernel knows: as far as the programs on clone3's entry, and no farther. */
static void call_clone3_refused(void)
{
	struct clone_args args = { .flags = 1ULL << 61 };

	syscall(SYS_clone3, &args, sizeof(args));
}

/* A child in vfork that ends at once; then close its pidfd, and wait. */
static bool child_vfork(uint64_t flags, bool arm_first)
{
	static char stack[4096];
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_VM | CLONE_VFORK | flags,
		.pidfd = (uintptr_t)&pidfd,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	unsigned long retries = 0;
	long ret;

	if (arm_first && arm(0, &retries))
		return false;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %[exit], %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "1:"
			 : "=a"(ret)
			 : "0"((long)SYS_clone3), "D"(&args),
			   "S"(sizeof(args)), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	if (ret <= 0)
		return false;
	close(pidfd);
	waitpid(ret, NULL, __WALL);
	return true;
}

#define NATIVE (CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL)

static void call_child(void)
{
	child_vfork(0, false);
}

static void call_child_armed(void)
{
	child_vfork(0, true);
}

static void call_child_by_flags(void)
{
	child_vfork(NATIVE, false);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void measure(const char *name, void (*call)(void), int calls)
{
	double runs[RUNS];

	for (int i = 0; i < RUNS; i++) {
		double start = now();

		for (int j = 0; j < calls; j++)
			call();
		runs[i] = (now() - start) / calls;
	}
	qsort(runs, RUNS, sizeof(*runs), compare);
	printf("%-14s median %9.0f   min %9.0f   max %9.0f\n", name, runs[RUNS / 2], runs[0],
	       runs[RUNS - 1]);
}

int main(void)
{
	measure("getppid", call_getppid, 20000);
	measure("open+close", call_open_close, 5000);
	measure("fork+exit", call_fork_exit, 100);
	measure("clone3 refused", call_clone3_refused, 20000);
	measure("child", call_child, 500);
	if (prctl(PR_AUTOKILL, AUTOKILL_QUERY, 0, 0, 0) > 0)
		measure("... armed", call_child_armed, 500);
	if (child_vfork(NATIVE, false))
		measure("... by flags", call_child_by_flags, 500);
	return 0;
}
