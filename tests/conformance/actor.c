// SPDX-License-Identifier: GPL-2.0-only
/*
 * actor.c - what main does with actors, and the clearing of the stage
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actor.h"
#include "check.h"
#include "left.h"
#include "proc.h"
#include "ways.h"

#define ACTORS_MAX 2048
#define FENCE_LENGTH 3

static struct actor *actors[ACTORS_MAX];
static int actor_count;

static struct actor *actor_new(const char *role, int sock)
{
	struct actor *actor = calloc(1, sizeof(*actor));

	assert_non_null(actor);
	assert_true(actor_count < ACTORS_MAX);
	*actor = (struct actor){ .role = role, .watch = -1, .sock = sock };
	actors[actor_count++] = actor;
	return actor;
}

static void sockets_make(int *mine, int *theirs)
{
	int pair[2], on = 1;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	/* for the pid of who says hello, as this pid namespace counts */
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	*mine = pair[0];
	*theirs = pair[1];
}

/* Like note_receive(), within the deadline, with the sender's pid. */
static int note_await(struct actor *actor, struct note *note, pid_t *pid)
{
	char control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
	struct iovec iov = { note, sizeof(*note) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct pollfd pfds[2] = { { .fd = actor->sock, .events = POLLIN },
				  { .fd = actor->watch, .events = POLLIN } };
	struct cmsghdr *cmsg;
	ssize_t got;

	if (poll(pfds, 2, the_deadline_ms) <= 0)
		return -ETIMEDOUT;
	/* what it said before it died counts */
	got = recvmsg(actor->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got <= 0)
		return -ESRCH;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg && pid; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_type == SCM_CREDENTIALS)
			*pid = ((struct ucred *)CMSG_DATA(cmsg))->pid;
	return 0;
}

static void expect_from(struct actor *actor, enum act act, struct note *note, pid_t *pid)
{
	int err = note_await(actor, note, pid);

	if (err)
		fail_msg("%s (pid %d): %s when an answer was due", actor->role, actor->pid,
			 err == -ESRCH ? "was gone" : "did not answer");
	if (note->act != (int)act)
		fail_msg("%s (pid %d): note %d (value %d) when %d was due", actor->role, actor->pid,
			 note->act, note->value, act);
}

void actor_expect(struct actor *actor, enum act act, struct note *note)
{
	expect_from(actor, act, note, NULL);
}

static void actor_meet(struct actor *actor)
{
	struct note note;

	expect_from(actor, ACT_HELLO, &note, &actor->pid);
	actor->hello = note.hello;
	actor->watch = pidfd_of(actor->pid);
	if (actor->watch < 0)
		fail_msg("%s: pidfd_open(%d): %s", actor->role, actor->pid,
			 strerror(-actor->watch));
}

struct actor *actor_start(const char *role)
{
	struct actor *actor;
	int mine, theirs;
	pid_t pid;

	sockets_make(&mine, &theirs);
	actor = actor_new(role, mine);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		actor_life(theirs, false);
	close(theirs);
	actor_meet(actor);
	return actor;
}

int actor_try_spawn(struct actor *parent, const char *role, const struct spawn *spawn,
		    bool in_thread, struct actor **child)
{
	struct note note = { .act = ACT_SPAWN, .in_thread = in_thread, .spawn = *spawn };
	int mine, theirs, ret = 0;

	*child = NULL;
	sockets_make(&mine, &theirs);
	assert_int_equal(note_send(parent->sock, &note, theirs), 0);
	close(theirs);
	/* a creator in vfork does not answer before its child has gone */
	if (!(spawn->how & SPAWN_VFORK)) {
		actor_expect(parent, ACT_REPLY, &note);
		ret = note.value;
	}
	if (ret < 0) {
		close(mine);
		return ret;
	}
	*child = actor_new(role, mine);
	actor_meet(*child);
	return 0;
}

struct actor *actor_spawn(struct actor *parent, const char *role, const struct spawn *spawn)
{
	struct actor *child;
	int err = actor_try_spawn(parent, role, spawn, false, &child);

	if (err)
		fail_msg("%s could not create %s: %s", parent->role, role, strerror(-err));
	return child;
}

struct actor *actor_spawn_program(struct actor *parent, const char *role)
{
	struct note note = { .act = ACT_POSIX_SPAWN };
	struct actor *child;
	int mine, theirs;

	sockets_make(&mine, &theirs);
	assert_int_equal(note_send(parent->sock, &note, theirs), 0);
	close(theirs);
	actor_expect(parent, ACT_REPLY, &note);
	if (note.value < 0)
		fail_msg("%s could not spawn %s: %s", parent->role, role, strerror(-note.value));
	child = actor_new(role, mine);
	actor_meet(child);
	return child;
}

struct planting {
	struct actor *parent;
	const char *role;
	const struct spawn *spawn;
	struct actor *child;
	int err;
};

static bool planted(void *arg)
{
	struct planting *planting = arg;

	planting->err = actor_try_spawn(planting->parent, planting->role, planting->spawn, false,
					&planting->child);
	return planting->err != -EEXIST;
}

struct actor *actor_plant(struct actor *parent, const char *role, const struct spawn *spawn)
{
	struct planting planting = { parent, role, spawn, NULL, 0 };

	wait_until(planted, &planting, the_deadline_ms);
	if (planting.err)
		fail_msg("%s could not create %s: %s", parent->role, role, strerror(-planting.err));
	assert_int_equal(planting.child->pid, spawn->set_tid);
	return planting.child;
}

struct actor *spawn_tethered(struct actor *parent, const char *role, uint32_t how)
{
	return actor_spawn(parent, role, &(struct spawn){ .how = how | SPAWN_TETHER });
}

struct actor *spawn_plain(struct actor *parent, const char *role, uint32_t how)
{
	return actor_spawn(parent, role, &(struct spawn){ .how = how, .exit_signal = SIGCHLD });
}

int actor_do_note(struct actor *actor, struct note *note, int fd)
{
	int err = note_send(actor->sock, note, fd);

	if (err)
		fail_msg("%s (pid %d): %s", actor->role, actor->pid, strerror(-err));
	actor_expect(actor, ACT_REPLY, note);
	return note->value;
}

int actor_do(struct actor *actor, enum act act, int value, int64_t wide)
{
	return actor_do_note(actor, &(struct note){ .act = act, .value = value, .wide = wide }, -1);
}

int actor_do_fd(struct actor *actor, enum act act, int value, int fd)
{
	return actor_do_note(actor, &(struct note){ .act = act, .value = value }, fd);
}

void actor_tell(struct actor *actor, enum act act, int value, int fd)
{
	note_send(actor->sock, &(struct note){ .act = act, .value = value }, fd);
}

void actor_must_at(struct actor *actor, enum act act, int value, const char *what, const char *file,
		   int line)
{
	int ret = actor_do(actor, act, value, 0);

	if (ret < 0) {
		cm_print_error("%s: %s: %s\n", actor->role, what, strerror(-ret));
		_fail(file, line);
	}
}

bool actor_exec(struct actor *actor, enum program program, bool by_thread, int *err)
{
	struct note note = { .act = ACT_EXEC, .value = program, .in_thread = by_thread };
	int ret = note_send(actor->sock, &note, -1);

	assert_int_equal(ret, 0);
	ret = note_await(actor, &note, NULL);
	if (ret)
		fail_msg("%s: gone or silent at exec: %s", actor->role, strerror(-ret));
	if (note.act == ACT_HELLO) {
		actor->hello = note.hello;
		return true;
	}
	*err = note.value;
	return false;
}

void assert_alive_at(struct actor *actor, const char *file, int line)
{
	struct note note = { .act = ACT_PING, .value = 41 };
	int err = note_send(actor->sock, &note, -1);

	if (!err)
		err = note_await(actor, &note, NULL);
	if (err || note.act != ACT_REPLY || note.value != 42) {
		cm_print_error("%s (pid %d) should be alive: %s\n", actor->role, actor->pid,
			       err == -ETIMEDOUT ? "no answer" : "it is gone");
		_fail(file, line);
	}
}

void assert_killed_at(struct actor *actor, bool by_sigkill, const char *file, int line)
{
	int status;

	if (!pidfd_dead(actor->watch, the_deadline_ms)) {
		cm_print_error("%s (pid %d, state %c) should be dead: alive after %d s\n",
			       actor->role, actor->pid, proc_state(actor->pid),
			       the_deadline_ms / 1000);
		_fail(file, line);
	}
	actor->dead = true;
	if (by_sigkill && proc_status(actor->pid, actor->watch, &status) &&
	    (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)) {
		cm_print_error("%s (pid %d) died of 0x%x, not of SIGKILL\n", actor->role,
			       actor->pid, status);
		_fail(file, line);
	}
}

void actor_signal(struct actor *actor, int sig)
{
	assert_int_equal(pidfd_signal(actor->watch, sig), 0);
}

void actor_end(struct actor *actor)
{
	pidfd_signal(actor->watch, SIGKILL);
	assert_dead(actor);
}

void actor_stop(struct actor *actor)
{
	actor_signal(actor, SIGSTOP);
	assert_true(proc_state_wait(actor->pid, 'T'));
}

void actor_reap(struct actor *actor)
{
	while (waitpid(actor->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	assert_true(proc_gone_wait(actor->pid));
}

void fence(void)
{
	int i;

	for (i = 0; i < FENCE_LENGTH; i++) {
		struct clone_args args = { .flags = way_clone_flags(false) };
		int pidfd = -1, watch;
		long pid;

		args.pidfd = (uintptr_t)&pidfd;
		assert_int_equal(way_arm(0), 0);
		pid = raw_clone3(&args, NULL, NULL);
		assert_true(pid >= 0);
		while (pid == 0)
			pause();
		watch = pidfd_of(pid);
		assert_true(watch >= 0);
		close(pidfd);
		if (!pidfd_dead(watch, the_deadline_ms))
			fail_msg("the fence: a release did not kill");
		close(watch);
		waitpid(pid, NULL, __WALL);
	}
}

static void actors_forget(void)
{
	while (actor_count > 0) {
		struct actor *actor = actors[--actor_count];

		close(actor->sock);
		if (actor->watch >= 0)
			close(actor->watch);
		free(actor);
	}
}

static void actors_kill(void)
{
	int i;

	for (i = 0; i < actor_count; i++)
		if (actors[i]->watch >= 0)
			pidfd_signal(actors[i]->watch, SIGKILL);
	/* killing goes before waiting: a tracer, or a namespace's init, may hold up another */
	for (i = 0; i < actor_count; i++)
		if (actors[i]->watch >= 0)
			pidfd_dead(actors[i]->watch, the_deadline_ms);
}

void stage_clear(void)
{
	int left;

	actors_kill();
	actors_forget();
	left = left_processes(false);
	if (left)
		fail_msg("%d processes are left behind", left);
	left = cgroups_drop();
	if (left)
		fail_msg("%d cgroups would not go", left);
	left = left_state();
	if (left)
		fail_msg("%d entries are left in the kernel side's maps", left);
}

void stage_sweep(void)
{
	actors_kill();
	actors_forget();
	left_processes(true);
	cgroups_drop();
}
