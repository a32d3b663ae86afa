// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - conformance: options, and the run of the cases under cmocka
 *
 * main is the subreaper of everything that a case starts, runs as root, and is alone in asserting.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cases.h"
#include "deviations.h"
#include "left.h"

/* The bound of a whole case, should a wait have none of its own; --rounds and --stress add. */
#define CASE_SECONDS 300

int the_rounds = 20;
int the_deadline_ms = 20000;

static bool case_finished;
static unsigned int skipped;
static const struct conf_case *case_now;
static const char *allowed = ""; /* --may-skip */
static char step_text[128];

void step(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(step_text, sizeof(step_text), format, args);
	va_end(args);
}

/* Is @name in --may-skip, which is split at commas. */
static bool may_skip(const char *name)
{
	const size_t length = strlen(name);
	const char *at;

	for (at = allowed; (at = strstr(at, name)); at += length)
		if ((at == allowed || at[-1] == ',') && (!at[length] || at[length] == ','))
			return true;
	return false;
}

static void left_out(const char *how, const char *name, const char *format, va_list args)
{
	char reason[160];

	vsnprintf(reason, sizeof(reason), format, args);
	if (!may_skip(name))
		fail_msg("%s, and this may not be skipped here: --may-skip has no \"%s\"", reason,
			 name);
	printf("%s %s %s: %s\n", how, name, case_now->name, reason);
}

void skip_because(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	left_out("SKIP", name, format, args);
	va_end(args);
	skipped++;
	case_finished = true;
	skip();
	abort(); /* not reached */
}

void leave_out(const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	left_out("LEFT OUT", name, format, args);
	va_end(args);
}

static void case_overdue(int sig)
{
	(void)sig;
	/* cmocka leaves a test by longjmp, so its being called from anywhere is no news to it */
	fail_msg("the case took more than its time");
}

static int case_setup(void **state)
{
	(void)state;
	case_finished = false;
	step_text[0] = '\0';
	left_state_begin();
	alarm(CASE_SECONDS + the_rounds * 2);
	return 0;
}

static void case_run(void **state)
{
	const struct conf_case *conf_case = *state;
	const char *why, *unmet = case_unmet(conf_case, &why);

	case_now = conf_case;
	if (unmet)
		skip_because(unmet, "%s", why);
	conf_case->run();
	stage_clear();
	case_finished = true;
}

static int case_teardown(void **state)
{
	const struct conf_case *conf_case = *state;

	alarm(0);
	sysctl_restore();
	if (case_finished)
		return 0;
	if (step_text[0])
		print_error("%s was at: %s\n", conf_case->name, step_text);
	stage_sweep();
	return 0;
}

static const char *ways_text(unsigned int ways)
{
	return ways == WAY_BOTH ? "native prctl" : way_name(ways);
}

static void list(bool stress, const char *filter)
{
	unsigned int i, count;
	const struct conf_case **table = cases_sorted(stress, &count);

	for (i = 0; i < count; i++) {
		if (fnmatch(filter, table[i]->name, 0) != 0)
			continue;
		printf("%-34s %-13s %s", table[i]->name, ways_text(table[i]->ways),
		       table[i]->shows);
		if (table[i]->why_not)
			printf(" [not both: %s]", table[i]->why_not);
		putchar('\n');
	}
	free(table);
}

static unsigned int choose(const struct conf_case *const *table, unsigned int count,
			   const char *filter, struct CMUnitTest *tests)
{
	unsigned int i, chosen = 0;

	for (i = 0; i < count; i++) {
		if (fnmatch(filter, table[i]->name, 0) != 0)
			continue;
		if (!(table[i]->ways & the_way)) {
			printf("not by %s: %s: %s\n", way_name(the_way), table[i]->name,
			       table[i]->why_not);
			continue;
		}
		tests[chosen++] = (struct CMUnitTest){
			.name = table[i]->name,
			.test_func = case_run,
			.setup_func = case_setup,
			.teardown_func = case_teardown,
			.initial_state = (void *)table[i],
		};
	}
	return chosen;
}

static int run(bool stress, const char *filter)
{
	unsigned int count, chosen;
	const struct conf_case **table = cases_sorted(stress, &count);
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	struct utsname uts;
	int failed;

	if (!table || !tests) {
		free(table);
		free(tests);
		return 1;
	}
	uname(&uts);
	printf("conformance via %s on %s\n", way_name(the_way), uts.release);
	deviations_print();
	chosen = choose(table, count, filter, tests);
	failed = _cmocka_run_group_tests(way_name(the_way), tests, chosen, NULL, NULL);
	free(table);
	free(tests);
	fflush(stderr);
	printf("%u passed, %d failed, %u skipped\n", chosen - failed - skipped, failed, skipped);
	return failed || chosen == 0 ? 1 : 0;
}

static int prepare(void)
{
	const struct rlimit no_core = { 0, RLIM_INFINITY };
	struct sigaction overdue = { .sa_handler = case_overdue, .sa_flags = SA_NODEFER };
	const char *why;
	int ret;

	deviations_find();
	if (!way_works(&why)) {
		fprintf(stderr, "conformance: %s: %s\n", way_name(the_way), why);
		return 1;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0) {
		fprintf(stderr, "conformance: prctl, setrlimit: %s; run it as root\n",
			strerror(errno));
		return 1;
	}
	sigaction(SIGALRM, &overdue, NULL);
	ret = programs_make();
	if (ret) {
		fprintf(stderr,
			"conformance: copies of the binary on a tmpfs: %s; run it as root\n",
			strerror(-ret));
		programs_drop();
		return 1;
	}
	return 0;
}

static int veto_garden(bool plant)
{
	int err = 0;

	if (plant)
		err = veto_plant();
	else
		veto_uproot();
	if (err)
		fprintf(stderr, "conformance: --plant-veto: %s\n", strerror(-err));
	return err ? 1 : 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: conformance --via native|prctl [--filter GLOB] [--rounds N]\n"
		"       conformance --via native|prctl --stress N [--filter GLOB]\n"
		"       conformance --list [--filter GLOB]\n"
		"       --deadline MS   instead of 20000: what must happen, happens by then\n"
		"       --may-skip NAME,...   what this machine need not have; all else that a case\n"
		"                       needs and that is not there, fails it\n"
		"       conformance --plant-veto|--uproot-veto   before load, for X26\n"
		"Exit: 0 nothing failed; 1 something did, or the way does not work here;\n"
		"2 usage\n");
	return 2;
}

/* Do all names that are split by commas exist; else it is told which one does not. */
static bool needs_known(const char *names)
{
	char *copy = strdup(names), *rest = copy, *name;
	bool known = copy != NULL;

	while (known && (name = strsep(&rest, ","))) {
		known = need_known(name);
		if (!known)
			fprintf(stderr, "conformance: --may-skip: nothing is named \"%s\"\n", name);
	}
	free(copy);
	return known;
}

static bool positive(const char *text, int *number)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || end == text || value < 1 || value > 1000000)
		return false;
	*number = value;
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "via", required_argument, NULL, 'v' },
		{ "list", no_argument, NULL, 'l' },
		{ "filter", required_argument, NULL, 'f' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "deadline", required_argument, NULL, 'd' },
		{ "stress", required_argument, NULL, 's' },
		{ "may-skip", required_argument, NULL, 'm' },
		{ "plant-veto", no_argument, NULL, 'p' },
		{ "uproot-veto", no_argument, NULL, 'u' },
		{},
	};
	bool listing = false, stress = false, plant = false, uproot = false;
	const char *filter = "*";
	int option, ret;

	/* the kernel, and actors, start this binary again */
	if (argc > 2 && strcmp(argv[1], "--core") == 0)
		return core_helper(atoi(argv[2]));
	if (argc > 1 && strcmp(argv[1], "--actor") == 0)
		actor_life_after_exec(argv + 1);
	/* PROGRAM_MISC: as an interpreter, which gets the path of the file in front */
	if (argc > 2 && strcmp(argv[2], "--actor") == 0)
		actor_life_after_exec(argv + 2);
	if (argc > 3 && strcmp(argv[1], "--storm") == 0)
		storm_life(argv + 1);

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if ((option == 'v' && way_parse(optarg, &the_way)) ||
		    (option == 'l' && (listing = true)) || (option == 'p' && (plant = true)) ||
		    (option == 'u' && (uproot = true)) || (option == 'f' && (filter = optarg)) ||
		    (option == 'r' && positive(optarg, &the_rounds)) ||
		    (option == 'd' && positive(optarg, &the_deadline_ms)) ||
		    (option == 'm' && needs_known(allowed = optarg)) ||
		    (option == 's' && (stress = positive(optarg, &the_rounds))))
			continue;
		return usage();
	}
	if (optind != argc)
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (listing) {
		list(false, filter);
		list(true, filter);
		return 0;
	}
	if (plant || uproot)
		return veto_garden(plant);
	if (!the_way)
		return usage();
	if (prepare())
		return 1;
	ret = run(stress, filter);
	programs_drop();
	return ret;
}
