// SPDX-License-Identifier: GPL-2.0-only
/*
 * flood.c - clones that fail after their birth, as fast as they can: what one user can write into the events
 *
 *   flood UID COUNT   as UID. Exit: 0, 1 one of them did not fail as it should, 2 usage.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "autokill.h"

#define CLONE_PIDFD_FLAG 0x1000

int main(int argc, char **argv)
{
	uid_t uid = argc == 3 ? (uid_t)atol(argv[1]) : 0;
	long count = argc == 3 ? atol(argv[2]) : 0;
	int pidfd;

	if (!uid || count <= 0) {
		fprintf(stderr, "usage: flood UID COUNT\n");
		return 2;
	}
	if (setuid(uid) || setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 3, 3 }))
		return 2;
	for (long i = 0; i < count; i++) {
		if (prctl(PR_AUTOKILL, AUTOKILL_ARM, AUTOKILL_NNP, 0, 0) < 1) {
			perror("arm");
			return 1;
		}
		/* No descriptor is left, which is found after the birth and before the file is made. */
		if (syscall(SYS_clone, CLONE_PIDFD_FLAG | SIGCHLD, NULL, &pidfd, NULL, 0) != -1 ||
		    errno != EMFILE) {
			perror("clone");
			return 1;
		}
	}
	return 0;
}
