// SPDX-License-Identifier: GPL-2.0-only
/*
 * victim.c - whatever the victim is, or does, it dies
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cases.h"
#include "deviations.h"

/* The releases that differ for a kernel side: the closer lives, dies, changes its memory. */
static const enum release three_ends[] = { RELEASE_CLOSE, RELEASE_SIGKILL, RELEASE_EXEC };

#define ENDS 3

static void play_out(struct scene *scene, unsigned int end)
{
	scene_release(scene, three_ends[end]);
	scene_check(scene);
	scene_end(scene);
}

CASE(X10_victim_changes_uid, WAY_BOTH, 0, "setresuid, setuid exec: still dies", NULL)
{
	unsigned int i, suid;
	int err;

	for (suid = 0; suid < 2; suid++)
		for (i = 0; i < ENDS; i++) {
			struct scene scene;

			step("release %u, %s", i, suid ? "setuid exec" : "setresuid");
			scene_build(&scene, 0);
			actor_must(scene.victim, ACT_BECOME, ALICE);
			if (suid) {
				assert_true(actor_exec(scene.victim, PROGRAM_SUID, false, &err));
				assert_int_equal(scene.victim->hello.euid, 0);
			}
			play_out(&scene, i);
		}
}

/* The closer may signal nobody: it is the kernel that kills. */
CASE(X10_from_a_foreign_uid, WAY_BOTH, 0, "closed by bob: alice, and root again, die", NULL)
{
	unsigned int i;
	int err;

	for (i = 0; i < ENDS; i++) {
		struct scene scene;

		step("victim alice, release %u", i);
		scene_build(&scene, 0);
		actor_must(scene.victim, ACT_BECOME, ALICE);
		actor_must(scene.holder, ACT_BECOME, BOB);
		play_out(&scene, i);

		step("victim setuid root, release %u", i);
		scene_build(&scene, 0);
		actor_must(scene.victim, ACT_BECOME, ALICE);
		assert_true(actor_exec(scene.victim, PROGRAM_SUID, false, &err));
		actor_must(scene.holder, ACT_BECOME, BOB);
		play_out(&scene, i);
	}
}

CASE(X11_namespace_init, WAY_BOTH, 0, "init of a pid namespace: all of it dies", NULL)
{
	struct spawn ask = { .how = SPAWN_TETHER, .clone_flags = CLONE_NEWPID };
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct scene scene;
		struct actor *child, *grandchild;

		step("release %u", i);
		scene_build(&scene, 0);
		/* the ordinary victim is left to the scene; this one is the holder's second */
		actor_must(scene.holder, ACT_CLOSE, 0);
		assert_killed(scene.victim);
		scene.victim = actor_spawn(scene.holder, "namespace init", &ask);
		child = spawn_plain(scene.victim, "child in the namespace", 0);
		grandchild = spawn_plain(child, "grandchild in the namespace", 0);
		assert_alive(grandchild);
		scene_release(&scene, three_ends[i]);
		assert_killed(scene.victim);
		assert_killed(child);
		assert_killed(grandchild);
		scene_check(&scene);
		scene_end(&scene);
	}
}

CASE(X12_deaf_to_signals, WAY_BOTH, 0, "blocks and ignores every signal", NULL)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct scene scene;

		step("release %u", i);
		scene_build(&scene, 0);
		actor_must(scene.victim, ACT_DEAF, 0);
		play_out(&scene, i);
	}
}

CASE(X13_leader_gone, WAY_BOTH, 0, "the leader has left, threads go on; also stopped", NULL)
{
	unsigned int i, stopped;

	for (stopped = 0; stopped < 2; stopped++)
		for (i = 0; i < ENDS; i++) {
			struct scene scene;

			step("release %u%s", i, stopped ? ", stopped" : "");
			scene_build(&scene, 0);
			actor_must(scene.victim, ACT_LEADER_EXITS, 0);
			assert_true(proc_state_wait(scene.victim->pid, 'Z'));
			/* the other threads go on */
			assert_alive(scene.victim);
			if (stopped)
				actor_signal(scene.victim, SIGSTOP);
			play_out(&scene, i);
		}
}

CASE(X14_exec_by_thread, WAY_BOTH, 0, "exec by a non-leader thread before the release", NULL)
{
	unsigned int i;
	int err;

	for (i = 0; i < ENDS; i++) {
		struct scene scene;

		step("release %u", i);
		scene_build(&scene, 0);
		assert_true(actor_exec(scene.victim, PROGRAM_PLAIN, true, &err));
		assert_true(actor_exec(scene.victim, PROGRAM_PLAIN, true, &err));
		play_out(&scene, i);
	}
}

/* Wait for @count execs: the victim writes a byte after each. */
static void storm_watch(int fd, int count)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char byte;

	while (count-- > 0) {
		assert_int_equal(poll(&pfd, 1, the_deadline_ms), 1);
		assert_int_equal(read(fd, &byte, 1), 1);
	}
}

CASE(X14_exec_storm, WAY_BOTH, 0, "the same again and again, during the release", NULL)
{
	int round;

	for (round = 0; round < the_rounds; round++) {
		struct actor *holder = actor_start("holder");
		struct actor *sibling = spawn_plain(holder, "sibling", 0);
		struct actor *victim = spawn_tethered(holder, "victim", 0);
		int pipefd[2];

		step("round %d", round);
		assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
		actor_tell(victim, ACT_STORM, 0, pipefd[1]);
		close(pipefd[1]);
		storm_watch(pipefd[0], 1 + round % 4);
		if (round & 1)
			actor_end(holder);
		else
			actor_must(holder, ACT_CLOSE, 0);
		/*
		 * Not assert_killed: a leader that exec has ended leaves with status 0
		 * (do_group_exit() with group_exec_task set), which stays if SIGKILL meets the
		 * thread that execs next.
		 */
		if (!served_by_autokill() && !pidfd_dead(victim->watch, the_deadline_ms)) {
			/*
			 * Seen once, on 7.3, in the kernel's own hands. By source it can find the
			 * leader that exec has just replaced, whose signals nobody takes any more.
			 */
			stage_sweep();
			skip_because(SKIP_LOST_EXEC, "round %d: the kernel itself lost the release",
				     round);
		}
		assert_dead(victim);
		close(pipefd[0]);
		assert_alive(sibling);
		stage_clear();
	}
}

CASE(X15_stopped, WAY_BOTH, 0, "SIGSTOPped", NULL)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct scene scene;

		step("release %u", i);
		scene_build(&scene, 0);
		actor_stop(scene.victim);
		play_out(&scene, i);
	}
}

CASE(X15_traced, WAY_BOTH, 0, "in a ptrace stop", NULL)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct scene scene;

		step("release %u", i);
		scene_build(&scene, 0);
		actor_must(actor_start("tracer"), ACT_TRACE, scene.victim->pid);
		assert_true(proc_state_wait(scene.victim->pid, 't'));
		play_out(&scene, i);
	}
}

CASE(X15_frozen, WAY_BOTH, NEED_CGROUP, "in a frozen cgroup", NULL)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct scene scene;

		step("release %u", i);
		scene_build(&scene, 0);
		assert_int_equal(cgroup_make("frozen", NULL), 0);
		assert_int_equal(cgroup_enter("frozen", scene.victim->pid), 0);
		assert_true(cgroup_freeze("frozen"));
		play_out(&scene, i);
	}
}

#define CORE_PATTERN "/proc/sys/kernel/core_pattern"

static void core_name(struct sockaddr_un *name, socklen_t *size, pid_t pid)
{
	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	/* abstract: the helper that the kernel starts has no file in common with the case */
	*size = offsetof(struct sockaddr_un, sun_path) + 1 +
		snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "conformance-core-%d",
			 pid);
}

/* What the kernel starts for a dump: says so, and reads nothing of it. */
int core_helper(pid_t suite)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name;
	socklen_t size;
	char byte;

	core_name(&name, &size, suite);
	if (sock < 0 || connect(sock, (struct sockaddr *)&name, size) < 0)
		return 1;
	while (read(sock, &byte, 1) > 0)
		;
	return 0;
}

static void dump_core_and_release(int listener, unsigned int end)
{
	struct pollfd pfd = { .fd = listener, .events = POLLIN };
	struct scene scene;
	int helper;

	step("release %u", end);
	scene_build(&scene, 0);
	actor_tell(scene.victim, ACT_SEGV, 0, -1);
	/* with no reader, the dump cannot go on beyond what a pipe holds */
	assert_int_equal(poll(&pfd, 1, the_deadline_ms), 1);
	helper = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(helper >= 0);
	assert_false(pidfd_dead(scene.victim->watch, 0));
	scene_release(&scene, three_ends[end]);
	assert_dead(scene.victim);
	fence();
	assert_alive(scene.sibling);
	assert_alive(scene.unarmed);
	close(helper);
	scene_end(&scene);
}

CASE(X16_dumping_core, WAY_BOTH, NEED_COREDUMP, "dumping core to one who does not read", NULL)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name;
	socklen_t size;
	char pattern[96];
	unsigned int i;

	core_name(&name, &size, getpid());
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&name, size), 0);
	assert_int_equal(listen(listener, 4), 0);
	snprintf(pattern, sizeof(pattern), "|/proc/%d/exe --core %d", getpid(), getpid());
	assert_int_equal(sysctl_set(CORE_PATTERN, pattern), 0);
	for (i = 0; i < ENDS; i++)
		dump_core_and_release(listener, i);
	sysctl_restore();
	close(listener);
}
