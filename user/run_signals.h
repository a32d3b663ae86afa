/* SPDX-License-Identifier: GPL-2.0-only */
/* run_signals.h - autokill run: which signals go on to the command */
#ifndef AUTOKILL_USER_RUN_SIGNALS_H
#define AUTOKILL_USER_RUN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct run_signals {
	int fd;			  /* signalfd for those that we take */
	sigset_t mask;		  /* the caller's, for the command */
	struct sigaction sigchld; /* the caller's, for the command */
};

/**
 * run_signals_take - block what we pass on, and SIGCHLD, and receive it by a signalfd
 *
 * Dispositions stay as they are, so that the command inherits them (nohup); only SIGCHLD is set to
 * the default, since an ignored one would take the exit status away.
 * Return: 0 or -errno.
 */
int run_signals_take(struct run_signals *signals);

/** run_signals_pass - receive what has come and pass on what is to be passed; does not wait */
void run_signals_pass(const struct run_signals *signals, pid_t pid, int pidfd);

/** What decides whether a signal is passed on. */
struct run_signal {
	int number;
	bool from_kernel;    /* si_code is SI_KERNEL: the terminal */
	bool from_command;   /* the command itself sent it */
	bool same_group;     /* the command is in our process group */
	bool has_continued;  /* a SIGCONT has continued the command without us */
	bool session_leader; /* we are */
};

/** run_signal_passes - should the command get it from us? */
bool run_signal_passes(const struct run_signal *signal);

#endif /* AUTOKILL_USER_RUN_SIGNALS_H */
