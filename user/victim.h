/* SPDX-License-Identifier: GPL-2.0-only */
/* victim.h - what the agent does with one victim, and what it tells the kernel side of it */
#ifndef AUTOKILL_USER_VICTIM_H
#define AUTOKILL_USER_VICTIM_H

#include "autokill_state.h"
#include "maps.h"

/**
 * victim_open - a pidfd of the process that has the number @tgid now, victim or not
 *
 * Return: a descriptor; -ESRCH if the number leads to no process; other -errno of pidfd_open().
 */
int victim_open(__u32 tgid);

/**
 * victim_verify - is the process of @pidfd the one whose leader started at @start_time?
 * @pidfd: from victim_open(@tgid)
 * @start_time: task_struct.start_boottime, ns
 *
 * Return: 0; -ESRCH if it is another one, or gone; other -errno if that cannot be found out.
 */
int victim_verify(const struct maps *m, int pidfd, __u32 tgid, __u64 start_time);

/** victim_identity - who the number behind @pidfd leads to now. Return: 0, -ESRCH, -errno. */
int victim_identity(const struct maps *m, int pidfd, struct autokill_identity *out);

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
