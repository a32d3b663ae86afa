/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench.h - what the benchmarks share: a line of raw data, crowds of cheap processes, a cgroup to
 * count them
 *
 * A line of raw data is `raw,WHAT,WAY,X,Y,ROUND,VALUE,UNIT`; bench/run collects them and puts the
 * part and the kernel before them. Whatever goes wrong ends the program with a message and 1: a
 * table has no quiet holes.
 */
#ifndef BENCH_H
#define BENCH_H

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "stress.h"

#define NSEC 1000000000ULL
#define NATIVE (CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL)
#define STACK 4096

static inline void raw(const char *what, const char *way, int x, int y, int round, double value,
		       const char *unit)
{
	printf("raw,%s,%s,%d,%d,%d,%.10g,%s\n", what, way, x, y, round, value, unit);
}

/* Nothing is written before the end or raw_flush(): the console works on long after a write. */
static inline void raw_begin(void)
{
	setvbuf(stdout, NULL, _IOFBF, 8 << 20);
}

static inline void raw_flush(void)
{
	fflush(stdout);
}

static inline int pidfd_open(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		die("pidfd_open(%d)", pid);
	return fd;
}

/* The kernel reaps all our children, and whom they leave behind. */
static inline void reap_nobody(void)
{
	signal(SIGCHLD, SIG_IGN);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		die("PR_SET_CHILD_SUBREAPER");
}

static inline void room_for_fds(rlim_t n)
{
	struct rlimit room = { n + 100, n + 100 };

	if (setrlimit(RLIMIT_NOFILE, &room))
		die("room for %lu descriptors", (unsigned long)n);
}

/*
 * arm(), or the end of the program. While the agent's heartbeat is older than 3 s, which it can be
 * when it has had a thousand to kill on a busy machine, the answer is EAGAIN: again, 10 s long, and
 * a word about it.
 */
static inline void must_arm(unsigned int flags)
{
	uint64_t start = now_ns();
	unsigned long retries = 0;
	int err;

	while ((err = arm(flags, &retries)) == EAGAIN && now_ns() - start < 10 * NSEC)
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	if (err) {
		errno = err;
		die("arm");
	}
	if (now_ns() - start > NSEC)
		fprintf(stderr, "arming was refused for %.1f s\n", (now_ns() - start) / 1e9);
}

/* --- processes that cost little: they share our memory and our descriptors */

static _Noreturn inline int sleeper(void *arg)
{
	(void)arg;
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

/* Their stacks, from the lowest. They are let go only when nobody runs on them any more. */
static inline char *stacks_make(int count)
{
	char *stacks = mmap(NULL, (size_t)count * STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (stacks == MAP_FAILED)
		die("room for %d stacks", count);
	return stacks;
}

#define CROWD_FLAGS (CLONE_VM | CLONE_FILES | CLONE_FS)

static inline void crowd(int count)
{
	char *stacks;

	if (count <= 0)
		return;
	stacks = stacks_make(count);
	for (int i = 1; i <= count; i++)
		if (clone(sleeper, stacks + (size_t)i * STACK, CROWD_FLAGS | SIGCHLD, NULL) < 0)
			die("process %d of %d", i, count);
}

/*
 * One of them by itself, with a pidfd, tethered if @tethered. It runs on @stack, of STACK bytes,
 * whose first word is its pid until it has died.
 */
static inline int crowd_one(char *stack, bool tethered)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CROWD_FLAGS | CLONE_PIDFD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
		.child_tid = (uintptr_t)stack,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = STACK,
	};
	long ret;

	if (tethered)
		must_arm(0);
	/*
	 * The child comes back on another stack, so it must not return from a function: ppoll, for
	 * ever.
	 */
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 2f\n\t"
			 "1: mov %[ppoll], %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "xor %%esi, %%esi\n\t"
			 "xor %%edx, %%edx\n\t"
			 "xor %%r10d, %%r10d\n\t"
			 "syscall\n\t"
			 "jmp 1b\n\t"
			 "2:"
			 : "=a"(ret)
			 : "0"((long)SYS_clone3), "D"(&args),
			   "S"(sizeof(args)), [ppoll] "i"(SYS_ppoll)
			 : "rcx", "r11", "r10", "rdx", "memory");
	if (ret < 0) {
		errno = -ret;
		die("clone3");
	}
	return pidfd;
}

/* Until all of @count whom crowd_one() has put on @stacks have died. */
static inline void crowd_wait(char *stacks, int count)
{
	for (int i = 0; i < count; i++) {
		uint32_t *word = (uint32_t *)(stacks + (size_t)i * STACK), pid;

		while ((pid = __atomic_load_n(word, __ATOMIC_ACQUIRE)))
			if (syscall(SYS_futex, word, FUTEX_WAIT, pid, &(struct timespec){ 60, 0 },
				    NULL, 0) &&
			    errno == ETIMEDOUT)
				die("process %d of %d is alive after 60 s", i + 1, count);
	}
}

/* --- a cgroup that tells when the last process in it has died */

#define CAGE "/sys/fs/cgroup/bench"

static inline int cage_open(const char *file, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), CAGE "/%s", file);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		die("%s", path);
	return fd;
}

/* A new one each time: what is cloned into a cgroup that was once killed dies at once. */
static inline void cage_make(void)
{
	if (mkdir(CAGE, 0755) < 0)
		die(CAGE);
}

/* The zombies in it are not reaped by us, and may take a moment. */
static inline void cage_end(void)
{
	uint64_t end = now_ns() + 60 * NSEC;

	while (rmdir(CAGE) < 0) {
		if (errno != EBUSY || now_ns() > end)
			die("rmdir " CAGE);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* Until nobody in it is alive; @events is its cgroup.events. */
static inline void cage_wait(int events, unsigned int seconds)
{
	struct pollfd pfd = { .fd = events, .events = POLLPRI };
	uint64_t end = now_ns() + seconds * NSEC;
	char text[64];

	for (;;) {
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);

		text[n < 0 ? 0 : n] = '\0';
		if (strstr(text, "populated 0"))
			return;
		if (now_ns() > end) {
			fprintf(stderr, "somebody in " CAGE " is alive after %u s\n", seconds);
			exit(1);
		}
		poll(&pfd, 1, 1000);
	}
}

#endif /* BENCH_H */
