/* SPDX-License-Identifier: GPL-2.0-only */
/* victim.h - what the agent does with one victim, and what it tells the kernel side of it */
#ifndef AUTOKILL_USER_VICTIM_H
#define AUTOKILL_USER_VICTIM_H

#include <stdbool.h>

#include "autokill_state.h"
#include "maps.h"

/**
 * victim_open - a pidfd of the process that has the number @tgid now, victim or not
 *
 * Return: a descriptor; -ESRCH if the number leads to no process; other -errno of pidfd_open().
 */
int victim_open(__u32 tgid);

/**
 * found_map - maps/found, by which the programs are asked who somebody is
 *
 * Return: AUTOKILL_SWEEP_SLOTS elements, for found_unmap(), which takes NULL, too; NULL with errno.
 */
struct autokill_identity *found_map(const struct maps *m);
void found_unmap(struct autokill_identity *found);

/**
 * victims_identify - who the processes are of the pidfds in the first @n elements of maps/found
 *
 * The elements have a pidfd and nothing else, and get tgid and start_time of its process, as long as that is not
 * reaped. Those with a negative pidfd are skipped.
 * Return: 0; -EBADF if one is not a pidfd; -EAGAIN, -errno: it cannot be found out now. Then none may be relied on.
 */
int victims_identify(const struct maps *m, __u32 n);

/** victim_is - is @now, from victims_identify(), @who? */
bool victim_is(const struct autokill_identity *who, const struct autokill_identity *now);

/**
 * victim_kill - SIGKILL to the thread group, also if its leader has exited
 *
 * Return: 0; -ESRCH if nobody is left of it; other -errno of pidfd_send_signal().
 */
int victim_kill(int pidfd);

/**
 * agent_say - tell the kernel side about the tether @id
 * @what, @err: with AGENT_FAILED: what failed, and the errno (positive); else 0
 *
 * Return: 0; -ENOENT if there is no such tether any more; other -errno.
 */
int agent_say(const struct maps *m, __u64 id, enum autokill_agent_word word,
	      enum autokill_what what, int err);

/** agent_swept - a walk over the tree @id is done, @count groups were signalled. Return: as agent_say(). */
int agent_swept(const struct maps *m, __u64 id, __u32 count);

/**
 * sweep_ask - whom of a released tree is still to be signalled? The answer is in maps/found.
 * @ask: see struct autokill_sweep; each call goes on where the one before has ended
 *
 * Return: 0; -ENOENT if there is no such tether any more; other -errno.
 */
int sweep_ask(const struct maps *m, struct autokill_sweep *ask);

#endif /* AUTOKILL_USER_VICTIM_H */
