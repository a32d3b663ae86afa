// SPDX-License-Identifier: GPL-2.0-only
/*
 * uids.c - many uids, each once: whoever comes after them must still be served
 *
 *   uids COUNT   each of COUNT uids, from 100,000 on, arms in a thread of its own, which then ends. As root, in a guest.
 *                Exit: 0, 1 somebody was refused, 2 usage.
 *
 * The threads change their credentials by the system call, which, unlike the library's function,
 * does so for the calling thread alone.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "autokill.h"

#define FIRST 100000
#define AT_A_TIME 16

/* Arm as @arg. What it returns is NULL, or the errno. */
static void *arm(void *arg)
{
	uid_t uid = (uid_t)(unsigned long)arg;

	if (syscall(SYS_setresuid, uid, uid, uid) ||
	    prctl(PR_AUTOKILL, AUTOKILL_ARM, AUTOKILL_NNP, 0, 0) < 1)
		return (void *)(unsigned long)errno;
	return NULL;
}

/* How many of these uids were refused. */
static long arm_all(uid_t from, int count)
{
	pthread_t threads[AT_A_TIME];
	long refused = 0;
	void *err;

	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, arm, (void *)(unsigned long)(from + i)))
			exit(2);
	for (int i = 0; i < count; i++) {
		pthread_join(threads[i], &err);
		if (err && !refused)
			fprintf(stderr, "uid %u: %s\n", from + i,
				strerror((int)(unsigned long)err));
		refused += !!err;
	}
	return refused;
}

int main(int argc, char **argv)
{
	long count = argc == 2 ? atol(argv[1]) : 0, refused = 0;

	if (count <= 0) {
		fprintf(stderr, "usage: uids COUNT\n");
		return 2;
	}
	for (long i = 0; i < count; i += AT_A_TIME) {
		long n = arm_all(FIRST + i, count - i < AT_A_TIME ? count - i : AT_A_TIME);

		refused += n;
		if (n > 0 && refused == n)
			fprintf(stderr, "after %ld uids\n", i);
	}
	printf("%ld uids armed, %ld were refused\n", count, refused);
	return refused ? 1 : 0;
}
