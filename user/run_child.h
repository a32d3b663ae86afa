/* SPDX-License-Identifier: GPL-2.0-only */
/* run_child.h - autokill run: the command as a child, from its birth to its exit status */
#ifndef AUTOKILL_USER_RUN_CHILD_H
#define AUTOKILL_USER_RUN_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	RUN_FAILED = 125, /* autokill itself failed */
	RUN_CANNOT_EXEC = 126,
	RUN_NOT_FOUND = 127,
	RUN_SIGNALLED = 128, /* plus the number of the signal */
};

struct run_child {
	pid_t pid;
	int pidfd;  /* the tether: close-on-exec, in no other process */
	int report; /* receives the errno of an exec that failed; end of file if it did not */
};

/**
 * run_child_start - create the child, tethered, and have it execute @argv
 * @flags: AUTOKILL_TREE, AUTOKILL_NNP, or 0
 * @mask: the signal mask that the child gets
 * @sigchld: the disposition of SIGCHLD that the child gets
 *
 * Return: 0; or -errno after a message. On failure there is no child.
 */
int run_child_start(struct run_child *child, char **argv, unsigned int flags, const sigset_t *mask,
		    const struct sigaction *sigchld);

enum run_event {
	RUN_NOTHING, /* it runs, or is stopped since before */
	RUN_STOPPED,
	RUN_EXITED,
};

/**
 * run_child_look - what has happened to the child; does not wait
 * @status: receives the exit status for `autokill run`, with RUN_EXITED. If the exec failed, a
 *          message has been printed.
 */
enum run_event run_child_look(const struct run_child *child, const char *command, int *status);

/**
 * run_child_continued - has a SIGCONT continued the child since this or run_child_look() was called?
 */
bool run_child_continued(int pidfd);

/** run_status_of_siginfo - exit status for what waitid() tells of an exit */
int run_status_of_siginfo(const siginfo_t *info);

/** run_status_of_wait - exit status for what wait() tells of an exit */
int run_status_of_wait(int wait_status);

/** run_status_of_exec - exit status for an exec that failed with @err */
int run_status_of_exec(int err);

#endif /* AUTOKILL_USER_RUN_CHILD_H */
