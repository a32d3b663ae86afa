// SPDX-License-Identifier: GPL-2.0-only
/*
 * starve.c - a user who holds our programs up on every CPU takes no request away from another
 *
 * The kernel skips a tracing program on a CPU while a task that was preempted in it waits there.
 * alice's processes of SCHED_IDLE loop on what calls our programs, and busy ones beside them see
 * that they are preempted and do not come on again for long. bob meanwhile makes tethered children:
 * each call has to be served, or refused for a true reason, within a second, no child may be killed
 * before its release, and none may outlive it.
 *
 *   starve --requests N [--loopers N]            N for each CPU
 *   starve --while COMMAND [--loopers N]         run COMMAND as root meanwhile; its status is ours
 */
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>

#include "stress.h"

#define ALICE 1000
#define BOB 1001
#define BUSY 3 /* processes of alice's for each CPU that keep the loopers off it */
#define DEADLINE_MS 20000
#define LATE_NS 1000000000ULL

static long requests = 1000, loopers = 60;
static const char *command;

static void become(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		die("cannot become uid %u", uid);
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void limit_asks(void)
{
	uint64_t limit[2] = { (uint64_t)PR_AUTOKILL << 32 | AUTOKILL_QUERY, ~0ULL };

	syscall(SYS_prlimit64, 0, RLIMIT_LOCKS, limit, NULL);
}

/* One in four only asks, one arms, one sets limits, one clones. */
static void loop(int kind)
{
	struct sched_param none = {};

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		die("SCHED_IDLE");
	for (;;) {
		int pidfd;
		pid_t pid;

		if (kind == 0) {
			prctl(PR_AUTOKILL, AUTOKILL_QUERY, 0, 0, 0);
		} else if (kind == 1) {
			prctl(PR_AUTOKILL, AUTOKILL_ARM, AUTOKILL_NNP, 0, 0);
			prctl(PR_AUTOKILL, AUTOKILL_UNARM, 0, 0, 0);
		} else if (kind == 2) {
			limit_asks();
		} else {
			pidfd = syscall(SYS_pidfd_open, getpid(), 0);
			close(pidfd);
			pid = vfork();
			if (pid == 0)
				_exit(0);
			waitpid(pid, NULL, 0);
		}
	}
}

static void busy(int kind)
{
	while (kind)
		;
	for (;;)
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static pid_t alice_starts(int cpus)
{
	pid_t all = fork();

	if (all)
		return all;
	setpgid(0, 0);
	become(ALICE);
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (int i = 0; i < loopers; i++)
			if (fork() == 0) {
				stay_on(cpu);
				loop(i % 4);
			}
		for (int i = 0; i < BUSY; i++)
			if (fork() == 0) {
				stay_on(cpu);
				busy(i);
			}
	}
	for (;;)
		pause();
}

/* Ready within DEADLINE_MS: the process is gone. */
static bool ends(int watch, int ms)
{
	return poll(&(struct pollfd){ .fd = watch, .events = POLLIN }, 1, ms) > 0;
}

struct tally {
	long served, refused, other, late, early, outlived, raw_tries, raw_einval;
	uint64_t slowest;
};

static void request_one(struct tally *t)
{
	int pidfd = -1, watch, pipe_of[2];
	struct clone_args args = { .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD };
	uint64_t before, took;
	pid_t pid;
	char byte;

	if (pipe(pipe_of))
		die("pipe");
	before = now_ns();
	pid = autokill_clone3(&args, sizeof(args), AUTOKILL_NNP);
	if (pid == 0) {
		if (write(pipe_of[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	took = now_ns() - before;
	t->slowest = took > t->slowest ? took : t->slowest;
	t->late += took > LATE_NS;
	close(pipe_of[1]);
	/* The child has come back from the call, too, or never will. */
	if (pid > 0)
		t->early += read(pipe_of[0], &byte, 1) != 1;
	close(pipe_of[0]);
	if (pid < 0) {
		if (errno == EINVAL)
			t->other++;
		else
			t->refused++;
		return;
	}
	t->served++;
	watch = syscall(SYS_pidfd_open, pid, 0);
	t->early += ends(watch, 1);
	close(pidfd);
	if (!ends(watch, DEADLINE_MS)) {
		t->outlived++;
		kill(pid, SIGKILL);
	}
	close(watch);
	waitpid(pid, NULL, 0);
	/* for the record: what who does not use the library meets */
	t->raw_tries++;
	if (prctl(PR_AUTOKILL, AUTOKILL_QUERY, 0, 0, 0) < 0)
		t->raw_einval++;
}

static int bob_asks(void)
{
	struct tally t = {};

	become(BOB);
	for (long i = 0; i < requests; i++)
		request_one(&t);
	printf("%ld loopers a CPU: %ld served, %ld refused, slowest %llu ms; of %ld bare prctl() %ld gave EINVAL\n",
	       loopers, t.served, t.refused, (unsigned long long)t.slowest / 1000000, t.raw_tries,
	       t.raw_einval);
	check(t.served == requests, "all %ld requests are served", requests);
	check(!t.other, "none is answered as if nothing were loaded: %ld", t.other);
	check(!t.late, "none takes longer than a second: %ld", t.late);
	check(!t.early, "no child is killed before its release: %ld", t.early);
	check(!t.outlived, "no child outlives its release: %ld", t.outlived);
	return checks_end();
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = { { "requests", required_argument, NULL, 'r' },
						 { "loopers", required_argument, NULL, 'l' },
						 { "while", required_argument, NULL, 'w' },
						 {} };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			requests = atol(optarg);
		else if (c == 'l')
			loopers = atol(optarg);
		else if (c == 'w')
			command = optarg;
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), status;
	pid_t all, one;

	parse(argc, argv);
	all = alice_starts(cpus);
	/* The loopers are at it when they have used a CPU for a while. */
	for (uint64_t end = now_ns() + 2000000000ULL; now_ns() < end;)
		sched_yield();
	one = fork();
	if (one == 0) {
		if (command)
			execl("/bin/sh", "sh", "-c", command, NULL);
		exit(bob_asks());
	}
	waitpid(one, &status, 0);
	kill(-all, SIGKILL);
	waitpid(all, NULL, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
