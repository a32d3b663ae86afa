/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * made_up.h - maps and a clock that a test makes up, for a verb that only looks
 *
 * The test includes this, then the verb's own source: what that calls of maps.h, view.h and
 * times.h is here, under another name, so that the real ones can be linked, too.
 */
#ifndef AUTOKILL_TEST_MADE_UP_H
#define AUTOKILL_TEST_MADE_UP_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/beat.h"
#include "kernel/kernel_side.h"
#include "kernel/others.h"
#include "base/times.h"
#include "kernel/unreaped.h"
#include "verbs/view.h"

#define UNUSED __attribute__((unused))

static struct {
	int open_err; /* of view_open */
	int opens;    /* how many of kernel_side_open succeed, before the maps are gone */
	int reloaded; /* kernel_side_open gives those of another load */
	int stats_err;
	struct autokill_config config;
	struct autokill_stats stats;
	struct autokill_tether tethers[8];
	struct autokill_failure_count failures[8];
	struct prog_info progs[8];
	struct unreaped unreaped[4];
	size_t n_unreaped;
	struct others others;
	struct left_out left_out[4];
	size_t n_left_out;
	size_t n_tethers, n_failures, n_progs, armed, guarded;
	int (*event)(__u32 log, __u64 n, struct autokill_event *out);
	__u64 now;    /* CLOCK_BOOTTIME */
	__s64 offset; /* of CLOCK_REALTIME */
	int needs_agent, agent_err;
	struct autokill_agent agent;
	__u64 monotonic; /* CLOCK_MONOTONIC */
} made_up;

static UNUSED int made_up_view_open(const char *verb, struct kernel_side *k,
				    struct autokill_config *config)
{
	(void)verb;
	memset(k, 0xff, sizeof(*k));
	if (made_up.needs_agent)
		k->agent = 0;
	*config = made_up.config;
	return made_up.open_err;
}

static UNUSED int made_up_kernel_side_open(struct kernel_side *k)
{
	memset(k, 0xff, sizeof(*k));
	if (made_up.reloaded)
		k->config = 0;
	return made_up.opens-- > 0 ? 0 : -ENOENT;
}

static UNUSED void made_up_kernel_side_close(struct kernel_side *k)
{
	(void)k;
}

static UNUSED int made_up_kernel_side_config(const struct kernel_side *k,
					     struct autokill_config *out)
{
	*out = made_up.config;
	if (k->config >= 0)
		out->loaded_at++;
	return 0;
}

static UNUSED int made_up_kernel_side_stats(const struct kernel_side *k, struct autokill_stats *out)
{
	(void)k;
	*out = made_up.stats;
	return made_up.stats_err;
}

static UNUSED void *made_up_copy(const void *items, size_t n, size_t size)
{
	void *copy = malloc(n * size + 1);

	memcpy(copy, items, n * size);
	return copy;
}

static UNUSED int made_up_kernel_side_tethers(const struct kernel_side *k,
					      struct autokill_tether **out, size_t *n)
{
	(void)k;
	*n = made_up.n_tethers;
	*out = made_up_copy(made_up.tethers, *n, sizeof(**out));
	return 0;
}

static UNUSED int made_up_kernel_side_failures(const struct kernel_side *k,
					       struct autokill_failure_count **out, size_t *n)
{
	(void)k;
	*n = made_up.n_failures;
	*out = made_up_copy(made_up.failures, *n, sizeof(**out));
	return 0;
}

static UNUSED int made_up_kernel_side_progs(struct prog_info **out, size_t *n)
{
	*n = made_up.n_progs;
	*out = made_up_copy(made_up.progs, *n, sizeof(**out));
	return 0;
}

static UNUSED int made_up_kernel_side_tasks(const struct kernel_side *k, size_t *armed,
					    size_t *guarded)
{
	(void)k;
	*armed = made_up.armed;
	*guarded = made_up.guarded;
	return 0;
}

static UNUSED int made_up_unreaped_read(const struct kernel_side *k, struct unreaped **out,
					size_t *n)
{
	(void)k;
	*n = made_up.n_unreaped;
	*out = made_up_copy(made_up.unreaped, *n, sizeof(**out));
	return 0;
}

static UNUSED int made_up_others_settled(const char *base, struct others *out)
{
	(void)base;
	*out = made_up.others;
	return 0;
}

static UNUSED int made_up_kernel_side_event(const struct kernel_side *k, __u32 log, __u64 n,
					    struct autokill_event *out)
{
	(void)k;
	return made_up.event(log, n, out);
}

static UNUSED int made_up_kernel_side_left_out(const struct kernel_side *k, struct left_out **out,
					       size_t *n)
{
	(void)k;
	*n = made_up.n_left_out;
	*out = made_up_copy(made_up.left_out, *n, sizeof(**out));
	return 0;
}

static UNUSED int made_up_beat_read(const struct kernel_side *k, struct autokill_agent *out)
{
	(void)k;
	*out = made_up.agent;
	return made_up.agent_err;
}

static UNUSED __u64 made_up_beat_now(void)
{
	return made_up.monotonic;
}

static UNUSED __u64 made_up_time_boot(void)
{
	return made_up.now;
}

static UNUSED __s64 made_up_time_offset(void)
{
	return made_up.offset;
}

#define view_open made_up_view_open
#define kernel_side_open made_up_kernel_side_open
#define kernel_side_close made_up_kernel_side_close
#define kernel_side_config made_up_kernel_side_config
#define kernel_side_stats made_up_kernel_side_stats
#define kernel_side_tethers made_up_kernel_side_tethers
#define kernel_side_failures made_up_kernel_side_failures
#define kernel_side_progs made_up_kernel_side_progs
#define kernel_side_tasks made_up_kernel_side_tasks
#define unreaped_read made_up_unreaped_read
#define others_settled made_up_others_settled
#define kernel_side_event made_up_kernel_side_event
#define kernel_side_left_out made_up_kernel_side_left_out
#define beat_read made_up_beat_read
#define beat_now made_up_beat_now
#define time_boot made_up_time_boot
#define time_offset made_up_time_offset

/* Booted 2026-04-12 11:03:22 UTC, an hour and half a second ago; two hours east of Greenwich. */
static UNUSED void made_up_clock(void)
{
	setenv("TZ", "CEST-2", 1);
	made_up.now = 3600 * NS_PER_S + NS_PER_S / 2;
	made_up.offset = 1775995402LL * (__s64)NS_PER_S - 3600 * (__s64)NS_PER_S;
}

#endif /* AUTOKILL_TEST_MADE_UP_H */
