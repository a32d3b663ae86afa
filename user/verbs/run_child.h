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

struct run_signals;

struct run_child {
	pid_t pid;
	int pidfd;  /* the tether: close-on-exec, in no other process; -1 after the release */
	int report; /* receives the errno of an exec that failed; end of file if it did not */
	bool stopped;
};

/**
 * run_child_start - create the child, tethered, and have it execute @argv
 * @argv: NULL: it executes nothing, but returns from here with 1, and with none of our descriptors
 * @command: its name for messages
 * @flags: AUTOKILL_TREE, AUTOKILL_NNP, or 0
 * @signals: gives the child the mask and the disposition of SIGCHLD that we were called with
 *
 * Return: 0; or -errno after a message. On failure there is no child.
 */
int run_child_start(struct run_child *child, char **argv, const char *command, unsigned int flags,
		    struct run_signals *signals);

enum run_event {
	RUN_NOTHING, /* it runs, or is stopped since before */
	RUN_STOPPED,
	RUN_EXITED,
};

/**
 * run_child_look - what has happened to the child; does not wait
 * @status: with RUN_EXITED, receives what wait(2) would tell of its end. If the exec failed, a
 *          message has been printed, and it is an exit with the status for that.
 */
enum run_event run_child_look(struct run_child *child, const char *command, int *status);

/**
 * run_child_has_continued - has a SIGCONT continued the child since this or run_child_look()?
 */
bool run_child_has_continued(struct run_child *child);

/** run_child_is_stopped - is it stopped, as far as we are its parent and not its tracer? */
bool run_child_is_stopped(const struct run_child *child);

/** run_child_release - drop the tether: the child, and with AUTOKILL_TREE its tree, is killed */
void run_child_release(struct run_child *child);

/** run_wait_of_siginfo - what waitid() tells of an exit, as wait(2) tells it */
int run_wait_of_siginfo(const siginfo_t *info);

/** run_status_of_wait - exit status for what wait(2) tells of an exit */
int run_status_of_wait(int wait_status);

/** run_status_of_exec - exit status for an exec that failed with @err */
int run_status_of_exec(int err);

#endif /* AUTOKILL_USER_RUN_CHILD_H */
