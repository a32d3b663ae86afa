/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * birth.bpf.h - task_alloc: make a tether, or refuse the clone
 *
 * What happens in a clone, in the order in which copy_process() (kernel/fork.c) gets there:
 *
 *   birth    task_alloc: may still refuse. The tether, the child's record and a timer exist from
 *            here on. Nothing else can fail afterwards but the tie
 *   tie      pidfs_alloc_file returned the struct file: file and tether are joined (tie.bpf.h)
 *   born     copy_process returned: the child is visible and has not run yet (born.bpf.h). A tie
 *            that was skipped is made up from the creator's descriptors; else the child is killed
 *   unbirth  task_free of a task that never lived: the clone failed (born.bpf.h)
 *
 * tie and born are tracing programs. The kernel skips such a program when a task was preempted in
 * the middle of it and it is called again on the same CPU. birth and unbirth are LSM programs,
 * which it does not skip (v6.2: bpf_prog_check_recur()). When all copies of tie and born are
 * skipped, this holds: the timer started at birth finds a tether without a file, and does what
 * born would have done; and a pidfd of that child that is released before is taken for the release
 * of the tether. So a newborn is tied or dead.
 *
 * Without BPF LSM birth is a tracing program, too. Then there are two copies of it, and birth_late
 * at the end of the clone.
 */
#ifndef AUTOKILL_BIRTH_BPF_H
#define AUTOKILL_BIRTH_BPF_H

#include "again.bpf.h"
#include "arm.bpf.h"
#include "born.bpf.h"
#include "clone3.bpf.h"
#include "events.bpf.h"
#include "killer.bpf.h"
#include "later.bpf.h"
#include "look.bpf.h"
#include "maps.bpf.h"
#include "mutant.bpf.h"
#include "record.bpf.h"
#include "share.bpf.h"
#include "tether.bpf.h"
#include "tree.bpf.h"
#include "uid.bpf.h"
#include "users.bpf.h"
#include "watch.bpf.h"

/* Ids given out. Atomic add in tether_birth only. */
u64 last_id;

static __always_inline int birth_refuse(int err)
{
	if (err == -ECANCELED) {
		tree_kill_creator();
		return -EAGAIN;
	}
	event_current(EVENT_REFUSED, -err);
	if (err == -EPERM)
		COUNT(refused_right);
	else if (err == -EINVAL)
		COUNT(natives_refused);
	else if (err == -EAGAIN)
		COUNT(refused_room);
	else if (err == -E2BIG)
		COUNT(refused_depth);
	else
		COUNT(refused_memory);
	return err == -E2BIG ? -EAGAIN : err;
}

/*
 * @how: AUTOKILL_NNP, AUTOKILL_TREE; @rec: the record of the current task. On failure the share is
 * the caller's to give back.
 */
static __noinline int tether_make(u64 id, const struct autokill_task *rec, u64 task, u32 uid,
				  u32 how)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	bool tree = how & AUTOKILL_TREE;
	struct tether_init init = {
		.d = {
			.id = id,
			.task = task,
			.creator_task = (u64)cur,
			.born_at = bpf_ktime_get_boot_ns(),
			.state = TETHER_BIRTH,
			.scope = tree ? SCOPE_TREE : SCOPE_PROCESS,
			.flags = how & AUTOKILL_NNP ? TETHER_GUARD : 0,
			.uid = uid,
			.creator = cur->tgid,
			.creator_tid = cur->pid,
			.next_look_ms = LOOK_FIRST_MS,
			.holds = tree ? HOLD_FILE : 0,
			.slots = tree ? SLOTS_FIRST : 0,
		},
	};
	struct tether *t;
	u32 depth;
	int err;

	if (!rec)
		return -ENOMEM; /* for the verifier: it holds the request */
	depth = rec->depth;
	init.d.depth = depth;
	if (depth)
		init.d.parent = path_at(rec, depth - 1);

	bpf_get_current_comm(init.d.comm, sizeof(init.d.comm));
	err = bpf_map_update_elem(&tethers, &id, &init, BPF_NOEXIST);
	if (err) {
		failure_count(FAIL_TETHER_INSERT, err);
		return err == -ENOMEM ? -ENOMEM : -EAGAIN; /* E2BIG: full */
	}
	t = bpf_map_lookup_elem(&tethers, &id);
	err = t ? timer_prepare(t) : -ENOENT;
	if (!err)
		return 0;
	err = map_delete(&tethers, &id);
	/* Nobody knows its number. What stays in the map for ever is one element of the room. */
	if (err)
		failure_count(FAIL_TETHER_DELETE, err);
	return -ENOMEM;
}

/*
 * The record of a new task of the user @uid, whose entry is @u, and its place in the trees of its
 * creator, whose record is @rec, and, with AUTOKILL_TREE in @how, in the new tree @id. 0; or an
 * errno, and nothing is left behind.
 */
static __always_inline int task_born(const struct autokill_task *rec, struct task_struct *task,
				     struct user *u, u32 uid, u32 how, u64 id, u32 clone3)
{
	bool tree = how & AUTOKILL_TREE;
	u32 depth = rec->depth + tree;
	struct autokill_task *born;
	int err;

	/* A slot in maps/members for each tree is paid for, too. */
	born = task_record_add((u64)task, u, uid, depth ?: 1, &err);
	if (!born)
		return err;
	born->guard = !!(how & AUTOKILL_NNP);
	born->tether = id;
	born->clone3 = clone3;
	if (!depth)
		return 0;
	err = tree_enter(rec, born, tree ? id : 0);
	if (err)
		task_record_drop((u64)task, uid, depth);
	return err;
}

/* What a clone is for. */
struct birth {
	u32 how;    /* AUTOKILL_NNP, AUTOKILL_TREE */
	int clone3; /* CLONE3_ASKED and CLONE3_NNP, if it was asked for by clone3's flags; else 0 */
	bool tethered; /* the child is to be tethered */
};

/*
 * What is the clone with @flags for, by the current thread @cur, whose record is @rec? A request is
 * used up by this. 0, and @b says it; or the errno with which the clone is to fail.
 */
static __always_inline int birth_asked(struct autokill_task *rec, struct task_struct *cur,
				       u64 flags, struct birth *b)
{
	int err;

	if (rec->armed && !arm_valid(rec, cur))
		arm_lapse(rec, arm_invalid_why(rec, cur));
	err = arm_meant(rec, flags);
	if (err < 0) { /* told, rather than made without the tether that it may be for */
		COUNT(refused_memory);
		event_current(EVENT_REFUSED, EAGAIN);
		return -EAGAIN;
	}
	b->tethered = err;
	if (b->tethered) {
		rec->armed = 0; /* used up, however this ends */
		rec->asked = AUTOKILL_ASK_FAILED;
		b->how = rec->arm_flags;
	}
	if (clone3_on && rec->clone3 & CLONE3_OPEN) {
		b->clone3 = clone3_request(rec, flags);
		if (b->clone3 < 0) /* EAGAIN: told and counted there */
			return b->clone3 == -EAGAIN ? b->clone3 : birth_refuse(b->clone3);
	}
	if (rec->guard || b->clone3 & CLONE3_NNP)
		b->how |= AUTOKILL_NNP;
	b->tethered |= b->clone3 != 0;
	return 0;
}

/*
 * May the current thread @cur have the tether that @b asks for, now? Then *@u, the entry of @uid,
 * is held, and one tether is taken from its share. Else the errno with which the clone is to fail.
 */
static __always_inline int birth_allowed(const struct autokill_task *rec, struct task_struct *cur,
					 const struct birth *b, u32 uid, struct user **u)
{
	struct autokill_config *c;
	u32 zero = 0;
	int err;

	c = bpf_map_lookup_elem(&config, &zero);
	if (!c || !ready_for_current())
		return birth_refuse(-EAGAIN); /* being unloaded: better no child than one alone */
	if (!b->clone3 && !arm_allowed(cur, rec->arm_flags, rec->guard))
		return birth_refuse(-EPERM);
	if (!kill_ready()) {
		event_current(EVENT_REFUSED, EAGAIN);
		return -EAGAIN;
	}
	*u = user_get(uid);
	if (!*u)
		return birth_refuse(-EAGAIN);
	err = share_take(&(*u)->tethers, &others_tethers, uid, c->share, c->room, 1);
	if (!err)
		return 0;
	user_put(*u, uid);
	if (err == -ENOSPC)
		return birth_refuse(-EAGAIN); /* what is left is root's */
	COUNT(refused_share);
	event_current(EVENT_REFUSED, EAGAIN);
	return -EAGAIN;
}

/* The new task @task gets a tether, as @b asks. 0, or the errno with which the clone is to fail. */
static __always_inline int birth_tethered(struct autokill_task *rec, struct task_struct *cur,
					  struct task_struct *task, const struct birth *b, u32 uid)
{
	struct user *u = NULL;
	u64 id;
	int err;

	err = birth_allowed(rec, cur, b, uid, &u);
	if (err)
		return err;
	if (!u)
		return -EAGAIN; /* for the verifier: it is held */
	id = __sync_fetch_and_add(&last_id, 1) + 1;
	user_pin(u); /* one hold for the tether, one for the record */
	err = tether_make(id, rec, (u64)task, uid, b->how);
	if (err) {
		user_put(u, uid);
		tether_ended(id, uid, 0, 0);
		return birth_refuse(err);
	}
	err = task_born(rec, task, u, uid, b->how, id, b->clone3 ? CLONE3_CHILD : 0);
	if (err) {
		tether_drop(id, uid, 0, 0);
		return birth_refuse(err);
	}
	__sync_fetch_and_add(&n_births, 1);
	if (watch_on)
		watch_start();
	rec->newborn = (u64)task;
	rec->newborn_id = id;
	rec->asked = AUTOKILL_SERVED;
	rec->asked_id = id;
	rec->arm_exec_id = cur->self_exec_id; /* of a request by clone3's flags, too */
	COUNT(births);
	return 0;
}

/*
 * At task_alloc. @task is the new task_struct, nobody else knows it yet. 0, or the errno with
 * which the clone is to fail; nothing is left behind then.
 */
static __always_inline int tether_birth(struct task_struct *task, u64 flags)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct autokill_task *rec;
	struct birth b = {};
	int err;
	u32 uid;

	err = kill_at_clone();
	if (err)
		return err;
	if (clone3_on && flags & CLONE_PARENT && clone3_autoreap(cur))
		return birth_refuse(-EINVAL);
	rec = task_record(cur);
	if (!rec)
		return 0;
	later_look();
	rec->newborn_tied = 0;
	/* A clone of this thread's that is still marked has ended: born was skipped. */
	if (!MUTANT(REQUEST_PENDING)) {
		rec->newborn = 0;
		rec->newborn_id = 0;
	}
	err = birth_asked(rec, cur, flags, &b);
	if (err)
		return err;
	if (!b.tethered && !b.how && !rec->depth)
		return 0;
	uid = share_uid();
	if (b.tethered)
		return birth_tethered(rec, cur, task, &b, uid);
	err = task_born(rec, task, user_get(uid), uid, b.how, 0, 0);
	if (err)
		return birth_refuse(err);
	rec->newborn = (u64)task;
	return 0;
}

/*
 * At task_alloc, where that can be skipped, in the second copy: has the first been there? It has if
 * it left a record that is not of a former owner of the address: one that the creator's mark and
 * the tether in it belong to, with the request used up.
 */
static __always_inline bool birth_done(struct task_struct *task, u64 flags)
{
	struct autokill_task *creator = task_record(bpf_get_current_task_btf());
	struct autokill_task *rec = task_record(task);

	return creator && rec && creator->newborn == (u64)task &&
	       creator->newborn_id == rec->tether && !creator->newborn_tied && !rec->left &&
	       !(creator->clone3 & CLONE3_ASKED) && !arm_meant(creator, flags);
}

/*
 * Where birth can be skipped. @second: this copy runs after the other, and leaves what that has
 * done. (What is attached last is called first, bpf/programs.h. Were it the other way round, the
 * first copy would undo the second's work, and the canary fail.)
 */
static __always_inline int birth_skippable(struct task_struct *task, u64 flags, bool second)
{
	if (second && birth_done(task, flags))
		return 0;
	record_reclaim(task);
	return tether_birth(task, flags);
}

/*
 * Was birth, which can be skipped where this is called, missed for @child? A request that it would
 * have used up is still there; or the child of a guarded task, or of a member of a tree, has no
 * record. (One that an earlier owner of the address has left, because its task_free was skipped as
 * well, cannot be told from the child's.)
 */
static __always_inline bool birth_missed(struct task_struct *child, u64 flags)
{
	struct autokill_task *creator = task_record(bpf_get_current_task_btf());
	struct autokill_task *rec;

	if (!creator)
		return false;
	rec = task_record(child);
	/*
	 * It has been there: what the clone is for may have been changed in the caller's memory
	 * since.
	 */
	if (rec && !rec->left && creator->newborn == (u64)child &&
	    creator->newborn_id == rec->tether)
		return false;
	if (arm_meant(creator, flags))
		return true;
	if (creator->clone3 & CLONE3_ASKED)
		return true;
	if (!creator->guard && !creator->depth)
		return false;
	return !rec || rec->left;
}

/*
 * fexit of copy_process, in the creator, of a clone that succeeded: the child is visible, and has
 * its pidfd, but it does not run before this has returned. So what birth would have done can be
 * done now; only to refuse the clone is too late.
 */
static __always_inline void birth_late(struct task_struct *child, u64 flags)
{
	int err;

	if (!birth_missed(child, flags))
		return;
	record_reclaim(child);
	err = tether_birth(child, flags);
	if (!err) {
		COUNT(births_made_up);
		return;
	}
	failure_count(FAIL_BIRTH_LATE, err);
	kill_newborn(child);
}

#endif /* AUTOKILL_BIRTH_BPF_H */
