// SPDX-License-Identifier: GPL-2.0-only
/*
 * library.c - autokill_clone3() returns a tethered child or none, whatever other threads and signal handlers do
 *
 *   one thread    changes the credentials of the process all the time, which glibc does by a signal to each thread
 *   a handler     on a timer, makes a tethered child of its own in the middle of whatever the main thread is doing
 *   main          makes N tethered children, releases each, and sees it die
 *
 *   library --calls N [--hide-clone3]
 *
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
static atomic_long served, refused, outlived, handled, other;

/* A tethered child is made, released and waited for. */
static void one(unsigned int flags)
{
	int pidfd = -1, watch, ended;
	struct clone_args args = { .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD };
	pid_t pid = autokill_clone3(&args, sizeof(args), flags);

	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0) {
		if (errno == EAGAIN)
			refused++;
		else
			other++;
		return;
	}
	served++;
	watch = syscall(SYS_pidfd_open, pid, 0);
	close(pidfd);
	do
		ended = poll(&(struct pollfd){ .fd = watch, .events = POLLIN }, 1, DEADLINE_MS);
	while (ended < 0 && errno == EINTR);
	if (ended <= 0) {
		outlived++;
		kill(pid, SIGKILL);
	}
	close(watch);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void handler(int sig)
{
	int saved = errno;

	(void)sig;
	handled++;
	one(AUTOKILL_NNP);
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
						 {} };
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } }, never = {};
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART };
	pthread_t thread;
	sigset_t alarm;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			calls = atol(optarg);
		else if (c == 'h')
			hide_clone3();
		else
			return 2;
	}
	/* The handler is for the main thread. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	if (pthread_create(&thread, NULL, changes, NULL))
		die("pthread_create");
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (long i = 0; i < calls; i++)
		one(i % 4 ? AUTOKILL_NNP : AUTOKILL_NNP | AUTOKILL_TREE);
	setitimer(ITIMER_REAL, &never, NULL);
	stop = true;
	pthread_join(thread, NULL);
	printf("%ld served, %ld refused, %ld made in the handler\n", (long)served, (long)refused,
	       (long)handled);
	check(served + refused == calls + handled, "each call ends in one of the two");
	check(handled > 0, "the handler was called: %ld", (long)handled);
	check(!other, "no other failure: %ld", (long)other);
	check(!outlived, "no child is returned without its tether: %ld", (long)outlived);
	return checks_end();
}
