/* SPDX-License-Identifier: GPL-2.0-only */
/* victim_wait.h - victims that got SIGKILL and still have a thread that has not exited */
#ifndef AUTOKILL_USER_VICTIM_WAIT_H
#define AUTOKILL_USER_VICTIM_WAIT_H

#include <linux/types.h>
#include <stdbool.h>

#include "autokill_state.h"

struct victim_wait {
	__u64 id; /* of its tether; first, for by_id() */
	__u64 since;
	int pidfd;  /* readable when no thread of the group is left */
	bool stuck; /* AGENT_STUCK was said, by us or by an agent before us */
};

/* All of them. @by_id is NULL at first. */
struct victim_waits {
	void *by_id; /* tsearch(3) */
	int epoll;   /* of our caller's: wakes it with a struct victim_wait that is over */
};

/** victim_waits_has - is the victim of the tether @id among them? */
bool victim_waits_has(const struct victim_waits *waits, __u64 id);

/**
 * victim_waits_add - wait for the victim of @t, which is behind @pidfd
 *
 * Return: 0, and @pidfd is taken over; -ENOMEM or -errno of epoll_ctl(), with nothing done.
 */
int victim_waits_add(struct victim_waits *waits, const struct autokill_tether *t, int pidfd);

/** victim_waits_end - forget @wait, which is over, and close its pidfd */
void victim_waits_end(struct victim_waits *waits, struct victim_wait *wait);

/** victim_waits_close - forget all */
void victim_waits_close(struct victim_waits *waits);

#endif /* AUTOKILL_USER_VICTIM_WAIT_H */
