// SPDX-License-Identifier: GPL-2.0-only
/*
 * request.c - X27 and P1 to P12: the request that PR_AUTOKILL makes, which clone3's flag has not
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "cases.h"
#include "ways.h"

static int request(struct actor *actor, unsigned int command, unsigned int flags)
{
	return actor_do(actor, ACT_PRCTL, command, flags);
}

static void arm(struct actor *actor, unsigned int flags)
{
	int ret = request(actor, AUTOKILL_ARM, flags);

	if (ret < 1)
		fail_msg("%s: ARM with flags %u gave %d", actor->role, flags, ret);
}

/* The next child with a pidfd is nobody's victim. */
static void not_tethered(struct actor *actor)
{
	struct actor *child = spawn_plain(actor, "child that is not tethered", SPAWN_PIDFD);

	actor_must(actor, ACT_CLOSE_PLAIN, 0);
	fence();
	assert_alive(child);
}

/* The request stands: a clone without a new one is tethered. */
static void still_armed(struct actor *actor)
{
	struct actor *child = spawn_tethered(actor, "tethered child", SPAWN_NO_ARM);

	assert_alive(child);
	actor_must(actor, ACT_CLOSE, 0);
	assert_killed(child);
}

static struct actor *alice_new(void)
{
	struct actor *alice = actor_start("alice");

	actor_must(alice, ACT_BECOME, ALICE);
	return alice;
}

CASE(X27_exec_disarms, WAY_PRCTL, 0, "arm, exec: the request is gone", REQUEST_ONLY)
{
	struct actor *root = actor_start("root");
	int err;

	arm(root, 0);
	assert_true(actor_exec(root, PROGRAM_PLAIN, false, &err));
	not_tethered(root);
	/* the request of the thread that execs, and becomes the leader */
	assert_true(actor_do_note(root,
				  &(struct note){ .act = ACT_PRCTL,
						  .value = AUTOKILL_ARM,
						  .in_thread = true },
				  -1) >= 1);
	arm(root, 0);
	assert_true(actor_exec(root, PROGRAM_PLAIN, true, &err));
	not_tethered(root);
}

CASE(X27_setuid_exec_disarms, WAY_PRCTL, NEED_PROGRAMS, "arm, exec with privileges: gone",
     REQUEST_ONLY)
{
	enum program program;
	int err;

	for (program = PROGRAM_SUID; program < PROGRAMS; program++) {
		struct actor *alice = alice_new();

		step("program %d", program);
		arm(alice, AUTOKILL_NNP);
		assert_true(actor_exec(alice, program, false, &err));
		assert_true(alice->hello.euid == 0 || alice->hello.egid == 0 ||
			    alice->hello.caps != 0);
		/* root's next child is not alice's to kill */
		not_tethered(alice);
	}
}

CASE(X27_new_credentials_disarm, WAY_PRCTL, 0, "arm, setresuid, setresgid, capset: gone",
     REQUEST_ONLY)
{
	struct actor *user = actor_start("one who changes uid");
	struct actor *group = actor_start("one who changes gid");
	struct actor *caps = actor_start("one who drops capabilities");

	arm(user, 0);
	actor_must(user, ACT_BECOME, ALICE);
	not_tethered(user);
	arm(group, 0);
	actor_must(group, ACT_SETGID, ALICE);
	not_tethered(group);
	arm(caps, 0);
	actor_must(caps, ACT_DROP_CAPS, 0);
	not_tethered(caps);
}

CASE(P1_misuse, WAY_PRCTL, 0, "EINVAL, EPERM; no trace left", REQUEST_ONLY)
{
	static const struct {
		unsigned int command;
		uint64_t flags;
		int64_t spare[2];
	} wrong[] = {
		{ 3, 0, { 0, 0 } },
		{ 77, 0, { 0, 0 } },
		{ ~0U, 0, { 0, 0 } },
		{ AUTOKILL_QUERY, AUTOKILL_NNP, { 0, 0 } },
		{ AUTOKILL_QUERY, AUTOKILL_TREE, { 0, 0 } },
		{ AUTOKILL_QUERY, 0, { 1, 0 } },
		{ AUTOKILL_QUERY, 0, { 0, 1 } },
		{ AUTOKILL_ARM, 1U << 2, { 0, 0 } },
		{ AUTOKILL_ARM, 1U << 5, { 0, 0 } },
		{ AUTOKILL_ARM, 1U << 5 | AUTOKILL_NNP | AUTOKILL_TREE, { 0, 0 } },
		{ AUTOKILL_ARM, 1ULL << 40, { 0, 0 } },
		{ AUTOKILL_ARM, ~0ULL, { 0, 0 } },
		{ AUTOKILL_ARM, 0, { 0, 1 } },
		{ AUTOKILL_UNARM, AUTOKILL_NNP, { 0, 0 } },
		{ AUTOKILL_UNARM, AUTOKILL_TREE, { 0, 0 } },
		{ AUTOKILL_UNARM, 0, { 1, 0 } },
		{ AUTOKILL_UNARM, 0, { 0, 1 } },
		{ AUTOKILL_ASK, AUTOKILL_TREE | AUTOKILL_NNP, { 0, 0 } },
		{ AUTOKILL_ASK, 0, { 1, 0 } },
		{ AUTOKILL_ASK, 0, { 0, 1 } },
	};
	struct actor *root = actor_start("root"), *alice = alice_new();
	unsigned int i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct note note = { .act = ACT_PRCTL,
				     .value = wrong[i].command,
				     .wide = wrong[i].flags,
				     .args = { wrong[i].spare[0], wrong[i].spare[1] } };

		step("line %u", i);
		assert_int_equal(actor_do_note(root, &note, -1), -EINVAL);
		if (wrong[i].command == AUTOKILL_ARM)
			not_tethered(root);
	}
	assert_int_equal(request(alice, AUTOKILL_ARM, 0), -EPERM);
	not_tethered(alice);
	/* a refused request does not undo the one before it */
	arm(root, 0);
	assert_int_equal(request(root, AUTOKILL_ARM, 1U << 5), -EINVAL);
	still_armed(root);
}

CASE(P2_query, WAY_PRCTL, 0, "QUERY gives 1 or more, to everybody", REQUEST_ONLY)
{
	struct actor *root = actor_start("root"), *alice = alice_new();

	assert_true(request(root, AUTOKILL_QUERY, 0) >= 1);
	assert_true(request(alice, AUTOKILL_QUERY, 0) >= 1);
	not_tethered(root);
}

CASE(P3_unarm, WAY_PRCTL, 0, "UNARM takes it back; arming twice is once", REQUEST_ONLY)
{
	struct actor *root = actor_start("root"), *alice = alice_new();

	arm(root, 0);
	assert_true(request(root, AUTOKILL_UNARM, 0) >= 1);
	not_tethered(root);
	arm(alice, AUTOKILL_NNP);
	assert_true(request(alice, AUTOKILL_UNARM, 0) >= 1);
	not_tethered(alice);
	/* and twice armed is armed once */
	arm(root, 0);
	arm(root, 0);
	still_armed(root);
	not_tethered(root);
}

CASE(P4_per_thread_and_not_inherited, WAY_PRCTL, 0, "by thread; not for a forked child",
     REQUEST_ONLY)
{
	struct actor *root = actor_start("root"), *child, *fork_child;
	struct note by_thread = { .act = ACT_PRCTL, .value = AUTOKILL_ARM, .in_thread = true };
	struct spawn unarmed = { .how = SPAWN_PIDFD, .exit_signal = SIGCHLD };

	/* a request of a thread that has ended */
	assert_true(actor_do_note(root, &by_thread, -1) >= 1);
	not_tethered(root);

	/* the leader's request, another thread's clone */
	arm(root, 0);
	assert_int_equal(actor_try_spawn(root, "another thread's child", &unarmed, true, &child),
			 0);
	actor_must(root, ACT_CLOSE_PLAIN, 0);
	fence();
	assert_alive(child);

	/* a forked child has not inherited it */
	fork_child = spawn_plain(root, "forked child", 0);
	not_tethered(fork_child);

	still_armed(root);
	not_tethered(root);
}

CASE(P5_legacy_clone, WAY_PRCTL, 0, "clone() with CLONE_PIDFD", REQUEST_ONLY)
{
	struct spawn ask = { .how = SPAWN_TETHER | SPAWN_LEGACY, .exit_signal = SIGCHLD };
	struct actor *root = actor_start("root"), *sibling = spawn_plain(root, "sibling", 0);
	struct actor *victim = actor_spawn(root, "victim", &ask);

	assert_alive(victim);
	actor_must(root, ACT_CLOSE, 0);
	assert_killed(victim);
	victim = actor_spawn(root, "victim", &ask);
	actor_end(root);
	assert_killed(victim);
	fence();
	assert_alive(sibling);
}

CASE(P6_used_up_by_one_child, WAY_PRCTL, 0, "the second child is not tethered", REQUEST_ONLY)
{
	struct actor *root = actor_start("root");
	struct actor *victim = spawn_tethered(root, "victim", 0);

	not_tethered(root);
	assert_alive(victim);
	actor_must(root, ACT_CLOSE, 0);
	assert_killed(victim);
	not_tethered(root);
}

CASE(P7_children_without_pidfd_leave_it, WAY_PRCTL, 0, "fork and threads leave it", REQUEST_ONLY)
{
	struct actor *root = actor_start("root"), *child;

	arm(root, 0);
	child = spawn_plain(root, "child without a pidfd", 0);
	/* nor does a thread use it up */
	assert_int_equal(
		actor_do_note(root, &(struct note){ .act = ACT_PING, .in_thread = true }, -1), 1);
	still_armed(root);
	not_tethered(root);
	assert_alive(child);
}

CASE(P8_exit_signal, WAY_PRCTL, 0, "SIGCHLD: waited for as usual",
     "the kernel's flag takes no exit signal")
{
	struct spawn ask = { .how = SPAWN_TETHER, .exit_signal = SIGCHLD };
	struct actor *root = actor_start("root");
	struct actor *victim = actor_spawn(root, "victim", &ask);
	struct note note = { .act = ACT_WAITPID, .value = victim->pid };

	actor_must(root, ACT_CLOSE, 0);
	assert_killed(victim);
	assert_int_equal(actor_do_note(root, &note, -1), victim->pid);
	assert_true(WIFSIGNALED(note.wide) && WTERMSIG(note.wide) == SIGKILL);

	/* who ignores SIGCHLD has nothing to wait for */
	actor_must(root, ACT_IGNORE_CHILDREN, 0);
	victim = actor_spawn(root, "victim", &ask);
	actor_must(root, ACT_CLOSE, 0);
	assert_killed(victim);
	assert_int_equal(actor_do(root, ACT_WAITPID, victim->pid, 0), -ECHILD);
}

CASE(P9_own_no_new_privs, WAY_PRCTL, 0, "the caller's own no_new_privs gives the right",
     "the kernel's flag refuses it (X20)")
{
	struct actor *alice = alice_new(), *victim;

	assert_int_equal(request(alice, AUTOKILL_ARM, 0), -EPERM);
	actor_must(alice, ACT_NO_NEW_PRIVS, 0);
	victim = spawn_tethered(alice, "victim", 0);
	assert_alive(victim);
	actor_must(alice, ACT_CLOSE, 0);
	assert_killed(victim);
}

CASE(P10_einval_leaves_it, WAY_PRCTL, 0, "clone3's own EINVAL, then UNARM", REQUEST_ONLY)
{
	struct spawn bad = { .how = SPAWN_TETHER | SPAWN_NO_ARM,
			     .clone_flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND };
	struct actor *root = actor_start("root"), *victim;

	arm(root, 0);
	assert_int_equal(actor_try_spawn(root, "victim", &bad, false, &victim), -EINVAL);
	assert_true(request(root, AUTOKILL_UNARM, 0) >= 1);
	not_tethered(root);
}

CASE(P11_under_guard, WAY_PRCTL, 0, "who is under a guard may tether without asking for one",
     "the kernel's flag asks for CLONE_NNP again")
{
	struct actor *alice = alice_new(), *guarded, *child, *victim;

	guarded = spawn_tethered(alice, "guarded child", SPAWN_GUARD);
	victim = spawn_tethered(guarded, "victim", 0);
	actor_must(guarded, ACT_CLOSE, 0);
	assert_killed(victim);
	/* also one who has the guard from its parent only */
	child = spawn_plain(guarded, "child of the guarded", 0);
	victim = spawn_tethered(child, "victim", 0);
	actor_must(child, ACT_CLOSE, 0);
	assert_killed(victim);
	actor_must(alice, ACT_CLOSE, 0);
	assert_killed(guarded);
}

#define NATIVE_FLAGS (CLONE_PIDFD | CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL)

CASE(P12_beside_the_flags, WAY_PRCTL, NEED_STACK_CLONE,
     "a request, and a clone by clone3's flags: used up by it, and no right for it",
     "it is about both ways at once")
{
	struct actor *root = actor_start("root"), *alice = alice_new();

	/* one child, one tether: the request is for the next child with a pidfd, which this is */
	arm(root, 0);
	assert_int_equal(actor_do(root, ACT_TRY_CLONE3, 0, NATIVE_FLAGS), 0);
	not_tethered(root);

	/* the right that the request has by no_new_privs is not the right of the flags */
	actor_must(alice, ACT_NO_NEW_PRIVS, 0);
	arm(alice, 0);
	assert_int_equal(actor_do(alice, ACT_TRY_CLONE3, 0, NATIVE_FLAGS), -EPERM);
	not_tethered(alice);
	/* and the other way round: a refused clone by the flags leaves no request */
	assert_int_equal(actor_do(alice, ACT_TRY_CLONE3, 0, NATIVE_FLAGS), -EPERM);
	not_tethered(alice);
}
