/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * killer.bpf.h - what a killer provides; includes the one of this object
 *
 * There are two. Task work kills from Linux 6.18 on; before, the agent does. Only the files of the
 * killers (this one and those that it includes, works.bpf.h and waiting.bpf.h) know which of the
 * two there is.
 *
 *   kill_ready()              at ARM and at birth: can a kill be promised now? If not: counted
 *   kill_start(id, uid, t)    the releaser, of a process: kill it, or have it killed; or it is dead
 *   kill_tree(id, t)          the releaser, of a tree with members: the same
 *   KILLER_HOLDS              1: HOLD_FILE of a released tree is the killer's to put; 0: the
 *                             releaser's
 *   kill_look(t)              the timer, after a release. True: look_group() is to look
 *   kill_again(id, t, leader) look_group(): the signal is not on its way
 *   kill_at_clone()           the current process, before a clone: if it waits to be killed it
 *                             dies, and the errno is what the clone fails with; else 0
 *   kill_at_exec()            the same before an exec, for members of released trees, too
 *   kill_newborn(child)       in the creator, of a clone that succeeded: it should not have
 *   kill_newborn_member(child)
 *                             in the creator, of a child that is in a tree: if that was released,
 *                             it dies. It can be skipped, so nothing may depend on it
 *   kill_forget(id, tgid, start_time)
 *                             a tether has been deleted: what else the kill has left in maps
 *   kill_forget_again(kind, a, b)
 *                             the same, of a delete that failed: 0 or a negative errno
 *
 * The last two are in works.bpf.h and waiting.bpf.h, since the end of a tether needs them.
 */
#ifndef AUTOKILL_KILLER_BPF_H
#define AUTOKILL_KILLER_BPF_H

#ifdef AGENT
#include "agent.bpf.h"
#include "agent_services.bpf.h"
#else
#include "group.bpf.h"
#endif

#endif /* AUTOKILL_KILLER_BPF_H */
