// SPDX-License-Identifier: GPL-2.0-only
/*
 * run.c - run a command tethered to this process
 *
 * This process holds the only descriptor of the tether, so that the command dies when it dies, in
 * whatever way. It does nothing else but pass on signals (run_signals.c, run_group.c), stop when
 * the command stops, and end as the command did (run_child.c, run_end.c).
 *
 * A member must not get at that descriptor. With the same uid it could by pidfd_getfd(), by
 * /proc/PID/fd or as a debugger: ptrace_may_access() decides. So this process is not dumpable
 * before there is a child. (The child is not, either, until its exec, which makes it as any
 * other.)
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "autokill.h"
#include "base/cleanup.h"
#include "base/msg.h"
#include "base/place.h"
#include "verbs/run_child.h"
#include "verbs/run_end.h"
#include "verbs/run_signals.h"
#include "verbs/verbs.h"

struct run_options {
	unsigned int flags; /* AUTOKILL_TREE, AUTOKILL_NNP */
	char **command;
};

enum { OPT_NNP = 'g', OPT_TREE = 't' };

static const struct argp_option options[] = {
	{ "tree", OPT_TREE, NULL, 0,
	  "Kill every process that descends from CMD, too: when this process dies, and "
	  "also when CMD has ended and left some behind.",
	  0 },
	{ "nnp", OPT_NNP, NULL, 0,
	  "Put CMD under the guard, also with CAP_SYS_ADMIN: an exec by it or its descendants that "
	  "would gain privileges (setuid, setgid, file capabilities) fails with EPERM. Where the "
	  "kernel's own flag is used, it is no_new_privs instead.",
	  0 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *o = state->input;

	(void)arg;
	switch (key) {
	case OPT_NNP:
		o->flags |= AUTOKILL_NNP;
		return 0;
	case OPT_TREE:
		o->flags |= AUTOKILL_TREE;
		return 0;
	case ARGP_KEY_ARG:
		/* the first word that is no option of ours begins the command, which has its own */
		o->command = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command given");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = verb_help,
	.args_doc = "[--] CMD [ARG...]",
	.doc = "Run CMD tethered to this process: when this process dies, in any way, the kernel kills "
	       "CMD.\v"
	       "Without CAP_SYS_ADMIN, CMD is put under the guard, as by --nnp.\n\n"
	       "SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP and SIGCONT are "
	       "passed on to CMD; any other signal that ends this process ends CMD, too. In a "
	       "terminal, both are one job: when CMD stops, this process stops.\n\n"
	       "Without --tree, only CMD itself is killed, not what it has started; and when CMD "
	       "ends, what it has left behind runs on. With it, this process returns when none of "
	       "them is alive.\n\n"
	       "Exit status: CMD's; where signal N killed CMD, N kills this process, too (128+N in a "
	       "shell); 125 autokill itself failed, or some of the tree still live 10 s after the "
	       "kill; 126 CMD cannot be executed, 127 CMD was not found.",
};

/*
 * See that no descriptor of ours becomes 0, 1 or 2, where the caller has closed these. The fillers
 * are closed by the exec, so that the command finds it as the caller left it.
 */
static int standard_fds_fill(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			return -errno;
	return 0;
}

/*
 * Stand in no pipe: the other end must see it when the command closes its own. stderr is kept for
 * messages. Without /dev/null, we stay as we are.
 */
static void standard_fds_drop(void)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup3(null, STDIN_FILENO, O_CLOEXEC);
	dup3(null, STDOUT_FILENO, O_CLOEXEC);
}

/*
 * Does anything notice that we stop, and continue us? A shell does, if we have a terminal and did
 * not come with it. To stop otherwise would be to sleep while the command ends.
 */
static bool job_control(void)
{
	_cleanup_close_ int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return tty >= 0 && getsid(0) != getpid();
}

/* Until the command is gone. Returns what wait(2) would tell of it. */
static int wait_for_end(struct run_child *child, struct run_signals *signals, const char *command,
			bool reap)
{
	struct pollfd polled[] = {
		{ .fd = signals->fd, .events = POLLIN },
		{ .fd = child->pidfd, .events = POLLIN },
	};
	bool follow_stops = job_control();
	int status;

	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR) {
			msg_error("run: poll: %s; the command is killed", strerror(errno));
			run_child_release(child);
			waitid(P_PID, child->pid, NULL, WEXITED | __WALL);
			return W_EXITCODE(RUN_FAILED, 0);
		}
		/*
		 * Signals first: a SIGCONT that woke us must have continued the command before we
		 * look whether it is stopped.
		 */
		run_signals_pass(signals, child);
		switch (run_child_look(child, command, &status)) {
		case RUN_EXITED:
			return status;
		case RUN_STOPPED:
			if (follow_stops)
				kill(getpid(), SIGSTOP);
			break;
		case RUN_NOTHING:
			/*
			 * Exited, but not for us yet: a debugger has it. SIGCHLD or the hang-up,
			 * which needs no asking for, will tell.
			 */
			if (polled[1].revents & POLLIN)
				polled[1].events = 0;
			break;
		}
		if (reap)
			run_reap(child->pid);
	}
}

static int prepare(struct run_signals *signals, struct run_options *o)
{
	const char *what = "become not dumpable";
	int err = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? -errno : 0;

	if (!err) {
		what = "open /dev/null in place of a closed 0, 1 or 2";
		err = standard_fds_fill();
	}
	if (!err) {
		what = "receive signals";
		err = run_signals_take(signals, o->command);
	}
	if (err)
		msg_error("run: cannot %s: %s; see ulimit -n and -u, and whether a container or "
			  "seccomp forbids it",
			  what, strerror(-err));
	return err;
}

static int run(struct run_options *o)
{
	/* Orphans come to an init, and to us if we ask. The process that adopts has to reap. */
	bool tree = o->flags & AUTOKILL_TREE, init = getpid() == 1;
	/*
	 * Children from before our exec (a shell's `job & exec autokill run') and their orphans are
	 * no members, and must not be waited for. They do not become the children of a process
	 * that is made now: that one does the work, tethered to us.
	 */
	bool by_another = tree && run_has_children();
	struct run_signals signals;
	struct run_child child;
	unsigned int flags;
	int status, err;

	if (prepare(&signals, o))
		return RUN_FAILED;
	if (tree && !by_another && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) {
		msg_error("run: cannot become a subreaper: %s; see whether a container or seccomp "
			  "forbids prctl()",
			  strerror(errno));
		return RUN_FAILED;
	}
	/* The right to tether is CAP_SYS_ADMIN in our user namespace, or the guard. */
	flags = o->flags | (has_sys_admin() ? 0 : AUTOKILL_NNP);
	if (by_another)
		flags &= ~AUTOKILL_TREE;
	err = run_child_start(&child, by_another ? NULL : o->command, o->command[0], flags,
			      &signals);
	if (err > 0)
		return run(o);
	if (err < 0)
		return RUN_FAILED;
	run_group_forget(&signals.group);
	standard_fds_drop();
	status = wait_for_end(&child, &signals, o->command[0], init || (tree && !by_another));
	run_child_release(&child);
	run_signals_end(&signals);
	/*
	 * An init need not wait: its exit kills all processes of its namespace, and waits for
	 * them.
	 */
	if (tree && !by_another && !init && !run_wait_for_all(signals.fd))
		return RUN_FAILED;
	return run_die(status);
}

int cmd_run(int argc, char **argv)
{
	struct run_options o = {};

	argp_err_exit_status = RUN_FAILED;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
	return run(&o);
}
