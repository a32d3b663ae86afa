// SPDX-License-Identifier: GPL-2.0-only
/*
 * pty.c - drive a program in a terminal, for tests of job control
 *
 * usage: pty PROGRAM [ARGUMENT]... < SCRIPT
 *
 * PROGRAM is run as the leader of a session with a pseudo-terminal of its own. SCRIPT has a step a
 * line:
 *   send [TEXT]    type TEXT and Enter
 *   key C          type Control-C, for any letter or one of [ \ ]
 *   expect TEXT    read until TEXT is there; what was before it is consumed
 *   absent TEXT    TEXT must not be in what was read since the last `expect' that was met, at the
 *                  time that the next `expect' is met; put it before that one
 *   size           change the window size
 *   hangup         close the terminal; PROGRAM is then left to itself
 * Empty lines and lines with # are skipped. Exit: 0 every step was done; 1 one was not, and the
 * whole of what was read is on stderr; 2 usage.
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EXPECT_MS 20000 /* far more than any step takes, even in an emulator */

static struct {
	int master;
	pid_t pid;
	int hung_up;
	size_t n, seen;	  /* bytes in text; bytes of them that an `expect' has consumed */
	char text[65536]; /* all that was read */
	char absent[256]; /* must not come before the next `expect' is met */
} pty;

static void __attribute__((format(printf, 1, 2), noreturn)) fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "pty: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n--- what was read:\n%s\n---\n", pty.text);
	va_end(args);
	kill(pty.pid, SIGKILL);
	exit(1);
}

static void type(const char *bytes, size_t n)
{
	if (write(pty.master, bytes, n) != (ssize_t)n)
		fail("cannot type");
}

/* Read what comes within @ms. False: nothing came. */
static int read_some(int ms)
{
	struct pollfd in = { .fd = pty.master, .events = POLLIN };
	ssize_t n;

	if (poll(&in, 1, ms) <= 0)
		return 0;
	n = read(pty.master, pty.text + pty.n, sizeof(pty.text) - 1 - pty.n);
	if (n <= 0)
		return 0;
	pty.n += n;
	pty.text[pty.n] = '\0';
	return 1;
}

static void expect(const char *what)
{
	char *found;

	while (!(found = strstr(pty.text + pty.seen, what)))
		if (!read_some(EXPECT_MS))
			fail("`%s' did not come", what);
	if (*pty.absent) {
		char *bad = strstr(pty.text + pty.seen, pty.absent);

		if (bad && bad < found)
			fail("`%s' came before `%s'", pty.absent, what);
		*pty.absent = '\0';
	}
	pty.seen = found - pty.text + strlen(what);
}

static void size_change(void)
{
	struct winsize size;

	if (ioctl(pty.master, TIOCGWINSZ, &size))
		fail("no window size");
	size.ws_row++;
	if (ioctl(pty.master, TIOCSWINSZ, &size))
		fail("cannot change the window size");
}

static void step(char *line)
{
	char *word = strtok(line, " "), *rest = strtok(NULL, "");

	if (!word || *word == '#')
		return;
	if (!strcmp(word, "send")) {
		if (rest)
			type(rest, strlen(rest));
		type("\r", 1);
	} else if (!strcmp(word, "key") && rest) {
		type(&(char){ *rest & 0x1f }, 1);
	} else if (!strcmp(word, "expect") && rest) {
		expect(rest);
	} else if (!strcmp(word, "absent") && rest) {
		snprintf(pty.absent, sizeof(pty.absent), "%s", rest);
	} else if (!strcmp(word, "size")) {
		size_change();
	} else if (!strcmp(word, "hangup")) {
		close(pty.master);
		pty.hung_up = 1;
	} else {
		fail("no such step: %s", word);
	}
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 200 };
	char line[512];

	if (argc < 2) {
		fprintf(stderr, "usage: pty PROGRAM [ARGUMENT]... < SCRIPT\n");
		return 2;
	}
	pty.pid = forkpty(&pty.master, NULL, NULL, &size);
	if (pty.pid < 0)
		fail("no terminal");
	if (!pty.pid) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		step(line);
	}
	if (!pty.hung_up)
		kill(pty.pid, SIGKILL);
	return 0;
}
