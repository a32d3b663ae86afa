/* SPDX-License-Identifier: GPL-2.0-only */
/* agent_tree.h - the agent's sweeps: SIGKILL to the members of a released tree, until it is gone */
#ifndef AUTOKILL_USER_AGENT_TREE_H
#define AUTOKILL_USER_AGENT_TREE_H

#include <linux/types.h>
#include <stdbool.h>

#include "agent/agent.h"
#include "autokill_state.h"
#include "kernel/kernel_side.h"

struct trees {
	const struct kernel_side *kernel;
	struct autokill_identity *found; /* maps/found, mapped; our caller's */
	struct autokill_identity *part;	 /* a copy of it, sorted */
	int timer;			 /* readable when a sweep is due */
	void *by_id;			 /* tsearch(3) of struct dying */
	struct dying *first;
	struct agent_numbers *numbers;
	/*
	 * Called again and again during a long sweep; and when something failed that is tried
	 * again.
	 */
	void (*beat)(void *ctx);
	void (*failed)(void *ctx, __u64 id, enum autokill_what what, int err);
	void *ctx;
};

/**
 * trees_open - make room for what the sweeps find, and the timer
 * @t: maps, found, numbers and the hooks are set, timer is -1
 *
 * Return: 0 or -errno; trees_close() either way.
 */
int trees_open(struct trees *t);

/** trees_close - forget all; what is not done yet stands in maps/tethers */
void trees_close(struct trees *t);

/**
 * trees_take - see to the released tree @tether until it is gone: sweep now, and again by the
 * timer
 *
 * A tree that is seen to already is left to that. Return: 0, or -ENOMEM with nothing done.
 */
int trees_take(struct trees *t, const struct autokill_tether *tether);

/** trees_due - the timer is readable: do the sweeps that are due, and set it for the next */
void trees_due(struct trees *t);

#endif /* AUTOKILL_USER_AGENT_TREE_H */
