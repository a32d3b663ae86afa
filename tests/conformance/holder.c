// SPDX-License-Identifier: GPL-2.0-only
/*
 * holder.c - the ends of a holder, and the state that its parent is in
 *
 * The parent matters because the kernel side may have to borrow a process to kill from, when the
 * closer is exiting and has none of its own left to do it with.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

CASE(X6_holder_dies, WAY_BOTH, 0,
     "exit, SIGKILL, abort, SIGSEGV; parent reads, waits, is stopped, is gone", NULL)
{
	static const enum release ends[] = { RELEASE_EXIT, RELEASE_SIGKILL, RELEASE_ABORT,
					     RELEASE_SEGV };
	static const enum holder_parent parents[] = { PARENT_READS, PARENT_WAITS, PARENT_STOPPED,
						      PARENT_GONE };
	unsigned int end, parent;

	for (end = 0; end < 4; end++)
		for (parent = 0; parent < 4; parent++)
			scene_play(parents[parent], ends[end]);
}

CASE(X6_holder_oom_killed, WAY_BOTH, NEED_CGROUP | NEED_MEMORY, "holder is OOM-killed", NULL)
{
	struct scene scene;
	int status;

	assert_int_equal(cgroup_make("oom", "memory"), 0);
	assert_int_equal(cgroup_set("oom", "memory.max", "8M"), 0);
	cgroup_set("oom", "memory.swap.max", "0"); /* not there without swap */
	scene_build(&scene, 0);
	assert_int_equal(cgroup_enter("oom", scene.holder->pid), 0);
	actor_tell(scene.holder, ACT_EAT_MEMORY, 0, -1);
	assert_dead(scene.holder);
	if (proc_status(scene.holder->pid, scene.holder->watch, &status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	scene_check(&scene);
	scene_end(&scene);
}

CASE(X7_holder_execs, WAY_BOTH, 0, "close-on-exec kills; the same four parents", NULL)
{
	static const enum holder_parent parents[] = { PARENT_READS, PARENT_WAITS, PARENT_STOPPED,
						      PARENT_GONE };
	unsigned int i;

	for (i = 0; i < 4; i++)
		scene_play(parents[i], RELEASE_EXEC);
}

CASE(X7_holder_execs_keeping_it, WAY_BOTH, 0, "with FD_CLOEXEC cleared: alive until exit", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	int err;

	actor_must(holder, ACT_KEEP_ON_EXEC, 0);
	assert_true(actor_exec(holder, PROGRAM_PLAIN, false, &err));
	fence();
	assert_alive(victim);
	actor_end(holder);
	assert_killed(victim);
}

CASE(X7_holder_execs_by_thread, WAY_BOTH, 0, "exec by a thread that is not the leader", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	int err;

	assert_true(actor_exec(holder, PROGRAM_PLAIN, true, &err));
	assert_killed(victim);
	assert_alive(holder);
}

static const struct spawn vfork_ask = { .how = SPAWN_TETHER | SPAWN_VFORK | SPAWN_KEEP_FDS };

CASE(X25_in_vfork_holder_killed, WAY_BOTH, NEED_STACK_CLONE, "child in vfork, creator dies", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *sibling = spawn_plain(holder, "sibling", 0);
	struct actor *victim = actor_spawn(holder, "victim", &vfork_ask);

	assert_alive(victim);
	actor_end(holder);
	assert_killed(victim);
	fence();
	assert_alive(sibling);
}

CASE(X25_in_vfork_closed_by_thread, WAY_BOTH, NEED_STACK_CLONE,
     "child in vfork, another thread of the creator closes", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *sibling = spawn_plain(holder, "sibling", 0);
	struct actor *victim;
	struct note note;
	int button[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, button), 0);
	assert_int_equal(actor_do_fd(holder, ACT_CLOSE_LATER, 0, button[1]), 0);
	close(button[1]);
	victim = actor_spawn(holder, "victim", &vfork_ask);
	assert_alive(victim);
	assert_int_equal(write(button[0], "x", 1), 1);
	close(button[0]);
	assert_killed(victim);
	/* the creator comes back from clone3(), with the pid of one who is dead */
	actor_expect(holder, ACT_REPLY, &note);
	assert_int_equal(note.value, victim->pid);
	fence();
	assert_alive(sibling);
	assert_alive(holder);
}

static void lenders(enum holder_parent parent)
{
	static const enum release ends[] = { RELEASE_CLOSE, RELEASE_EXIT, RELEASE_SIGKILL,
					     RELEASE_EXEC };
	unsigned int i, stopped;

	for (stopped = 0; stopped < 2; stopped++)
		for (i = 0; i < 4; i++) {
			struct scene scene;

			step("release %u, victim %s", i, stopped ? "stopped" : "sleeping");
			scene_build(&scene, 0);
			if (stopped) /* it cannot run, so it cannot kill itself */
				actor_stop(scene.victim);
			scene_parent(&scene, parent);
			scene_release(&scene, ends[i]);
			scene_check(&scene);
			scene_end(&scene);
		}
}

CASE(T16_closers_parent_stopped, WAY_BOTH, 0, "victim sleeping, victim stopped", NULL)
{
	lenders(PARENT_STOPPED);
}

CASE(T16_closers_parent_traced, WAY_BOTH, 0, "the same", NULL)
{
	lenders(PARENT_TRACED);
}

CASE(T16_closers_parent_frozen, WAY_BOTH, NEED_CGROUP, "the same", NULL)
{
	lenders(PARENT_FROZEN);
}

CASE(T16_closers_parent_in_vfork, WAY_BOTH, 0, "the same", NULL)
{
	lenders(PARENT_VFORK);
}
