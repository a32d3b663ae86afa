/* SPDX-License-Identifier: GPL-2.0-only */
/* verbs.h - the verbs of the command line, one file cmd_<verb>.c each */
#ifndef AUTOKILL_USER_VERBS_H
#define AUTOKILL_USER_VERBS_H

struct verb {
	const char *name;
	const char *summary; /* one line for --help */
	int (*run)(int argc, char **argv);
	int descriptors; /* that must be to be had, or it would tell of files that it cannot open; 0: none */
};

struct argp_child;

/** verb_help - for the children of each verb's struct argp: -h, which is --help */
extern const struct argp_child verb_help[];

/*
 * argv[0] is "autokill <verb>". Each returns the exit status of the process: 0 done, 1 failed; a
 * usage error exits with argp_err_exit_status. doctor and run have statuses of their own.
 */
int cmd_load(int argc, char **argv);
int cmd_unload(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_agent(int argc, char **argv);

#endif /* AUTOKILL_USER_VERBS_H */
