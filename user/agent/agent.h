/* SPDX-License-Identifier: GPL-2.0-only */
/* agent.h - the kill on kernels before 6.18, where no BPF program can wake a sleeping task */
#ifndef AUTOKILL_USER_AGENT_H
#define AUTOKILL_USER_AGENT_H

#include <linux/types.h>
#include <stddef.h>

#include "kernel/kernel_side.h"

#define STUCK_AFTER_NS 8000000000ULL /* signalled for so long and not gone: AGENT_STUCK */

struct agent_numbers {
	__u64 killed; /* processes that we have sent SIGKILL to */
	size_t dying; /* tethers whose victims, or trees, are not gone yet */
};

struct agent_hooks {
	/* Readable or hung up: end in good order. */
	int stop_fd;
	/* Called once, when what waited has been killed and new releases are being heard. */
	void (*ready)(void *ctx);
	/*
	 * Called after each heartbeat, once a second. Not 0: end in good order. Both may be NULL.
	 */
	int (*beat)(void *ctx, const struct agent_numbers *numbers);
	void *ctx;
};

/**
 * agent_run - be the agent: kill what is released, until told to stop
 * @k: agent, releases, found, says, identity, sweep, tethers and stats are open
 *
 * There must be no other agent for the same maps. It sleeps except for a heartbeat a second. From
 * the first heartbeat on, before @hooks->ready, programs may arm; when it returns, none may.
 * Return: 0 when told to stop by @hooks; -errno if it cannot start, or its heart cannot beat.
 */
int agent_run(const struct kernel_side *k, const struct agent_hooks *hooks);

#endif /* AUTOKILL_USER_AGENT_H */
