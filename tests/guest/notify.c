// SPDX-License-Identifier: GPL-2.0-only
/*
 * notify SECONDS COMMAND... - run COMMAND as systemd would a service of Type=notify with a watchdog
 *
 * Prints each message that it sends, on one line. After SECONDS it gets SIGTERM. Exits as COMMAND
 * does.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS 60000

static void die(const char *what)
{
	perror(what);
	exit(125);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Print one message, if one comes within @ms. Return: has one come? */
static bool message_print(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[1024];
	ssize_t n;

	if (poll(&p, 1, ms) != 1)
		return false;
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n < 0)
		die("recv");
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\n')
			text[i] = ' ';
	printf("%.*s\n", (int)n, text);
	fflush(stdout);
	return true;
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), status;
	long end;
	pid_t pid;

	if (argc < 3)
		return 125;
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/notify.%d", getpid());
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("socket");
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	setenv("WATCHDOG_USEC", "10000000", 1);
	pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	/* The seconds begin with its first word: how long a start takes is the machine's matter. */
	message_print(fd, START_MS);
	end = now_ms() + atol(argv[1]) * 1000;
	while (now_ms() < end)
		message_print(fd, end - now_ms());
	kill(pid, SIGTERM);
	while (waitpid(pid, &status, WNOHANG) == 0)
		message_print(fd, 10);
	message_print(fd, 0);
	unlink(at.sun_path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
