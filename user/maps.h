/* SPDX-License-Identifier: GPL-2.0-only */
/* maps.h - read the pinned maps of the kernel side; see autokill_state.h for what is in them */
#ifndef AUTOKILL_USER_MAPS_H
#define AUTOKILL_USER_MAPS_H

#include <stddef.h>

#include "autokill_state.h"

#define AUTOKILL_PIN_DIR "/sys/fs/bpf/autokill"

struct maps {
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

struct prog_info {
	char name[24];
	char type[16];
	__u32 id;
	__u64 recursion_misses; /* calls that the kernel skipped: bpf_prog_info */
	__u64 run_cnt;		/* 0 unless the sysctl kernel.bpf_stats_enabled is on */
};

/**
 * maps_open - open every pinned map
 *
 * Return: 0; -ENOENT if nothing is loaded, -EACCES or -EPERM without the right (root is needed),
 * -EPROTO if the maps are of another version's layout. On failure @m holds no descriptor.
 */
int maps_open(struct maps *m);

/** maps_close - close what maps_open() opened; may be called twice */
void maps_close(struct maps *m);

/** maps_config, maps_stats - copy the one element. Return: 0 or -errno of the system call. */
int maps_config(const struct maps *m, struct autokill_config *out);
int maps_stats(const struct maps *m, struct autokill_stats *out);

/** maps_set_config - replace the one element. Return: 0 or -errno. */
int maps_set_config(const struct maps *m, const struct autokill_config *config);

/**
 * maps_set_ready - say who may arm from now on
 * @canary_tgid: with AUTOKILL_CANARY, the one process that may; else 0
 *
 * Whoever calls it holds the lock on the pin directory, or nothing is pinned yet.
 * Return: 0 or -errno.
 */
int maps_set_ready(const struct maps *m, enum autokill_ready ready, __u32 canary_tgid);

/**
 * maps_tethers, maps_failures - copy all elements, sorted by key, into malloc()ed *@out
 *
 * A snapshot of a map that changes: what was added meanwhile can be missing.
 * Return: 0 or -errno; on failure *@out is NULL and *@n is 0.
 */
int maps_tethers(const struct maps *m, struct autokill_tether **out, size_t *n);
int maps_failures(const struct maps *m, struct autokill_failure_count **out, size_t *n);

/**
 * maps_native_children - pids of the children made by clone3's native flags, dead ones included that
 * have not been reaped, in malloc()ed *@out. Return: 0 or -errno, with *@out NULL and *@n 0.
 */
int maps_native_children(const struct maps *m, __u64 **out, size_t *n);

/**
 * maps_tasks - how many tasks have a request pending, and how many are under the guard
 *
 * Return: 0 or -errno.
 */
int maps_tasks(const struct maps *m, size_t *armed, size_t *guarded);

/**
 * maps_event - copy event @n (the first is 0) of log @log (below AUTOKILL_LOGS)
 *
 * Return: 0; -EAGAIN if it is being written or was overwritten; other -errno of the system call.
 */
int maps_event(const struct maps *m, __u32 log, __u64 n, struct autokill_event *out);

struct left_out {
	struct autokill_left_out_key key;
	__u64 count;
};

/** maps_left_out - which events were left out, sorted by key, in malloc()ed *@out. Return: 0 or -errno, with *@out NULL. */
int maps_left_out(const struct maps *m, struct left_out **out, size_t *n);

/** maps_progs - the pinned programs, in malloc()ed *@out. Return: 0 or -errno. */
int maps_progs(struct prog_info **out, size_t *n);

#endif /* AUTOKILL_USER_MAPS_H */
