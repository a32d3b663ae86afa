// SPDX-License-Identifier: GPL-2.0-only
/*
 * rounds.c - --stress: many rounds of each release, survivors and dead strangers counted
 *
 * Nothing is asserted before the end of a kind, so that one line tells how many of how many. The
 * strangers are a sibling, a sibling whose pidfd is released together with the tether, and one who
 * has the pid of the round's victim as soon as that is free.
 */
#define _GNU_SOURCE
#include <signal.h>

#include "cases.h"
#include "deviations.h"

struct tally {
	int survivors;
	int strangers_killed;
};

static bool dead_or_ended(struct actor *actor)
{
	bool dead = pidfd_dead(actor->watch, the_deadline_ms);

	if (!dead)
		actor_end(actor);
	return dead;
}

static bool lives(struct actor *actor)
{
	struct note note = { .act = ACT_PING, .value = 1 };
	int fd;

	if (pidfd_dead(actor->watch, 0) || note_send(actor->sock, &note, -1) < 0)
		return false;
	/* ends, too, when the other side does */
	return note_receive(actor->sock, &note, &fd) == 0 && note.value == 2;
}

static void round_play(enum release release, struct tally *tally)
{
	struct actor *planter = actor_start("planter"), *holder = actor_start("holder");
	struct actor *sibling = spawn_plain(holder, "sibling", 0);
	struct actor *unarmed = spawn_plain(holder, "sibling with a pidfd", SPAWN_PIDFD);
	struct actor *victim = spawn_tethered(holder, "victim", 0), *heir = NULL;
	struct spawn plant = { .how = SPAWN_PIDFD, .exit_signal = SIGCHLD, .set_tid = victim->pid };
	struct scene scene = { .holder = holder };

	scene_release(&scene, release);
	tally->survivors += !dead_or_ended(victim);
	/* reaped by the kernel, by us whom it came to, or by its creator */
	if (deviates(DEVIATES_NOT_REAPED)) {
		if (holder->dead)
			actor_reap(victim);
		else
			actor_do(holder, ACT_WAITPID, victim->pid, 0);
	}
	if (proc_gone_wait(victim->pid)) {
		heir = actor_plant(planter, "heir of the pid", &plant);
		/* a later release, which would kill it if the earlier one came again */
		if (!holder->dead)
			actor_do(holder, ACT_PIDFD_CHURN, heir->pid, 8);
	}
	fence();
	tally->strangers_killed += !lives(sibling) + !lives(unarmed) + !lives(planter) +
				   (heir && !lives(heir)) + (!holder->dead && !lives(holder));
	stage_clear();
}

static void rounds(const char *name, enum release release)
{
	struct tally tally = {};
	int round;

	for (round = 0; round < the_rounds; round++) {
		step("round %d", round);
		round_play(release, &tally);
	}
	print_message("%s: %d rounds, %d survivors, %d strangers killed\n", name, the_rounds,
		      tally.survivors, tally.strangers_killed);
	assert_int_equal(tally.survivors, 0);
	assert_int_equal(tally.strangers_killed, 0);
}

CASE(R1_close, WAY_BOTH, 0, "closed by a live holder", NULL)
{
	rounds("close", RELEASE_CLOSE);
}

CASE(R2_holder_killed, WAY_BOTH, 0, "holder gets SIGKILL", NULL)
{
	rounds("holder SIGKILLed", RELEASE_SIGKILL);
}

CASE(R3_holder_exits, WAY_BOTH, 0, "holder calls _exit()", NULL)
{
	rounds("holder _exit", RELEASE_EXIT);
}

CASE(R4_holder_execs, WAY_BOTH, 0, "holder execs", NULL)
{
	rounds("holder exec", RELEASE_EXEC);
}
