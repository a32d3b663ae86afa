/* SPDX-License-Identifier: GPL-2.0-only */
/* status.h - autokill status: what was read, and what is told of it in text and in JSON */
#ifndef AUTOKILL_USER_STATUS_H
#define AUTOKILL_USER_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "autokill_state.h"
#include "kernel/kernel_side.h"
#include "kernel/others.h"
#include "kernel/unreaped.h"

struct status {
	struct autokill_config config;
	struct autokill_stats stats;
	struct autokill_tether *tethers; /* sorted by uid */
	struct autokill_failure_count *failures;
	struct prog_info *progs;
	size_t n_tethers, n_failures, n_progs;
	size_t armed, guarded; /* tasks: with a request pending, under the guard */
	struct unreaped *unreaped;
	size_t n_unreaped;
	struct others others;
	struct autokill_agent agent;
	bool pins_missing;
	bool agent_needed, agent_alive;
	__u64 agent_beat_ns;  /* since its last heartbeat; 0 if there was none, or it has ended */
	__u64 oldest_wait_ns; /* of the tethers that are released and not killed */
};

struct status_counter {
	const char *name; /* in JSON; NULL: text is a heading */
	const char *text;
	size_t offset; /* in struct autokill_stats */
};

/** status_counters - every counter, grouped for people; ends with a NULL text */
extern const struct status_counter status_counters[];

__u64 status_counter(const struct status *s, const struct status_counter *c);

/** status_in_state - how many tethers are in @state */
size_t status_in_state(const struct status *s, enum autokill_tether_state state);

/** status_same_uid - how many tethers, from index @i on, have the uid of that one */
size_t status_same_uid(const struct status *s, size_t i);

/** status_json - print it as one object */
void status_json(const struct status *s);

/** status_json_unloaded - print that nothing is loaded, and what is attached all the same */
void status_json_unloaded(const struct others *others);

#endif /* AUTOKILL_USER_STATUS_H */
