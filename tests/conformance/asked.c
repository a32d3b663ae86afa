// SPDX-License-Identifier: GPL-2.0-only
/*
 * asked.c - P13 to P17: a request for one clone alone, what became of it, and the way by
 * setrlimit()
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "acts.h"
#include "cases.h"
#include "ways.h"

/* Actors are forks of main, so that the address is the same in all of them until they exec. */
static int request_for(struct actor *actor, unsigned int flags, uintptr_t addr)
{
	struct note note = {
		.act = ACT_PRCTL, .value = AUTOKILL_ARM, .wide = flags, .args = { addr }
	};

	return actor_do_note(actor, &note, -1);
}

static void arm(struct actor *actor, uintptr_t addr)
{
	assert_true(request_for(actor, 0, addr) >= 1);
}

static int ask(struct actor *actor)
{
	return actor_do(actor, ACT_PRCTL, AUTOKILL_ASK, 0);
}

/*
 * A child with a pidfd that nobody has asked to tether, as a runtime makes to find out whether it
 * can.
 */
static void probe(struct actor *actor)
{
	assert_int_equal(actor_do(actor, ACT_TRY_CLONE3, SIGCHLD, CLONE_PIDFD), 0);
}

static struct actor *served(struct actor *actor, uint32_t how)
{
	struct spawn spawn = { .how = SPAWN_TETHER | SPAWN_NO_ARM | how, .exit_signal = SIGCHLD };
	struct actor *child = actor_spawn(actor, "tethered child", &spawn);

	assert_int_equal(ask(actor), AUTOKILL_SERVED | child->pid);
	assert_alive(child);
	actor_must(actor, ACT_CLOSE, 0);
	assert_killed(child);
	return child;
}

static void not_tethered(struct actor *actor)
{
	struct actor *child = spawn_plain(actor, "child that is not tethered", SPAWN_PIDFD);

	actor_must(actor, ACT_CLOSE_PLAIN, 0);
	fence();
	assert_alive(child);
}

CASE(P13_for_one_clone, WAY_PRCTL, 0, "ARM names the address of the pidfd: no probe takes it",
     REQUEST_ONLY)
{
	struct actor *root = actor_start("root");
	uintptr_t place = self_new_pidfd_place();

	arm(root, place);
	probe(root);
	assert_int_equal(ask(root), AUTOKILL_ASK_PENDING);
	served(root, 0);
	arm(root, place);
	probe(root);
	served(root, SPAWN_LEGACY);
	/* nor does another clone end it by failing */
	arm(root, place);
	assert_int_equal(actor_do(root, ACT_TRY_CLONE3, SIGCHLD, CLONE_PIDFD | CLONE_SIGHAND),
			 -EINVAL);
	served(root, 0);
	/* the clone that it is for never comes */
	arm(root, place + 64);
	not_tethered(root);
	assert_int_equal(ask(root), AUTOKILL_ASK_PENDING);
	assert_int_equal(actor_do(root, ACT_PRCTL, AUTOKILL_UNARM, 0), 1);
	assert_int_equal(ask(root), AUTOKILL_ASK_NONE);
	not_tethered(root);
	/*
	 * without an address a probe takes it, and the one who asks learns that it was another
	 * child
	 */
	arm(root, 0);
	probe(root);
	not_tethered(root);
	assert_true(ask(root) & AUTOKILL_SERVED);
}

CASE(P14_what_became_of_it, WAY_PRCTL, 0, "ASK: pending, served, failed, lapsed", REQUEST_ONLY)
{
	struct spawn bad = { .how = SPAWN_TETHER | SPAWN_NO_ARM | SPAWN_BAD_PIDFD };
	struct actor *root = actor_start("root"), *caller = actor_start("one who execs"), *none;
	int err;

	assert_int_equal(ask(root), AUTOKILL_ASK_NONE);
	arm(root, 0);
	assert_int_equal(ask(root), AUTOKILL_ASK_PENDING);
	spawn_plain(root, "child without a pidfd", 0);
	assert_int_equal(ask(root), AUTOKILL_ASK_PENDING);
	served(root, 0);
	/* refused at task_alloc or later: used up */
	arm(root, 0);
	assert_int_equal(actor_try_spawn(root, "nobody", &bad, false, &none), -EFAULT);
	assert_int_equal(ask(root), AUTOKILL_ASK_FAILED);
	/* another thread has none of its own */
	arm(root, 0);
	assert_int_equal(actor_do_note(root,
				       &(struct note){ .act = ACT_PRCTL,
						       .value = AUTOKILL_ASK,
						       .in_thread = true },
				       -1),
			 AUTOKILL_ASK_NONE);
	actor_must(root, ACT_SETGID, ALICE);
	assert_int_equal(ask(root), AUTOKILL_ASK_CRED);
	not_tethered(root);
	assert_int_equal(ask(root), AUTOKILL_ASK_CRED);

	arm(caller, 0);
	assert_true(actor_exec(caller, PROGRAM_PLAIN, false, &err));
	assert_int_equal(ask(caller), AUTOKILL_ASK_EXEC);
	not_tethered(caller);
	assert_int_equal(ask(caller), AUTOKILL_ASK_EXEC);
}

CASE(P15_am_i_tethered, WAY_PRCTL, 0, "ASK by the child itself", REQUEST_ONLY)
{
	struct actor *root = actor_start("root"), *victim, *grandchild, *sibling;
	struct note note = { .act = ACT_PRCTL, .value = AUTOKILL_ASK, .wide = AUTOKILL_ASK_SELF };

	victim = spawn_tethered(root, "victim", 0);
	sibling = spawn_plain(root, "sibling", SPAWN_PIDFD);
	grandchild = spawn_plain(victim, "grandchild", 0);
	assert_int_equal(actor_do_note(victim, &note, -1), AUTOKILL_SERVED);
	note = (struct note){ .act = ACT_PRCTL, .value = AUTOKILL_ASK, .wide = AUTOKILL_ASK_SELF };
	assert_int_equal(actor_do_note(sibling, &note, -1), AUTOKILL_ASK_NONE);
	note = (struct note){ .act = ACT_PRCTL, .value = AUTOKILL_ASK, .wide = AUTOKILL_ASK_SELF };
	assert_int_equal(actor_do_note(grandchild, &note, -1), AUTOKILL_ASK_NONE);
	actor_must(root, ACT_CLOSE, 0);
	assert_killed(victim);
}

/* A setrlimit() of RLIMIT_LOCKS that asks: see autokill.h. */
static int by_limit(struct actor *actor, unsigned int command, unsigned int flags, uintptr_t addr)
{
	struct note note = {
		.act = ACT_LIMIT,
		.wide = (int64_t)((uint64_t)PR_AUTOKILL << 32 | flags << 8 | command),
		.args = { addr ? (int64_t)(1ULL << 63 | addr) : (int64_t)RLIM_INFINITY },
	};

	return actor_do_note(actor, &note, -1);
}

CASE(P16_by_setrlimit, WAY_PRCTL, 0, "the same requests by setrlimit()", REQUEST_ONLY)
{
	struct actor *root = actor_start("root"), *alice = actor_start("alice");
	uintptr_t place = self_new_pidfd_place();

	actor_must(alice, ACT_BECOME, ALICE);
	assert_int_equal(by_limit(alice, AUTOKILL_QUERY, 0, 0), AUTOKILL_ABI);
	assert_int_equal(by_limit(alice, AUTOKILL_ARM, 0, 0), -EPERM);
	assert_int_equal(by_limit(alice, AUTOKILL_ARM, AUTOKILL_NNP, 0), 1);
	assert_int_equal(by_limit(alice, AUTOKILL_UNARM, 0, 0), 1);
	not_tethered(alice);
	assert_int_equal(by_limit(root, 77, 0, 0), -EINVAL);
	assert_int_equal(by_limit(root, AUTOKILL_ARM, 1U << 5, 0), -EINVAL);
	assert_int_equal(by_limit(root, AUTOKILL_QUERY, 0, place), -EINVAL);
	not_tethered(root);
	assert_int_equal(by_limit(root, AUTOKILL_ARM, 0, place), 1);
	probe(root);
	assert_int_equal(by_limit(root, AUTOKILL_ASK, 0, 0), AUTOKILL_ASK_PENDING);
	served(root, 0);
	/* the limit is as it was */
	assert_int_equal(actor_do(root, ACT_LIMIT_IS_NONE, 0, 0), 1);
	assert_int_equal(actor_do(alice, ACT_LIMIT_IS_NONE, 0, 0), 1);
}

CASE(P17_number_in_a_pid_namespace, WAY_PRCTL, 0, "ASK by the init of a pid namespace",
     REQUEST_ONLY)
{
	struct spawn space = { .clone_flags = CLONE_NEWPID, .exit_signal = SIGCHLD };
	struct spawn ask_no_more = { .how = SPAWN_TETHER | SPAWN_NO_ARM, .exit_signal = SIGCHLD };
	struct actor *root = actor_start("root"), *init = actor_spawn(root, "init", &space);

	arm(init, 0);
	actor_spawn(init, "tethered child", &ask_no_more);
	assert_int_equal(ask(init), AUTOKILL_SERVED | 2);
	actor_must(init, ACT_CLOSE, 0);
}
