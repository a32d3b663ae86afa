// SPDX-License-Identifier: GPL-2.0-only
/*
 * sigs.c - say which signals arrive, and how often; a command for tests of `autokill run`
 *
 * usage: sigs count     print "ready PID", then "got NAME N" for each signal, N counting those of
 *                       this name; SIGTERM prints "end" and exits with status 7
 *        sigs tstp      the same, for SIGTSTP too, which stops it otherwise
 *        sigs log FILE  as count, to FILE, and also to stdout as long as that can be written to
 *        sigs wait COMMAND...   run it, and print "exit N", "signal N" or "signal N core"
 *        sigs reaper N  a subreaper of its own with N descendants in sessions of their own, whose
 *                       parents have gone; print their pids, one a line, and exit
 *        sigs fds       print the numbers of all open descriptors, and "pidfd" for each that is one
 */
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *log_file;

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	vprintf(fmt, args);
	if (log_file)
		vfprintf(log_file, fmt, again);
	va_end(again);
	va_end(args);
}

static int count(int tstp)
{
	static const int taken[] = { SIGINT,  SIGTERM, SIGHUP,	 SIGQUIT,
				     SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT };
	unsigned int seen[_NSIG] = {};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		sigaddset(&set, taken[i]);
	if (tstp)
		sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	say("ready %d\n", getpid());
	for (;;) {
		int sig = sigwaitinfo(&set, NULL);

		if (sig < 0)
			continue; /* stopped and continued */
		say("got %s %u\n", sigabbrev_np(sig), ++seen[sig]);
		if (sig == SIGTERM)
			break;
	}
	say("end\n");
	return 7;
}

static int fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int own = dir ? dirfd(dir) : -1;
	struct dirent *d;
	char target[64];

	if (own < 0)
		return 1;
	while ((d = readdir(dir))) {
		ssize_t n = readlinkat(own, d->d_name, target, sizeof(target) - 1);

		if (n < 0 || atoi(d->d_name) == own)
			continue;
		target[n] = '\0';
		printf("%s%s ", d->d_name, strstr(target, "pidfd") ? "=pidfd" : "");
	}
	printf("\n");
	closedir(dir);
	return 0;
}

static int wait_for(char **argv)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	if (WIFEXITED(status))
		printf("exit %d\n", WEXITSTATUS(status));
	else
		printf("signal %d%s\n", WTERMSIG(status), WCOREDUMP(status) ? " core" : "");
	return 0;
}

/* A grandchild in a session of its own, whose parent has gone. It has none of our descriptors. */
static int orphan(void)
{
	int born[2];
	pid_t pid;

	if (pipe(born))
		return 1;
	pid = fork();
	if (!pid) {
		if (fork())
			_exit(0);
		setsid();
		pid = getpid();
		if (write(born[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		close(born[0]);
		close(born[1]);
		close(STDOUT_FILENO);
		for (;;)
			pause();
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid ||
	    read(born[0], &pid, sizeof(pid)) != sizeof(pid))
		return 1;
	printf("%d\n", pid);
	close(born[0]);
	close(born[1]);
	return 0;
}

static int reaper(int n)
{
	int err = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

	for (int i = 0; i < n && !err; i++)
		err = orphan();
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "fds"))
		return fds();
	if (!strcmp(what, "wait") && argc > 2)
		return wait_for(argv + 2);
	if (!strcmp(what, "reaper") && argc > 2)
		return reaper(atoi(argv[2]));
	if (!strcmp(what, "log") && argc > 2) {
		log_file = fopen(argv[2], "w");
		if (!log_file)
			return 1;
		setvbuf(log_file, NULL, _IOLBF, 0);
		return count(0);
	}
	if (strcmp(what, "count") && strcmp(what, "tstp")) {
		fprintf(stderr,
			"usage: sigs count | tstp | log FILE | wait COMMAND... | reaper N | fds\n");
		return 2;
	}
	return count(!strcmp(what, "tstp"));
}
