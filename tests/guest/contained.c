// SPDX-License-Identifier: GPL-2.0-only
/*
 * contained.c - contained UID COMMAND...: in a user namespace that root makes, as a container's
 * root
 *
 * The namespace's uids and gids 0 to 999 are UID and those that follow; COMMAND runs as its 0.
 * Exit: COMMAND's status, 125 if there was no COMMAND.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "contained: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void map_write(pid_t pid, const char *name, const char *uid)
{
	char path[64], line[64];
	int file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	snprintf(line, sizeof(line), "0 %s 1000", uid);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0 || write(file, line, strlen(line)) < 0)
		die(path);
	close(file);
}

int main(int argc, char **argv)
{
	int made[2], mapped[2], status;
	char byte;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: contained UID COMMAND...\n");
		return 125;
	}
	if (pipe2(made, O_CLOEXEC) || pipe2(mapped, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		close(mapped[1]);
		if (unshare(CLONE_NEWUSER))
			die("unshare");
		if (write(made[1], "", 1) != 1 || read(mapped[0], &byte, 1) != 1)
			exit(125);
		if (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0))
			die("setresuid");
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	close(made[1]);
	if (read(made[0], &byte, 1) == 1) {
		map_write(pid, "uid_map", argv[1]);
		map_write(pid, "gid_map", argv[1]);
		if (write(mapped[1], "", 1) != 1)
			die("write");
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
