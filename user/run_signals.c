// SPDX-License-Identifier: GPL-2.0-only
/*
 * run_signals.c - autokill run: which signals go on to the command
 *
 * The command stays in our process group, so that a terminal and a shell treat both as one job.
 * What the terminal sends (Ctrl-C, Ctrl-Z, a new window size) reaches the whole foreground group;
 * to pass it on would deliver it twice. What a process sends to our pid alone is passed on. What a
 * process sends to the group as such (kill -TERM -PGID, a shell's `kill %1') cannot be told from
 * that, and the command gets it twice; so it is with timeout(1) --foreground, too. SIGCONT, which a
 * shell sends to the group at fg and bg, is told apart by what it did: one passed on late would
 * undo the next Ctrl-Z.
 *
 * The default action of every other signal ends us, and with us the command.
 */
#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "msg.h"
#include "run_child.h"
#include "run_signals.h"

static const int passed[] = { SIGINT,  SIGTERM,	 SIGHUP,  SIGQUIT, SIGUSR1,
			      SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT };

int run_signals_take(struct run_signals *signals)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t taken;

	sigemptyset(&taken);
	sigaddset(&taken, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		sigaddset(&taken, passed[i]);
	signals->fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0)
		return -errno;
	sigaction(SIGCHLD, &dfl, &signals->sigchld);
	/* Last, and shortly before the clone: until here, a signal ends us as any command. */
	sigprocmask(SIG_BLOCK, &taken, &signals->mask);
	return 0;
}

bool run_signal_passes(const struct run_signal *signal)
{
	if (signal->number == SIGCHLD)
		return false;
	if (signal->number == SIGCONT && signal->has_continued)
		return false;
	if (signal->from_command) /* it signals its group, or us; it need not be told */
		return false;
	if (!signal->from_kernel || !signal->same_group)
		return true;
	/* A terminal that hangs up tells the session leader alone (tty_signal_session_leader()). */
	return signal->number == SIGHUP && signal->session_leader;
}

static void pass(int pidfd, int number)
{
	if (!syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) || errno == ESRCH)
		return;
	msg_warn("run: cannot pass on SIG%s: %s; send it to the command itself",
		 sigabbrev_np(number), strerror(errno));
}

/*
 * Is a SIGTSTP pending? When one is sent, the kernel throws away a SIGCONT that was not received yet, and the other way
 * round (prepare_signal(), kernel/signal.c). So if we have received a SIGCONT, and find a SIGTSTP, it came later, and
 * is what we receive next of the two. A command that the terminal has stopped with us does not show any more that it
 * was continued. (It may also come after this look: then Ctrl-Z has to be repeated.)
 */
static bool stop_pending(void)
{
	sigset_t pending;

	return !sigpending(&pending) && sigismember(&pending, SIGTSTP) == 1;
}

void run_signals_pass(const struct run_signals *signals, pid_t pid, int pidfd)
{
	struct signalfd_siginfo info;
	struct run_signal cont;
	bool held = false; /* cont, until we know whose the SIGTSTP behind it is */

	while (read(signals->fd, &info, sizeof(info)) == sizeof(info)) {
		struct run_signal signal = {
			.number = info.ssi_signo,
			.from_kernel = info.ssi_code == SI_KERNEL,
			.from_command = info.ssi_code <= 0 && (pid_t)info.ssi_pid == pid,
			.same_group = getpgid(pid) == getpgrp(),
			.session_leader = getsid(0) == getpid(),
		};

		if (signal.number == SIGCONT) {
			signal.has_continued = run_child_continued(pidfd);
			cont = signal;
			/* Asked last: the stop may have come between the two. */
			held = stop_pending();
			if (held)
				continue;
		}
		if (signal.number == SIGTSTP) {
			/* If the command gets this from us, it may need the other first: it may be stopped. */
			if (held && run_signal_passes(&signal) && run_signal_passes(&cont))
				pass(pidfd, SIGCONT);
			held = false;
		}
		if (run_signal_passes(&signal))
			pass(pidfd, signal.number);
	}
}
