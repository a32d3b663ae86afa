// SPDX-License-Identifier: GPL-2.0-only
/*
 * run_group.c - autokill run: did a signal that we have received go to the whole process group?
 *
 * siginfo does not tell kill(pid) from kill(-pgid): for both it is SI_USER and the sender's pid. So
 * there are two more processes, the witnesses: one in our group, one in a group of its own. They
 * block what we take, and say when asked what has become pending for them. What a sender, or the
 * terminal, sends to the group, the one inside has had, too, and the one outside has not. What is
 * sent to our pid, neither has. What is sent to everybody of our name or executable (killall,
 * pidof), both have: then the command had it not.
 *
 * That is exact, since all of a group gets a signal within one read_lock(&tasklist_lock)
 * (kill_pgrp(), kill_something_info(), kernel/signal.c), and setpgid() takes the lock for writing:
 * once we have made that call, a signal that we have received has reached the others, or was not
 * for them.
 *
 * A sender to a list of pids goes up or down it. The one outside is older, and is asked last: so if
 * the one inside has had such a signal, and we as well, the one outside is known to have had it.
 *
 * A witness holds no descriptor but its socket. It is a child with exit signal 0, so that wait()
 * without __WCLONE does not see it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "verbs/run_group.h"

#define WITNESS_NAME "signal-witness"
#define ANSWER_MS 100 /* then see whether the witness was stopped */
#define ASK_TRIES 50  /* so much of that, and it counts as gone */

/* The words of the command line lie one behind the other, from its own name on (execve(2)). */
static void title_set(char **last_word)
{
	char *from = program_invocation_name, *to;

	prctl(PR_SET_NAME, WITNESS_NAME);
	while (last_word[1])
		last_word++;
	to = *last_word + strlen(*last_word);
	if (to <= from)
		return;
	memset(from, 0, to - from);
	snprintf(from, to - from + 1, "%s", WITNESS_NAME);
}

/* Who reads or writes at the other end of a pipe of ours must not wait for us. */
static void others_close(void)
{
	fds_close_from(STDIN_FILENO + 1, NULL, 0);
}

static _Noreturn void witness(int socket, const sigset_t *taken)
{
	struct signalfd_siginfo info;
	sigset_t had, tty;
	_cleanup_close_ int fd = -1;
	char byte;

	/* What stops a command that uses the terminal from the background need not stop us. */
	sigemptyset(&tty);
	sigaddset(&tty, SIGTTIN);
	sigaddset(&tty, SIGTTOU);
	sigprocmask(SIG_BLOCK, &tty, NULL);
	if (dup2(socket, STDIN_FILENO) < 0)
		_exit(1);
	others_close();
	fd = signalfd(-1, taken, SFD_NONBLOCK);
	if (fd < 0)
		_exit(1);
	while (recv(STDIN_FILENO, &byte, 1, 0) == 1) {
		sigemptyset(&had);
		while (read(fd, &info, sizeof(info)) == sizeof(info))
			sigaddset(&had, info.ssi_signo);
		if (send(STDIN_FILENO, &had, sizeof(had), MSG_NOSIGNAL) != sizeof(had))
			break;
	}
	_exit(0);
}

static int witness_start(struct run_witness *w, const sigset_t *taken, char **words, bool outside)
{
	_cleanup_pair_ int pair[2] = { -1, -1 };
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = syscall(SYS_clone, 0UL, 0UL, 0UL, 0UL, 0UL);
	if (!pid) {
		if (outside && setpgid(0, 0))
			_exit(1);
		title_set(words);
		witness(pair[1], taken);
	}
	if (pid < 0)
		return -errno;
	*w = (struct run_witness){ .pid = pid, .socket = TAKE_FD(pair[0]) };
	return 0;
}

/* No other process reaps it, so the number is still its own. It may be stopped. */
static void witness_end(struct run_witness *w)
{
	cleanup_close(&w->socket);
	kill(w->pid, SIGKILL);
	while (waitid(P_PID, w->pid, NULL, WEXITED | __WCLONE) && errno == EINTR)
		;
}

/*
 * A SIGSTOP to the group has stopped the witness, and a process has continued us alone. What is
 * pending for it stays so, but for stop signals.
 */
static bool continued_by_us(const struct run_witness *w)
{
	siginfo_t info = {};

	if (waitid(P_PID, w->pid, &info, WSTOPPED | WNOHANG | WNOWAIT | __WCLONE) || !info.si_pid)
		return false;
	return !kill(w->pid, SIGCONT);
}

/* What has become pending for the witness since it was asked last. */
static bool ask(struct run_witness *w, sigset_t *answer)
{
	struct pollfd in = { .fd = w->socket, .events = POLLIN };
	bool continued = false;

	if (w->socket < 0)
		return false;
	if (send(w->socket, "", 1, MSG_NOSIGNAL) == 1)
		for (int i = 0; i < ASK_TRIES; i++) {
			continued |= continued_by_us(w);
			if (poll(&in, 1, ANSWER_MS) <= 0)
				continue;
			if (recv(w->socket, answer, sizeof(*answer), 0) != sizeof(*answer))
				break;
			if (continued)
				sigdelset(answer, SIGCONT);
			return true;
		}
	cleanup_close(&w->socket);
	return false;
}

/* What the group has had since this was called last. */
static bool ask_both(struct run_group *group, sigset_t *had)
{
	sigset_t outside;

	setpgid(0, getpgrp()); /* changes nothing, fails for a session leader: it is for the lock */
	if (!ask(&group->inside, had) || !ask(&group->outside, &outside))
		return false;
	for (int sig = 1; sig < SIGRTMIN; sig++)
		if (sigismember(&outside, sig) == 1)
			sigdelset(had, sig);
	return true;
}

void run_group_forget(struct run_group *group)
{
	sigset_t had;

	ask_both(group, &had);
	sigemptyset(&group->seen);
}

int run_group_start(struct run_group *group, const sigset_t *taken, char **words)
{
	int err = witness_start(&group->outside, taken, words, true);

	if (err)
		return err;
	err = witness_start(&group->inside, taken, words, false);
	if (err) {
		witness_end(&group->outside);
		return err;
	}
	/* Once they answer, each is where it belongs, and holds nothing. */
	run_group_forget(group);
	return 0;
}

void run_group_close(struct run_group *group)
{
	cleanup_close(&group->outside.socket);
	cleanup_close(&group->inside.socket);
}

bool run_group_had(struct run_group *group, const sigset_t *received, sigset_t *had)
{
	sigset_t answer, pending, both;

	if (!ask_both(group, &answer))
		return false;
	sigorset(&answer, &answer, &group->seen);
	sigandset(had, &answer, received);
	/*
	 * The rest we shall receive yet. If it is not pending, it never comes: SIGCONT has undone a
	 * SIGTSTP, or the other way round, for us alone.
	 */
	sigemptyset(&group->seen);
	if (sigpending(&pending))
		return true;
	sigandset(&both, &answer, &pending);
	for (int sig = 1; sig < SIGRTMIN; sig++)
		if (sigismember(&both, sig) == 1 && !sigismember(had, sig))
			sigaddset(&group->seen, sig);
	return true;
}

void run_group_end(struct run_group *group)
{
	witness_end(&group->inside);
	witness_end(&group->outside);
}
