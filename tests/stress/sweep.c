// SPDX-License-Identifier: GPL-2.0-only
/*
 * sweep.c - what the release of a tree costs, by its members and by the bystanders, beside cgroup.kill
 *
 * For a guest under `tests/vm/run --icount`, whose clock counts executed instructions, 1 ns each. Each tree
 * is in a cgroup; it is released by close() of the pidfd, or killed by a write to cgroup.kill. Prints the
 * median of RUNS: the call itself, and until the cgroup is empty. Not a test: it passes no judgement.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "stress.h"

#define RUNS 5
#define STACK 4096
#define CAGE "/sys/fs/cgroup/sweep"

static _Noreturn int sleeper(void *arg)
{
	(void)arg;
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

/* @count processes in the memory of this one. */
static void crowd(int count)
{
	char *stacks = mmap(NULL, (size_t)(count + 1) * STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (stacks == MAP_FAILED)
		die("mmap");
	for (int i = 1; i <= count; i++)
		if (clone(sleeper, stacks + (size_t)i * STACK, CLONE_VM | CLONE_FILES | CLONE_FS,
			  NULL) < 0)
			die("clone %d of %d", i, count);
}

static int cage_open(const char *file, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), CAGE "/%s", file);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		die("%s", path);
	return fd;
}

static void cage_wait(int events)
{
	struct pollfd pfd = { .fd = events, .events = POLLPRI };
	char text[64];

	for (;;) {
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);

		text[n < 0 ? 0 : n] = '\0';
		if (strstr(text, "populated 0"))
			return;
		poll(&pfd, 1, 1000);
	}
}

/* A tree of @members in the cgroup. Return: its pidfd; *@child is the first of it. */
static int tree_make(int members, pid_t *child)
{
	int ends[2], pidfd = -1, cage = cage_open("", O_DIRECTORY);
	unsigned long retries = 0;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = cage,
	};
	char byte;

	if (pipe(ends) || arm(AUTOKILL_TREE, &retries))
		die("arm");
	*child = syscall(SYS_clone3, &args, sizeof(args));
	switch (*child) {
	case -1:
		die("clone3");
	case 0:
		crowd(members - 1);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		sleep_for_ever();
	}
	close(ends[1]); /* so that a tree that dies is noticed */
	if (read(ends[0], &byte, 1) != 1)
		die("the tree");
	close(ends[0]);
	close(cage);
	return pidfd;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void measure(int members, int bystanders, bool by_cgroup)
{
	uint64_t call[RUNS], empty[RUNS], start;

	for (int i = 0; i < RUNS; i++) {
		int events, kill_fd, pidfd;
		pid_t child;

		/* A new one each time: what is cloned into a cgroup that was once killed dies at once. */
		if (mkdir(CAGE, 0755) < 0)
			die(CAGE);
		events = cage_open("cgroup.events", O_RDONLY);
		kill_fd = cage_open("cgroup.kill", O_WRONLY);
		pidfd = tree_make(members, &child);

		start = now_ns();
		if (by_cgroup ? write(kill_fd, "1", 1) != 1 : close(pidfd))
			die("the release");
		call[i] = now_ns() - start;
		cage_wait(events);
		empty[i] = now_ns() - start;
		if (by_cgroup)
			close(pidfd);
		close(events);
		close(kill_fd);
		waitpid(child, NULL, 0);
		if (rmdir(CAGE) < 0)
			die(CAGE);
		map_wait("members", 0, 10000000000);
		map_wait("tasks", 1, 10000000000);
	}
	qsort(call, RUNS, sizeof(*call), compare);
	qsort(empty, RUNS, sizeof(*empty), compare);
	printf("%-11s %5d members %6d bystanders: call %9llu, until all are dead %10llu\n",
	       by_cgroup ? "cgroup.kill" : "close()", members, bystanders,
	       (unsigned long long)call[RUNS / 2], (unsigned long long)empty[RUNS / 2]);
	fflush(stdout);
}

int main(void)
{
	static const int members[] = { 1, 100, 1000 }, bystanders[] = { 0, 1000, 10000 };

	signal(SIGCHLD, SIG_DFL);
	for (int b = 0; b < 3; b++) {
		int ends[2];
		char byte;
		pid_t pid;

		if (pipe(ends))
			die("pipe");
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			crowd(bystanders[b] - (b ? bystanders[b - 1] : 0));
			if (write(ends[1], "", 1) != 1)
				_exit(1);
			sleep_for_ever();
		}
		if (pid < 0 || read(ends[0], &byte, 1) != 1)
			die("bystanders");
		for (int m = 0; m < 3; m++) {
			measure(members[m], bystanders[b], false);
			measure(members[m], bystanders[b], true);
		}
	}
	return 0;
}
