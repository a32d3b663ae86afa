/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tree.pml - does anybody escape the release of a tree? bpf/tree.bpf.h as a model
 *
 * N tasks, which fork, make threads, exec (from any thread, which ends the others and takes the
 * leader's pid over), and exit; against the release (mark, sweep), and the sweeps by task work that
 * the timer asks for. A task that has exited can be born again as another one. A step of the model
 * is what is atomic in the kernel or in the programs; between any two steps, anything else can
 * happen.
 *
 * What must hold:
 *   - once a sweep has met nobody unborn and failed with nobody (TETHER_KILLED), everybody who is
 *     visible has his SIGKILL, and nobody without one becomes visible again
 *   - the tether goes (its count is 0 and the release is dealt with) only when nobody is alive or
 *     being born
 *   - (with -DLIVE) after the mark, everybody is dead at last
 *
 * Variants that must fail, each with one safety taken out: NO_REFUSAL, NO_SECOND_SWEEP, LOOK_FIRST
 * (the look before the child has its slot), COUNT_LATE (counted when it is visible). SECOND_LOOK
 * adds the look after the child is visible, which may not be needed: tests/model/run does without,
 * too.
 *
 * Memory is sequentially consistent here. In the programs, slot and look, and mark and sweep, have
 * an atomic operation between them that is a full barrier, which is all that the model uses of it.
 */
#ifndef N
#define N 3
#endif
#define NOBODY 255

bool used[N];	 /* the task_struct is somebody's, from the beginning of his clone */
bool slot[N];	 /* in maps/members */
bool visible[N]; /* a pid leads to it: copy_process() is through */
bool sig[N];	 /* SIGKILL is pending: ours, or of another thread's exec */
bool leaving[N]; /* past its exit */
bool moving[N];	 /* taking the leader's pid over: no pid leads to it */
byte group[N];

byte holds;	/* members counted */
bool file = true; /* HOLD_FILE */
bool mark;	/* TETHER_RELEASED or more */
bool killed;	/* TETHER_KILLED */
bool gone;	/* the tether was taken away */

#define other(i) ((i + 1) % N)
#define another(i) ((i + 2) % N)
#define DOOMED(j) (sig[j] || leaving[j])
#define ESCAPED(j) (visible[j] && !DOOMED(j))

inline kill_group(g)
{
	d_step {
		k = 0;
		do
		:: k < N ->
			if
			:: visible[k] && group[k] == g -> sig[k] = true
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0
	}
}

/* hold_put(): the tether goes with the last hold, and nobody may be left */
inline gone_if_last()
{
	if
	:: holds == 0 && !file ->
		gone = true;
		k = 0;
		do
		:: k < N -> assert(!(used[k] && slot[k])); k++
		:: else -> break
		od;
		k = 0
	:: else
	fi
}

/* A child that is not to be: the clone of j has failed. */
inline undo(j)
{
	slot[j] = false;
	d_step { holds--; gone_if_last(); used[j] = false }
}

#ifdef LOOK_FIRST
#define MARKED seen
#else
#define MARKED mark
#endif

/* birth in tree.bpf.h, where it is not skipped */
#ifdef SECOND_LOOK
#define BORN if :: mark && visible[j] -> kill_group(group[j]) :: else fi
#elif defined(COUNT_LATE)
#define BORN holds++
#else
#define BORN skip
#endif

inline come_through(g)
{
	group[j] = g;
	visible[j] = true;
	assert(!killed && !gone)
}

inline clone()
{
#ifdef LOOK_FIRST
	seen = mark;
#endif
	/* a free task_struct, or no clone; member_add(): the slot */
	atomic {
		j = 0;
		do
		:: j < N && used[j] -> j++
		:: else -> break
		od;
		if
		:: j < N -> used[j] = true; slot[j] = true
		:: else
		fi
	}
	if
	:: j == N
	:: else ->
#ifndef COUNT_LATE
		holds++; /* the count, a full barrier */
#endif
		if
#ifndef NO_REFUSAL
		:: MARKED -> /* the look */
			undo(j);
			sig[i] = true /* bpf_send_signal(), seen before user mode is */
		:: !MARKED -> skip;
#else
		:: true -> skip;
#endif
			/* copy_process(): under tasklist_lock and siglock */
			if
			:: d_step { !sig[i] -> come_through(group[i]) } /* a thread */
				BORN
			:: d_step { !sig[i] -> come_through(j) } /* a process */
				BORN
			:: sig[i] ->
#ifdef COUNT_LATE
				holds++;
#endif
				undo(j)
			fi
		fi
	fi;
	d_step {
#ifdef LOOK_FIRST
		seen = false;
#endif
		j = 0
	}
}

#define IN_GROUP(k) (used[k] && visible[k] && group[k] == group[i])

/* Ends the other threads, waits for them, takes the leader's pid over: de_thread(). */
inline exec()
{
	d_step {
		k = 0;
		do
		:: k < N ->
			if
			:: k != i && IN_GROUP(k) -> sig[k] = true
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0
	}
	if
	:: sig[i]
	:: !sig[i] && !IN_GROUP(other(i)) && !IN_GROUP(another(i)) ->
		moving[i] = true;
		moving[i] = false
	fi
}

proctype Task(byte i)
{
	byte j, k;
#ifdef LOOK_FIRST
	bool seen;
#endif
end:
	do
	:: visible[i] && !leaving[i] ->
		do
		:: sig[i] -> break /* on the way to user mode */
		:: !sig[i] -> clone()
		:: !sig[i] -> exec()
		:: !sig[i] -> break /* exits by itself */
		od;
		atomic { leaving[i] = true; slot[i] = false } /* sched_process_exit */
		d_step {
			holds--;
			gone_if_last();
			visible[i] = false;
			sig[i] = false;
			leaving[i] = false;
			group[i] = NOBODY;
			used[i] = false
		}
	od
}

/* tree_sweep() and tree_work(): one step a slot */
inline sweep()
{
	unborn = false;
	m = 0;
	do
	:: m < N ->
		atomic {
			if
			:: !slot[m] || leaving[m]
			:: slot[m] && !leaving[m] && visible[m] && !moving[m] -> kill_group(group[m])
			:: slot[m] && !leaving[m] && (!visible[m] || moving[m]) -> unborn = true
			fi;
			m++
		}
	:: else -> break
	od;
#ifdef NO_SECOND_SWEEP
	unborn = false;
#endif
	skip;
	d_step {
		if
		:: !unborn ->
			killed = true;
			k = 0;
			do
			:: k < N -> assert(!ESCAPED(k)); k++
			:: else -> break
			od;
			k = 0
		:: else
		fi;
		unborn = false;
		m = 0
	}
}

/* The closer: file_released(), tree_released(). If it has no mm, it leaves the sweep to others. */
proctype Release()
{
	byte m, k;
	bool unborn;

	mark = true;
	if
	:: sweep()
	:: skip
	fi;
	d_step { file = false; gone_if_last() }
}

/*
 * Who sweeps as the timer asks for it: task work in a lender, at any time after the mark, as long
 * as somebody may have no signal. Task work that is late, or lost and asked for again, comes to the
 * same.
 */
proctype Lender()
{
	byte m, k;
	bool unborn;
end:
	do
	:: mark && !killed && !gone -> sweep()
	:: killed || gone -> break
	od
}

init
{
	byte k;

	atomic {
		k = 0;
		do
		:: k < N -> group[k] = NOBODY; run Task(k); k++
		:: else -> break
		od;
		used[0] = true;
		slot[0] = true;
		holds = 1;
		group[0] = 0;
		visible[0] = true;
		run Release();
		run Lender()
	}
}

#ifdef LIVE
ltl everybody_dies { always (mark implies eventually gone) }
#endif
