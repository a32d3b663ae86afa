/* SPDX-License-Identifier: GPL-2.0-only */
/* beat.h - the heartbeat of the agent, in maps/agent */
#ifndef AUTOKILL_USER_BEAT_H
#define AUTOKILL_USER_BEAT_H

#include <stdbool.h>

#include "autokill_state.h"
#include "kernel/kernel_side.h"

/** beat_now - now, in ns of CLOCK_MONOTONIC, which is what beats are in */
__u64 beat_now(void);

/** beat_read, beat_write - copy the one element. Return: 0 or -errno of the system call. */
int beat_read(const struct kernel_side *k, struct autokill_agent *out);
int beat_write(const struct kernel_side *k, const struct autokill_agent *agent);

/** beat_alive - as the kernel side sees it: would it let anybody arm at the time @now? */
bool beat_alive(const struct autokill_agent *agent, __u64 now);

#endif /* AUTOKILL_USER_BEAT_H */
