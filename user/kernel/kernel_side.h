/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_side.h - read the pinned maps of the kernel side, and hold the programs that the agent
 * calls
 *
 * autokill_state.h says what is in the maps.
 */
#ifndef AUTOKILL_USER_KERNEL_SIDE_H
#define AUTOKILL_USER_KERNEL_SIDE_H

#include <stddef.h>

#include "autokill_state.h"

#define AUTOKILL_PIN_DIR "/sys/fs/bpf/autokill"

struct kernel_side {
	int config, stats, failures, tethers, files, events, tasks, users,
		left_out; /* fds, -1 if not open */
	/* For the agent, -1 where the kernel needs none: maps and programs, autokill_state.h */
	int agent, releases, found;
	int says, identity, sweep;
};

struct autokill_failure_count {
	struct autokill_failure key;
	__u64 count;
};

#define PROG_NAME_MAX 24

struct prog_info {
	char name[PROG_NAME_MAX]; /* without autokill_ */
	char type[16];
	__u32 id;
	__u64 recursion_misses; /* calls that the kernel skipped: bpf_prog_info */
	__u64 run_cnt;		/* 0 unless the sysctl kernel.bpf_stats_enabled is on */
};

#define KERNEL_SIDE_CLOSED                                                                         \
	((struct kernel_side){ .config = -1,                                                       \
			       .stats = -1,                                                        \
			       .failures = -1,                                                     \
			       .tethers = -1,                                                      \
			       .files = -1,                                                        \
			       .events = -1,                                                       \
			       .tasks = -1,                                                        \
			       .users = -1,                                                        \
			       .left_out = -1,                                                     \
			       .agent = -1,                                                        \
			       .releases = -1,                                                     \
			       .found = -1,                                                        \
			       .says = -1,                                                         \
			       .identity = -1,                                                     \
			       .sweep = -1 })
#define _cleanup_kernel_side_ _cleanup_(kernel_side_close) /* wants base/cleanup.h */

/**
 * kernel_side_open - open every pinned map
 *
 * Return: 0; -ENOENT if nothing is loaded; -EACCES or -EPERM without the right (root is needed);
 * -EPROTO if the maps have another version's layout. On failure @k holds no descriptor.
 */
int kernel_side_open(struct kernel_side *k);

/**
 * kernel_side_shut - nobody can arm any more, whichever version of autokill has pinned maps/config
 *
 * Return: 0; -ENOENT if it is not there; -EPROTO if it cannot be a configuration; other -errno.
 */
int kernel_side_shut(void);

/** kernel_side_close - close what kernel_side_open() opened; may be called twice */
void kernel_side_close(struct kernel_side *k);

/** kernel_side_config, kernel_side_stats - copy the one element. Return: 0 or -errno. */
int kernel_side_config(const struct kernel_side *k, struct autokill_config *out);
int kernel_side_stats(const struct kernel_side *k, struct autokill_stats *out);

/** kernel_side_value_size - bytes of a value of the map @fd. Return: 0; -errno, @size unchanged. */
int kernel_side_value_size(int fd, __u32 *size);

/** kernel_side_set_config - replace the one element. Return: 0 or -errno. */
int kernel_side_set_config(const struct kernel_side *k, const struct autokill_config *config);

/**
 * kernel_side_set_ready - say who may arm from now on
 * @canary_tgid: with AUTOKILL_CANARY, the one process that may; else 0
 *
 * The caller holds the lock on the pin directory, or nothing is pinned yet.
 * Return: 0 or -errno.
 */
int kernel_side_set_ready(const struct kernel_side *k, enum autokill_ready ready,
			  __u32 canary_tgid);

/**
 * kernel_side_tethers, kernel_side_failures - copy all elements into malloc()ed *@out, sorted by
 * key
 *
 * A snapshot of a map that changes: what was added meanwhile can be missing.
 * Return: 0 or -errno; on failure *@out is NULL and *@n is 0.
 */
int kernel_side_tethers(const struct kernel_side *k, struct autokill_tether **out, size_t *n);
int kernel_side_failures(const struct kernel_side *k, struct autokill_failure_count **out,
			 size_t *n);

/**
 * kernel_side_native_children - pids of the children made by clone3's native flags
 *
 * Dead ones are among them until they are reaped. *@out is malloc()ed.
 * Return: 0 or -errno, with *@out NULL and *@n 0.
 */
int kernel_side_native_children(const struct kernel_side *k, __u64 **out, size_t *n);

/**
 * kernel_side_tasks - how many tasks have a request pending, and how many are under the guard
 *
 * Return: 0 or -errno.
 */
int kernel_side_tasks(const struct kernel_side *k, size_t *armed, size_t *guarded);

/**
 * kernel_side_event - copy event @n (the first is 0) of log @log (below AUTOKILL_LOGS)
 *
 * Return: 0; -EAGAIN if it is being written or was overwritten; other -errno of the system call.
 */
int kernel_side_event(const struct kernel_side *k, __u32 log, __u64 n, struct autokill_event *out);

struct left_out {
	struct autokill_left_out_key key;
	__u64 count;
};

/**
 * kernel_side_left_out - which events were left out, sorted by key, in malloc()ed *@out
 *
 * Return: 0 or -errno, with *@out NULL.
 */
int kernel_side_left_out(const struct kernel_side *k, struct left_out **out, size_t *n);

/** kernel_side_progs - the pinned programs, in malloc()ed *@out. Return: 0 or -errno. */
int kernel_side_progs(struct prog_info **out, size_t *n);

#endif /* AUTOKILL_USER_KERNEL_SIDE_H */
