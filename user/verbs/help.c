// SPDX-License-Identifier: GPL-2.0-only
/* help.c - what the command lines of all verbs have in common */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "verbs/verbs.h"

/* -h, which argp does not have by itself */
static const struct argp_option options[] = {
	{ NULL, 'h', NULL, 0, "The same as --help", -1 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != 'h')
		return ARGP_ERR_UNKNOWN;
	argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
	return 0;
}

static const struct argp argp = { .options = options, .parser = parse };

const struct argp_child verb_help[] = { { &argp, 0, NULL, 0 }, {} };

error_t verb_no_arguments(int key, char *arg, struct argp_state *state)
{
	const char *verb;

	if (key != ARGP_KEY_ARG) /* at ARGP_KEY_INIT there is no name yet */
		return ARGP_ERR_UNKNOWN;
	verb = strrchr(state->name, ' ');
	argp_error(state, "%s: %s takes no arguments", arg, verb ? verb + 1 : state->name);
	return EINVAL;
}
