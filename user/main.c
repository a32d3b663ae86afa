// SPDX-License-Identifier: GPL-2.0-only
/* main.c - the choice of a verb */
#include <argp.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "base/place.h"
#include "verbs/verbs.h"

const char *argp_program_version = "autokill " AUTOKILL_VERSION;

#define VERB_ROW(verb, summary, descriptors) { #verb, summary, cmd_##verb, descriptors },
static const struct verb verbs[] = { VERBS(VERB_ROW) };

#define N_VERBS (sizeof(verbs) / sizeof(*verbs))

static void help_print(void)
{
	printf("Usage: autokill VERB [OPTION...]\n"
	       "Have the kernel kill a child when the last reference to its pidfd goes.\n\n");
	for (size_t i = 0; i < N_VERBS; i++)
		printf("  %-8s %s\n", verbs[i].name, verbs[i].summary);
	printf("\n`autokill help VERB' (or `autokill VERB --help', or -h) tells about one of them;\n"
	       "`autokill --version'.\n"
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
	/* These stand in argv as long as argv does. */
	static char name[32], help[] = "--help";

	argp_err_exit_status = 2;
	setlocale(LC_CTYPE, ""); /* tables show what the terminal can */
	if (argc < 2)
		return usage_fail("no verb given", "");
	if (!strcmp(argv[1], "help")) { /* `help VERB' becomes `VERB --help' */
		if (argc > 3)
			return usage_fail("help takes one verb", "");
		argv[1] = argc == 3 && strcmp(argv[2], "help") ? argv[2] : help;
		argv[2] = argc == 3 ? help : NULL;
	}
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
