// SPDX-License-Identifier: GPL-2.0-only
/*
 * acts.c - what an actor can be told to do
 *
 * Raw system calls where the C library would look at its own idea of the process: an actor may
 * have been cloned behind the library's back, and its leader may be gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acts.h"
#include "proc.h"
#include "ways.h"

static int do_become(unsigned int id)
{
	if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		return -errno;
	return 0;
}

static int do_drop_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};

	return result(syscall(SYS_capset, &head, none));
}

static int do_deaf(void)
{
	uint64_t all = ~0ULL;
	int sig;

	for (sig = 1; sig <= 64; sig++)
		signal(sig, SIG_IGN);
	return result(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all)));
}

static int do_trace(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return -errno;
	if (waitpid(pid, &status, __WALL) < 0)
		return -errno;
	return WIFSTOPPED(status) ? 0 : -ECHILD;
}

static int do_rlimit(int resource, long soft)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	limit.rlim_cur = soft;
	return result(setrlimit(resource, &limit));
}

static void do_eat_memory(void)
{
	const size_t bite = 1 << 20;

	for (;;) {
		char *p = mmap(NULL, bite, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (p != MAP_FAILED)
			memset(p, 1, bite);
	}
}

static int do_exec(enum program program)
{
	char sock[16];
	char *argv[] = { "conformance", "--actor", (char *)way_name(the_way),
			 programs_dir,	sock,	   NULL };

	snprintf(sock, sizeof(sock), "%d", self.sock);
	return result(execve(program_path(program), argv, environ));
}

static int do_posix_spawn(int child_sock)
{
	char sock[16];
	char *argv[] = { "conformance", "--actor", (char *)way_name(the_way),
			 programs_dir,	sock,	   NULL };
	pid_t pid;
	int err;

	snprintf(sock, sizeof(sock), "%d", child_sock);
	fcntl(child_sock, F_SETFD, 0);
	err = posix_spawn(&pid, program_path(PROGRAM_PLAIN), NULL, NULL, argv, environ);
	close(child_sock);
	return err ? -err : pid;
}

static void *storm_exec(void *arg)
{
	execve(program_path(PROGRAM_PLAIN), arg, environ);
	_exit(3);
}

static int do_storm(int fd)
{
	static char number[16];
	static char *argv[] = { "conformance", "--storm", programs_dir, number, NULL };
	pthread_t thread;

	snprintf(number, sizeof(number), "%d", fd);
	fcntl(fd, F_SETFD, 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return -pthread_create(&thread, NULL, storm_exec, argv);
}

void storm_life(char **argv)
{
	char *again[] = { "conformance", "--storm", argv[1], argv[2], NULL };
	char byte = 0;
	pthread_t thread;

	snprintf(programs_dir, sizeof(programs_dir), "%s", argv[1]);
	/* nobody may be reading: full or broken is fine */
	signal(SIGPIPE, SIG_IGN);
	if (write(atoi(argv[2]), &byte, 1) < 0 && errno != EAGAIN && errno != EPIPE)
		_exit(4);
	if (pthread_create(&thread, NULL, storm_exec, again))
		_exit(5);
	for (;;)
		pause();
}

static void *pause_thread(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void *loop_thread(void *arg)
{
	(void)arg;
	self_loop();
}

static void do_leader_exits(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, pause_thread, NULL) ||
	    pthread_create(&thread, NULL, loop_thread, NULL)) {
		self_reply(-EAGAIN, 0);
		return;
	}
	self_reply(0, 0);
	/* pthread_exit() without its unwinder */
	syscall(SYS_exit, 0);
}

static void do_vfork(int life)
{
	char byte;

	self_reply(0, 0);
	if (vfork() == 0) {
		while (read(life, &byte, 1) > 0)
			;
		_exit(0);
	}
	close(life);
}

static void do_wait(void)
{
	self_reply(0, 0);
	while (waitpid(-1, NULL, __WALL) < 0 && errno == EINTR)
		;
}

static void do_waitpid(pid_t pid)
{
	int status = 0, ret = result(waitpid(pid, &status, WNOHANG | __WALL));

	self_reply(ret, status);
}

static int limit_set(uint64_t now, uint64_t most)
{
	uint64_t limit[2] = { now, most };
	long ret = syscall(SYS_prlimit64, 0, RLIMIT_LOCKS, limit, NULL);

	return ret < 0 ? -errno : (int)ret;
}

static int limit_is_none(void)
{
	uint64_t limit[2];

	if (syscall(SYS_prlimit64, 0, RLIMIT_LOCKS, NULL, limit))
		return -errno;
	return limit[0] == RLIM_INFINITY && limit[1] == RLIM_INFINITY;
}

/* Acts that only call something and reply what it returned. */
static int act_call(const struct note *note, int fd)
{
	const int value = note->value;

	switch (note->act) {
	case ACT_PING:
		return value + 1;
	case ACT_HELD:
		return self.held;
	case ACT_CLOSE:
		return act_drop(&self.held);
	case ACT_CLOSE_FD:
		return result(close(value));
	case ACT_CLOSE_PLAIN:
		return act_drop(&self.plain);
	case ACT_DUP:
		return result(fcntl(self.held, F_DUPFD_CLOEXEC, 0));
	case ACT_DUP2_OVER:
		return act_dup2_over();
	case ACT_CLOSE_RANGE:
		return result(close_range(self.held, self.held, 0));
	case ACT_KEEP_ON_EXEC:
		return result(fcntl(self.held, F_SETFD, 0));
	case ACT_MAIL:
		return act_mail(fd);
	case ACT_MAIL_CYCLE:
		return act_mail_cycle();
	case ACT_STEAL:
		return act_steal(note->wide, value);
	case ACT_URING_CLOSE:
		return uring_close(self.held, value);
	case ACT_URING_FILE:
		return act_uring_file();
	case ACT_CLOSE_LATER:
		return act_close_later(fd);
	case ACT_EXEC:
		return do_exec(value);
	case ACT_BECOME:
		return do_become(value);
	case ACT_SETGID:
		return result(setresgid(value, value, value));
	case ACT_DROP_CAPS:
		return do_drop_caps();
	case ACT_NO_NEW_PRIVS:
		return result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	case ACT_UNSHARE:
		return result(unshare(note->wide));
	case ACT_DEAF:
		return do_deaf();
	case ACT_TRACE:
		return do_trace(value);
	case ACT_RLIMIT:
		return do_rlimit(value, note->wide);
	case ACT_LOWEST_FD:
		return act_lowest_fd();
	case ACT_PIDFD_CHURN:
		return act_churn(value, note->wide);
	case ACT_IGNORE_CHILDREN:
		return signal(SIGCHLD, SIG_IGN) == SIG_ERR ? -errno : 0;
	case ACT_CHAIN:
		return act_chain(value, fd);
	case ACT_BOMB:
		return act_bomb(fd);
	case ACT_CROWD:
		return act_crowd(value, fd);
	case ACT_CROWD_COUNT:
		return act_crowd_count();
	case ACT_CROWD_END:
		return act_crowd_end(value);
	case ACT_SETSID:
		return result(setsid());
	case ACT_RCU:
		/* synchronize_rcu() (kernel/sched/membarrier.c) */
		return result(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
	case ACT_POSIX_SPAWN:
		return do_posix_spawn(fd);
	case ACT_PRCTL:
		return way_prctl(value, note->wide, note->args[0], note->args[1]);
	case ACT_LIMIT:
		return limit_set(note->wide, note->args[0]);
	case ACT_LIMIT_IS_NONE:
		return limit_is_none();
	case ACT_STRUCT:
		return struct_clone3(value);
	case ACT_TRY_CLONE3:
		return self_try_clone3(note->wide, value);
	default:
		return -ENOSYS;
	}
}

void act(struct note *note, int fd)
{
	int ret;

	switch (note->act) {
	case ACT_SPAWN:
		ret = self_spawn(&note->spawn, fd);
		/* in a shared table the number is the child's, too */
		if (!(note->spawn.clone_flags & CLONE_FILES))
			close(fd);
		self_reply(ret, 0);
		return;
	case ACT_EXIT:
		_exit(note->value);
	case ACT_ABORT:
		abort();
	case ACT_SEGV:
		signal(SIGSEGV, SIG_DFL);
		syscall(SYS_kill, getpid(), SIGSEGV);
		return;
	case ACT_EAT_MEMORY:
		do_eat_memory();
		return;
	case ACT_STORM:
		ret = do_storm(fd);
		if (ret)
			self_reply(ret, 0);
		return;
	case ACT_WAIT:
		do_wait();
		return;
	case ACT_VFORK:
		do_vfork(fd);
		return;
	case ACT_WAITPID:
		do_waitpid(note->value);
		return;
	case ACT_LEADER_EXITS:
		do_leader_exits();
		return;
	default:
		self_reply(act_call(note, fd), 0);
	}
}

struct threaded {
	struct note *note;
	int fd;
};

static void *act_thread(void *arg)
{
	struct threaded *threaded = arg;

	act(threaded->note, threaded->fd);
	return NULL;
}

void act_in_thread(struct note *note, int fd)
{
	struct threaded threaded = { note, fd };
	pthread_t thread;

	if (pthread_create(&thread, NULL, act_thread, &threaded)) {
		self_reply(-EAGAIN, 0);
		return;
	}
	pthread_join(thread, NULL);
}
