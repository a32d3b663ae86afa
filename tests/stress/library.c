// SPDX-License-Identifier: GPL-2.0-only
/*
 * library.c - autokill_clone3() returns a tethered child or none, whatever other threads and signal
 * handlers do
 *
 *   one thread    changes the credentials of the process all the time, which glibc does by a signal to each thread
 *   a handler     on a timer, makes a tethered child of its own in the middle of whatever the main thread is doing
 *   main          makes N tethered children, releases each, and sees it die
 *
 *   library --calls N [--hide-clone3] [--bare]
 *
 * --bare: the request and the clone are our own, signals come often, so that the kernel makes the
 * call again, and no credentials change: AUTOKILL_ASK has to name each child.
 * --hide-clone3: under a seccomp filter that gives ENOSYS, as those of container engines do.
 */
#include <getopt.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/time.h>

#include "stress.h"

#define DEADLINE_MS 20000

static long calls = 2000;
static atomic_bool stop;
static bool bare;
static atomic_long served, refused, outlived, handled, other, early, untold;

/* The child that has come back from the call says so by a byte. */
static void child_says(int to)
{
	if (write(to, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* @pid is alive, is released by closing @pidfd, and dies. */
static void release(pid_t pid, int pidfd, int from)
{
	int watch = syscall(SYS_pidfd_open, pid, 0), ended;
	char byte;
	ssize_t n;

	do
		n = read(from, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		served++;
	else
		early++;
	close(pidfd);
	do
		ended = poll(&(struct pollfd){ .fd = watch, .events = POLLIN }, 1, DEADLINE_MS);
	while (ended < 0 && errno == EINTR);
	if (ended <= 0) {
		outlived++;
		kill(pid, SIGKILL);
	}
	close(watch);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

/*
 * By the library; or, with @bare, by a request and a clone of our own, and a question afterwards.
 */
static pid_t tethered(struct clone_args *args, unsigned int flags)
{
	pid_t pid;
	long ret;

	if (!bare)
		return autokill_clone3(args, sizeof(*args), flags);
	if (autokill_request(AUTOKILL_ARM, flags, args->pidfd) < 0)
		return -1;
	args->flags |= CLONE_PIDFD;
	pid = syscall(SYS_clone3, args, sizeof(*args));
	if (pid <= 0)
		return pid;
	ret = autokill_request(AUTOKILL_ASK, 0, 0);
	if (ret != (AUTOKILL_SERVED | pid))
		untold++;
	return pid;
}

/* A tethered child is made, released and waited for. */
static void one(unsigned int flags)
{
	int pidfd = -1, pipe_of[2];
	struct clone_args args = { .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD };
	pid_t pid;

	if (pipe(pipe_of))
		die("pipe");
	pid = tethered(&args, flags);
	if (pid == 0)
		child_says(pipe_of[1]);
	close(pipe_of[1]);
	if (pid > 0)
		release(pid, pidfd, pipe_of[0]);
	else if (errno == EAGAIN)
		refused++;
	else
		other++;
	close(pipe_of[0]);
}

static void nothing(int sig)
{
	(void)sig;
}

/* Once, so that we come on even where what the handler does takes longer than @us. */
static void alarm_in(long us)
{
	struct itimerval when = { .it_value.tv_usec = us };

	setitimer(ITIMER_REAL, &when, NULL);
}

static void handler(int sig)
{
	int saved = errno;

	(void)sig;
	handled++;
	one(AUTOKILL_NNP);
	alarm_in(20000);
	errno = saved;
}

static void *changes(void *arg)
{
	while (!stop) {
		if (setegid(1000) || setegid(0))
			other++;
		nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
	}
	return arg;
}

static void hide_clone3(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("seccomp");
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		die("clone3() is not hidden");
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "calls", required_argument, NULL, 'c' },
						 { "hide-clone3", no_argument, NULL, 'h' },
						 { "bare", no_argument, NULL, 'b' },
						 {} };
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART };
	pthread_t thread;
	sigset_t alarm;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			calls = atol(optarg);
		else if (c == 'h')
			hide_clone3();
		else if (c == 'b')
			bare = true;
		else
			return 2;
	}
	/* The handler is for the main thread. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	if (bare) {
		act.sa_handler = nothing;
	} else if (pthread_create(&thread, NULL, changes, NULL)) {
		die("pthread_create");
	}
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	sigaction(SIGALRM, &act, NULL);
	alarm_in(20000);
	for (long i = 0; i < calls; i++) {
		if (bare) /* somewhere within the call, once */
			alarm_in(1 + i * 37 % 4000);
		one(i % 4 ? AUTOKILL_NNP : AUTOKILL_NNP | AUTOKILL_TREE);
	}
	alarm_in(0);
	stop = true;
	if (!bare)
		pthread_join(thread, NULL);
	printf("%ld served, %ld refused, %ld made in the handler\n", (long)served, (long)refused,
	       (long)handled);
	check(served > calls / 2 && served + refused == calls + handled,
	      "each call ends in one of the two");
	check(handled || bare, "the handler was called: %ld", (long)handled);
	check(!early, "no child dies before its release: %ld", (long)early);
	check(!untold, "each child is named by AUTOKILL_ASK: %ld are not", (long)untold);
	check(!other, "no other failure: %ld", (long)other);
	check(!outlived, "no child is returned without its tether: %ld", (long)outlived);
	return checks_end();
}
