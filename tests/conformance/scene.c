// SPDX-License-Identifier: GPL-2.0-only
/*
 * scene.c - a holder, its parent in various states, the victim, and strangers planted around them
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cases.h"

void scene_build(struct scene *scene, uint32_t how)
{
	*scene = (struct scene){ .vfork_life = -1 };
	scene->parent = actor_start("the holder's parent");
	scene->bystander = spawn_plain(scene->parent, "bystander", 0);
	scene->holder = spawn_plain(scene->parent, "holder", 0);
	scene->sibling = spawn_plain(scene->holder, "sibling", 0);
	scene->unarmed = spawn_plain(scene->holder, "sibling with a pidfd", SPAWN_PIDFD);
	scene->victim = spawn_tethered(scene->holder, "victim", how);
	assert_alive(scene->victim);
}

static void parent_vfork(struct scene *scene)
{
	int life[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, life), 0);
	assert_int_equal(actor_do_fd(scene->parent, ACT_VFORK, 0, life[1]), 0);
	close(life[1]);
	scene->vfork_life = life[0];
	/* uninterruptible but for SIGKILL */
	assert_true(proc_state_wait(scene->parent->pid, 'D'));
}

void scene_parent(struct scene *scene, enum holder_parent parent)
{
	switch (parent) {
	case PARENT_WAITS:
		actor_must(scene->parent, ACT_WAIT, 0);
		break;
	case PARENT_STOPPED:
		actor_stop(scene->parent);
		break;
	case PARENT_GONE:
		actor_tell(scene->parent, ACT_EXIT, 0, -1);
		assert_dead(scene->parent);
		actor_reap(scene->parent);
		break;
	case PARENT_TRACED:
		actor_must(actor_start("tracer"), ACT_TRACE, scene->parent->pid);
		assert_true(proc_state_wait(scene->parent->pid, 't'));
		break;
	case PARENT_FROZEN:
		assert_int_equal(cgroup_make("frozen", NULL), 0);
		assert_int_equal(cgroup_enter("frozen", scene->parent->pid), 0);
		assert_true(cgroup_freeze("frozen"));
		break;
	case PARENT_VFORK:
		parent_vfork(scene);
		break;
	default:
		break;
	}
}

void scene_release(struct scene *scene, enum release release)
{
	struct actor *holder = scene->holder;
	int err;

	switch (release) {
	case RELEASE_CLOSE:
		actor_must(holder, ACT_CLOSE, 0);
		return;
	case RELEASE_CLOSE_RANGE:
		actor_must(holder, ACT_CLOSE_RANGE, 0);
		return;
	case RELEASE_DUP2:
		actor_must(holder, ACT_DUP2_OVER, 0);
		return;
	case RELEASE_EXEC:
		assert_true(actor_exec(holder, PROGRAM_PLAIN, false, &err));
		return;
	case RELEASE_EXIT:
		actor_tell(holder, ACT_EXIT, 0, -1);
		break;
	case RELEASE_SIGKILL:
		actor_signal(holder, SIGKILL);
		break;
	case RELEASE_ABORT:
		actor_tell(holder, ACT_ABORT, 0, -1);
		break;
	case RELEASE_SEGV:
		actor_tell(holder, ACT_SEGV, 0, -1);
		break;
	default:
		fail_msg("no such release");
	}
	assert_dead(holder);
}

void scene_check(struct scene *scene)
{
	assert_killed(scene->victim);
	fence();
	assert_alive(scene->sibling);
	assert_alive(scene->unarmed);
	assert_alive(scene->bystander);
	if (!scene->holder->dead)
		assert_alive(scene->holder);
}

void scene_end(struct scene *scene)
{
	if (scene->vfork_life >= 0) {
		close(scene->vfork_life);
		scene->vfork_life = -1;
		/* it answers once its child has gone */
		assert_alive(scene->parent);
	}
	stage_clear();
}

void scene_play(enum holder_parent parent, enum release release)
{
	static const char *const parents[HOLDER_PARENTS] = {
		"reads", "waits", "is stopped", "is gone", "is traced", "is frozen", "is in vfork"
	};
	static const char *const releases[RELEASES] = {
		"close", "close_range", "dup2", "exit", "SIGKILL", "abort", "SIGSEGV", "exec"
	};
	struct scene scene;

	step("%s, parent %s", releases[release], parents[parent]);
	scene_build(&scene, 0);
	scene_parent(&scene, parent);
	scene_release(&scene, release);
	scene_check(&scene);
	scene_end(&scene);
}
