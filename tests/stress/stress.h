/* SPDX-License-Identifier: GPL-2.0-only */
/* stress.h - what the stress programs share: clone3, arming, the pinned maps, the tally */
#ifndef STRESS_H
#define STRESS_H

#include <errno.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "autokill.h"
#include "autokill_state.h"

#define PIN_DIR "/sys/fs/bpf/autokill"
#define ARM_TRIES 10000 /* a millisecond each: longer than any load here keeps a task off the CPU */

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* --- the tally */

static unsigned int checks_passed, checks_failed, checks_skipped;

__attribute__((format(printf, 2, 3))) static inline void check(bool ok, const char *format, ...)
{
	va_list args;

	printf("%s ", ok ? "ok  " : "FAIL");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	if (ok)
		checks_passed++;
	else
		checks_failed++;
}

static inline int checks_end(void)
{
	printf("%u passed, %u failed, %u skipped\n", checks_passed, checks_failed, checks_skipped);
	fflush(stdout);
	return checks_failed ? 1 : 0;
}

__attribute__((format(printf, 1, 2), noreturn)) static inline void die(const char *format, ...)
{
	int err = errno;
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(err));
	exit(1);
}

/* --- arming and cloning */

/*
 * ARM, again after EINVAL: the kernel skips the prctl program where it is already active on this
 * CPU (autokill.h). It has to sleep in between: who was preempted in the program may have a lower
 * priority than we. Return: 0, or the errno; *@retries counts the EINVALs.
 */
static inline int arm(unsigned int flags, unsigned long *retries)
{
	for (int i = 0; i < ARM_TRIES; i++) {
		if (prctl(PR_AUTOKILL, AUTOKILL_ARM, flags, 0, 0) > 0)
			return 0;
		if (errno != EINVAL)
			return errno;
		++*retries;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return EINVAL;
}

/* clone3 like fork, with a pidfd. Return: as fork(); *@pidfd is set in the parent. */
static inline pid_t clone_pidfd(int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

__attribute__((noreturn)) static inline void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* A child that is not tethered, and sleeps for ever. It does not hold @not_held. */
static inline pid_t fork_sleeper(int not_held)
{
	pid_t pid = fork();

	if (!pid) {
		close(not_held);
		sleep_for_ever();
	}
	return pid;
}

/* End @pid by SIGTERM. Return: false if something else had ended it before. */
static inline bool end_stranger(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	return TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGTERM;
}

/* --- the pinned maps and programs */

static inline int sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static inline int pin_open(const char *dir, const char *name)
{
	char path[128];
	union bpf_attr attr = { .pathname = (uintptr_t)path };

	snprintf(path, sizeof(path), PIN_DIR "/%s/%s", dir, name);
	return sys_bpf(BPF_OBJ_GET, &attr);
}

/* Keys of 16 bytes at most, which all of these maps have. Return: -1 without such a pin. */
static inline long map_count(const char *name)
{
	char keys[2][16];
	int map = pin_open("maps", name);
	union bpf_attr attr = { .map_fd = map, .next_key = (uintptr_t)keys[0] };
	long count = 0;

	if (map < 0)
		return -1;
	while (!sys_bpf(BPF_MAP_GET_NEXT_KEY, &attr) && count < 10000000) {
		attr.key = (uintptr_t)keys[count & 1];
		attr.next_key = (uintptr_t)keys[~count & 1];
		count++;
	}
	close(map);
	return count;
}

static inline void array_read(const char *name, void *value)
{
	uint32_t zero = 0;
	int map = pin_open("maps", name);
	union bpf_attr attr = { .map_fd = map, .key = (uintptr_t)&zero, .value = (uintptr_t)value };

	if (map < 0 || sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr))
		die("maps/%s (is autokill loaded?)", name);
	close(map);
}

/* Room for what follows the public part of a tether: the timer and the task work. */
struct tether_value {
	struct autokill_tether d;
	char rest[256];
};

/* Is there a tether whose child is @tgid? If so, @out is it. */
static inline bool tether_find(pid_t tgid, struct tether_value *out)
{
	uint64_t keys[2];
	int map = pin_open("maps", "tethers");
	union bpf_attr next = { .map_fd = map, .next_key = (uintptr_t)&keys[0] };
	bool found = false;

	for (unsigned int i = 0; !found && !sys_bpf(BPF_MAP_GET_NEXT_KEY, &next); i++) {
		union bpf_attr look = { .map_fd = map,
					.key = (uintptr_t)&keys[i & 1],
					.value = (uintptr_t)out };

		found = !sys_bpf(BPF_MAP_LOOKUP_ELEM, &look) && (pid_t)out->d.tgid == tgid;
		next.key = (uintptr_t)&keys[i & 1];
		next.next_key = (uintptr_t)&keys[~i & 1];
	}
	close(map);
	return found;
}

/* Wait until the map @name has @most elements at most. Return: how many it has. */
static inline long map_wait(const char *name, long most, uint64_t timeout_ns)
{
	uint64_t end = now_ns() + timeout_ns;
	long count;

	while ((count = map_count(name)) > most && now_ns() < end)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return count;
}

static const char *const program_names[] = {
#define P(name, when, hook, what) "autokill_" #name,
#include "bpf/programs.h"
#undef P
};

/* recursion_misses of each program that is loaded, in one line. */
static inline void misses_print(void)
{
	printf("skipped:");
	for (size_t i = 0; i < sizeof(program_names) / sizeof(*program_names); i++) {
		struct bpf_prog_info info = {};
		union bpf_attr attr = {};
		int prog = pin_open("progs", program_names[i]);

		if (prog < 0)
			continue;
		attr.info.bpf_fd = prog;
		attr.info.info_len = sizeof(info);
		attr.info.info = (uintptr_t)&info;
		if (!sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr))
			printf(" %s %llu", program_names[i] + strlen("autokill_"),
			       (unsigned long long)info.recursion_misses);
		close(prog);
	}
	putchar('\n');
}

#endif /* STRESS_H */
