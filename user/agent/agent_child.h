/* SPDX-License-Identifier: GPL-2.0-only */
/* agent_child.h - an agent of our own for a while, in a child process */
#ifndef AUTOKILL_USER_AGENT_CHILD_H
#define AUTOKILL_USER_AGENT_CHILD_H

#include <sys/types.h>

#include "kernel/kernel_side.h"

struct agent_child {
	pid_t pid;
	int end; /* closed by us, or with us: it ends */
};

/**
 * agent_child_start - run the agent on the descriptors of @k, until agent_child_stop()
 *
 * It is in a process group of its own, so that waitpid(0) does not wait for it. It ends with us,
 * however we end, and holds none of our other descriptors.
 * Return: 0 when programs may arm; -errno.
 */
int agent_child_start(const struct kernel_side *k, struct agent_child *child);

/** agent_child_stop - end it, and wait until it has */
void agent_child_stop(struct agent_child *child);

#endif /* AUTOKILL_USER_AGENT_CHILD_H */
