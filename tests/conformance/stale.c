// SPDX-License-Identifier: GPL-2.0-only
/*
 * stale.c - X18: the child is dead already, and somebody else may have its pid
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cases.h"
#include "deviations.h"

enum stranger_kind { UNDER_ANOTHER, UNDER_THE_HOLDER, WITH_PIDFD, STRANGERS };

/* The victim ends by itself and is reaped, if it is not by the kernel. */
static void victim_ends(struct actor *holder, struct actor *victim)
{
	actor_tell(victim, ACT_EXIT, 0, -1);
	assert_dead(victim);
	if (deviates(DEVIATES_NOT_REAPED))
		assert_int_equal(actor_do(holder, ACT_WAITPID, victim->pid, 0), victim->pid);
	assert_true(proc_gone_wait(victim->pid));
}

CASE(X18_zombie, WAY_BOTH, 0, "child dead before the release", NULL)
{
	unsigned int by_death;

	for (by_death = 0; by_death < 2; by_death++) {
		struct actor *holder = actor_start("holder");
		struct actor *sibling = spawn_plain(holder, "sibling", 0);
		struct actor *victim = spawn_tethered(holder, "victim", 0);

		step("by_death %u", by_death);
		actor_tell(victim, ACT_EXIT, 7, -1);
		assert_dead(victim);
		if (by_death)
			actor_end(holder);
		else
			actor_must(holder, ACT_CLOSE, 0);
		fence();
		assert_alive(sibling);
		stage_clear();
	}
}

static void reuse(enum stranger_kind kind, bool by_death)
{
	struct actor *holder = actor_start("holder");
	struct actor *other = actor_start("another parent");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	struct spawn plant = { .exit_signal = SIGCHLD, .set_tid = victim->pid };
	struct actor *stranger;

	step("kind %d, by_death %d", kind, by_death);
	victim_ends(holder, victim);
	if (kind == WITH_PIDFD)
		plant.how = SPAWN_PIDFD;
	stranger = actor_plant(kind == UNDER_THE_HOLDER ? holder : other,
			       "stranger with the dead child's pid", &plant);
	if (by_death)
		actor_end(holder);
	else
		actor_must(holder, ACT_CLOSE, 0);
	fence();
	assert_alive(stranger);
	if (kind == WITH_PIDFD) {
		actor_must(other, ACT_CLOSE_PLAIN, 0);
		fence();
		assert_alive(stranger);
	}
	stage_clear();
}

CASE(X18_pid_planted, WAY_BOTH, 0, "dead and reaped, a stranger has its pid: lives", NULL)
{
	enum stranger_kind kind;

	for (kind = 0; kind < STRANGERS; kind++) {
		reuse(kind, false);
		reuse(kind, true);
	}
}

/* A second tether on the pid of the first: its own release kills, the first's does not. */
CASE(X18_pid_tethered_again, WAY_BOTH, 0, "its pid is another victim's: dies for its own", NULL)
{
	struct actor *first = actor_start("first holder"), *second = actor_start("second holder");
	struct actor *dead = spawn_tethered(first, "first victim", 0), *victim;
	struct spawn again = { .how = SPAWN_TETHER, .set_tid = dead->pid };

	victim_ends(first, dead);
	victim = actor_plant(second, "second victim", &again);
	actor_must(first, ACT_CLOSE, 0);
	fence();
	assert_alive(victim);
	actor_must(second, ACT_CLOSE, 0);
	assert_killed(victim);
}

#define PID_MAX "/proc/sys/kernel/pid_max"
/* Below this the kernel does not come back to a pid. */
#define PIDS_RESERVED 300
#define PID_MAX_SMALL 400

static struct actor *next_process(void)
{
	return actor_start("one of many");
}

static void pass(struct actor *actor)
{
	actor_end(actor);
	actor_reap(actor);
}

CASE(X18_pids_wrapped, WAY_BOTH, 0, "the same by wrapping a small pid_max", NULL)
{
	struct actor *holder = actor_start("holder"), *stranger, *victim;
	int i;

	assert_int_equal(sysctl_set(PID_MAX, "400"), 0);
	/* a machine that has just started still gives out the reserved ones, once */
	for (i = 0, stranger = next_process(); stranger->pid < PIDS_RESERVED; i++) {
		assert_true(i < 2 * PID_MAX_SMALL);
		pass(stranger);
		stranger = next_process();
	}
	pass(stranger);
	victim = spawn_tethered(holder, "victim", 0);
	assert_in_range(victim->pid, PIDS_RESERVED, PID_MAX_SMALL);
	victim_ends(holder, victim);
	for (i = 0, stranger = next_process(); stranger->pid != victim->pid; i++) {
		assert_true(i < 4 * PID_MAX_SMALL);
		pass(stranger);
		stranger = next_process();
	}
	actor_must(holder, ACT_CLOSE, 0);
	fence();
	assert_alive(stranger);
	sysctl_restore();
}
