// SPDX-License-Identifier: GPL-2.0-only
/*
 * cases.c - the table of cases as data
 */
#include "cases.h"

#define CASE(name, ways, needs, shows, why_not) void name(void);
#include "table.h"
#undef CASE

#define CASE(name, ways, needs, shows, why_not) { #name, name, ways, needs, shows, why_not },

const struct conf_case cases[] = {
#include "table.h"
};

const unsigned int cases_count = sizeof(cases) / sizeof(cases[0]);

void R1_close(void);
void R2_holder_killed(void);
void R3_holder_exits(void);
void R4_holder_execs(void);

/* clang-format off */
const struct conf_case stress_cases[] = {
	CASE(R1_close, WAY_BOTH, 0, "closed by a live holder", NULL)
	CASE(R2_holder_killed, WAY_BOTH, 0, "holder gets SIGKILL", NULL)
	CASE(R3_holder_exits, WAY_BOTH, 0, "holder calls _exit()", NULL)
	CASE(R4_holder_execs, WAY_BOTH, 0, "holder execs", NULL)
};
/* clang-format on */

const unsigned int stress_cases_count = sizeof(stress_cases) / sizeof(stress_cases[0]);
