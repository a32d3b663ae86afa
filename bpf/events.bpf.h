/* SPDX-License-Identifier: GPL-2.0-only */
/* events.bpf.h - counters, failures and events: how the programs tell the administrator */
#ifndef AUTOKILL_EVENTS_BPF_H
#define AUTOKILL_EVENTS_BPF_H

static __always_inline struct autokill_stats *stats_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&stats, &zero);
}

/* Add 1 to a member of struct autokill_stats. */
#define COUNT(member)                                                                              \
	do {                                                                                       \
		struct autokill_stats *__s = stats_get();                                          \
		if (__s)                                                                           \
			__sync_fetch_and_add(&__s->member, 1);                                     \
	} while (0)

/* Count the failure of @what with the negative errno @err. */
static __noinline int failure_count(u32 what, int err)
{
	struct autokill_failure key = { .what = what, .err = -err };
	u64 one = 1, *count;

	count = bpf_map_lookup_elem(&failures, &key);
	if (count) {
		__sync_fetch_and_add(count, 1);
		return 0;
	}
	/* Two first ones at a time: the second insert fails, and one of the two is not counted. */
	return bpf_map_update_elem(&failures, &key, &one, BPF_NOEXIST);
}

/* Write @ev to the ring; @ev->type, id, tgid, uid, err, took and comm are the caller's. */
static __noinline int event_write(struct autokill_event *ev)
{
	struct autokill_stats *s = stats_get();
	struct autokill_event *slot;
	u64 n;
	u32 at;

	if (!s || !ev)
		return 0;
	n = __sync_fetch_and_add(&s->events, 1);
	at = n % AUTOKILL_EVENTS;
	slot = bpf_map_lookup_elem(&events, &at);
	if (!slot)
		return 0;
	/*
	 * Pairs with maps_event() on the user side: seq is 0 while the rest is written and n + 1
	 * afterwards. The exchange is a full barrier, so seq goes to 0 before, and comes back
	 * after, everything in between.
	 */
	__sync_lock_test_and_set(&slot->seq, 0);
	slot->time = bpf_ktime_get_boot_ns();
	slot->id = ev->id;
	slot->took = ev->took;
	slot->type = ev->type;
	slot->tgid = ev->tgid;
	slot->uid = ev->uid;
	slot->err = ev->err;
	slot->members = ev->members;
	slot->signalled = ev->signalled;
	slot->sweeps = ev->sweeps;
	slot->scope = ev->scope;
	__builtin_memcpy(slot->comm, ev->comm, sizeof(slot->comm));
	slot->seq_end = n + 1;
	__sync_lock_test_and_set(&slot->seq, n + 1);
	return 0;
}

/*
 * An event about the tether @t, of which the caller may act as the owner. Not inlined, so that the
 * event takes room on the BPF stack only while it is written.
 */
static __noinline int event_tether(u32 type, const struct tether *t, int err)
{
	struct autokill_event ev = {};

	if (!t)
		return 0;
	ev = (struct autokill_event){
		.type = type,
		.id = t->d.id,
		.tgid = t->d.tgid,
		.uid = t->d.uid,
		.err = err,
		.scope = t->d.scope,
		.members = type == EVENT_GONE ? t->d.members : READ_ONCE(t->d.holds) & ~HOLD_FILE,
		.signalled = READ_ONCE(t->d.signalled),
		.sweeps = READ_ONCE(t->d.sweeps),
	};

	if (t->d.released_at)
		ev.took = bpf_ktime_get_boot_ns() - t->d.released_at;
	__builtin_memcpy(ev.comm, t->d.comm, sizeof(ev.comm));
	return event_write(&ev);
}

/* An event about the current process, without a tether. */
static __always_inline void event_current(u32 type, int err)
{
	struct autokill_event ev = {
		.type = type,
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.uid = (u32)bpf_get_current_uid_gid(),
		.err = err,
	};

	bpf_get_current_comm(ev.comm, sizeof(ev.comm));
	event_write(&ev);
}

#endif /* AUTOKILL_EVENTS_BPF_H */
