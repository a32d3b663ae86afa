// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency.c - how long a child lives on after its release, beside what kills without autokill
 *
 * latency prctl|native [--rounds N]. Two releases, each in turn with a yardstick of the same machine, so
 * that ratios can be told apart from the machine's own speed:
 *
 *   close    the holder closes the pidfd            beside pidfd_send_signal(SIGKILL) by the holder
 *   killed   the holder gets SIGKILL                beside PR_SET_PDEATHSIG, which the kernel sends
 *                                                   when the parent dies
 *
 * The clock starts before the close or the kill, and stops when another pidfd of the child's polls
 * readable. Not a test: it passes no judgement; but a child that does not die within 10 s ends it.
 */
#include <poll.h>

#include "stress.h"

#define ROUNDS_MOST 100000

static bool native;
static int ready[2]; /* a pipe: a child is where it is to be killed */

struct series {
	uint64_t *ns;
	unsigned int n;
};

static int pidfd_open(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		die("pidfd_open");
	return fd;
}

static pid_t clone_tethered(int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL,
		.pidfd = (uintptr_t)pidfd,
	};
	unsigned long retries = 0;

	if (native)
		return syscall(SYS_clone3, &args, sizeof(args));
	errno = arm(0, &retries);
	return errno ? -1 : clone_pidfd(pidfd);
}

/* A child that sleeps. *@pidfd is what holds it, -1 if it is not tethered. */
static pid_t child_make(bool tethered, int *pidfd)
{
	pid_t pid;
	char byte;

	*pidfd = -1;
	pid = tethered ? clone_tethered(pidfd) : fork();
	if (pid < 0)
		die("making a child");
	if (!pid) {
		if (!tethered && prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		sleep_for_ever();
	}
	if (TEMP_FAILURE_RETRY(read(ready[0], &byte, 1)) != 1)
		die("hearing from the child");
	return pid;
}

/* Until the child behind the observer @fd is dead: ns since @start. */
static uint64_t death_wait(int fd, uint64_t start)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (TEMP_FAILURE_RETRY(poll(&p, 1, 10000)) != 1) {
		fprintf(stderr, "latency: a child did not die within 10 s\n");
		exit(1);
	}
	return now_ns() - start;
}

/* Reap whatever there is, and see that it was SIGKILL. */
static void reap(pid_t pid)
{
	int status;

	if (TEMP_FAILURE_RETRY(waitpid(pid, &status, __WALL)) == pid &&
	    (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)) {
		fprintf(stderr, "latency: a child ended with status %#x\n", status);
		exit(1);
	}
}

static uint64_t by_close(bool ours)
{
	int pidfd, observer;
	uint64_t start, ns;
	pid_t pid;

	pid = child_make(ours, &pidfd);
	observer = pidfd_open(pid);
	start = now_ns();
	if (ours)
		close(pidfd);
	else
		syscall(SYS_pidfd_send_signal, observer, SIGKILL, NULL, 0);
	ns = death_wait(observer, start);
	close(observer);
	reap(pid);
	return ns;
}

static uint64_t by_holder_killed(bool ours)
{
	int told[2], pidfd, observer;
	uint64_t start, ns;
	pid_t holder, pid;

	if (pipe(told))
		die("pipe");
	holder = fork();
	if (holder < 0)
		die("fork");
	if (!holder) {
		pid = child_make(ours, &pidfd);
		if (write(told[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		sleep_for_ever();
	}
	if (read(told[0], &pid, sizeof(pid)) != sizeof(pid))
		die("hearing of the child");
	observer = pidfd_open(pid);
	start = now_ns();
	kill(holder, SIGKILL);
	ns = death_wait(observer, start);
	close(observer);
	close(told[0]);
	close(told[1]);
	reap(holder);
	reap(pid); /* we are its subreaper */
	return ns;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double percentile(const struct series *s, unsigned int percent)
{
	return s->ns[(size_t)(s->n - 1) * percent / 100] / 1e3;
}

static void measure(const char *name, uint64_t (*once)(bool ours), unsigned int rounds)
{
	struct series s[2] = { { calloc(rounds, sizeof(uint64_t)), 0 },
			       { calloc(rounds, sizeof(uint64_t)), 0 } };

	if (!s[0].ns || !s[1].ns)
		die("memory");
	for (unsigned int i = 0; i < rounds; i++)
		for (int ours = 0; ours < 2; ours++)
			s[ours].ns[s[ours].n++] = once(ours);
	for (int i = 0; i < 2; i++)
		qsort(s[i].ns, s[i].n, sizeof(uint64_t), compare);
	printf("%-7s tether p50 %7.0f us  p99 %7.0f us   yardstick p50 %7.0f us  p99 %7.0f us   "
	       "ratio p50 %5.2f  p99 %5.2f\n",
	       name, percentile(&s[1], 50), percentile(&s[1], 99), percentile(&s[0], 50),
	       percentile(&s[0], 99), percentile(&s[1], 50) / percentile(&s[0], 50),
	       percentile(&s[1], 99) / percentile(&s[0], 99));
	fflush(stdout);
	free(s[0].ns);
	free(s[1].ns);
}

int main(int argc, char **argv)
{
	unsigned int rounds = 300;

	if (argc == 4 && !strcmp(argv[2], "--rounds"))
		rounds = strtoul(argv[3], NULL, 10);
	else if (argc != 2)
		rounds = 0;
	if (!rounds || rounds > ROUNDS_MOST ||
	    (strcmp(argv[1], "native") && strcmp(argv[1], "prctl"))) {
		fprintf(stderr, "usage: latency prctl|native [--rounds N]\n");
		return 2;
	}
	native = !strcmp(argv[1], "native");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || pipe(ready))
		die("preparing");
	measure("close", by_close, rounds);
	measure("killed", by_holder_killed, rounds);
	return 0;
}
