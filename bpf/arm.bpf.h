/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm.bpf.h - a thread's request that its next child be tethered, and the right to make it
 *
 * The request stands in the thread's own record, so nobody else reads or writes it. It ends when
 * a clone uses it or fails, at exec and at any change of credentials. The last two need no hook:
 * both leave a mark in the task (self_exec_id, real_cred), which is compared at birth. A request
 * that lived on would be a weapon: arm, exec sudo, and root's next child is yours to kill.
 */
#ifndef AUTOKILL_ARM_BPF_H
#define AUTOKILL_ARM_BPF_H

#define PR_AUTOKILL 0x414b494c /* "AKIL"; as in autokill.h, which needs a libc */
#define AUTOKILL_ABI 1
#define AUTOKILL_TREE 1
#define AUTOKILL_NNP 2

#define ARM_FLAGS (AUTOKILL_NNP | AUTOKILL_TREE)

enum {
	AUTOKILL_QUERY = 0,
	AUTOKILL_ARM = 1,
	AUTOKILL_UNARM = 2,
};

/* May the current process arm and be served? Not while the programs are being (un)loaded. */
static __always_inline bool ready_for_current(void)
{
	u32 zero = 0;
	struct autokill_config *c = bpf_map_lookup_elem(&config, &zero);
	u32 ready;

	if (!c)
		return false;
	/* Pairs with the loader's map update, which writes the whole element. */
	ready = READ_ONCE(c->ready);
	return ready == AUTOKILL_READY ||
	       (ready == AUTOKILL_CANARY &&
		READ_ONCE(c->canary_tgid) == bpf_get_current_pid_tgid() >> 32);
}

/*
 * The native rule (kernel/fork.c, copy_process() of v7.1): CAP_SYS_ADMIN in the caller's user
 * namespace, or no gain of privileges from here on. A capability of the caller's in its own
 * namespace is the bit in its effective set (security/commoncap.c, cap_capable()).
 */
static __always_inline bool arm_allowed(struct task_struct *cur, u32 flags, bool guarded)
{
	return flags & AUTOKILL_NNP || guarded || cur->atomic_flags & (1UL << PFA_NO_NEW_PRIVS) ||
	       caps(&cur->cred->cap_effective) & (1ULL << CAP_SYS_ADMIN);
}

static __always_inline int arm_set(u32 flags)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct autokill_task *rec = task_record(cur);
	int err;
	u32 uid;

	if (!arm_allowed(cur, flags, rec && rec->guard))
		return -EPERM;
#ifdef AGENT
	if (!agent_alive()) {
		COUNT(arms_no_agent);
		return -EAGAIN;
	}
#endif
	if (!rec) {
		uid = share_uid();
		rec = task_record_add((u64)cur, user_get(uid), uid, 1, &err);
		if (!rec)
			return err;
	}
	rec->arm_cred = (u64)cur->real_cred;
	rec->arm_caps = caps(&cur->real_cred->cap_effective);
	rec->arm_uid = cur->real_cred->euid.val;
	rec->arm_exec_id = cur->self_exec_id;
	rec->arm_flags = flags;
	rec->armed = 1;
	return 0;
}

/* Is the request in @rec still the current thread's, as the same program with the same rights? */
static __always_inline bool arm_valid(const struct autokill_task *rec, struct task_struct *cur)
{
#ifdef MUTATE_ARM_OVER_EXEC
	return true;
#endif
	return rec->arm_exec_id == cur->self_exec_id && rec->arm_cred == (u64)cur->real_cred &&
	       rec->arm_uid == cur->real_cred->euid.val &&
	       rec->arm_caps == caps(&cur->real_cred->cap_effective);
}

static __always_inline void arm_lapse(struct autokill_task *rec)
{
	rec->armed = 0;
	COUNT(arms_lapsed);
}

/* What prctl(PR_AUTOKILL, …) returns: 1 or more, a negative errno, or 0 for "not served here". */
static __always_inline int arm_prctl(u64 command, u64 flags, u64 arg4, u64 arg5)
{
	struct autokill_task *rec;
	int err;

	if (!ready_for_current())
		return 0;
	if (arg4 || arg5)
		return -EINVAL;
	switch (command) {
	case AUTOKILL_QUERY:
		return flags ? -EINVAL : AUTOKILL_ABI;
	case AUTOKILL_UNARM:
		if (flags)
			return -EINVAL;
		rec = task_record(bpf_get_current_task_btf());
		if (rec)
			rec->armed = 0;
		return 1;
	case AUTOKILL_ARM:
		if (flags & ~(u64)ARM_FLAGS)
			return -EINVAL;
		err = arm_set(flags);
		if (err) {
			COUNT(arms_refused);
			return err;
		}
		COUNT(arms);
		return 1;
	default:
		return -EINVAL;
	}
}

#endif /* AUTOKILL_ARM_BPF_H */
