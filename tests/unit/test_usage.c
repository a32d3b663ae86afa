// SPDX-License-Identifier: GPL-2.0-only
/* test_usage.c - the command line: verbs, help, versions, and what is refused */
int autokill_main(int argc, char **argv);

#define main autokill_main
#include "main.c"
#undef main

#include "call.h"

static const char *const all[] = { "load", "unload", "status", "doctor",
				   "ps",   "events", "run",    "agent" };

#define N_ALL (sizeof(all) / sizeof(*all))

static struct called *autokill(const char *words)
{
	char line[128];

	snprintf(line, sizeof(line), "autokill %s", words);
	return call_words(autokill_main, line);
}

static void assert_usage(const char *words, int status, const char *err)
{
	struct called *c = autokill(words);

	assert_string_equal(c->out, "");
	assert_non_null(strstr(c->err, err));
	assert_int_equal(c->status, status);
}

static void help_names_every_verb(void **state)
{
	struct called *c = autokill("--help");
	char row[32];

	(void)state;
	assert_int_equal(c->status, 0);
	assert_string_equal(c->err, "");
	for (size_t i = 0; i < N_ALL; i++) {
		snprintf(row, sizeof(row), "\n  %-8s ", all[i]);
		assert_non_null(strstr(c->out, row));
	}
	assert_int_equal(N_ALL, N_VERBS);
}

static void version(void **state)
{
	(void)state;
	assert_string_equal(autokill("--version")->out, "autokill " AUTOKILL_VERSION "\n");
	assert_string_equal(autokill("-V")->out, "autokill " AUTOKILL_VERSION "\n");
	assert_string_equal(autokill("ps --version")->out, "autokill " AUTOKILL_VERSION "\n");
}

static void unknown_verbs(void **state)
{
	const char *list = "the verbs are load unload status doctor ps events run agent\n";

	(void)state;
	assert_usage("", 2, list);
	assert_usage("frob", 2, list);
	assert_usage("frob", 2, "autokill: unknown verb frob:");
	assert_usage("--frob", 2, "autokill: unknown verb --frob:");
	assert_usage("PS", 2, list);
}

static void every_verb_has_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ALL; i++) {
		char words[64], usage[64];
		struct called *c;

		snprintf(words, sizeof(words), "%s --help", all[i]);
		snprintf(usage, sizeof(usage), "Usage: autokill %s ", all[i]);
		c = autokill(words);
		assert_int_equal(c->status, 0);
		assert_memory_equal(c->out, usage, strlen(usage));
		assert_non_null(strstr(c->out, "Exit status:"));
	}
}

/* One prints what the other does, and succeeds. */
static struct called *assert_same(const char *words, const char *as)
{
	char *want = strdup(autokill(as)->out);
	struct called *c = autokill(words);

	assert_int_equal(c->status, 0);
	assert_string_equal(c->err, "");
	assert_string_equal(c->out, want);
	free(want);
	return c;
}

static void short_help_is_the_same(void **state)
{
	(void)state;
	assert_same("-h", "--help");
	for (size_t i = 0; i < N_ALL; i++) {
		char words[64], as[64];

		snprintf(words, sizeof(words), "%s -h", all[i]);
		snprintf(as, sizeof(as), "%s --help", all[i]);
		assert_non_null(strstr(assert_same(words, as)->out, "  -h "));
	}
}

static void help_is_a_verb(void **state)
{
	(void)state;
	assert_non_null(strstr(assert_same("help", "--help")->out, "`autokill help VERB'"));
	assert_same("help help", "--help");
	assert_same("help --help", "--help");
	assert_same("help -h", "--help");
	for (size_t i = 0; i < N_ALL; i++) {
		char words[64], as[64];

		snprintf(words, sizeof(words), "help %s", all[i]);
		snprintf(as, sizeof(as), "%s --help", all[i]);
		assert_same(words, as);
	}
	assert_usage("help frob", 2, "autokill: unknown verb frob: the verbs are load ");
	assert_usage("help --frob", 2, "autokill: unknown verb --frob: the verbs are load ");
	assert_usage("help ps run", 2, "autokill: help takes one verb: the verbs are load ");
	assert_usage("help ps --json", 2, "autokill: help takes one verb: ");
}

static void every_verb_refuses_what_it_does_not_know(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ALL; i++) {
		int status = strcmp(all[i], "run") ? 2 : 125;
		char words[64];

		snprintf(words, sizeof(words), "%s --no-such-option", all[i]);
		assert_usage(words, status, "unrecognized option");
		if (status != 2)
			continue;
		snprintf(words, sizeof(words), "%s stray", all[i]);
		assert_usage(words, status, "takes no arguments");
	}
}

static void values(void **state)
{
	(void)state;
	assert_usage("ps --uid no-such-user", 2, "no such user");
	assert_usage("ps --uid 4294967295", 2, "no such user");
	assert_usage("ps --uid", 2, "requires an argument");
	assert_usage("events -n", 2, "requires an argument");
	assert_usage("events -n x", 2, "-n takes a number");
	assert_usage("events -n 1x", 2, "-n takes a number");
	assert_usage("events -n -1", 2, "-n takes a number");
	assert_usage("events -n 99999999999999999999", 2, "-n takes a number");
	assert_usage("run", 125, "no command given");
	assert_usage("run --nnp", 125, "no command given");
	assert_usage("run --nnp --", 125, "no command given");
}

/* What may not change without notice: others call it from scripts and units. */
static void options_of_load(void **state)
{
	struct called *c = autokill("load --help");

	(void)state;
	assert_non_null(strstr(c->out, "--no-native-flags"));
	assert_non_null(strstr(c->out, "--room=N"));
	assert_null(strstr(c->out, "ring-bytes"));
	assert_usage("load --no-native-flags=yes", 2, "doesn't allow an argument");
	assert_usage("load --no-native-flags stray", 2, "takes no arguments");
	assert_usage("load --no-native-flags --room 0", 2, "not a number from 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_names_every_verb),
		cmocka_unit_test(version),
		cmocka_unit_test(unknown_verbs),
		cmocka_unit_test(every_verb_has_help),
		cmocka_unit_test(short_help_is_the_same),
		cmocka_unit_test(help_is_a_verb),
		cmocka_unit_test(every_verb_refuses_what_it_does_not_know),
		cmocka_unit_test(values),
		cmocka_unit_test(options_of_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
