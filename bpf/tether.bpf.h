/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tether.bpf.h - the states of a tether: the only functions that move one; and its end
 *
 *   (none) --birth--> BIRTH --tie--> LIVE --release--> RELEASED --SIGKILL accepted--> KILLED
 *                       |              |                  ^                             |
 *                       +--------------)---- release -----+                             |
 *                       +--------------+---> TAKEN_BACK ----------------> (none) <------+
 *
 * Each move is a compare-and-exchange that expects the old state, a full barrier. So of two that
 * want to make it one wins, goes on, and counts it; the other leaves. A pointer to an element that
 * was deleted, and is another tether's by now, is told apart by the id, or by the identity of the
 * victim (maps.bpf.h).
 *
 * move                    function             who, where                      counter; event
 * (none) -> BIRTH         tether_make()        the creator, task_alloc         births
 * BIRTH -> LIVE           tether_leave_birth() the creator, at the tie         ties; BORN
 *                                              born, or the timer, without it  ties_made_up; BORN
 * BIRTH -> RELEASED       tether_leave_birth() born, timer, task_free of one   untied_killed;
 *                                              that others outlive: no file    UNTIED
 *                                              the release, before the tie     releases_made_up
 * BIRTH, LIVE -> RELEASED tether_release()     the release; the watch; a tie   releases; RELEASED,
 *                                              that finds its address in use   RELEASED_DEAD
 * BIRTH, LIVE ->          tether_take_back()   the creator: the clone failed   clones_failed;
 *   TAKEN_BACK                                                                 CLONE_FAILED
 * BIRTH -> TAKEN_BACK     tether_leave_birth() task_free: the child died       released_dead;
 *                                              before its tie                  RELEASED_DEAD
 * RELEASED -> KILLED      tether_killed()      whose SIGKILL was accepted      killed_*; KILLED
 * any -> (none)           tether_drop()        the timer; the agent; the last  gone; GONE
 *                                              member of a tree; who took the
 *                                              tether back; the releaser of a  released_dead;
 *                                              dead child; a birth that fails  RELEASED_DEAD; -
 *                                              One delete succeeds
 *
 * Of each member of struct autokill_tether: written by | read by | ordered by. `constant`: written
 * by tether_make(), before the id is known to anybody. `the exchange`: that which leaves BIRTH.
 *
 *   id            tether_make(); tether_drop() adds TETHER_LEFT | all; is_tether(), is_left() |
 *                 the exchange in tether_drop(), which expects the id; is_tether() reads it last
 *   file          tether_tie() | the user side | the exchange
 *   pid_struct    tether_tie(), untied_kill(), release_of_newborn() | the killers | the exchange
 *   task          constant | the tie, the timer | -
 *   creator_task  constant | the timer | -
 *   start_time    tether_born(), kill_start(), release_unseen(), agent_wake(): all the same value |
 *                 is_victim(), the timer, the agent | the scheduling of task work (an exchange in
 *                 the kernel), the timer's lock; for the agent TETHER_TOLD
 *   born_at       constant | the user side | -
 *   released_at   release_begin(), by who moved the state | events, the timer, the user side |
 *                 as start_time; the user side may still read 0 in RELEASED
 *   killed_at     tether_killed(), by who moved the state | the user side | nothing: 0 or the time
 *   state         the moves above | all | each is a full barrier
 *   scope         constant | all | -
 *   flags         GUARD constant; STUCK by the timer or the agent, TOLD by the releaser or the
 *                 timer, each by an atomic or | the timer, the agent | TOLD is the last that is
 *                 written
 *   tgid          as pid_struct | the killers, events, the user side | the exchange
 *   uid           constant | all | -
 *   creator       constant | the user side | -
 *   creator_tid   constant | the timer | -
 *   lender        tether_released() | kill_try(), tree_kill() | the timer's lock
 *   looks         the timer, which never runs twice at a time for one tether; release_begin(),
 *                 before it sets the timer | the timer, the killers | the timer's lock
 *   next_look_ms  tether_make(); the timer | the timer | the timer's lock
 *   comm          constant | events, the user side | -
 *   parent        constant | the user side | -
 *   depth         constant | sweeps, the user side | -
 *   holds         members come and go, HOLD_FILE goes when the release has been dealt with, or the
 *                 agent has said that all have their signal | as written | atomic adds; those
 *                 that may bring it to 0 use the result, so they are full barriers. Whoever brings
 *                 it to 0 owns the element alone
 *   slots         creators double it by compare-and-exchange | creators, sweeps | tree.bpf.h
 *   sweeps        atomic adds by sweeps | events, the user side | nothing: a count
 *   signalled     atomic adds by sweeps | events, the user side | nothing: a count
 *   members       tree_released() | tree_gone(), events, the user side | d.holds
 */
#ifndef AUTOKILL_TETHER_BPF_H
#define AUTOKILL_TETHER_BPF_H

#include "events.bpf.h"
#include "later.bpf.h"
#include "maps.bpf.h"
#include "mutant.bpf.h"
#include "pid.bpf.h"
#include "share.bpf.h"
#include "users.bpf.h"
#include "waiting.bpf.h"
#include "works.bpf.h"

#define LOOK_FIRST_MS 2 /* after release */
#define LOOK_MOST_MS 1024
#define STUCK_AFTER_NS 8000000000ULL
/*
 * Puts a timer off. bpf_timer_cancel() would also take its callback away, which cannot be set again
 * from inside the callback: the verifier would follow it for ever.
 */
#define LOOK_NEVER_MS (86400000ULL * 36500)

/*
 * Tethers in TETHER_BIRTH. Atomic adds; while it is 0 no new pidfd waits to be tied, the release
 * hook need not ask whether an unknown pidfd belongs to a newborn whose tie was skipped, nor
 * task_free whether a dead child's was.
 */
u64 n_births;

static __always_inline int timer_set(struct tether *t, u64 ms)
{
	int err = bpf_timer_start(&t->timer, ms * NSEC_PER_MSEC, 0);

	if (err)
		failure_count(FAIL_TIMER_START, err);
	return err;
}

/* Out of TETHER_BIRTH into @state, and the timer with it; false if somebody else was first. */
static __always_inline bool tether_leave_birth(struct tether *t, u32 state)
{
	if (__sync_val_compare_and_swap((u32 *)&t->d.state, TETHER_BIRTH, state) != TETHER_BIRTH)
		return false;
	__sync_fetch_and_sub(&n_births, 1);
	/* It must not take the tether away while the releaser works on it. */
	timer_set(t, LOOK_NEVER_MS);
	return true;
}

/*
 * A release that was seen, or made up for: out of TETHER_LIVE or TETHER_BIRTH into TETHER_RELEASED.
 * True: it is we who moved the state, and so own the tether until we have set the timer. BIRTH:
 * between the entry in maps/files and the end of the tie.
 */
static __always_inline bool tether_release(struct tether *t)
{
	if (__sync_val_compare_and_swap((u32 *)&t->d.state, TETHER_LIVE, TETHER_RELEASED) ==
	    TETHER_LIVE)
		return true;
	return tether_leave_birth(t, TETHER_RELEASED);
}

/*
 * The clone failed: nobody can be killed by this tether, and nobody is to be. From TETHER_LIVE,
 * too, for the file may have been tied by then.
 */
static __always_inline void tether_take_back(struct tether *t)
{
	if (READ_ONCE(t->d.state) == TETHER_BIRTH)
		tether_leave_birth(t, TETHER_TAKEN_BACK);
	else
		__sync_val_compare_and_swap((u32 *)&t->d.state, TETHER_LIVE, TETHER_TAKEN_BACK);
}

/* What the new owner of a released tether writes first. */
static __always_inline void release_begin(struct tether *t)
{
	t->d.released_at = bpf_ktime_get_boot_ns();
	t->d.looks = 0; /* look_birth() counts with it, too */
	COUNT(releases);
}

/*
 * SIGKILL was accepted. True: it is we who moved the state. Pairs with the other killers and with
 * the timer: whoever moves the state counts it; a pointer to an element that was reused meanwhile
 * is not in TETHER_RELEASED.
 */
static __always_inline bool tether_killed(struct tether *t, u32 killer)
{
	if (__sync_val_compare_and_swap((u32 *)&t->d.state, TETHER_RELEASED, TETHER_KILLED) !=
	    TETHER_RELEASED)
		return false;
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
	return true;
}

/* The tether @id of @uid has been deleted. @tgid is 0 if there was nobody to kill. */
static __always_inline void tether_ended(u64 id, u32 uid, u32 tgid, u64 start_time)
{
	struct user *u;

	if (tgid)
		kill_forget(id, tgid, start_time);
	u = bpf_map_lookup_elem(&users, &uid);
	if (u) {
		share_give(&u->tethers, &others_tethers, uid, 1);
		user_put(u, uid);
	} else {
		failure_count(FAIL_USER_COUNT, -ENOENT);
	}
}

/*
 * Nothing of the group of the tether @id runs any more, or its clone failed. The caller has copied
 * @uid, @tgid and @start_time from it; @tgid is 0 if there was nobody to kill. False: somebody else
 * ended it, and counts it. What cannot be deleted now has ended all the same, and holds its share
 * until its timer can.
 */
static __noinline bool tether_drop(u64 id, u32 uid, u32 tgid, u64 start_time)
{
	int err = map_delete(&tethers, &id);
	struct tether *t;

	if (err == -ENOENT)
		return false;
	if (!err) {
		tether_ended(id, uid, tgid, start_time);
		return true;
	}
	/*
	 * By the number, for the memory may be another tether's by now. Or nobody's: so look again.
	 */
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t || __sync_val_compare_and_swap(&t->d.id, id, id | TETHER_LEFT) != id)
		return false;
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t)
		return false;
	failure_count(FAIL_TETHER_DELETE, err);
	timer_set(t, LATER_AGAIN_MS);
	return true;
}

/* Its last reference went, and there is nobody to kill. */
static __always_inline void released_dead(u64 id, u32 uid, struct tether *t)
{
	event_tether(EVENT_RELEASED_DEAD, t, 0);
	if (tether_drop(id, uid, 0, 0))
		COUNT(released_dead);
}

/*
 * Is @t a tether that has ended, and could not be deleted yet? Then nobody does anything with it.
 */
static __always_inline bool is_left(const struct tether *t)
{
	return READ_ONCE(t->d.id) & TETHER_LEFT;
}

/* Timer, after release: somebody is left. */
static __always_inline void look_later(struct tether *t)
{
	u32 next = t->d.next_look_ms;

	if (next < LOOK_MOST_MS) {
		next *= 2;
		t->d.next_look_ms = next;
	} else if (bpf_ktime_get_boot_ns() - t->d.released_at > STUCK_AFTER_NS &&
		   !(t->d.flags & TETHER_STUCK)) {
		__sync_fetch_and_or(&t->d.flags, TETHER_STUCK);
		event_tether(EVENT_STUCK, t, 0);
	}
	timer_set(t, next);
}

/* Is @leader the leader of the victim of @t? The pid alone may be a stranger's by now. */
static __always_inline bool is_victim(const struct task_struct *leader, const struct tether *t)
{
	u64 start = READ_ONCE(t->d.start_time);

	if (MUTANT(NO_IDENTITY))
		return true;
	/* 0: born was skipped, and so was the release, which happens without BPF LSM only. */
	if (!start)
		return group_pid(leader) == READ_ONCE(t->d.pid_struct);
	return leader->start_boottime == start;
}

/* Is the element at @t still the tether @id? Ids are never used twice. */
static __always_inline bool is_tether(const struct tether *t, u64 id)
{
	return MUTANT(REUSED_TETHER) || READ_ONCE(t->d.id) == id;
}

#endif /* AUTOKILL_TETHER_BPF_H */
