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
	printf("%-12s median %9.0f   min %9.0f   max %9.0f\n", name, runs[RUNS / 2], runs[0],
	       runs[RUNS - 1]);
}

int main(void)
{
	measure("getppid", call_getppid, 20000);
	measure("open+close", call_open_close, 5000);
	measure("fork+exit", call_fork_exit, 100);
	return 0;
}
