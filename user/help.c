// SPDX-License-Identifier: GPL-2.0-only
/* help.c - -h, which argp does not have by itself */
#include <argp.h>
#include <stdio.h>

#include "verbs.h"

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
