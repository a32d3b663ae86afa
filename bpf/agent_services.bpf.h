/* SPDX-License-Identifier: GPL-2.0-only */
/* agent_services.bpf.h - the three programs that the agent runs, and what it says by one of them */
#ifndef AUTOKILL_AGENT_SERVICES_BPF_H
#define AUTOKILL_AGENT_SERVICES_BPF_H

#include "agent_sweep.bpf.h"
#include "events.bpf.h"
#include "maps.bpf.h"
#include "tether.bpf.h"
#include "tree.bpf.h"

/*
 * The agent has walked over all members of @t, and signalled @count groups. In TETHER_RELEASED
 * HOLD_FILE keeps the tether there, later its last member may just have taken it away.
 */
static __always_inline void tree_swept(struct tether *t, u32 count)
{
	struct autokill_stats *stats = stats_get();

	if (READ_ONCE(t->d.state) == TETHER_RELEASED) {
		__sync_fetch_and_add(&t->d.sweeps, 1);
		__sync_fetch_and_add(&t->d.signalled, count);
	}
	if (!stats)
		return;
	__sync_fetch_and_add(&stats->sweeps, 1);
	__sync_fetch_and_add(&stats->signalled, count);
}

/* What the agent says, see enum autokill_agent_word. 0, -ENOENT (no such tether), -EINVAL. */
static __always_inline int agent_says(const struct autokill_agent_says *says)
{
	u64 id = says->id, start_time;
	struct tether *t;
	u32 uid, tgid;

	if (says->word == AGENT_FAILED) {
		failure_count(says->what, -says->err);
		return 0;
	}
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t || is_left(t))
		return -ENOENT;
	switch (says->word) {
	case AGENT_KILLED:
		/* Of a tree: whoever was the last, we or a member that exits, takes it away. */
		if (tether_killed(t, KILLER_AGENT) && t->d.scope == SCOPE_TREE)
			hold_put(id, HOLD_FILE);
		return 0;
	case AGENT_SWEPT:
		if (t->d.scope != SCOPE_TREE)
			return -EINVAL;
		tree_swept(t, says->count);
		return 0;
	case AGENT_GONE:
		if (t->d.scope == SCOPE_TREE)
			return -EINVAL; /* hold_put() says so */
		uid = t->d.uid;
		tgid = READ_ONCE(t->d.tgid);
		start_time = READ_ONCE(t->d.start_time);
		if (READ_ONCE(t->d.state) < TETHER_RELEASED)
			return -EINVAL;
		event_tether(EVENT_GONE, t, 0);
		if (tether_drop(id, uid, tgid, start_time))
			COUNT(gone);
		return 0;
	case AGENT_STUCK:
		__sync_fetch_and_or(&t->d.flags, TETHER_STUCK);
		event_tether(EVENT_STUCK, t, 0);
		return 0;
	default:
		return -EINVAL;
	}
}

SEC("syscall")
int autokill_agent(struct autokill_agent_says *says)
{
	return agent_says(says);
}

SEC("syscall")
int autokill_sweep(struct autokill_sweep *ask)
{
	return tree_sweep(ask);
}

SEC("syscall")
int autokill_identity(struct autokill_identify *ask)
{
	return identities(ask);
}

#endif /* AUTOKILL_AGENT_SERVICES_BPF_H */
