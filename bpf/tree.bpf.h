/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tree.bpf.h - who is in a tree: joining at task_alloc, leaving at exit
 *
 * A member of a tree is a task, so a process has one membership for each of its threads: exec by a
 * thread that is not the leader ends all the others, and it takes its own membership along. A
 * task carries the ids of all trees that it is in, outermost first, from task_alloc to task_free
 * (struct autokill_task). Each tree counts its members (tether.holds) and finds them by their
 * slots (maps/members).
 *
 * Why nobody escapes
 *
 * A clone by a member, in task_alloc:	The release of a tree:
 *
 *   1  enter the child in its slot		a  mark: tether.state := RELEASED
 *   2  count it				b  sweep: SIGKILL to whoever has a slot
 *   3  look at the mark; if it is there,	c  again later, until the count is 0
 *      refuse, and kill the creator
 *   4  (copy_process) the child is visible
 *
 * 2 and a are atomic operations with a result, full barriers, so of 1-3 and a-b at least one sees
 * the other: either the look sees the mark, or the sweep sees the slot. (This is what cgroup.kill
 * does under a lock.) So:
 *
 *   - After the mark, no look passes. A clone that passed it before has its child in a slot before
 *     the sweep begins, and each member thread has at most one such clone under way. From the mark
 *     on, the set of tasks that can ever be members is finite, and known to the first sweep.
 *   - Those of the set that are visible get SIGKILL from that sweep. A thread that has it does
 *     not return to user mode, and its clone does not come through, if the signal was there before
 *     copy_process() looked for one under tasklist_lock (kernel/fork.c).
 *   - Those that are not visible yet are met by the sweep as unborn. They become visible, or their
 *     clone fails, and the next sweep finds them; in between they can run, but each clone of their
 *     own comes to 3 after the mark, is refused, and kills them.
 *   - A sweep that failed to signal somebody is repeated, too. So sweeps end when nobody is unborn
 *     and everybody has his signal, and then everybody exits, and the count gets to 0.
 *
 * task_alloc is an LSM program, which the kernel does not skip (v6.2: bpf_prog_check_recur()). A
 * second look, when the child is visible (tree_born()), only kills sooner what the next sweep would
 * have killed: it can be skipped, and is not there where the agent kills. A skipped exit program leaves a dead task counted until its
 * task_struct goes. tests/model has the argument as a model, which is checked exhaustively.
 *
 * What may be forgotten when: the count of members, and with it every member that is alive, keeps
 * the tether in its map. So does HOLD_FILE until the release has been dealt with. A member that
 * has passed its exit touches no tether any more.
 */
#ifndef AUTOKILL_TREE_BPF_H
#define AUTOKILL_TREE_BPF_H

#define SLOTS_FIRST 8
#define SLOTS_MOST (1U << 22) /* PID_MAX_LIMIT: more tasks than that there cannot be */
#define SLOT_TRIES 32
#define SLOT_TRIES_TO_DOUBLE 8

/* The last hold is gone: nobody else has the tether @id, but for a timer that finds nothing to do. */
static __always_inline void tree_gone(u64 id, struct tether *t)
{
	u32 uid = t->d.uid, tgid = READ_ONCE(t->d.tgid);
	bool killed = t->d.members; /* else there was nobody left, and that has been said */

	if (killed)
		event_tether(EVENT_GONE, t, 0);
	if (tether_drop(id, uid, killed ? tgid : 0, 0) && killed)
		COUNT(gone);
}

/* Give @hold of the tether @id back: 1 for a member, or HOLD_FILE. */
__noinline int hold_put(u64 id, u32 hold)
{
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	u32 left;

	if (!t)
		return 0; /* a clone that failed has taken its tether along */
	left = __sync_fetch_and_sub(&t->d.holds, hold) - hold;
	if (!left) {
		tree_gone(id, t);
	} else if (left == HOLD_FILE && READ_ONCE(t->d.state) == TETHER_LIVE) {
		COUNT(empty);
		event_tether(EVENT_EMPTY, t, 0);
	}
	return 0;
}

/*
 * Not static, so that the verifier checks it once, and not in each round of each loop of each caller: birth took
 * 114,000 instructions of verification on 6.1, and takes 24,000. But then it takes a number only, and does
 * not believe that a cast makes one of a pointer: so @task is read from a record.
 *
 * Make @task, which is just being cloned, a member of the tree @id, in which the creator is, or
 * which is being made for @task. Return: its slot; -ECANCELED if the tree was released, -EAGAIN or
 * -ENOMEM without room. On failure nothing is left behind.
 */
__noinline int member_add(u64 id, u64 task)
{
	struct autokill_member_key key = { .id = id };
	struct autokill_member member = { .task = task };
	struct tether *t = bpf_map_lookup_elem(&tethers, &id);
	int err = -EEXIST;
	u32 slots;

	if (!t) {
		failure_count(FAIL_TREE_LOST, -ENOENT);
		return -EAGAIN;
	}
	for (u32 i = 1; i <= SLOT_TRIES; i++) {
		slots = READ_ONCE(t->d.slots); /* a power of two */
		key.slot = bpf_get_prandom_u32() & (slots - 1);
		err = bpf_map_update_elem(&members, &key, &member, BPF_NOEXIST);
		if (err != -EEXIST)
			break;
		/* Found full so often: double it, if nobody else has. */
		if (i % SLOT_TRIES_TO_DOUBLE == 0 && slots < SLOTS_MOST)
			__sync_val_compare_and_swap(&t->d.slots, slots, 2 * slots);
	}
	if (err) {
		failure_count(FAIL_MEMBER_INSERT, err);
		return err == -ENOMEM ? -ENOMEM : -EAGAIN;
	}
	/*
	 * The slot before the look, here; the mark before the sweep, in file_released(). The
	 * result is used, for an atomic add without one is no barrier (BPF_FETCH).
	 */
	if (!(__sync_fetch_and_add(&t->d.holds, 1) + 1))
		return -EAGAIN; /* cannot be: no machine has 2^31 tasks */
#ifndef MUTATE_NO_LOOK_AT_FORK
	if (READ_ONCE(t->d.state) >= TETHER_RELEASED) {
		err = bpf_map_delete_elem(&members, &key);
		if (err)
			failure_count(FAIL_MEMBER_DELETE, err);
		__sync_fetch_and_sub(&t->d.holds, 1); /* not the last: the creator is a member */
		return -ECANCELED;
	}
#endif
	return key.slot;
}

/* Empty the slot @slot, if it is @task's. 0, or the errno with which it failed. Not static, see member_add(). */
__noinline int member_remove(u64 id, u32 slot, u64 task)
{
	struct autokill_member_key key = { .id = id, .slot = slot };
	struct autokill_member *member = bpf_map_lookup_elem(&members, &key);
	int err;

	if (!member || member->task != task)
		return 0;
	err = bpf_map_delete_elem(&members, &key);
	if (err)
		failure_count(FAIL_MEMBER_DELETE, err);
	return err;
}

/*
 * The task of @rec has exited, or its clone has failed late: it is no member any more. Called once more at
 * task_free, where it empties slots that could not be emptied at first.
 */
static __noinline int tree_leave(struct autokill_task *rec)
{
	bool counted;
	u32 slot;

	if (!rec)
		return 0;
	counted = !rec->left;
	rec->left = 1;
	for (u32 i = 0; i < AUTOKILL_DEPTH; i++) {
		if (i >= rec->depth)
			break;
		slot = rec->slot[i];
		if (slot && !member_remove(rec->path[i], slot - 1, rec->task))
			rec->slot[i] = 0;
		if (counted)
			hold_put(rec->path[i], 1);
	}
	return 0;
}

/* The clone of @task is to be refused. Its creator is a member of the same trees: no last one here. */
static __noinline int tree_undo(struct autokill_task *rec)
{
	struct tether *t;
	u32 slot;
	u64 id;

	if (!rec)
		return 0;
	for (u32 i = 0; i < AUTOKILL_DEPTH; i++) {
		slot = rec->slot[i];
		if (!slot)
			break;
		id = rec->path[i];
		if (!member_remove(id, slot - 1, rec->task))
			rec->slot[i] = 0;
		t = bpf_map_lookup_elem(&tethers, &id);
		if (t)
			__sync_fetch_and_sub(&t->d.holds, 1);
	}
	return 0;
}

/*
 * At task_alloc: the new task, whose record is @rec, gets into all trees that its creator is in, whose record
 * is @from, and into the new tree @id, if that is not 0. Errors as of member_add(), and -E2BIG for too deep; nothing
 * is left behind then but the record.
 */
static __noinline int tree_enter(const struct autokill_task *from, struct autokill_task *rec,
				 u64 id)
{
	u32 depth;
	int ret;

	if (!from || !rec)
		return -ENOMEM; /* for the verifier; the caller has just seen them */
	depth = from->depth;
	__builtin_memcpy(rec->path, from->path, sizeof(rec->path));
	if (id) {
		if (depth >= AUTOKILL_DEPTH)
			return -E2BIG;
		rec->path[depth] = id;
		depth++;
	}
	rec->depth = depth;
	for (u32 i = 0; i < AUTOKILL_DEPTH; i++) {
		if (i >= depth)
			break;
		ret = member_add(rec->path[i], rec->task);
		if (ret < 0) {
			tree_undo(rec);
			return ret;
		}
		rec->slot[i] = ret + 1;
	}
	COUNT(members);
	return 0;
}

/* Was one of the trees that the task of @rec is in released? NULL: it is in none. */
static __noinline int tree_marked(const struct autokill_task *rec)
{
	struct tether *t;
	u64 id;

	if (!rec)
		return 0;
#ifdef MUTATE_SLOW_SWEEP
	return 0; /* it can be skipped, so nothing may depend on it */
#endif
	for (u32 i = 0; i < AUTOKILL_DEPTH; i++) {
		if (i >= rec->depth)
			break;
		id = rec->path[i];
		t = bpf_map_lookup_elem(&tethers, &id);
		if (t && READ_ONCE(t->d.state) >= TETHER_RELEASED)
			return 1;
	}
	return 0;
}

/* The current process is a member of a tree that was released, and wanted to clone, or to exec. */
static __always_inline void tree_kill_creator(void)
{
	int err = bpf_send_signal(SIGKILL);

	COUNT(refused_released);
	if (err)
		failure_count(FAIL_SIGNAL_HERE, err);
}

/* sched_process_exit of the current task. It closes its files afterwards, and clones no more. */
static __always_inline void tree_exit(struct task_struct *task)
{
	struct autokill_task *rec = task_record(task);

	if (rec && rec->depth && !rec->left)
		tree_leave(rec);
}

/*
 * A line for a reader of progs/members: innermost tether, tgid, tid, parent's tgid, uid, start in ns of
 * CLOCK_BOOTTIME, name. What would end a line or a word in the name is a question mark.
 */
static __always_inline void member_print(struct seq_file *seq, struct task_struct *task)
{
	struct autokill_task *rec;
	char comm[AUTOKILL_COMM_LEN] = {};
	u64 innermost;
	u32 depth;

	if (!task)
		return; /* the end of the walk */
	rec = task_record(task);
	if (!rec || rec->left)
		return;
	depth = rec->depth;
	if (!depth)
		return;
	/* Masked, for a verifier up to 6.1 does not derive the range of depth - 1 from a comparison. */
	innermost = rec->path[(depth - 1) & (AUTOKILL_DEPTH - 1)];
	bpf_probe_read_kernel(comm, sizeof(comm) - 1, task->comm);
	for (int i = 0; i < AUTOKILL_COMM_LEN - 1; i++) {
		if (!comm[i])
			break;
		if ((u8)comm[i] <= ' ' || comm[i] == 0x7f)
			comm[i] = '?';
	}
	BPF_SEQ_PRINTF(seq, "%llu %d %d %d %u %llu %s\n", innermost, task->tgid, task->pid,
		       task->real_parent->tgid, task->cred->uid.val, task->start_boottime, comm);
}

#endif /* AUTOKILL_TREE_BPF_H */
