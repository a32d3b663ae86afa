/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * share.bpf.h - how much of the room each uid may take, and the records of tasks
 *
 * A share is counted against the uid that can be made to answer for it: in a user namespace that is
 * the owner of the outermost one, or else a user with 65,536 subordinate uids had as many shares. One
 * that root has made is a container: all in there count as the uid that it maps first, which is 0
 * only for one that is root outside, too.
 */
#ifndef AUTOKILL_SHARE_BPF_H
#define AUTOKILL_SHARE_BPF_H

#define USER_NS_DEPTH 33 /* create_user_ns() refuses a level above 32 */

#define MAP_EXTENTS 5 /* UID_GID_MAP_MAX_BASE_EXTENTS, include/linux/user_namespace.h */

static __always_inline u32 container_uid(const struct user_namespace *ns, u32 uid)
{
	u32 extents = BPF_CORE_READ(ns, uid_map.nr_extents);

	if (!extents)
		return uid; /* not mapped yet */
	if (extents > MAP_EXTENTS)
		return BPF_CORE_READ(ns, uid_map.forward, lower_first);
	return BPF_CORE_READ(ns, uid_map.extent[0].lower_first);
}

static __noinline u32 share_uid(void)
{
	const struct cred *cred = bpf_get_current_task_btf()->cred;
	struct user_namespace *ns = cred->user_ns;

	if (ns->level == 0)
		return cred->uid.val;
	for (int i = 0; i < USER_NS_DEPTH; i++) {
		if (ns->level == 1)
			break;
		ns = ns->parent;
	}
	return ns->owner.val ?: container_uid(ns, cred->uid.val);
}

static __noinline struct user *user_get(u32 uid)
{
	struct user *u = bpf_map_lookup_elem(&users, &uid);
	struct user none = {};

	if (u)
		return u;
	/* EEXIST when another CPU was first: the look-up then finds his. */
	bpf_map_update_elem(&users, &uid, &none, BPF_NOEXIST);
	u = bpf_map_lookup_elem(&users, &uid);
	if (!u)
		failure_count(FAIL_USER_INSERT, -ENOMEM);
	return u;
}

/* Take @n of @limit; root is exempt, but counted. Adds first, so that two cannot both be last. */
static __always_inline int share_take(u32 *taken, u32 uid, u32 limit, u32 n)
{
	if (__sync_fetch_and_add(taken, n) + n <= limit || uid == 0)
		return 0;
	__sync_fetch_and_sub(taken, n);
	return -EAGAIN;
}

/*
 * How many records maps/tasks has, or is about to have: raised before one is put there, lowered after
 * it was taken out, both by atomic adds. A program that a task runs into for itself, or for a task that it
 * makes or frees, comes after whatever made that task's record; so while this reads 0 there is none, and
 * who has nothing to do with autokill pays for no look into the map.
 */
u64 tasks_open;

static __always_inline struct autokill_task *task_record(struct task_struct *task)
{
	u64 key = (u64)task;

	if (!READ_ONCE(tasks_open))
		return NULL;
	return bpf_map_lookup_elem(&tasks, &key);
}

/*
 * The tree at the place @at of the path of @rec, 0 beyond its end. The index is computed first, and then that very
 * value is checked: clang 22 and newer make of a check and a use of depth - 1 a check of one copy and a use of another,
 * which verifiers up to 6.18 do not believe ("unbounded memory access").
 */
static __always_inline u64 path_at(const struct autokill_task *rec, u32 at)
{
	barrier_var(at);
	return at < AUTOKILL_DEPTH ? rec->path[at] : 0;
}

static const struct autokill_task task_blank;

/*
 * Make a record for @task, which takes @units of the share of @uid, whose entry is @u; the other fields are for the
 * caller to set. NULL: none was made, and *@err says why, -EAGAIN (share, room) or -ENOMEM.
 */
static __noinline struct autokill_task *task_record_add(u64 task, struct user *u, u32 uid,
							u32 units, int *err)
{
	struct autokill_config *c;
	u32 zero = 0;

	*err = -ENOMEM;
	c = bpf_map_lookup_elem(&config, &zero);
	if (!u || !c)
		return NULL;
	if (share_take(&u->tasks, uid, c->tasks_share, units)) {
		*err = -EAGAIN;
		return NULL;
	}
	__sync_fetch_and_add(&tasks_open, 1);
	/* From a constant, for a record is too long for the BPF stack. */
	*err = bpf_map_update_elem(&tasks, &task, &task_blank, BPF_NOEXIST);
	if (!*err) {
		struct autokill_task *rec = bpf_map_lookup_elem(&tasks, &task);

		*err = -ENOMEM;
		if (!rec)
			return NULL; /* we have just put it there */
		rec->task = task;
		rec->uid = uid;
		rec->units = units;
		return rec;
	}
	__sync_fetch_and_sub(&tasks_open, 1);
	__sync_fetch_and_sub(&u->tasks, units);
	failure_count(FAIL_TASK_INSERT, *err);
	if (*err != -ENOMEM)
		*err = -EAGAIN;
	return NULL;
}

/* A record for the current task @cur, which has none. As task_record_add(). */
static __always_inline struct autokill_task *task_record_own(struct task_struct *cur, int *err)
{
	u32 uid = share_uid();

	return task_record_add((u64)cur, user_get(uid), uid, 1, err);
}

static __always_inline void task_record_drop(u64 task, u32 uid, u32 units)
{
	struct user *u;

	if (bpf_map_delete_elem(&tasks, &task))
		return;
	__sync_fetch_and_sub(&tasks_open, 1);
	u = bpf_map_lookup_elem(&users, &uid);
	if (u)
		__sync_fetch_and_sub(&u->tasks, units);
	else
		failure_count(FAIL_USER_COUNT, -ENOENT);
}

#endif /* AUTOKILL_SHARE_BPF_H */
