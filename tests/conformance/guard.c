// SPDX-License-Identifier: GPL-2.0-only
/*
 * guard.c - a guarded child, and what descends from it, gains no privileges by exec
 *
 * By the kernel's own flag the guard is no_new_privs: the exec succeeds without the privileges.
 * Served by autokill, it fails with EPERM (deviations.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>

#include "cases.h"
#include "deviations.h"

static const char *const program_names[] = { "plain", "setuid", "setgid", "file capabilities",
					     "setuid by binfmt_misc" };

/* Did the last exec of @actor, who was alice, raise her. */
static bool raised(const struct actor *actor)
{
	return actor->hello.euid != ALICE || actor->hello.egid != ALICE || actor->hello.caps != 0;
}

/*
 * Without BPF LSM the guard sees file capabilities only past the point of no return, and kills (the
 * counter guard_killed); the actors of these cases are needed alive, so there that program is left
 * out, and it is said.
 */
static bool guard_would_kill(enum program program)
{
	return deviates(DEVIATES_GUARD_REFUSES) && program == PROGRAM_FCAP && !bpf_lsm_on();
}

static void exec_gains_nothing(struct actor *actor, enum program program)
{
	int err = 0;

	if (guard_would_kill(program)) {
		leave_out(SKIP_FCAP_KILLS, "%s, %s: killed at exec without BPF LSM, not refused",
			  actor->role, program_names[program]);
		return;
	}
	step("%s, %s", actor->role, program_names[program]);
	if (actor_exec(actor, program, false, &err)) {
		if (deviates(DEVIATES_GUARD_REFUSES) && program != PROGRAM_PLAIN)
			fail_msg("%s: exec of %s should fail with EPERM", actor->role,
				 program_names[program]);
	} else {
		assert_true(deviates(DEVIATES_GUARD_REFUSES));
		assert_int_not_equal(program, PROGRAM_PLAIN);
		assert_int_equal(err, -EPERM);
	}
	assert_false(raised(actor));
	assert_alive(actor);
}

static struct actor *alice_new(const char *role)
{
	struct actor *alice = actor_start(role);
	int err;

	actor_must(alice, ACT_BECOME, ALICE);
	/* so that hello tells who she is now */
	assert_true(actor_exec(alice, PROGRAM_PLAIN, false, &err));
	assert_false(raised(alice));
	return alice;
}

/* The programs do raise whoever is not guarded, or the cases show nothing. */
static void programs_bite(void)
{
	enum program program;
	int err;

	for (program = PROGRAM_SUID; program < PROGRAMS; program++) {
		struct actor *alice = alice_new("unguarded alice");

		step("unguarded, %s", program_names[program]);
		assert_true(actor_exec(alice, program, false, &err));
		assert_true(raised(alice));
		actor_end(alice);
	}
}

static struct actor *guarded_child(struct actor *alice)
{
	struct actor *victim = spawn_tethered(alice, "guarded child", SPAWN_GUARD);

	/* says hello as its creator did */
	assert_false(raised(victim));
	return victim;
}

static struct actor *guarded_by_root(struct actor *root)
{
	struct actor *victim = spawn_tethered(root, "guarded child of root", SPAWN_GUARD);

	actor_must(victim, ACT_BECOME, ALICE);
	/* so that hello tells who it is now */
	exec_gains_nothing(victim, PROGRAM_PLAIN);
	return victim;
}

CASE(X9_guarded_child_execs_setuid, WAY_BOTH, NEED_PROGRAMS, "not raised, and still dies", NULL)
{
	unsigned int by_death;

	programs_bite();
	for (by_death = 0; by_death < 2; by_death++) {
		struct actor *alice = alice_new("alice");
		struct actor *victim = guarded_child(alice);

		exec_gains_nothing(victim, PROGRAM_PLAIN);
		exec_gains_nothing(victim, PROGRAM_SUID);
		if (by_death)
			actor_end(alice);
		else
			actor_must(alice, ACT_CLOSE, 0);
		assert_killed(victim);
		stage_clear();
	}
}

CASE(X28_guard_holds, WAY_BOTH, NEED_PROGRAMS,
     "setuid, setgid, file capabilities; child, grandchild, after the release", NULL)
{
	enum program program;

	programs_bite();
	for (program = PROGRAM_SUID; program < PROGRAMS; program++) {
		struct actor *alice = alice_new("alice");
		struct actor *victim = guarded_child(alice);
		struct actor *child = spawn_plain(victim, "its child", 0);
		struct actor *grandchild = spawn_plain(child, "its grandchild", 0);
		struct actor *pidfd_child =
			spawn_plain(victim, "its child with a pidfd", SPAWN_PIDFD);

		exec_gains_nothing(grandchild, program);
		exec_gains_nothing(child, program);
		exec_gains_nothing(pidfd_child, program);
		exec_gains_nothing(victim, program);
		/* an ordinary exec is none of the guard's business, and does not lose it */
		exec_gains_nothing(grandchild, PROGRAM_PLAIN);
		exec_gains_nothing(grandchild, program);
		actor_must(alice, ACT_CLOSE, 0);
		assert_killed(victim);
		/* the tether is gone, the guard of those who live is not */
		fence();
		exec_gains_nothing(child, program);
		stage_clear();
	}
}

CASE(X28_guard_survives_orphaning, WAY_BOTH, NEED_PROGRAMS, "orphans, leaders gone", NULL)
{
	struct actor *alice = alice_new("alice");
	struct actor *victim = guarded_child(alice);
	struct actor *child = spawn_plain(victim, "its child", 0);
	struct actor *orphan = spawn_plain(child, "its orphaned grandchild", 0);

	actor_end(child);
	actor_must(victim, ACT_LEADER_EXITS, 0);
	assert_true(proc_state_wait(victim->pid, 'Z'));
	exec_gains_nothing(victim, PROGRAM_SUID);
	exec_gains_nothing(orphan, PROGRAM_SUID);
	actor_end(alice);
	assert_killed(victim);
	exec_gains_nothing(orphan, PROGRAM_SUID);
}

/* Who is not in scope is not under the guard either. */
CASE(X28_guard_of_others, WAY_BOTH, NEED_PROGRAMS, "creator and siblings are not guarded", NULL)
{
	struct actor *alice = alice_new("alice");
	struct actor *sibling = spawn_plain(alice, "sibling", 0);
	struct actor *victim = guarded_child(alice);
	struct actor *later = spawn_plain(alice, "later sibling", 0);
	int err;

	assert_true(actor_exec(sibling, PROGRAM_SUID, false, &err));
	assert_int_equal(sibling->hello.euid, 0);
	assert_true(actor_exec(later, PROGRAM_SUID, false, &err));
	assert_int_equal(later->hello.euid, 0);
	assert_true(actor_exec(alice, PROGRAM_SUID, false, &err));
	assert_int_equal(alice->hello.euid, 0);
	/* and that exec was a release: the pidfd is close-on-exec */
	assert_killed(victim);
}

/* Root asks for the guard, and its child becomes alice: she stays alice. */
CASE(X28_guard_by_root, WAY_BOTH, NEED_PROGRAMS, "root's guarded child becomes alice", NULL)
{
	struct actor *root = actor_start("root");
	struct actor *victim = guarded_by_root(root);
	struct actor *child = spawn_plain(victim, "its child", 0);
	enum program program;

	for (program = PROGRAM_SUID; program < PROGRAMS; program++) {
		exec_gains_nothing(child, program);
		exec_gains_nothing(victim, program);
	}
	actor_end(root);
	assert_killed(victim);
}

/* By exec from a thread that is not the leader, which changes the leader's task. */
CASE(X28_guard_and_exec_by_thread, WAY_BOTH, NEED_PROGRAMS, "exec by a non-leader thread", NULL)
{
	struct actor *alice = alice_new("alice");
	struct actor *victim = guarded_child(alice);
	int err = 0;

	assert_true(actor_exec(victim, PROGRAM_PLAIN, true, &err));
	exec_gains_nothing(victim, PROGRAM_SUID);
	if (!actor_exec(victim, PROGRAM_SUID, true, &err))
		assert_int_equal(err, -EPERM);
	assert_false(raised(victim));
	actor_must(alice, ACT_CLOSE, 0);
	assert_killed(victim);
}

/* What raises is a file that is not the program: the C flag of binfmt_misc. */
CASE(X28_guard_and_binfmt_misc, WAY_BOTH, NEED_PROGRAMS | NEED_BINFMT,
     "a setuid file whose interpreter gets its credentials", NULL)
{
	struct actor *alice, *victim, *child;
	int err;

	assert_int_equal(programs_misc_make(), 0);
	alice = alice_new("unguarded alice");
	assert_true(actor_exec(alice, PROGRAM_MISC, false, &err));
	assert_int_equal(alice->hello.euid, 0);
	alice = alice_new("alice");
	victim = guarded_child(alice);
	child = spawn_plain(victim, "its child", 0);
	exec_gains_nothing(child, PROGRAM_MISC);
	exec_gains_nothing(victim, PROGRAM_MISC);
	actor_end(alice);
	assert_killed(victim);
	exec_gains_nothing(child, PROGRAM_MISC);
	programs_misc_drop();
}
