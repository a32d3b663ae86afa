// SPDX-License-Identifier: GPL-2.0-only
/* victim_wait.c - victims that got SIGKILL and still have a thread that has not exited */
#include "agent/victim_wait.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "agent/by_id.h"
#include "base/cleanup.h"
#include "kernel/beat.h"

bool victim_waits_has(const struct victim_waits *waits, __u64 id)
{
	return tfind(&id, (void *const *)&waits->by_id, by_id);
}

int victim_waits_add(struct victim_waits *waits, const struct autokill_tether *t, int pidfd)
{
	_cleanup_free_ struct victim_wait *wait = malloc(sizeof(*wait));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = wait };

	if (!wait)
		return -ENOMEM;
	*wait = (struct victim_wait){
		.id = t->id,
		.since = beat_now(),
		.pidfd = pidfd,
		.stuck = t->flags & TETHER_STUCK,
	};
	if (!tsearch(wait, &waits->by_id, by_id))
		return -ENOMEM;
	if (epoll_ctl(waits->epoll, EPOLL_CTL_ADD, pidfd, &event)) {
		int err = -errno;

		tdelete(wait, &waits->by_id, by_id);
		return err;
	}
	TAKE_PTR(wait); /* it is in the tree */
	return 0;
}

static void wait_close(void *p)
{
	struct victim_wait *wait = p;

	cleanup_close(&wait->pidfd);
	cleanup_free(&wait);
}

void victim_waits_end(struct victim_waits *waits, struct victim_wait *wait)
{
	tdelete(wait, &waits->by_id, by_id);
	wait_close(wait);
}

void victim_waits_close(struct victim_waits *waits)
{
	tdestroy(waits->by_id, wait_close);
	waits->by_id = NULL;
}
