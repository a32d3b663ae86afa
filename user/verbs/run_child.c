// SPDX-License-Identifier: GPL-2.0-only
/* run_child.c - autokill run: the command as a child, from its birth to its exit status */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "autokill.h"
#include "autokill_state.h"
#include "base/cleanup.h"
#include "base/msg.h"
#include "verbs/explain.h"
#include "verbs/run_child.h"
#include "verbs/run_signals.h"

/*
 * The beginning of struct pidfd_info and the request for it, for headers before Linux 6.15: the
 * first published size (PIDFD_INFO_SIZE_VER0) is enough. Source: include/uapi/linux/pidfd.h.
 */
struct pidfd_exit_info {
	__u64 mask;
	__u64 cgroupid;
	__u32 ids[11]; /* pid to fsgid */
	__s32 exit_code;
};

_Static_assert(sizeof(struct pidfd_exit_info) == 64, "PIDFD_INFO_SIZE_VER0");

#define PIDFD_EXIT_GET _IOWR(0xFF, 11, struct pidfd_exit_info) /* PIDFD_GET_INFO */
#define PIDFD_EXIT_MASK (1ULL << 3)			       /* PIDFD_INFO_EXIT */

#define WAITED (WEXITED | WSTOPPED | WCONTINUED)
#define REAP_MS 10000 /* from the end of a child to its release_task(); takes microseconds */

/* In the child: become the command, or tell the parent why not. */
static _Noreturn void child_exec(char **argv, int report)
{
	int err;

	execvp(argv[0], argv);
	err = errno;
	if (write(report, &err, sizeof(err)) != sizeof(err))
		_exit(RUN_FAILED);
	_exit(run_status_of_exec(err));
}

static const char *clone_advice(int err)
{
	switch (err) {
	case EPERM:
		return "no right to; see whether --nnp helps, and whether a container or seccomp "
		       "forbids it";
	case EMFILE:
		return "no descriptor is free; raise ulimit -n";
	case ENFILE:
		return "too many files are open on this system; see fs.file-max";
	case ENOMEM:
		return "no memory";
	case ENOSYS:
		return "a container or seccomp forbids clone3()";
	default:
		return strerror(err);
	}
}

/*
 * Was it the nesting alone? Then a child that is no tree can be tethered. Room, processes, the
 * agent and a tree that was released are EAGAIN to that one, too.
 */
static bool nested_too_deep(unsigned int flags)
{
	_cleanup_close_ int pidfd = -1;
	struct clone_args args = { .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD };
	pid_t pid;

	if (!(flags & AUTOKILL_TREE))
		return false;
	pid = autokill_clone3(&args, sizeof(args), flags & ~AUTOKILL_TREE);
	if (!pid)
		_exit(0);
	if (pid < 0)
		return false;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return true;
}

static void eagain_explain(const char *command, unsigned int flags)
{
	if (nested_too_deep(flags))
		msg_error("run: cannot tether the tree of %s: trees nest %d deep, and this one "
			  "would be within %d others; use fewer --tree around each other",
			  command, AUTOKILL_DEPTH, AUTOKILL_DEPTH);
	else
		msg_error("run: cannot tether %s: no room for one more tether or process, or no "
			  "agent is alive where the kernel needs one; see ulimit -u, and %s",
			  command, advice_for_root("autokill status"));
}

/* EINVAL: nobody serves the request, or clone3() itself does not take it. */
static void einval_explain(const char *command, bool loaded, bool tree)
{
	struct utsname u = {};

	uname(&u);
	if (loaded)
		msg_error(
			"run: cannot tether %s: the kernel refuses clone3() (EINVAL); see whether "
			"seccomp or a container interferes, and %s",
			command, advice_for_root("autokill status"));
	else if (tree)
		msg_error("run: cannot tether the tree of %s: autokill is not loaded, and no "
			  "kernel does it by itself; %s",
			  command, advice_for_root("autokill load"));
	else
		msg_error("run: cannot tether %s: autokill is not loaded, and Linux %s has no "
			  "CLONE_PIDFD_AUTOKILL; %s",
			  command, u.release, advice_for_root("autokill load"));
}

/*
 * Where autokill is loaded, the child is an ordinary one (SIGCHLD, waited for by us). exit_signal 0
 * makes the library use the kernel's own flag, and then the kernel reaps.
 */
static pid_t clone_tethered(int *pidfd, const char *command, unsigned int flags)
{
	bool loaded = autokill_query() > 0;
	struct clone_args args = {
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = loaded ? SIGCHLD : 0,
	};
	pid_t pid = autokill_clone3(&args, sizeof(args), flags);
	int err = errno;

	if (pid >= 0)
		return pid;
	if (err == EAGAIN)
		eagain_explain(command, flags);
	else if (err == EINVAL)
		einval_explain(command, loaded, flags & AUTOKILL_TREE);
	else
		msg_error("run: cannot tether %s: %s", command, clone_advice(err));
	errno = err;
	return pid;
}

int run_child_start(struct run_child *child, char **argv, const char *command, unsigned int flags,
		    struct run_signals *signals)
{
	_cleanup_pair_ int report[2] = { -1, -1 };
	_cleanup_close_ int pidfd = -1;
	pid_t pid;
	int err;

	if (pipe2(report, O_CLOEXEC | O_NONBLOCK)) {
		err = -errno;
		msg_error("run: cannot make a pipe: %s; raise ulimit -n", strerror(-err));
		return err;
	}
	/*
	 * The pidfd is put into our table only, and its number written to our memory only, after
	 * both were copied for the child: the child does not hold itself.
	 */
	pid = clone_tethered(&pidfd, command, flags);
	if (!pid) {
		run_signals_restore(signals);
		if (argv)
			child_exec(argv, report[1]);
		run_signals_close(signals);
		return 1;
	}
	if (pid < 0)
		return -errno;
	*child = (struct run_child){
		.pid = pid,
		.pidfd = TAKE_FD(pidfd),
		.report = TAKE_FD(report[0]),
	};
	return 0;
}

void run_child_release(struct run_child *child)
{
	cleanup_close(&child->pidfd);
}

int run_status_of_exec(int err)
{
	return err == ENOENT ? RUN_NOT_FOUND : RUN_CANNOT_EXEC;
}

int run_wait_of_siginfo(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? W_EXITCODE(info->si_status, 0)
					   : W_EXITCODE(0, info->si_status);
}

int run_status_of_wait(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return RUN_SIGNALLED + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

/*
 * The status of a child that the kernel reaped (CLONE_AUTOREAP). It is there when the pidfd hangs
 * up: pidfs_exit() runs in release_task(), before the pid loses its task and poll() is woken.
 */
static int status_of_reaped(int pidfd)
{
	struct pidfd_exit_info info = { .mask = PIDFD_EXIT_MASK };
	struct pollfd gone = { .fd = pidfd };
	int err;

	while (poll(&gone, 1, REAP_MS) < 0 && errno == EINTR)
		;
	err = ioctl(pidfd, PIDFD_EXIT_GET, &info) ? errno : ENODATA;
	if (info.mask & PIDFD_EXIT_MASK)
		return info.exit_code;
	msg_error("run: the command is gone, but its exit status was not told: %s; see whether a "
		  "debugger has taken it",
		  strerror(err));
	return W_EXITCODE(RUN_FAILED, 0);
}

/* The errno of an exec that failed, or 0. The child is dead, so all that there will be is there. */
static int exec_error(int report)
{
	int err;

	return read(report, &err, sizeof(err)) == sizeof(err) ? err : 0;
}

static const char *exec_advice(int err)
{
	switch (err) {
	case ENOENT:
		return "see its name and PATH, and the interpreter if it is a script";
	case EPERM:
		return "under the guard (see --help) nothing may gain privileges";
	case EMFILE:
		return "raise ulimit -n";
	case ENFILE:
		return "see fs.file-max";
	case E2BIG:
		return "pass fewer words, or a smaller environment; see ulimit -s";
	case ENOMEM:
	case EAGAIN:
		return "see ulimit -v and ulimit -u";
	default:
		return "see its permissions and its format";
	}
}

static int exited(const struct run_child *child, const char *command, int status)
{
	int err = exec_error(child->report);

	if (!err)
		return status;
	msg_error("run: cannot execute %s: %s; %s", command, strerror(err), exec_advice(err));
	return W_EXITCODE(run_status_of_exec(err), 0);
}

bool run_child_has_continued(struct run_child *child)
{
	siginfo_t info = {};

	if (waitid(P_PIDFD, child->pidfd, &info, WCONTINUED | WNOHANG | __WALL) || !info.si_pid)
		return false;
	child->stopped = false;
	return true;
}

bool run_child_is_stopped(const struct run_child *child)
{
	siginfo_t info = {};

	return child->stopped ||
	       (!waitid(P_PIDFD, child->pidfd, &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL) &&
		info.si_pid);
}

enum run_event run_child_look(struct run_child *child, const char *command, int *status)
{
	siginfo_t info = {};

	/* By pidfd: a pid that the kernel has reaped can be another child's by now. */
	if (waitid(P_PIDFD, child->pidfd, &info, WAITED | WNOHANG | __WALL)) {
		*status = exited(child, command, status_of_reaped(child->pidfd));
		return RUN_EXITED;
	}
	if (!info.si_pid)
		return RUN_NOTHING;
	child->stopped = info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED;
	if (info.si_code == CLD_CONTINUED)
		return RUN_NOTHING;
	if (child->stopped)
		return RUN_STOPPED;
	*status = exited(child, command, run_wait_of_siginfo(&info));
	return RUN_EXITED;
}
