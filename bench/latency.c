// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency.c - how long a child lives on after its release, beside what kills it without autokill
 *
 * latency ROUNDS. Three releases:
 *
 *   close    a holder that lives closes the pidfd
 *   killed   the holder gets SIGKILL
 *   exit     the holder exits
 *
 * each in turn by
 *
 *   prctl      a tether of autokill's, armed by prctl
 *   native     CLONE_PIDFD_AUTOKILL of the kernel's own, from 7.1 on
 *   signal     close only: pidfd_send_signal(SIGKILL) by the holder
 *   pdeathsig  killed and exit: PR_SET_PDEATHSIG, which the kernel sends when the parent dies
 *   watcher    killed and exit: a process that polls a pidfd of the holder's, and kills the child
 *
 * The clock starts before the close, the kill or the exit, and stops when another pidfd of the
 * child's polls readable. Each round begins with another way.
 */
#include "bench.h"

enum way { PRCTL, NATIVE_FLAG, SIGNAL, PDEATHSIG, WATCHER, WAYS };
enum release { CLOSE, KILLED, EXIT, RELEASES };

static const char *const way_names[WAYS] = { "prctl", "native", "signal", "pdeathsig", "watcher" };
static const char *const release_names[RELEASES] = { "close", "killed", "exit" };

static bool native;	  /* does the kernel serve the flag itself? */
static int ready[2];	  /* a pipe: a child is where it is to be killed */
static uint64_t *left_at; /* shared: when the holder began to exit */

static bool applies(enum release release, enum way way)
{
	switch (way) {
	case PRCTL:
		return true;
	case NATIVE_FLAG:
		return native;
	case SIGNAL:
		return release == CLOSE;
	default:
		return release != CLOSE;
	}
}

static pid_t clone_native(int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | NATIVE,
		.pidfd = (uintptr_t)pidfd,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

static pid_t clone_armed(int *pidfd)
{
	unsigned long retries = 0;

	errno = arm(0, &retries);
	return errno ? -1 : clone_pidfd(pidfd);
}

/* A child that sleeps. *@pidfd is what holds it, if it is tethered. */
static pid_t child_make(enum way way, int *pidfd)
{
	pid_t pid;
	char byte;

	pid = way == PRCTL ? clone_armed(pidfd) : way == NATIVE_FLAG ? clone_native(pidfd) : fork();
	if (pid < 0)
		die("making a child (%s)", way_names[way]);
	if (!pid) {
		if (way == PDEATHSIG && prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		sleep_for_ever();
	}
	if (TEMP_FAILURE_RETRY(read(ready[0], &byte, 1)) != 1)
		die("hearing from the child");
	return pid;
}

/* Until the child behind the observer @fd is dead: when that was. */
static uint64_t death_wait(int fd, enum release release, enum way way)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (TEMP_FAILURE_RETRY(poll(&p, 1, 10000)) != 1) {
		fprintf(stderr, "latency: %s, %s: the child is alive after 10 s\n",
			release_names[release], way_names[way]);
		exit(1);
	}
	return now_ns();
}

static void died_of_sigkill(pid_t pid)
{
	int status;

	/* The kernel has reaped those of the native flag. */
	if (TEMP_FAILURE_RETRY(waitpid(pid, &status, __WALL)) == pid &&
	    (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)) {
		fprintf(stderr, "latency: a child ended with status %#x\n", status);
		exit(1);
	}
}

static uint64_t by_close(enum way way)
{
	int pidfd = -1, observer;
	uint64_t start, ns;
	pid_t pid;

	pid = child_make(way, &pidfd);
	observer = pidfd_open(pid);
	start = now_ns();
	if (way == SIGNAL)
		syscall(SYS_pidfd_send_signal, observer, SIGKILL, NULL, 0);
	else
		close(pidfd);
	ns = death_wait(observer, CLOSE, way) - start;
	close(observer);
	died_of_sigkill(pid);
	return ns;
}

/*
 * A process that polls @holder and then kills @child, both pidfds of ours. It is ready when this
 * returns.
 */
static pid_t watcher_make(int holder, int child)
{
	struct pollfd p = { .fd = holder, .events = POLLIN };
	pid_t pid = fork();
	char byte;

	if (pid < 0)
		die("fork");
	if (!pid) {
		if (write(ready[1], "", 1) == 1 && poll(&p, 1, -1) == 1)
			syscall(SYS_pidfd_send_signal, child, SIGKILL, NULL, 0);
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1)
		die("hearing from the watcher");
	return pid;
}

/* The holder has one child; it exits at a byte from @go. */
static _Noreturn void holder_main(enum way way, int told, int go)
{
	int pidfd = -1;
	pid_t pid = child_make(way, &pidfd);
	char byte;

	if (write(told, &pid, sizeof(pid)) != sizeof(pid) || read(go, &byte, 1) != 1)
		_exit(1);
	*left_at = now_ns();
	_exit(0);
}

static uint64_t by_end_of_holder(enum release release, enum way way)
{
	int told[2], go[2], holder_fd, observer;
	pid_t holder, pid, watcher = 0;
	uint64_t start, end;

	if (pipe(told) || pipe(go))
		die("pipe");
	holder = fork();
	if (holder < 0)
		die("fork");
	if (!holder)
		holder_main(way, told[1], go[0]);
	if (read(told[0], &pid, sizeof(pid)) != sizeof(pid))
		die("hearing of the child");
	observer = pidfd_open(pid);
	holder_fd = pidfd_open(holder);
	if (way == WATCHER)
		watcher = watcher_make(holder_fd, observer);
	start = now_ns();
	if (release == KILLED ? kill(holder, SIGKILL) : write(go[1], "", 1) != 1)
		die("ending the holder");
	end = death_wait(observer, release, way);
	if (release == EXIT)
		start = *left_at;
	close(observer);
	close(holder_fd);
	for (int i = 0; i < 2; i++) {
		close(told[i]);
		close(go[i]);
	}
	waitpid(holder, NULL, 0);
	if (watcher)
		waitpid(watcher, NULL, 0);
	died_of_sigkill(pid); /* we are its subreaper */
	return end - start;
}

int main(int argc, char **argv)
{
	int rounds = argc == 2 ? atoi(argv[1]) : 0, pidfd = -1;
	pid_t pid;

	if (rounds < 1) {
		fprintf(stderr, "usage: latency ROUNDS\n");
		return 2;
	}
	left_at = mmap(NULL, sizeof(*left_at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	raw_begin();
	if (left_at == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) || pipe(ready))
		die("preparing");
	/* autokill is loaded with --no-native-flags: who serves the flag is the kernel. */
	pid = clone_native(&pidfd);
	if (!pid)
		_exit(0);
	native = pid > 0;
	if (native)
		close(pidfd);
	for (int round = 0; round < rounds; round++)
		for (int release = 0; release < RELEASES; release++)
			for (int i = 0; i < WAYS; i++) {
				enum way way = (round + i) % WAYS;
				uint64_t ns;

				if (!applies(release, way))
					continue;
				ns = release == CLOSE ? by_close(way)
						      : by_end_of_holder(release, way);
				raw(release_names[release], way_names[way], 0, 0, round, ns, "ns");
			}
	return 0;
}
