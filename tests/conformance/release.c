// SPDX-License-Identifier: GPL-2.0-only
/*
 * release.c - what holds the file, and how its last reference can go
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cases.h"

static void pair_of_sockets(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void still_alive(struct actor *victim)
{
	fence();
	assert_alive(victim);
}

CASE(X1_dup, WAY_BOTH, 0, "a duplicate keeps the child; closing the last one kills", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	int copy = actor_do(holder, ACT_DUP, 0, 0);

	assert_true(copy >= 0);
	actor_must(holder, ACT_CLOSE, 0);
	still_alive(victim);
	actor_must(holder, ACT_CLOSE_FD, copy);
	assert_killed(victim);
}

CASE(X2_forked_holder, WAY_BOTH, 0, "a forked holder, and its child, keep it", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	struct actor *keeper = spawn_plain(holder, "forked holder", SPAWN_KEEP_FDS);
	struct actor *last = spawn_plain(keeper, "its child", SPAWN_KEEP_FDS);

	actor_must(holder, ACT_CLOSE, 0);
	still_alive(victim);
	actor_end(holder);
	still_alive(victim);
	actor_end(keeper);
	still_alive(victim);
	actor_end(last);
	assert_killed(victim);
}

CASE(X3_scm_rights, WAY_BOTH, 0, "queued in a socket it keeps; the receiver's close kills", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	struct note note;
	int mail[2], got;

	pair_of_sockets(mail);
	assert_int_equal(actor_do_fd(holder, ACT_MAIL, 0, mail[1]), 0);
	close(mail[1]);
	actor_must(holder, ACT_CLOSE, 0);
	/* queued, and held by nothing else */
	still_alive(victim);
	actor_end(holder);
	still_alive(victim);
	assert_int_equal(note_receive(mail[0], &note, &got), 0);
	assert_true(got >= 0);
	close(mail[0]);
	still_alive(victim);
	close(got);
	assert_killed(victim);
}

CASE(X4_never_received, WAY_BOTH, 0, "queued, both sockets closed: killed", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	int mail[2];

	pair_of_sockets(mail);
	assert_int_equal(actor_do_fd(holder, ACT_MAIL, 0, mail[1]), 0);
	actor_must(holder, ACT_CLOSE, 0);
	still_alive(victim);
	close(mail[1]);
	still_alive(victim);
	close(mail[0]);
	assert_killed(victim);
}

/* The collector starts when a unix socket is closed while descriptors are in flight. */
static bool collected(void *watch)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
		close(pair[0]);
		close(pair[1]);
	}
	return pidfd_dead(*(int *)watch, 0);
}

CASE(X4_scm_cycle, WAY_BOTH, 0, "in a cycle of sockets: killed by the collector's put", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	struct actor *sibling = spawn_plain(holder, "sibling", 0);

	actor_must(holder, ACT_MAIL_CYCLE, 0);
	/* the cycle alone holds the file as soon as this is done, and the collector may run */
	actor_must(holder, ACT_CLOSE, 0);
	assert_true(wait_until(collected, &victim->watch, the_deadline_ms));
	assert_killed(victim);
	assert_alive(sibling);
	assert_alive(holder);
}

CASE(X5_pidfd_getfd, WAY_BOTH, 0, "pidfd_getfd() by a third process extends", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	struct actor *thief = actor_start("third process");
	struct note note = { .act = ACT_STEAL, .wide = holder->pid };

	note.value = actor_do(holder, ACT_HELD, 0, 0);
	assert_true(actor_do_note(thief, &note, -1) >= 0);
	actor_must(holder, ACT_CLOSE, 0);
	still_alive(victim);
	actor_end(holder);
	still_alive(victim);
	actor_end(thief);
	assert_killed(victim);
}

CASE(X8_close_range_and_dup2, WAY_BOTH, 0, "close_range(), dup2() over it", NULL)
{
	scene_play(PARENT_READS, RELEASE_CLOSE_RANGE);
	scene_play(PARENT_READS, RELEASE_DUP2);
}

CASE(X19_shared_table, WAY_BOTH, 0, "a CLONE_FILES child closes its own: dies", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *sibling = spawn_plain(holder, "sibling", 0);
	struct spawn ask = { .how = SPAWN_TETHER | SPAWN_KEEP_FDS, .clone_flags = CLONE_FILES };
	struct actor *victim = actor_spawn(holder, "victim", &ask);

	assert_alive(victim);
	/* the victim holds its own tether, by its number in the table that it shares */
	actor_tell(victim, ACT_CLOSE_FD, actor_do(holder, ACT_HELD, 0, 0), -1);
	assert_killed(victim);
	fence();
	assert_alive(sibling);
	assert_alive(holder);
}

CASE(X23_io_uring_close, WAY_BOTH, NEED_URING, "IORING_OP_CLOSE, inline and by a worker", NULL)
{
	static const unsigned int flags[] = { 0, IOSQE_ASYNC };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct actor *holder = actor_start("holder");
		struct actor *sibling = spawn_plain(holder, "sibling", 0);
		struct actor *victim = spawn_tethered(holder, "victim", 0);

		actor_must(holder, ACT_URING_CLOSE, flags[i]);
		assert_killed(victim);
		fence();
		assert_alive(sibling);
		assert_alive(holder);
		stage_clear();
	}
}

/* A ring's registered file is put by a kworker, that is, by a delayed fput. */
CASE(X23_io_uring_registered, WAY_BOTH, NEED_URING, "put by a kthread's delayed fput", NULL)
{
	unsigned int by_death;

	for (by_death = 0; by_death < 2; by_death++) {
		struct actor *holder = actor_start("holder");
		struct actor *sibling = spawn_plain(holder, "sibling", 0);
		struct actor *victim = spawn_tethered(holder, "victim", 0);
		int ring = actor_do(holder, ACT_URING_FILE, 0, 0);

		assert_true(ring >= 0);
		still_alive(victim);
		if (by_death)
			actor_end(holder);
		else
			actor_must(holder, ACT_CLOSE_FD, ring);
		assert_killed(victim);
		fence();
		assert_alive(sibling);
		stage_clear();
	}
}

#define ADDRESS_ROUNDS 8
#define ADDRESS_FILES 200

CASE(X24_address_reuse, WAY_BOTH, 0, "many pidfds on the freed address: no second kill", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *other = actor_start("another process");
	struct actor *sibling = spawn_plain(holder, "sibling", 0);
	int i;

	for (i = 0; i < ADDRESS_ROUNDS; i++) {
		struct actor *victim = spawn_tethered(holder, "victim", 0), *unarmed;

		actor_must(holder, ACT_CLOSE, 0);
		/* files on the address that was just given back, in this thread and in another */
		assert_int_equal(actor_do(holder, ACT_PIDFD_CHURN, sibling->pid, ADDRESS_FILES), 0);
		assert_int_equal(actor_do(other, ACT_PIDFD_CHURN, sibling->pid, ADDRESS_FILES), 0);
		unarmed = spawn_plain(holder, "unarmed", SPAWN_PIDFD);
		assert_killed(victim);
		assert_int_equal(actor_do(holder, ACT_PIDFD_CHURN, unarmed->pid, ADDRESS_FILES), 0);
		actor_must(holder, ACT_CLOSE_PLAIN, 0);
		fence();
		assert_alive(unarmed);
		assert_alive(sibling);
		actor_end(unarmed);
	}
}
