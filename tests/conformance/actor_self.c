// SPDX-License-Identifier: GPL-2.0-only
/*
 * actor_self.c - what runs in an actor: the loop, and being born
 *
 * The acts themselves are in acts.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "acts.h"
#include "ways.h"

char programs_dir[64];
struct self self = { .sock = -1, .held = -1, .plain = -1 };

const char *program_path(enum program program)
{
	static const char *const names[] = { "plain", "suid", "sgid", "fcap", "misc" };
	static char path[80];

	snprintf(path, sizeof(path), "%s/%s", programs_dir, names[program]);
	return path;
}

int note_send(int sock, const struct note *note, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { (void *)note, sizeof(*note) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int note_receive(int sock, struct note *note, int *fd)
{
	char control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { note, sizeof(*note) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;
	ssize_t got;

	*fd = -1;
	do {
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (got == 0)
		return -EPIPE;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
			memcpy(fd, CMSG_DATA(cmsg), sizeof(int));
	return 0;
}

void self_reply(int value, int64_t wide)
{
	struct note note = { .act = ACT_REPLY, .value = value, .wide = wide };

	note_send(self.sock, &note, -1);
}

static uint64_t caps_effective(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &head, data) < 0)
		return ~0ULL;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

static void say_hello(int sock)
{
	struct note note = { .act = ACT_HELLO };

	note.hello = (struct hello){ getuid(), geteuid(), getgid(), getegid(), caps_effective() };
	note_send(sock, &note, -1);
}

static void __attribute__((noreturn)) pause_for_ever(void)
{
	for (;;)
		pause();
}

void __attribute__((noreturn)) self_loop(void)
{
	for (;;) {
		struct note note;
		int fd;

		/* main is gone, or done with us: it is for others to end this process */
		if (note_receive(self.sock, &note, &fd) < 0)
			pause_for_ever();
		if (note.in_thread)
			act_in_thread(&note, fd);
		else
			act(&note, fd);
	}
}

/* Between vfork and exec, in another's memory: answers, and touches nothing of it. */
static int vfork_life(void *sock)
{
	int fd;

	say_hello((int)(intptr_t)sock);
	for (;;) {
		struct note note;

		if (note_receive((int)(intptr_t)sock, &note, &fd) < 0)
			pause_for_ever();
		note.act = ACT_REPLY;
		note.value++;
		note_send((int)(intptr_t)sock, &note, -1);
	}
}

void actor_life(int sock, bool keep_fds)
{
	static const int cmockas[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGALRM };
	unsigned int i;

	/* handlers that would go back into a case, in a process that is not main */
	for (i = 0; i < sizeof(cmockas) / sizeof(cmockas[0]); i++)
		signal(cmockas[i], SIG_DFL);
	self.sock = sock;
	if (!keep_fds) {
		self.sock = dup2(sock, 3);
		close_range(4, ~0U, 0);
		self.held = self.plain = -1;
	}
	fcntl(self.sock, F_SETFD, 0);
	say_hello(self.sock);
	self_loop();
}

void actor_life_after_exec(char **argv)
{
	/* argv: --actor WAY PROGRAMS_DIR SOCK */
	if (!argv[1] || !argv[2] || !argv[3] || !way_parse(argv[1], &the_way))
		_exit(2);
	snprintf(programs_dir, sizeof(programs_dir), "%s", argv[2]);
	self.sock = atoi(argv[3]);
	say_hello(self.sock);
	self_loop();
}

#define CHILD_STACK (128 * 1024)

static void *child_stack(void)
{
	void *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	return stack == MAP_FAILED ? NULL : stack;
}

static long legacy_clone(const struct clone_args *args)
{
	/* x86-64's order of arguments, which matters for none but the first three */
	long ret = syscall(SYS_clone, args->flags | args->exit_signal, NULL,
			   (void *)(uintptr_t)args->pidfd, NULL, NULL);

	return ret < 0 ? -errno : ret;
}

/* Where the pidfd is written: static, for a child in vfork shares what stands on the stack. */
static int new_pidfd;

int self_spawn(const struct spawn *spawn, int child_sock)
{
	struct clone_args args = { .exit_signal = spawn->exit_signal };
	bool tether = spawn->how & SPAWN_TETHER, guard = spawn->how & SPAWN_GUARD;
	pid_t set_tid = spawn->set_tid;
	long pid;
	int err;

	new_pidfd = -1;
	args.flags = spawn->clone_flags;
	if (tether)
		args.flags |= way_clone_flags(guard);
	if (spawn->how & SPAWN_PIDFD)
		args.flags |= CLONE_PIDFD;
	if (args.flags & CLONE_PIDFD)
		args.pidfd = spawn->how & SPAWN_BAD_PIDFD ? 8 : (uintptr_t)&new_pidfd;
	if (set_tid) {
		args.set_tid = (uintptr_t)&set_tid;
		args.set_tid_size = 1;
	}
	if (args.flags & CLONE_INTO_CGROUP) {
		int cgroup = open(spawn->cgroup, O_PATH | O_CLOEXEC);

		args.cgroup = cgroup < 0 ? 4095 : cgroup;
	}
	if (spawn->how & SPAWN_VFORK) {
		args.flags |= CLONE_VM | CLONE_VFORK;
		args.stack = (uintptr_t)child_stack();
		args.stack_size = CHILD_STACK;
	}
	if (tether && !(spawn->how & SPAWN_NO_ARM)) {
		err = way_arm((guard ? AUTOKILL_NNP : 0) |
			      (spawn->how & SPAWN_TREE ? AUTOKILL_TREE : 0));
		if (err)
			return err;
	}
	pid = spawn->how & SPAWN_LEGACY
		      ? legacy_clone(&args)
		      : raw_clone3(&args, vfork_life, (void *)(intptr_t)child_sock);
	if (pid == 0)
		actor_life(child_sock, spawn->how & SPAWN_KEEP_FDS);
	if (args.flags & CLONE_INTO_CGROUP)
		close(args.cgroup);
	if (pid > 0 && tether)
		self.held = new_pidfd;
	else if (pid > 0 && (args.flags & CLONE_PIDFD))
		self.plain = new_pidfd;
	return pid;
}

/* The pidfd of a child in vfork, while its creator waits in clone3(). */
int self_new_pidfd(void)
{
	return *(volatile int *)&new_pidfd;
}

uintptr_t self_new_pidfd_place(void)
{
	return (uintptr_t)&new_pidfd;
}

/* The child of a trial: on a stack of its own, as CLONE_VM may be among the flags. */
static int trial_life(void *arg)
{
	(void)arg;
	return 0;
}

int self_try_clone3(uint64_t flags, int exit_signal)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = flags,
		.exit_signal = exit_signal,
		.pidfd = flags & CLONE_PIDFD ? (uintptr_t)&pidfd : 0,
		/* never unmapped: a thread may be on it a while longer */
		.stack = (uintptr_t)child_stack(),
		.stack_size = CHILD_STACK,
	};
	long pid = raw_clone3(&args, trial_life, NULL);

	if (pid < 0)
		return pid;
	if (pidfd >= 0)
		close(pidfd);
	return 0;
}
