// SPDX-License-Identifier: GPL-2.0-only
/*
 * flood.c - what one user can write into the log of events, as fast as it can
 *
 *   flood fail UID COUNT   as UID, clones that fail after their birth, for want of a descriptor
 *   flood late UID COUNT   clones that fail later still, at the address for the pidfd
 *   flood kill UID COUNT   children that are tethered, released and killed
 *
 * Exit: 0, 1 one of them did not end as it should, 2 usage.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "autokill.h"

#define CLONE_PIDFD_FLAG 0x1000

static int pidfd;

static int arm(void)
{
	if (prctl(PR_AUTOKILL, AUTOKILL_ARM, AUTOKILL_NNP, 0, 0) >= 1)
		return 0;
	perror("arm");
	return 1;
}

static int clone_with(int *address)
{
	return (int)syscall(SYS_clone, CLONE_PIDFD_FLAG | SIGCHLD, NULL, address, NULL, 0);
}

/* No descriptor is left, which is found after the birth and before the file is made. */
static int fail(void)
{
	if (arm())
		return 1;
	if (clone_with(&pidfd) == -1 && errno == EMFILE)
		return 0;
	perror("clone");
	return 1;
}

/* The pidfd cannot be stored, which is found after the file is made. */
static int late(void)
{
	if (arm())
		return 1;
	if (clone_with((int *)8) == -1 && errno == EFAULT)
		return 0;
	perror("clone");
	return 1;
}

static int killed(void)
{
	int status = 0;
	pid_t child;

	if (arm())
		return 1;
	child = clone_with(&pidfd);
	if (!child)
		for (;;)
			pause();
	if (child < 0) {
		perror("clone");
		return 1;
	}
	close(pidfd);
	if (waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGKILL)
		return 0;
	fprintf(stderr, "child %d: status %#x\n", child, status);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*once)(void);
		rlim_t files;
	} ways[] = { { "fail", fail, 3 }, { "late", late, 64 }, { "kill", killed, 64 } };
	uid_t uid = argc == 4 ? (uid_t)atol(argv[2]) : 0;
	long count = argc == 4 ? atol(argv[3]) : 0;

	for (size_t way = 0; way < sizeof(ways) / sizeof(*ways) && uid && count > 0; way++) {
		struct rlimit files = { ways[way].files, ways[way].files };

		if (strcmp(argv[1], ways[way].name))
			continue;
		if (setrlimit(RLIMIT_NOFILE, &files) || setuid(uid)) {
			perror("flood");
			return 2;
		}
		while (count--)
			if (ways[way].once())
				return 1;
		return 0;
	}
	fprintf(stderr, "usage: flood fail|late|kill UID COUNT\n");
	return 2;
}
