/* SPDX-License-Identifier: GPL-2.0-only */
/* run_signals.h - autokill run: which signals go on to the command */
#ifndef AUTOKILL_USER_RUN_SIGNALS_H
#define AUTOKILL_USER_RUN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "verbs/run_group.h"

struct run_child;

struct run_signals {
	int fd;			  /* signalfd for those that we take */
	sigset_t mask;		  /* the caller's, for the command */
	struct sigaction sigchld; /* the caller's, for the command */
	struct run_group group;
};

/**
 * run_signals_take - block what we pass on, and SIGCHLD, and receive it by a signalfd
 * @words: of the command line, for run_group_start()
 *
 * Dispositions stay as they are, so that the command inherits them (nohup); only SIGCHLD is set to
 * the default, since an ignored one would take the exit status away.
 * Return: 0 or -errno.
 */
int run_signals_take(struct run_signals *signals, char **words);

/** run_signals_restore - in a child: give back mask and disposition of the caller */
void run_signals_restore(const struct run_signals *signals);

/** run_signals_close - in a child: close what is the parent's */
void run_signals_close(struct run_signals *signals);

/** run_signals_pass - receive what has come and pass on what is to be passed; does not wait */
void run_signals_pass(struct run_signals *signals, struct run_child *child);

/** run_signals_end - no command is left to pass on to */
void run_signals_end(struct run_signals *signals);

/** What decides whether a signal is passed on. */
struct run_signal {
	int number;
	bool from_command;  /* the command itself sent it */
	bool to_group;	    /* our whole process group had it, and the command is in that */
	bool has_continued; /* a SIGCONT has continued the command without us */
	bool undone;	    /* a SIGCONT, and a SIGTSTP that the command had came after it */
};

/** run_signal_passes - should the command get it from us? */
bool run_signal_passes(const struct run_signal *signal);

/** run_signal_wakes - must a stopped command be continued to receive it? */
bool run_signal_wakes(int number);

#endif /* AUTOKILL_USER_RUN_SIGNALS_H */
