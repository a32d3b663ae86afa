/* SPDX-License-Identifier: GPL-2.0-only */
/* canary.h - prove that killing works, by having children of our own killed */
#ifndef AUTOKILL_USER_CANARY_H
#define AUTOKILL_USER_CANARY_H

#include <stdbool.h>

#include "kernel/kernel_side.h"

struct canary {
	const char *child; /* "sleeping", "stopped", "leaderless", "daemonized" */
	const char *how;   /* how its pidfd goes: "closed", "holder killed" */
	int err; /* 0: the child died; -errno: it could not be tried; -ETIMEDOUT: it lives */
	const char *step; /* where it failed; constant string */
	bool native;	  /* made by clone3's native flags, not by prctl */
	double ms;	  /* from the release to the death that was seen */
};

#define CANARIES 9 /* at most */

/**
 * canary_run - each kind of child with each kind of release; one more by clone3's flags, if
 * served
 * @k: of programs that are attached; pinned or not
 * @gate: the programs are not open to everybody yet: let in one holder after the other, by
 *         AUTOKILL_CANARY in the configuration, and nobody at the end
 * @out: receives the results
 * @n: receives how many they are
 *
 * Where the kernel needs an agent, one must be alive. With @gate, one is run for as long as it
 * takes. Needs CAP_SYS_ADMIN. Leaves no process and no tether behind.
 * Return: how many failed.
 */
int canary_run(const struct kernel_side *k, int gate, struct canary out[CANARIES], int *n);

#endif /* AUTOKILL_USER_CANARY_H */
