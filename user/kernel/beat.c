// SPDX-License-Identifier: GPL-2.0-only
/* beat.c - the heartbeat of the agent, in maps/agent */
#include "kernel/beat.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "base/times.h"

__u64 beat_now(void)
{
	return time_monotonic();
}

int beat_read(const struct kernel_side *k, struct autokill_agent *out)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(k->agent, &zero, out) ? -errno : 0;
}

int beat_write(const struct kernel_side *k, const struct autokill_agent *agent)
{
	__u32 zero = 0;

	return bpf_map_update_elem(k->agent, &zero, agent, BPF_ANY) ? -errno : 0;
}

bool beat_alive(const struct autokill_agent *agent, __u64 now)
{
	/* A beat that came after @now was read is a beat, too. */
	return agent->beat && (now <= agent->beat || now - agent->beat < AUTOKILL_AGENT_LATE_NS);
}
