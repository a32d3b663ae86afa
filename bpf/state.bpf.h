/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.bpf.h - the end of a tether, whoever kills: its timer, "killed", "gone"; and who a pid is
 *
 * kill.bpf.h (task work, from Linux 6.18 on) and agent.bpf.h (before) are the two ways to kill.
 */
#ifndef AUTOKILL_STATE_BPF_H
#define AUTOKILL_STATE_BPF_H

#define NSEC_PER_MSEC 1000000ULL
#define LOOK_FIRST_MS 2 /* after release */
/*
 * Puts a timer off. bpf_timer_cancel() would also take its callback away, which cannot be set again
 * from inside the callback: the verifier would follow it for ever.
 */
#define LOOK_NEVER_MS (86400000ULL * 36500)

static int look(void *map, u64 *key, struct tether *t);

static __always_inline int timer_set(struct tether *t, u64 ms)
{
	int err = bpf_timer_start(&t->timer, ms * NSEC_PER_MSEC, 0);

	if (err)
		failure_count(FAIL_TIMER_START, err);
	return err;
}

/*
 * The task that is attached to @pid as @type, NULL if there is none: pid_task() (kernel/pid.c). What
 * it returns may exit at any moment; its memory stays for as long as the program runs, since a
 * task_struct goes an RCU grace period after it was unhashed.
 */
static __always_inline struct task_struct *pid_task(u64 pid, enum pid_type type)
{
	const struct pid *p = (const struct pid *)pid;
	struct hlist_node *node = BPF_CORE_READ(p, tasks[type].first);
	u64 links = bpf_core_field_offset(struct task_struct, pid_links);

	if (!node)
		return NULL;
	return (struct task_struct *)((u64)node - links - type * sizeof(*node));
}

/*
 * SIGKILL was accepted. Pairs with the other killers and with the timer: whoever moves the state
 * counts it; a pointer to an element that was reused meanwhile is not in TETHER_RELEASED.
 */
static __always_inline void killed(struct tether *t, u32 killer)
{
	if (__sync_val_compare_and_swap((u32 *)&t->d.state, TETHER_RELEASED, TETHER_KILLED) !=
	    TETHER_RELEASED)
		return;
	t->d.killed_at = bpf_ktime_get_boot_ns();
	switch (killer) {
	case KILLER_HERE:
		COUNT(killed_here);
		break;
	case KILLER_TIMER:
		COUNT(killed_by_timer);
		break;
	case KILLER_VICTIM:
		COUNT(killed_by_victim);
		break;
	case KILLER_PARENT:
		COUNT(killed_by_parent);
		break;
	case KILLER_INIT:
		COUNT(killed_by_init);
		break;
	case KILLER_AGENT:
		COUNT(killed_by_agent);
		break;
	case KILLER_SELF:
		COUNT(killed_by_self);
		break;
	}
	event_tether(EVENT_KILLED, t, killer);
}

/*
 * What else a kill has left in maps, besides the tether @id. After the tether is deleted: whoever adds
 * such a thing looks for the tether afterwards, so either we find it or he misses the tether.
 */
static __always_inline void kill_forget(u64 id, u32 tgid, u64 start_time);

/*
 * Nothing of the group of the tether @id runs any more, or its clone failed. The caller has copied
 * @uid, @tgid and @start_time from it. False: somebody else ended it, and counts it.
 */
static __noinline bool tether_drop(u64 id, u32 uid, u32 tgid, u64 start_time)
{
	struct user *u;

	if (bpf_map_delete_elem(&tethers, &id))
		return false;
	kill_forget(id, tgid, start_time);
	u = bpf_map_lookup_elem(&users, &uid);
	if (u)
		__sync_fetch_and_sub(&u->tethers, 1);
	else
		failure_count(FAIL_USER_COUNT, -ENOENT);
	return true;
}

#endif /* AUTOKILL_STATE_BPF_H */
