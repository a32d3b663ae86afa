// SPDX-License-Identifier: GPL-2.0-only
/*
 * sigs.c - say which signals arrive, and how often; a command for tests of `autokill run`
 *
 * usage: sigs count     print "ready PID", then "got NAME N" for each signal, N counting those of
 *                       this name; SIGTERM prints "end" and exits with status 7
 *        sigs tstp      the same, for SIGTSTP too, which stops it otherwise
 *        sigs log FILE  as count, to FILE, and also to stdout as long as that can be written to
 *        sigs fds       print the numbers of all open descriptors, and "pidfd" for each that is one
 */
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "fds"))
		return fds();
	if (!strcmp(what, "log") && argc > 2) {
		log_file = fopen(argv[2], "w");
		if (!log_file)
			return 1;
		setvbuf(log_file, NULL, _IOLBF, 0);
		return count(0);
	}
	if (strcmp(what, "count") && strcmp(what, "tstp")) {
		fprintf(stderr, "usage: sigs count | tstp | log FILE | fds\n");
		return 2;
	}
	return count(!strcmp(what, "tstp"));
}
