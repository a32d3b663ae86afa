// SPDX-License-Identifier: GPL-2.0-only
/* run_end.c - autokill run: other children than the command; the end of them, and ours */
#include "verbs/run_end.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/msg.h"
#include "base/times.h"
#include "verbs/explain.h"
#include "verbs/run_child.h"

#define LOOK_MS 1000  /* see whether those that are left are dead, and traced */
#define LEFT_MS 10000 /* so long after the last has died, the rest is not dying */
#define NAMED_AT_MOST 8

bool run_has_children(void)
{
	return !waitid(P_ALL, 0, NULL, WEXITED | WNOHANG | WNOWAIT | __WALL) || errno != ECHILD;
}

void run_reap(pid_t command)
{
	siginfo_t info = {};

	/* The command shows first while it is not reaped; then we are called again. */
	while (!waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid &&
	       info.si_pid != command)
		waitid(P_PID, info.si_pid, NULL, WEXITED);
}

static long now_ms(void)
{
	return time_monotonic() / 1000000;
}

/* Append "PID (NAME), state S" to @text if @pid is alive. */
static bool child_name(pid_t pid, char *text, size_t size, int nth)
{
	size_t used = strlen(text);
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[256], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	line[0] = '\0';
	end = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (!end || strlen(end) < 3 || end[2] == 'Z' || end[2] == 'X')
		return false;
	end[3] = '\0'; /* "PID (NAME) S" */
	if (nth < NAMED_AT_MOST)
		snprintf(text + used, size - used, "%s%s", nth ? ", " : "", line);
	return true;
}

/* How many of our children are alive, and who? -1: it cannot be seen (no procfs). */
static int children_alive(char *text, size_t size)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64];
	int alive = 0;
	pid_t pid;

	*text = '\0';
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fscanf(f, "%d", &pid) == 1)
		alive += child_name(pid, text, size, alive);
	return alive;
}

static void children_wait(int signal_fd)
{
	struct pollfd in = { .fd = signal_fd, .events = POLLIN };
	struct signalfd_siginfo info;

	poll(&in, 1, LOOK_MS);
	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		;
}

bool run_wait_for_all(int signal_fd)
{
	long last = now_ms();
	char names[512];
	int alive;

	for (;;) {
		siginfo_t info = {};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG))
			return true; /* ECHILD */
		if (info.si_pid) {
			last = now_ms();
			continue;
		}
		children_wait(signal_fd);
		if (now_ms() - last < LOOK_MS)
			continue;
		alive = children_alive(names, sizeof(names));
		if (!alive)
			return true;
		if (now_ms() - last >= LEFT_MS)
			break;
	}
	msg_error("run: %s%s still alive, %d s after the kill: a process in state D dies when "
		  "the kernel lets it; else %s",
		  *names ? names : "some descendants of the command",
		  alive > 1 || !*names ? " are" : " is", LEFT_MS / 1000,
		  advice_for_root("autokill status"));
	return false;
}

int run_die(int wait_status)
{
	const struct rlimit none = {};
	int sig = WTERMSIG(wait_status);
	sigset_t set;

	if (!WIFSIGNALED(wait_status))
		return WEXITSTATUS(wait_status);
	/* The core is the command's; a second one, of a process that only waits, would hide it. */
	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
	return run_status_of_wait(wait_status);
}
