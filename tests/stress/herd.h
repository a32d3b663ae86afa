/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * herd.h - many tethered children at once, in the hands of many holders; and the agent that kills
 * them
 *
 * A holder has few children, since each new one copies its descriptors. We watch every child by a
 * pidfd of our own, which is another file and so no holder.
 */
#ifndef HERD_H
#define HERD_H

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "stress.h"

#define NSEC 1000000000ULL
#define PER_HOLDER 50

/* --- the agent */

static const char *agent_program = "autokill";

static inline pid_t agent_start(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp(agent_program, agent_program, "agent", NULL);
		die("%s", agent_program);
	}
	if (pid < 0)
		die("fork");
	return pid;
}

static inline void agent_await(pid_t pid)
{
	uint64_t end = now_ns() + 60 * NSEC;
	struct autokill_agent agent = {};

	do {
		if (waitpid(pid, NULL, WNOHANG))
			die("the agent has ended, or is none");
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		array_read("agent", &agent);
	} while ((agent.pid != (__u32)pid || !agent.beat) && now_ns() < end);
}

/* Return: did it end as it should? */
static inline bool agent_end(pid_t pid, int signal)
{
	int status;

	kill(pid, signal);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid(agent)");
	return signal == SIGTERM ? WIFEXITED(status) && !WEXITSTATUS(status) : WIFSIGNALED(status);
}

/*
 * A tethered child, as clone_pidfd(). While no agent is alive the request or the clone is refused,
 * EAGAIN: then again, 60 s long. *@refused counts it.
 */
static inline pid_t clone_tethered(int *pidfd, unsigned long *refused)
{
	unsigned long retries = 0;

	for (int i = 0; i < 12000; i++) {
		pid_t pid;
		int err = arm(0, &retries);

		if (!err) {
			pid = clone_pidfd(pidfd);
			if (pid >= 0)
				return pid;
			err = errno;
		}
		errno = err;
		if (err != EAGAIN)
			return -1;
		++*refused;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return -1;
}

/* --- the herd */

struct holder {
	pid_t pid;
	int go; /* a byte: close the pidfds */
	uint64_t released;
};

struct herd {
	int n, n_holders, epoll;
	struct holder *holders;
	pid_t *pids;
	int *watches;	/* pidfds of ours; -1: dead */
	uint64_t *took; /* from the release to the death, ns */
};

/* A holder keeps nothing of ours but its ends of two pipes, as 3 and 4. */
static inline void holder_close_others(int go, int told)
{
	int from[2] = { fcntl(go, F_DUPFD, 5), fcntl(told, F_DUPFD, 5) };

	if (dup2(from[0], 3) != 3 || dup2(from[1], 4) != 4)
		_exit(1);
	close_range(5, ~0U, 0);
}

static inline void holder_main(int n, int go, int told)
{
	unsigned long refused = 0;
	int pidfd;
	char byte;

	holder_close_others(go, told);
	go = 3;
	told = 4;
	for (int i = 0; i < n; i++) {
		pid_t pid = clone_tethered(&pidfd, &refused);

		if (!pid) {
			close_range(3, ~0U, 0); /* or it would hold its siblings */
			sleep_for_ever();
		}
		if (write(told, &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
	}
	if (read(go, &byte, 1) == 1)
		close_range(3, ~0U, 0);
	sleep_for_ever();
}

static inline void *herd_array(int n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		die("calloc");
	return p;
}

static inline void herd_add(struct herd *h, int i, pid_t pid)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

	if (pid <= 0)
		die("child %d of %d", i, h->n);
	h->pids[i] = pid;
	h->watches[i] = syscall(SYS_pidfd_open, pid, 0);
	if (h->watches[i] < 0 || epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->watches[i], &event))
		die("watching child %d of %d", i, h->n);
}

/* @n tethered children that sleep. We become their subreaper. */
static inline void herd_make(struct herd *h, int n)
{
	struct rlimit room = { n + 1000, n + 1000 };
	int told[2], go[2];
	pid_t pid;

	*h = (struct herd){ .n = n, .n_holders = (n + PER_HOLDER - 1) / PER_HOLDER };
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (setrlimit(RLIMIT_NOFILE, &room))
		die("RLIMIT_NOFILE");
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	h->holders = herd_array(h->n_holders, sizeof(*h->holders));
	h->pids = herd_array(n, sizeof(*h->pids));
	h->watches = herd_array(n, sizeof(*h->watches));
	h->took = herd_array(n, sizeof(*h->took));
	for (int k = 0; k < h->n_holders; k++) {
		int first = k * PER_HOLDER, last = first + PER_HOLDER < n ? first + PER_HOLDER : n;

		if (pipe(told) || pipe(go))
			die("pipe");
		h->holders[k].pid = fork();
		if (!h->holders[k].pid)
			holder_main(last - first, go[0], told[1]);
		close(told[1]);
		close(go[0]);
		h->holders[k].go = go[1];
		for (int i = first; i < last; i++) {
			if (read(told[0], &pid, sizeof(pid)) != sizeof(pid))
				die("holder %d", k);
			herd_add(h, i, pid);
		}
		close(told[0]);
	}
}

/* Release the children of holder @k: by its death, or, if @k is odd, by its close(). */
static inline void herd_release(struct herd *h, int k)
{
	struct holder *holder = &h->holders[k];

	holder->released = now_ns();
	if (k % 2 && write(holder->go, "", 1) == 1)
		return;
	kill(holder->pid, SIGKILL);
}

/* Note when each dies. Return: how many have not, after @timeout_ns; they are ended then. */
static inline int herd_wait(struct herd *h, uint64_t timeout_ns)
{
	uint64_t end = now_ns() + timeout_ns, now;
	struct epoll_event events[64];
	int left = h->n, survivors;

	while (left && (now = now_ns()) < end) {
		int n = epoll_wait(h->epoll, events, 64, (end - now) / 1000000 + 1);

		now = now_ns();
		for (int e = 0; e < n; e++) {
			int i = events[e].data.u32;

			h->took[i] = now - h->holders[i / PER_HOLDER].released;
			close(h->watches[i]);
			h->watches[i] = -1;
			left--;
		}
	}
	survivors = left;
	for (int i = 0; i < h->n; i++)
		if (h->watches[i] >= 0)
			kill(h->pids[i], SIGKILL);
	return survivors;
}

/* Ns within which @percent of them died. */
static inline int took_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static inline uint64_t herd_took(struct herd *h, int percent)
{
	qsort(h->took, h->n, sizeof(*h->took), took_compare);
	return h->took[(h->n - 1) * percent / 100];
}

/* End the holders, reap everything but @kept, and free. */
static inline void herd_end(struct herd *h, pid_t kept)
{
	for (int k = 0; k < h->n_holders; k++) {
		close(h->holders[k].go);
		kill(h->holders[k].pid, SIGKILL);
		waitpid(h->holders[k].pid, NULL, 0);
	}
	for (int i = 0; i < h->n; i++) {
		if (h->watches[i] >= 0)
			close(h->watches[i]);
		if (h->pids[i] != kept)
			waitpid(h->pids[i], NULL, __WALL);
	}
	close(h->epoll);
	free(h->holders);
	free(h->pids);
	free(h->watches);
	free(h->took);
}

/*
 * Nothing may be left in the maps; @tasks is how many records of tasks there were at the beginning.
 */
static inline void maps_check_empty(long tasks)
{
	static const char *const empty[] = { "tethers", "files", "waiting" };
	uint64_t wait = 20 * NSEC;
	long n;

	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		n = map_wait(empty[i], 0, wait);
		check(n == 0, "left in maps/%s: %ld", empty[i], n);
		if (n)
			wait = 0; /* the others have had their time, too */
	}
	n = map_wait("tasks", tasks, wait) - tasks;
	check(n <= 0, "left in maps/tasks: %ld", n);
}

#endif /* HERD_H */
