// SPDX-License-Identifier: GPL-2.0-only
/* status_counters.c - autokill status: what text and JSON have in common */
#include <string.h>

#include "verbs/status.h"

/* clang-format off */
#define COUNTER(member, text) { #member, text, offsetof(struct autokill_stats, member) }
/* clang-format on */

const struct status_counter status_counters[] = {
	{ NULL, "Requests (prctl)", 0 },
	COUNTER(arms, "accepted"),
	COUNTER(arms_refused, "refused: no right, no room, no memory"),
	COUNTER(arms_lapsed, "lapsed: exec, change of credentials, clone failed"),
	COUNTER(requests_rlimit, "that came by setrlimit(): prctl() had been skipped"),
	{ NULL, "Requests (clone3's native flags)", 0 },
	COUNTER(natives, "accepted"),
	COUNTER(natives_missed,
		"left to the kernel's EINVAL: struct not writable, no room, skipped"),
	{ NULL, "Births", 0 },
	COUNTER(births, "tethers made"),
	COUNTER(births_made_up, "births made up for: a program had been skipped"),
	COUNTER(ties, "tied to their file at once"),
	COUNTER(ties_made_up, "tied later: a program had been skipped"),
	COUNTER(clones_failed, "taken back: the clone failed later on"),
	COUNTER(untied_killed, "killed: no file was found"),
	{ NULL, "Clones refused", 0 },
	COUNTER(refused_right, "EPERM: no right"),
	COUNTER(refused_room, "EAGAIN: no room"),
	COUNTER(refused_share, "EAGAIN: the uid has its share"),
	COUNTER(arms_no_agent, "EAGAIN: no agent was alive (also requests)"),
	COUNTER(natives_refused, "EINVAL: the rules of clone3's native flags"),
	COUNTER(natives_unrestored, "EAGAIN: the caller's struct could not be put back"),
	COUNTER(refused_memory, "ENOMEM: no memory, or a helper failed"),
	COUNTER(refused_depth, "EAGAIN: trees nested too deep"),
	COUNTER(refused_released, "EAGAIN, and killed: its tree had been released"),
	{ NULL, "Releases", 0 },
	COUNTER(releases, "last references seen to go"),
	COUNTER(released_dead, "of these, of a child that was dead already"),
	COUNTER(releases_made_up, "noticed later: a program had been skipped"),
	{ NULL, "Kills", 0 },
	COUNTER(killed_here, "by whoever dropped the last reference"),
	COUNTER(killed_by_timer, "by the timer"),
	COUNTER(killed_by_victim, "by task work in the child itself"),
	COUNTER(killed_by_parent, "by task work in the closer's parent"),
	COUNTER(killed_by_init, "by task work in init"),
	COUNTER(killed_by_agent, "by the agent"),
	COUNTER(killed_by_self, "by the child itself, at its next fork or exec"),
	COUNTER(releases_unsent, "not told to the agent at once: maps/releases was full"),
	COUNTER(looks, "looks of the timer"),
	COUNTER(gone, "children seen to be gone after release"),
	{ NULL, "Trees", 0 },
	COUNTER(members, "tasks born into one"),
	COUNTER(empty, "became empty while their pidfd was open"),
	COUNTER(sweeps, "sweeps over the members of released ones"),
	COUNTER(signalled, "processes that these sent SIGKILL to"),
	COUNTER(unborn, "members met before their clone was through"),
	COUNTER(exits_made_up, "exits noticed late: a program had been skipped"),
	{ NULL, "Guard", 0 },
	COUNTER(guard_refused, "execs refused"),
	COUNTER(guard_killed, "execs killed after the point of no return"),
	{ NULL, "Events", 0 },
	COUNTER(events, "written (autokill events)"),
	{ NULL, NULL, 0 },
};

__u64 status_counter(const struct status *s, const struct status_counter *c)
{
	__u64 value;

	memcpy(&value, (const char *)&s->stats + c->offset, sizeof(value));
	return value;
}

size_t status_in_state(const struct status *s, enum autokill_tether_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_tethers; i++)
		n += s->tethers[i].state == state;
	return n;
}

size_t status_same_uid(const struct status *s, size_t i)
{
	size_t end = i;

	while (end < s->n_tethers && s->tethers[end].uid == s->tethers[i].uid)
		end++;
	return end - i;
}
