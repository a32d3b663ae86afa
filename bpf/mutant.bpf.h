/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mutant.bpf.h - mutants: builds with one safety taken out, which a test must see
 *
 * `make MUTATION=NAME` builds one, never for use. The tests of a safety prove nothing if they
 * pass without it.
 *
 * The list below is the only one: the tests read it, one row a line. A name that is not in it
 * fails the build. The code says `if (MUTANT(NAME))` where the safety is. So every build compiles
 * every mutant, and the compiler drops it.
 *
 * M(name, tier, "what is taken out", "who must see it")
 *
 * tier: `check` if `make check` runs it, `soak` if only `make soak` does. tests/mutants makes what
 * runs of the last column. On 6.18, if nothing else is said:
 *   CASE [FILTER]     conformance: CASE in check, all that FILTER matches in soak
 *   agent PART N      tests/stress/agent.c, on 6.1
 *   [--no-lsm] PROGRAM ARGUMENT...: TEXT
 *                     a program of tests/stress, on one CPU that preempts everywhere: the line of
 *                     its output with TEXT must fail. --no-lsm: the kernel calls no LSM program
 *   escape N BATCHES  tests/stress/escape.c, N trees, and N again: somebody must get away
 *   nothing: delete_fails FILTER...
 *                     nothing may fail of these cases; in soak of all, on 6.1 as well. The mutant
 *                     makes failures that the code must stand
 *   nothing: escape   nobody may get away: the control of the mutants that escape sees
 */
#ifndef AUTOKILL_MUTANT_BPF_H
#define AUTOKILL_MUTANT_BPF_H

#ifdef __bpf__
#include "compat.bpf.h"
#endif

/* clang-format off */
#define MUTANTS(M) \
M(NO_REAIM, check, "other lenders, where the first cannot run", "T16_closers_parent_stopped T16*") \
M(NO_IDENTITY, check, "the victim's identity beside its number", "X18_pid_planted X18*") \
M(REQUEST_PENDING, check, "the end of a request when its clone fails", "X26_emfile X26*") \
M(ARM_OVER_EXEC, check, "the end of a request at exec", "X27_exec_disarms X27*") \
M(LEADER_PID, check, "the group's own struct pid: the leader's is used", "X14_exec_storm") \
M(NEWBORN_LIVED, check, "a look if a newborn has lived", "T9_first_gone_then_failed_fork T9*") \
M(AGENT_NO_IDENTITY, check, "the agent's look whom its pidfd stands for", "agent wrap 60") \
M(AGENT_NO_WALK, check, "the agent's walk over maps/tethers at its start", "agent down 300") \
M(DELETE_FAILS, check, "each second delete from a map", \
  "nothing: delete_fails X1_* X2_* X17* X26* T3* T7* P*") \
M(REUSED_TETHER, soak, "the look at the tether's id, last", \
  "skipped --releases 2000: children killed before") \
M(NATIVE_ONE_IN, check, "the kprobe at clone3", "flags --calls 2000: refused with EINVAL") \
M(NATIVE_ONE_OUT, soak, "all but one of what puts flags back", \
  "flags --calls 2000: structs left changed") \
M(RELEASE_ON_FENTRY, soak, "the LSM hook of the release", \
  "skipped --releases 4000: children that outlived") \
M(BIRTH_ONCE, soak, "birth's second copy, without BPF LSM", \
  "--no-lsm skipped --releases 2000 --without-lsm: births without a tether") \
M(NO_LOOK_AT_FORK, soak, "the look at the mark when a member clones", "escape 60 10") \
M(NO_SECOND_SWEEP, soak, "every sweep of a tree but the first", "escape 60 10") \
M(SLOW_SWEEP, soak, "nothing: sweeps are as slow as those of the two above", "nothing: escape")
/* clang-format on */

enum mutant {
	MUTANT_NONE,
#define M(name, tier, out, seen) MUTANT_##name,
	MUTANTS(M)
#undef M
};

#ifndef MUTATION
#define MUTATION MUTANT_NONE /* -DMUTATION=MUTANT_NAME, by the Makefile */
#endif

/* Is this build the mutant @name? A constant. */
#define MUTANT(name) (MUTATION == MUTANT_##name)

#ifdef __bpf__
/* The two that let members of a tree escape do so where a sweep takes long. */
#define MUTANT_SLOW (MUTANT(SLOW_SWEEP) || MUTANT(NO_LOOK_AT_FORK) || MUTANT(NO_SECOND_SWEEP))

static int mutant_loop(u32 i, void *ctx)
{
	return 0;
}

/* Makes a window wide enough for a race to be lost in it. */
static __always_inline void mutant_waits(void)
{
	bpf_loop(1 << 19, mutant_loop, NULL, 0);
}

/* As under a sweep of many thousands. */
static __always_inline void mutant_sweeps_slowly(void)
{
	bpf_loop(1 << 17, mutant_loop, NULL, 0);
}
#endif

#endif /* AUTOKILL_MUTANT_BPF_H */
