/* SPDX-License-Identifier: GPL-2.0-only */
/* ps_tree.h - autokill ps --tree: tethers and the processes in them, drawn as a tree */
#ifndef AUTOKILL_USER_PS_TREE_H
#define AUTOKILL_USER_PS_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "autokill_state.h"
#include "kernel/members.h"

/**
 * ps_tree_print - draw tethers[0] to [n - 1], each with its processes, and the tethers within it
 * @shown: of each tether, whether it is to be shown
 * @members: sorted by pid, as members_read() has them
 * @now: CLOCK_BOOTTIME, ns
 */
void ps_tree_print(const struct autokill_tether *tethers, const bool *shown, size_t n,
		   const struct member *members, size_t n_members, __u64 now);

#endif /* AUTOKILL_USER_PS_TREE_H */
