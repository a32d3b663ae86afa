/* SPDX-License-Identifier: GPL-2.0-only */
/* run_group.h - autokill run: did a signal that we have received go to the whole process group? */
#ifndef AUTOKILL_USER_RUN_GROUP_H
#define AUTOKILL_USER_RUN_GROUP_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct run_witness {
	pid_t pid;
	int socket; /* -1 if it is gone */
};

struct run_group {
	struct run_witness outside, inside; /* of our process group */
	sigset_t seen; /* what the group has had, and we have not received yet */
};

/**
 * run_group_start - create the witnesses; @taken must be blocked, and no tether may be open yet
 * @words: the command line of this process, or its end: a witness has another
 *
 * A witness ends when our end of its socket is closed in all processes.
 * Return: 0 or -errno.
 */
int run_group_start(struct run_group *group, const sigset_t *taken, char **words);

/** run_group_close - in a child: close what is the parent's */
void run_group_close(struct run_group *group);

/** run_group_forget - what the group had until now counts as sent to us alone */
void run_group_forget(struct run_group *group);

/**
 * run_group_had - which signals of @received has the whole group had?
 * @had: receives them
 *
 * Return: false if a witness is gone, and it cannot be said.
 */
bool run_group_had(struct run_group *group, const sigset_t *received, sigset_t *had);

/** run_group_end - end the witnesses and reap them */
void run_group_end(struct run_group *group);

#endif /* AUTOKILL_USER_RUN_GROUP_H */
