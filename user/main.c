// SPDX-License-Identifier: GPL-2.0-only
/* main.c - the table of verbs, and the choice of one of them */
#include <argp.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "msg.h"
#include "place.h"
#include "verbs.h"

const char *argp_program_version = "autokill " AUTOKILL_VERSION;

static const struct verb verbs[] = {
	{ "load", "attach the programs, prove that they kill, pin them", cmd_load, 192 },
	{ "unload", "detach the programs", cmd_unload, 64 },
	{ "status", "what is loaded, how full it is, what it has done", cmd_status, 64 },
	{ "doctor", "whether this kernel can enforce, and what it lacks", cmd_doctor, 192 },
	{ "ps", "list the tethers", cmd_ps, 64 },
	{ "events", "the last events, or all from now on", cmd_events, 64 },
	{ "run", "run a command that dies with this process", cmd_run, 0 },
	{ "agent", "kill for the programs, on Linux 6.1 to 6.17", cmd_agent, 64 },
};

#define N_VERBS (sizeof(verbs) / sizeof(*verbs))

static void help_print(void)
{
	printf("Usage: autokill VERB [OPTION...]\n"
	       "Have the kernel kill a child when the last reference to its pidfd goes.\n\n");
	for (size_t i = 0; i < N_VERBS; i++)
		printf("  %-8s %s\n", verbs[i].name, verbs[i].summary);
	printf("\n`autokill VERB --help' (or -h) tells about one of them; `autokill --version'.\n"
	       "Exit status: 0 done, 1 failed, 2 usage; doctor and run have their own.\n");
}

static int usage_fail(const char *what, const char *word)
{
	char names[128] = "";

	for (size_t i = 0; i < N_VERBS; i++) {
		strcat(names, " ");
		strcat(names, verbs[i].name);
	}
	msg_error("%s%s: the verbs are%s", what, word, names);
	return 2;
}

static const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	int err;
	static char name[32]; /* stands in argv as long as argv does */

	argp_err_exit_status = 2;
	setlocale(LC_CTYPE, ""); /* tables show what the terminal can */
	if (argc < 2)
		return usage_fail("no verb given", "");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "-?")) {
		help_print();
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts(argp_program_version);
		return 0;
	}
	verb = verb_find(argv[1]);
	if (!verb)
		return usage_fail("unknown verb ", argv[1]);
	snprintf(name, sizeof(name), "autokill %s", verb->name);
	argv[1] = name;
	err = place_descriptors(verb->descriptors);
	if (err) {
		msg_error("%s: cannot have %d descriptors: %s; allow more: ulimit -n 256",
			  verb->name, verb->descriptors, strerror(-err));
		return strcmp(verb->name, "doctor") ? 1 : 2;
	}
	return verb->run(argc - 1, argv + 1);
}
