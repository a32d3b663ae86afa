// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtwait.c - how long a real-time task waits for the CPU while others tether and release
 *
 *   rtwait SECONDS MICROSECONDS   for SECONDS nobody tethers, then for as long somebody does all the time. A task of the highest
 *                                 SCHED_FIFO priority wakes each millisecond, on the same CPU. The longest wait with tethers may
 *                                 be MICROSECONDS longer than without. As root, in a guest with one CPU and --icount, whose
 *                                 clock counts instructions: there the wait is what the kernel does, and not the host's.
 *                                 Exit: 0, 1 it is longer, 2 usage, or nothing is loaded.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "autokill.h"

#define NSEC 1000000000L
#define PERIOD 1000000L
#define CLONE_PIDFD_FLAG 0x1000

static volatile bool over;
static unsigned long tethers;

static long since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - t->tv_sec) * NSEC + now.tv_nsec - t->tv_nsec;
}

/* Make a tether, and let it go: its child sleeps until it is killed. */
static void tether_once(void)
{
	int pidfd = -1;
	pid_t pid;

	if (prctl(PR_AUTOKILL, AUTOKILL_ARM, 0, 0, 0) < 1)
		exit(2);
	pid = syscall(SYS_clone, CLONE_PIDFD_FLAG | SIGCHLD, NULL, &pidfd, NULL, 0);
	if (!pid)
		for (;;)
			pause();
	if (pid < 0)
		exit(2);
	close(pidfd);
	waitpid(pid, NULL, 0);
	tethers++;
}

static void *tether_all(void *arg)
{
	const struct timespec pause = { .tv_nsec = 2 * PERIOD };

	(void)arg;
	while (!over) {
		tether_once();
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* The longest wait in @seconds, in ns. */
static long longest(long seconds)
{
	struct timespec next;
	long most = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long i = 0; i < seconds * NSEC / PERIOD; i++) {
		long late;

		next.tv_nsec += PERIOD;
		if (next.tv_nsec >= NSEC) {
			next.tv_nsec -= NSEC;
			next.tv_sec++;
		}
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
			;
		late = since(&next);
		if (late > most)
			most = late;
		if (late >
		    PERIOD) /* begin again from here: what was late makes nothing else late */
			clock_gettime(CLOCK_MONOTONIC, &next);
	}
	return most;
}

int main(int argc, char **argv)
{
	const struct sched_param first = { .sched_priority = 99 }, none = {};
	long seconds = argc == 3 ? atol(argv[1]) : 0, limit = argc == 3 ? atol(argv[2]) : 0;
	long without, with;
	pthread_t other;

	if (seconds <= 0 || limit <= 0) {
		fprintf(stderr, "usage: rtwait SECONDS MICROSECONDS\n");
		return 2;
	}
	tether_once(); /* what is made once is made now */
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		return 2;
	longest(1);
	without = longest(seconds);
	sched_setscheduler(0, SCHED_OTHER, &none);
	if (pthread_create(&other, NULL, tether_all, NULL))
		return 2;
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		return 2;
	with = longest(seconds);
	over = true;
	sched_setscheduler(0, SCHED_OTHER, &none);
	pthread_join(other, NULL);
	printf("the longest wait: %ld us without tethers, %ld us with %lu\n", without / 1000,
	       with / 1000, tethers);
	return with > without + limit * 1000;
}
