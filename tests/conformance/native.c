// SPDX-License-Identifier: GPL-2.0-only
/*
 * native.c - N1 to N7, and the rules by which clone3() takes or refuses the flags
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cases.h"
#include "deviations.h"

CASE(N1_autokill_basic, WAY_BOTH, 0, "closing the clone's pidfd kills the child", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	struct note note = { .act = ACT_WAITPID, .value = victim->pid };
	int ret;

	assert_alive(victim);
	actor_must(holder, ACT_CLOSE, 0);
	assert_killed(victim);
	ret = actor_do_note(holder, &note, -1);
	if (deviates(DEVIATES_NOT_REAPED)) {
		assert_int_equal(ret, victim->pid);
		assert_true(WIFSIGNALED(note.wide) && WTERMSIG(note.wide) == SIGKILL);
	} else {
		/* autoreaped: there never was anything to wait for */
		assert_int_equal(ret, -ECHILD);
	}
	assert_true(proc_gone_wait(victim->pid));
}

static void refused(uint64_t flags, int err)
{
	struct actor *trier = actor_start("trier");

	assert_int_equal(actor_do(trier, ACT_TRY_CLONE3, 0, flags), -err);
}

CASE(N2_requires_pidfd, WAY_NATIVE, NEED_STACK_CLONE, "without CLONE_PIDFD: EINVAL", FLAG_CHECK)
{
	refused(CLONE_PIDFD_AUTOKILL | CLONE_AUTOREAP, EINVAL);
}

CASE(N3_requires_autoreap, WAY_NATIVE, NEED_STACK_CLONE, "without CLONE_AUTOREAP: EINVAL",
     FLAG_CHECK)
{
	refused(CLONE_PIDFD | CLONE_PIDFD_AUTOKILL, EINVAL);
}

CASE(N4_rejects_thread, WAY_NATIVE, NEED_STACK_CLONE, "with CLONE_THREAD: EINVAL", FLAG_CHECK)
{
	refused(CLONE_PIDFD | CLONE_PIDFD_AUTOKILL | CLONE_AUTOREAP | CLONE_THREAD | CLONE_SIGHAND |
			CLONE_VM,
		EINVAL);
}

CASE(N5_pidfd_open_no_effect, WAY_BOTH, 0, "a pidfd from pidfd_open() does not trigger", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	int again = pidfd_of(victim->pid);

	assert_true(again >= 0);
	assert_int_equal(close(again), 0);
	assert_int_equal(actor_do(holder, ACT_PIDFD_CHURN, victim->pid, 3), 0);
	fence();
	assert_alive(victim);
	actor_must(holder, ACT_CLOSE, 0);
	assert_killed(victim);
}

static void refused_with_eperm(struct actor *holder)
{
	struct actor *victim;
	struct spawn ask = { .how = SPAWN_TETHER };

	assert_int_equal(actor_try_spawn(holder, "victim", &ask, false, &victim), -EPERM);
}

CASE(N6_requires_cap_sys_admin, WAY_BOTH, 0,
     "without CAP_SYS_ADMIN and without the guard: EPERM; with the guard: allowed", NULL)
{
	struct actor *capless = actor_start("root without capabilities");
	struct actor *alice = actor_start("alice");
	struct actor *victim;

	actor_must(capless, ACT_DROP_CAPS, 0);
	refused_with_eperm(capless);
	actor_must(alice, ACT_BECOME, ALICE);
	refused_with_eperm(alice);

	/* with the guard it is everybody's right */
	victim = spawn_tethered(alice, "guarded victim", SPAWN_GUARD);
	assert_alive(victim);
	actor_must(alice, ACT_CLOSE, 0);
	assert_killed(victim);
}

CASE(N7_without_nnp_with_cap, WAY_BOTH, 0, "root needs no guard; child ends by itself", NULL)
{
	struct actor *holder = actor_start("root");
	struct actor *victim = spawn_tethered(holder, "victim", 0);

	/* a child that ends by itself, and whose tether is closed after it */
	actor_tell(victim, ACT_EXIT, 0, -1);
	assert_dead(victim);
	actor_must(holder, ACT_CLOSE, 0);
	fence();
	assert_alive(holder);
}

CASE(N8_status_by_pidfd, WAY_NATIVE, NEED_EXIT_INFO,
     "PIDFD_INFO_EXIT has the status of who cannot be waited for",
     "such a child has an exit signal, and a creator who waits")
{
	struct actor *holder = actor_start("holder"), *victim, *stranger;
	int status;

	victim = spawn_tethered(holder, "who ends by itself", 0);
	assert_false(pidfd_status(victim->watch, &status)); /* it is alive */
	actor_tell(victim, ACT_EXIT, 7, -1);
	assert_dead(victim);
	assert_true(pidfd_status(victim->watch, &status));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	actor_must(holder, ACT_CLOSE, 0);

	victim = spawn_tethered(holder, "who is killed", 0);
	actor_must(holder, ACT_CLOSE, 0);
	assert_killed(victim);
	assert_true(pidfd_status(victim->watch, &status));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	/*
	 * for children that somebody is to wait for, it is the kernel that tells, once they are
	 * reaped
	 */
	stranger = spawn_plain(holder, "stranger", 0);
	actor_tell(stranger, ACT_EXIT, 0, -1);
	assert_dead(stranger);
	assert_false(pidfd_status(stranger->watch, &status));
}

CASE(X20_own_nnp_is_not_the_flag, WAY_NATIVE, 0, "caller under no_new_privs, no flag: EPERM",
     "prctl() takes the caller's own no_new_privs as the right (P9)")
{
	struct actor *alice = actor_start("alice");

	actor_must(alice, ACT_BECOME, ALICE);
	actor_must(alice, ACT_NO_NEW_PRIVS, 0);
	refused_with_eperm(alice);
}

CASE(X21_root_of_user_namespace, WAY_BOTH, NEED_USERNS,
     "allowed in one's own user namespace, but not by making it in the same call", NULL)
{
	struct actor *alice = actor_start("alice");
	struct actor *victim;
	struct spawn newuser = { .how = SPAWN_TETHER, .clone_flags = CLONE_NEWUSER };

	actor_must(alice, ACT_BECOME, ALICE);
	/* the namespace made in the same call does not count */
	assert_int_equal(actor_try_spawn(alice, "victim", &newuser, false, &victim), -EPERM);

	assert_int_equal(actor_do(alice, ACT_UNSHARE, 0, CLONE_NEWUSER), 0);
	victim = spawn_tethered(alice, "victim", 0);
	assert_alive(victim);
	actor_must(alice, ACT_CLOSE, 0);
	assert_killed(victim);
}

/* What a caller is, that matters to clone3() */
struct caller {
	bool capable;
	bool autoreap;
};

/* The rules of semantics.md, in the kernel's order. Return: 0 or -errno. */
static int by_the_rules(uint64_t flags, int exit_signal, const struct caller *caller)
{
	bool thread = flags & CLONE_THREAD, parent = flags & CLONE_PARENT;

	if (deviates(DEVIATES_BITS_ALONE) && flags & (CLONE_AUTOREAP | CLONE_NNP) &&
	    !(flags & CLONE_PIDFD_AUTOKILL))
		return -EINVAL;
	if (deviates(DEVIATES_THREAD_PIDFD) && flags & CLONE_PIDFD && thread)
		return -EINVAL;

	if ((thread || parent) && exit_signal)
		return -EINVAL;
	if ((flags & CLONE_AUTOREAP) && (thread || parent || exit_signal))
		return -EINVAL;
	if (parent && caller->autoreap)
		return -EINVAL;
	if ((flags & CLONE_NNP) && thread)
		return -EINVAL;
	if (flags & CLONE_PIDFD_AUTOKILL) {
		if (!(flags & CLONE_PIDFD) || !(flags & CLONE_AUTOREAP) || thread)
			return -EINVAL;
		if (!(flags & CLONE_NNP) && !caller->capable)
			return -EPERM;
	}
	return 0;
}

static void try_all(struct actor *trier, const struct caller *caller)
{
	static const uint64_t bits[6] = {
		CLONE_PIDFD,
		CLONE_AUTOREAP,
		CLONE_NNP,
		CLONE_PIDFD_AUTOKILL,
		CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
		CLONE_PARENT,
	};
	unsigned int set, bit, sig, wrong = 0;

	for (set = 0; set < 64; set++)
		for (sig = 0; sig < 2; sig++) {
			int exit_signal = sig ? SIGCHLD : 0, want, got;
			uint64_t flags = 0;

			for (bit = 0; bit < 6; bit++)
				if (set & (1U << bit))
					flags |= bits[bit];
			want = by_the_rules(flags, exit_signal, caller);
			got = actor_do(trier, ACT_TRY_CLONE3, exit_signal, flags);
			if (got == want)
				continue;
			wrong++;
			print_error("%s: flags 0x%llx, exit signal %d: %s, should be %s\n",
				    trier->role, (unsigned long long)flags, exit_signal,
				    strerror(-got), strerror(-want));
		}
	assert_int_equal(wrong, 0);
	assert_alive(trier);
}

CASE(X22_all_flag_combinations, WAY_NATIVE, NEED_STACK_CLONE, "2^6 flags: errno by the rules",
     FLAG_CHECK)
{
	static const struct caller root = { .capable = true };
	static const struct caller nobody = { .capable = false };
	static const struct caller root_autoreap = { .capable = true, .autoreap = true };
	struct actor *trier = actor_start("root"), *child;

	try_all(trier, &root);
	child = spawn_tethered(trier, "autoreap child", 0);
	try_all(child, &root_autoreap);
	actor_must(trier, ACT_DROP_CAPS, 0);
	try_all(trier, &nobody);
}
