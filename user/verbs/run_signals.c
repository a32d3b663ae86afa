// SPDX-License-Identifier: GPL-2.0-only
/*
 * run_signals.c - autokill run: which signals go on to the command
 *
 * The command stays in our process group. So a terminal and a shell treat both as one job, and a
 * process that kills the group kills us. What is sent to the group (Ctrl-C, Ctrl-Z, a new window
 * size; kill -PGID; a shell's `kill %1') the command gets by itself; to pass it on would deliver
 * it twice. What is sent to our pid alone is passed on. run_group.c tells the two apart. SIGCONT
 * can also be told by what it did: one passed on late would undo the next Ctrl-Z.
 *
 * The default action of every other signal ends us, and with us the command.
 */
#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/msg.h"
#include "verbs/run_child.h"
#include "verbs/run_signals.h"

static const int passed[] = { SIGINT,  SIGTERM,	 SIGHUP,  SIGQUIT, SIGUSR1,
			      SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT };

#define AT_A_TIME 16 /* more than there are: each is pending once */

int run_signals_take(struct run_signals *signals, char **words)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t taken;
	int err;

	sigemptyset(&taken);
	sigaddset(&taken, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		sigaddset(&taken, passed[i]);
	signals->fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0)
		return -errno;
	sigaction(SIGCHLD, &dfl, &signals->sigchld);
	/* Shortly before the clone: until here, a signal ends us as any command. */
	sigprocmask(SIG_BLOCK, &taken, &signals->mask);
	sigdelset(&taken, SIGCHLD);
	err = run_group_start(&signals->group, &taken, words);
	if (err)
		cleanup_close(&signals->fd);
	return err;
}

void run_signals_restore(const struct run_signals *signals)
{
	sigaction(SIGCHLD, &signals->sigchld, NULL);
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

void run_signals_close(struct run_signals *signals)
{
	cleanup_close(&signals->fd);
	run_group_close(&signals->group);
}

void run_signals_end(struct run_signals *signals)
{
	run_group_end(&signals->group);
}

bool run_signal_passes(const struct run_signal *signal)
{
	if (signal->number == SIGCHLD)
		return false;
	if (signal->number == SIGCONT && (signal->has_continued || signal->undone))
		return false;
	/* It signals its group, or us, and need not be told. */
	return !signal->from_command && !signal->to_group;
}

bool run_signal_wakes(int number)
{
	return number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGQUIT;
}

static void send(const struct run_child *child, int number)
{
	if (!syscall(SYS_pidfd_send_signal, child->pidfd, number, NULL, 0) || errno == ESRCH)
		return;
	msg_warn("run: cannot pass on SIG%s: %s; send it to the command itself",
		 sigabbrev_np(number), strerror(errno));
}

/* As timeout(1) does: a stopped command that is asked to end is continued. */
static void pass(const struct run_child *child, int number)
{
	send(child, number);
	if (run_signal_wakes(number) && run_child_is_stopped(child))
		send(child, SIGCONT);
}

/*
 * Without the witnesses: what comes from the kernel goes to the foreground group. But a terminal
 * that hangs up tells the session leader alone (tty_signal_session_leader()).
 */
static bool to_group_probably(const struct signalfd_siginfo *info)
{
	return info->ssi_code == SI_KERNEL && !(info->ssi_signo == SIGHUP && getsid(0) == getpid());
}

/* Which of @n have gone to the whole group? */
static void to_group(struct run_group *group, const struct signalfd_siginfo *infos, int n,
		     sigset_t *had)
{
	sigset_t received;

	sigemptyset(&received);
	for (int i = 0; i < n; i++)
		sigaddset(&received, infos[i].ssi_signo);
	sigdelset(&received, SIGCHLD);
	sigemptyset(had);
	if (sigisemptyset(&received) || run_group_had(group, &received, had))
		return;
	for (int i = 0; i < n; i++)
		if (to_group_probably(&infos[i]))
			sigaddset(had, infos[i].ssi_signo);
}

/*
 * Did the command have a SIGTSTP after the SIGCONT before @infos? The command that it has stopped
 * does not show any more that it was continued, and stays stopped. The kernel throws away a SIGCONT
 * that was not received when a SIGTSTP comes, and the other way round (prepare_signal(),
 * kernel/signal.c), so what is received together has come in this order. (One may also come after
 * this look: then Ctrl-Z has to be repeated.)
 */
static bool stopped_behind(const struct signalfd_siginfo *infos, int n, const sigset_t *had)
{
	for (int i = 0; i < n; i++)
		if (infos[i].ssi_signo == SIGTSTP)
			return sigismember(had, SIGTSTP) == 1;
	return false;
}

void run_signals_pass(struct run_signals *signals, struct run_child *child)
{
	struct signalfd_siginfo infos[AT_A_TIME];
	ssize_t size = read(signals->fd, infos, sizeof(infos));
	int n = size > 0 ? size / sizeof(*infos) : 0;
	sigset_t had;

	to_group(&signals->group, infos, n, &had);
	if (getpgid(child->pid) != getpgrp())
		sigemptyset(&had);
	for (int i = 0; i < n; i++) {
		struct run_signal signal = {
			.number = infos[i].ssi_signo,
			.from_command = infos[i].ssi_code <= 0 &&
					(pid_t)infos[i].ssi_pid == child->pid,
			.to_group = sigismember(&had, infos[i].ssi_signo) == 1,
		};

		if (signal.number == SIGCONT) {
			signal.has_continued = run_child_has_continued(child);
			signal.undone = stopped_behind(&infos[i + 1], n - i - 1, &had) ||
					sigismember(&signals->group.seen, SIGTSTP) == 1;
		}
		if (run_signal_passes(&signal))
			pass(child, signal.number);
	}
}
