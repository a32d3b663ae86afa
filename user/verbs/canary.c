// SPDX-License-Identifier: GPL-2.0-only
/*
 * canary.c - prove that killing works, by having children of our own killed
 *
 * A holder, forked from us, arms and clones a child, tells its pid, and then closes the pidfd or
 * is killed. We see the child's death by a pidfd of our own, which is another file and so no
 * holder.
 *
 * The kinds of child stand for the ways in which a kill can miss: one that sleeps; one that no
 * task work wakes (stopped); one whose leader cannot take a signal (leaderless). Of a tree: one
 * whose parent, the first member, has exited (daemonized).
 *
 * Where an agent kills, and nobody else can arm yet, we run an agent of our own for as long as
 * this takes.
 */
#include "verbs/canary.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent_child.h"
#include "autokill.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "base/times.h"

#define DEADLINE_MS 10000
/*
 * All canaries are dead then. Where the kernel skips the exit program, a member of a tree is
 * counted out at task_free, after an RCU grace period. That takes tens of seconds while a user
 * has tasks preempted in RCU readers and keeps them waiting.
 */
#define GONE_MS 60000
#define FLAG_TRIES 100 /* by clone3's flags; the kernel may skip what serves them: EINVAL */

struct pipes {
	int go[2];    /* to the holder: a byte to start, a byte to close */
	int told[2];  /* from the holder: the pid of the child, or -errno */
	int ready[2]; /* from the child, where it has something to tell */
};

static void pipes_close(struct pipes *p)
{
	cleanup_pair(&p->go);
	cleanup_pair(&p->told);
	cleanup_pair(&p->ready);
}

/* 1 while the leader lives: the kernel clears it in exit_mm(), when the leader is PF_EXITING. */
static int leader_tid_word;

static void *outlive_leader(void *arg)
{
	int *ready = arg;

	while (__atomic_load_n(&leader_tid_word, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &leader_tid_word, FUTEX_WAIT, 1, NULL, NULL, 0);
	if (write(*ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/*
 * A load that is killed can leave a child that nobody will kill, maybe a stopped one. So the
 * child carries a SIGKILL of its own, far behind the deadline of the test, so that it proves
 * nothing by it.
 */
static void child_end_later(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec when = { .it_value.tv_sec = 6 * DEADLINE_MS / 1000 };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &when, NULL))
		_exit(1);
}

static void child_main(const char *kind, int ready)
{
	static int fd;
	pthread_t thread;
	pid_t pid;

	if (!strcmp(kind, "daemonized")) {
		if (fork())
			_exit(0);
		setsid();
		pid = getpid();
		if (write(ready, &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
	}
	child_end_later();
	if (!strcmp(kind, "stopped"))
		raise(SIGSTOP);
	if (!strcmp(kind, "leaderless")) {
		fd = ready;
		leader_tid_word = 1;
		syscall(SYS_set_tid_address, &leader_tid_word);
		if (pthread_create(&thread, NULL, outlive_leader, &fd))
			_exit(1);
		syscall(SYS_exit, 0); /* this thread only; pthread_exit() would load libgcc_s */
	}
	for (;;)
		pause();
}

static int arm(unsigned int flags)
{
	return autokill_request(AUTOKILL_ARM, flags, 0) < 0 ? -errno : 0;
}

/* Return: the pid of the process that is to die, or -errno. */
static int child_wait_ready(const char *kind, pid_t pid, int ready)
{
	siginfo_t info;
	char byte;

	/* The child itself shall be gone: its own child is what is left to kill. */
	if (!strcmp(kind, "daemonized") &&
	    (TEMP_FAILURE_RETRY(waitpid(pid, NULL, __WALL)) != pid ||
	     TEMP_FAILURE_RETRY(read(ready, &pid, sizeof(pid))) != sizeof(pid)))
		return -EPIPE;

	if (!strcmp(kind, "stopped") &&
	    TEMP_FAILURE_RETRY(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT | __WALL)))
		return -errno;
	if (!strcmp(kind, "leaderless") && TEMP_FAILURE_RETRY(read(ready, &byte, 1)) != 1)
		return -EPIPE;
	return pid;
}

/* The lock on the pin directory and the programs must end with the loader, not with us. */
static void holder_close_others(const struct pipes *p)
{
	fds_close_from(STDERR_FILENO + 1, p->go, sizeof(*p) / sizeof(int));
}

/* The kernel may skip every copy of the program that takes the flags, too. */
static int clone3_native(struct clone_args *args)
{
	int pid = -1;

	args->flags |= CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL;
	args->exit_signal = 0;
	for (int i = 0; i < FLAG_TRIES && pid < 0; i++) {
		pid = syscall(SYS_clone3, args, sizeof(*args));
		if (pid < 0 && errno != EINVAL)
			break;
	}
	return pid < 0 ? -errno : pid;
}

static int clone3_armed(struct clone_args *args, unsigned int flags)
{
	int err = arm(flags), pid;

	if (err)
		return err;
	pid = syscall(SYS_clone3, args, sizeof(*args));
	return pid < 0 ? -errno : pid;
}

static void holder_main(const struct canary *c, struct pipes *p)
{
	const char *kind = c->child;
	unsigned int flags = strcmp(kind, "daemonized") ? 0 : AUTOKILL_TREE;
	_cleanup_close_ int pidfd = -1; /* until the release */
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (unsigned long)&pidfd,
		.exit_signal = SIGCHLD,
	};
	char byte;
	int pid;

	holder_close_others(p);
	cleanup_close(&p->go[1]);
	if (TEMP_FAILURE_RETRY(read(p->go[0], &byte, 1)) != 1)
		_exit(0);
	pid = c->native ? clone3_native(&args) : clone3_armed(&args, flags);
	if (pid == 0)
		child_main(kind, p->ready[1]);
	cleanup_close(&p->ready[1]);
	if (pid > 0)
		pid = child_wait_ready(kind, pid, p->ready[0]);
	if (write(p->told[1], &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	if (TEMP_FAILURE_RETRY(read(p->go[0], &byte, 1)) == 1)
		cleanup_close(&pidfd);
	/* Until we are killed, or the other end goes with the loader, and its programs with it. */
	if (!TEMP_FAILURE_RETRY(read(p->go[0], &byte, 1)) && pid > 0)
		kill(pid, SIGKILL);
	_exit(0);
}

static double now_ms(void)
{
	return time_monotonic() / 1e6;
}

static int fail(struct canary *c, int err, const char *step)
{
	c->err = err;
	c->step = step;
	return err;
}

/* Poll for one event before the deadline: 0, -ETIMEDOUT or -errno. */
static int wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = TEMP_FAILURE_RETRY(poll(&p, 1, DEADLINE_MS));

	return n > 0 ? 0 : n ? -errno : -ETIMEDOUT;
}

/* Have @holder release its child, and wait for the death. 0, or -errno, which @c has, too. */
static int wait_for_death(struct canary *c, pid_t holder, struct pipes *p)
{
	_cleanup_close_ int pidfd = -1;
	int pid = 0, err;
	double start;

	if (write(p->go[1], "", 1) != 1)
		return fail(c, -errno, "starting the holder");
	err = wait_readable(p->told[0]);
	if (err || read(p->told[0], &pid, sizeof(pid)) != sizeof(pid))
		return fail(c, err ? err : -EPIPE, "hearing from the holder");
	if (pid < 0)
		return fail(c, pid, "arming and cloning");
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return fail(c, -errno, "opening the child: it is dead before its release");
	start = now_ms();
	if (!strcmp(c->how, "closed"))
		err = write(p->go[1], "", 1) == 1 ? 0 : -errno;
	else
		err = kill(holder, SIGKILL) ? -errno : 0;
	if (err)
		fail(c, err, "releasing");
	else
		err = wait_readable(pidfd);
	c->ms = now_ms() - start;
	if (err && !c->err) {
		fail(c, err, "waiting for the child's death");
		kill(pid, SIGKILL);
	}
	return err;
}

static void canary_one(const struct kernel_side *k, int gate, struct canary *c)
{
	_cleanup_(pipes_close) struct pipes p = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	pid_t holder;
	int err = 0;

	if (pipe(p.go) || pipe(p.told) || pipe(p.ready)) {
		fail(c, -errno, "making pipes");
		return;
	}
	holder = fork();
	if (holder < 0) {
		fail(c, -errno, "forking the holder");
		return;
	}
	if (!holder)
		holder_main(c, &p);
	if (gate)
		err = kernel_side_set_ready(k, AUTOKILL_CANARY, holder);
	if (err)
		fail(c, err, "letting the holder arm");
	else
		wait_for_death(c, holder, &p);
	kill(holder, SIGKILL);
	/* The child is reparented to us, see canary_run(). */
	/* In our process group: the agent that we may have has its own. */
	while (TEMP_FAILURE_RETRY(waitpid(0, NULL, __WALL)) > 0)
		;
}

/* The timer that sees that a tether is done runs a little later than the death. */
static int tethers_wait_gone(const struct kernel_side *k)
{
	double end = now_ms() + GONE_MS;
	size_t n, left;
	int err;

	for (;;) {
		_cleanup_free_ struct autokill_tether *t = NULL;

		err = kernel_side_tethers(k, &t, &n);
		if (err)
			return err;
		left = 0;
		for (size_t i = 0; i < n; i++)
			left += t[i].released_at != 0;
		if (!left)
			return 0;
		if (now_ms() > end)
			return -ETIMEDOUT;
		poll(NULL, 0, 1);
	}
}

/* Nothing could be tried. Return: how many failed, which is all. */
static int canary_all_failed(struct canary *out, int n, int err, const char *step)
{
	for (int i = 0; i < n; i++)
		fail(&out[i], err, step);
	return n;
}

static int canaries_release(const struct kernel_side *k, int gate, struct canary *out, int n)
{
	int failed = 0, reaper = 0, err;

	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < n; i++) {
		canary_one(k, gate, &out[i]);
		failed += out[i].err != 0;
	}
	prctl(PR_SET_CHILD_SUBREAPER, reaper);
	err = tethers_wait_gone(k);
	if (!err && gate)
		err = kernel_side_set_ready(k, AUTOKILL_NOT_READY, 0);
	if (err && !out[n - 1].err)
		failed += fail(&out[n - 1], err, "waiting for the tether to go") != 0;
	return failed;
}

int canary_run(const struct kernel_side *k, int gate, struct canary out[CANARIES], int *n)
{
	static const char *const kinds[] = { "sleeping", "stopped", "leaderless", "daemonized" };
	static const char *const ways[] = { "closed", "holder killed" };
	struct autokill_config config;
	struct agent_child agent;
	const int n_kinds = sizeof(kinds) / sizeof(*kinds);
	int failed, err;

	for (*n = 0; *n < 2 * n_kinds; ++*n)
		out[*n] = (struct canary){ .child = kinds[*n / 2], .how = ways[*n % 2] };
	err = kernel_side_config(k, &config);
	if (err)
		return canary_all_failed(out, *n, err, "reading the configuration");
	if (config.native == NATIVE_FLAGS_ON)
		out[(*n)++] = (struct canary){ .child = kinds[0], .how = ways[0], .native = true };
	if (!gate || k->agent < 0)
		return canaries_release(k, gate, out, *n);
	err = agent_child_start(k, &agent);
	if (err)
		return canary_all_failed(out, *n, err, "starting an agent");
	failed = canaries_release(k, gate, out, *n);
	agent_child_stop(&agent);
	return failed;
}
