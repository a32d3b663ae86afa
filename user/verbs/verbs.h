/* SPDX-License-Identifier: GPL-2.0-only */
/* verbs.h - the verbs of the command line, one file <verb>.c each */
#ifndef AUTOKILL_USER_VERBS_H
#define AUTOKILL_USER_VERBS_H

#include <argp.h>

struct verb {
	const char *name;
	const char *summary; /* one line for --help */
	int (*run)(int argc, char **argv);
	/* so many must be free, or it would tell of files that it cannot open; 0: none */
	int descriptors;
};

/** verb_help - for the children of each verb's struct argp: -h, which is --help */
extern const struct argp_child verb_help[];

/** verb_no_arguments - the end of the parser of a verb that takes options only */
error_t verb_no_arguments(int key, char *arg, struct argp_state *state);

/*
 * VERB(name, one line for --help, descriptors as in struct verb). Its function is cmd_<name>().
 *
 * argv[0] is "autokill <verb>". Each returns the exit status of the process: 0 done, 1 failed; a
 * usage error exits with argp_err_exit_status. doctor and run have statuses of their own.
 */
#define VERBS(VERB)                                                                                \
	VERB(load, "attach the programs, prove that they kill, pin them", 192)                     \
	VERB(unload, "detach the programs", 64)                                                    \
	VERB(status, "what is loaded, how full it is, what it has done", 64)                       \
	VERB(doctor, "whether this kernel can enforce, and what it lacks", 192)                    \
	VERB(ps, "list the tethers", 64)                                                           \
	VERB(events, "the last events, or all from now on", 64)                                    \
	VERB(run, "run a command that dies with this process", 0)                                  \
	VERB(agent, "kill for the programs, on Linux 6.1 to 6.17", 64)

#define VERB_DECLARED(verb, summary, descriptors) int cmd_##verb(int argc, char **argv);
VERBS(VERB_DECLARED)

#endif /* AUTOKILL_USER_VERBS_H */
