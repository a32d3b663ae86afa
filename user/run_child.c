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
#include "msg.h"
#include "run_child.h"

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
static _Noreturn void child_exec(char **argv, int report, const sigset_t *mask,
				 const struct sigaction *sigchld)
{
	int err;

	sigaction(SIGCHLD, sigchld, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	err = errno;
	if (write(report, &err, sizeof(err)) != sizeof(err))
		_exit(RUN_FAILED);
	_exit(run_status_of_exec(err));
}

static void clone_explain(const char *command, int err, bool loaded, bool tree)
{
	struct utsname u = {};

	uname(&u);
	if (err == EINVAL && tree)
		msg_error("run: cannot tether the tree of %s: %s", command,
			  loaded ? "the kernel refuses clone3() (EINVAL); see autokill status, and "
				   "whether seccomp or a container interferes"
				 : "autokill is not loaded, and no kernel does it by itself; load "
				   "it as root: autokill load");
	else if (err == EINVAL && !loaded)
		msg_error("run: cannot tether %s: autokill is not loaded, and Linux %s has no "
			  "CLONE_PIDFD_AUTOKILL; load it as root: autokill load",
			  command, u.release);
	else if (err == EPERM)
		msg_error(
			"run: cannot tether %s: no right to; see whether --nnp helps, and whether "
			"a container or seccomp forbids clone3()",
			command);
	else if (err == EAGAIN)
		msg_error(
			"run: cannot tether %s: no room for one more tether or process, or no agent "
			"is alive where the kernel needs one; see autokill status and ulimit -u",
			command);
	else if (err == EMFILE || err == ENFILE)
		msg_error("run: cannot tether %s: %s; allow more descriptors: ulimit -n 64",
			  command, strerror(err));
	else
		msg_error("run: cannot tether %s: %s; see autokill doctor", command, strerror(err));
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

	if (pid < 0)
		clone_explain(command, errno, loaded, flags & AUTOKILL_TREE);
	return pid;
}

int run_child_start(struct run_child *child, char **argv, unsigned int flags, const sigset_t *mask,
		    const struct sigaction *sigchld)
{
	int report[2], pidfd = -1, err;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC | O_NONBLOCK)) {
		err = -errno;
		msg_error("run: cannot make a pipe: %s; see ulimit -n", strerror(-err));
		return err;
	}
	/*
	 * The pidfd is put into our table only, and its number written to our memory only, after
	 * both were copied for the child: the child does not hold itself.
	 */
	pid = clone_tethered(&pidfd, argv[0], flags);
	if (!pid)
		child_exec(argv, report[1], mask, sigchld);
	err = -errno;
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return err;
	}
	*child = (struct run_child){ .pid = pid, .pidfd = pidfd, .report = report[0] };
	return 0;
}

int run_status_of_exec(int err)
{
	return err == ENOENT ? RUN_NOT_FOUND : RUN_CANNOT_EXEC;
}

int run_status_of_siginfo(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? info->si_status : RUN_SIGNALLED + info->si_status;
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
		return run_status_of_wait(info.exit_code);
	msg_error("run: the command is gone, but its exit status was not told: %s; see whether a "
		  "debugger has taken it",
		  strerror(err));
	return RUN_FAILED;
}

/* The errno of an exec that failed, or 0. The child is dead, so all that there will be is there. */
static int exec_error(int report)
{
	int err;

	return read(report, &err, sizeof(err)) == sizeof(err) ? err : 0;
}

static const char *exec_advice(int err)
{
	if (err == ENOENT)
		return "see its name and PATH, and the interpreter if it is a script";
	if (err == EPERM)
		return "under the guard (see --help) nothing may gain privileges";
	return "see its permissions and its format";
}

static int exited(const struct run_child *child, const char *command, int status)
{
	int err = exec_error(child->report);

	if (!err)
		return status;
	msg_error("run: cannot execute %s: %s; %s", command, strerror(err), exec_advice(err));
	return run_status_of_exec(err);
}

bool run_child_continued(int pidfd)
{
	siginfo_t info = {};

	return !waitid(P_PIDFD, pidfd, &info, WCONTINUED | WNOHANG | __WALL) && info.si_pid;
}

enum run_event run_child_look(const struct run_child *child, const char *command, int *status)
{
	siginfo_t info = {};

	/* By pidfd: a pid that the kernel has reaped can be another child's by now. */
	if (waitid(P_PIDFD, child->pidfd, &info, WAITED | WNOHANG | __WALL)) {
		*status = exited(child, command, status_of_reaped(child->pidfd));
		return RUN_EXITED;
	}
	if (!info.si_pid || info.si_code == CLD_CONTINUED)
		return RUN_NOTHING;
	if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED)
		return RUN_STOPPED;
	*status = exited(child, command, run_status_of_siginfo(&info));
	return RUN_EXITED;
}
