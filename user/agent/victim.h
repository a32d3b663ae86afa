/* SPDX-License-Identifier: GPL-2.0-only */
/* victim.h - what the agent does with one victim: open, verify, kill */
#ifndef AUTOKILL_USER_VICTIM_H
#define AUTOKILL_USER_VICTIM_H

#include <stdbool.h>

#include "autokill_state.h"

/**
 * victim_open - a pidfd of the process that has the number @tgid now, victim or not
 *
 * Return: a descriptor; -ESRCH if the number leads to no process; other -errno of pidfd_open().
 */
int victim_open(__u32 tgid);

/** victim_is - is @now, from victims_identify(), @who? */
bool victim_is(const struct autokill_identity *who, const struct autokill_identity *now);

/**
 * victim_kill - SIGKILL to the thread group, also if its leader has exited
 *
 * Return: 0; -ESRCH if no thread is left of it; other -errno of pidfd_send_signal().
 */
int victim_kill(int pidfd);

#endif /* AUTOKILL_USER_VICTIM_H */
