// SPDX-License-Identifier: GPL-2.0-only
/* test_ps.c - autokill ps: table and JSON of made-up tethers */
#include "made_up.h"

#define members_read members_read_made_up
#define ps_tree_print ps_tree_print_made_up
#define cmd_ps cmd_ps_made_up
#define proc_command proc_command_made_up
#include "verbs/ps_tree.c"

#include "verbs/ps.c"

#include "call.h"

static const char *command_made_up;

/* Of the made-up tethers, only pid 1201 still runs. */
int proc_command_made_up(__u32 pid, __u64 start_time, char comm[AUTOKILL_COMM_LEN])
{
	if (pid != 1201 || start_time != 42)
		return -ESRCH;
	strcpy(comm, command_made_up);
	return 0;
}

/* As the iterator prints them. */
static const char *const *lines_made_up;

int members_read_made_up(struct member **out, size_t *n)
{
	struct member m[16];

	for (*n = 0; lines_made_up && lines_made_up[*n]; (*n)++)
		assert_int_equal(members_parse(lines_made_up[*n], &m[*n]), 0);
	*out = made_up_copy(m, *n, sizeof(*m));
	return 0;
}

static int setup(void **state)
{
	lines_made_up = NULL;

	(void)state;
	memset(&made_up, 0, sizeof(made_up));
	made_up_clock();
	command_made_up = "a\n\x1b[1m\"b"; /* a name chosen with care */
	made_up.tethers[0] = (struct autokill_tether){
		.id = 7,
		.state = TETHER_LIVE,
		.scope = SCOPE_PROCESS,
		.tgid = 1201,
		.start_time = 42,
		.uid = 0,
		.creator = 1200,
		.creator_tid = 1205,
		.comm = "server",
		.born_at = made_up.now - 90 * NS_PER_S,
	};
	made_up.tethers[1] = (struct autokill_tether){
		.id = 1234567890123,
		.state = TETHER_KILLED,
		.scope = SCOPE_PROCESS,
		.tgid = 1301,
		.start_time = 43,
		.uid = 4000000001,
		.creator = 1300,
		.creator_tid = 1300,
		.comm = "0123456789abcde",
		.flags = TETHER_GUARD | TETHER_STUCK,
		.looks = 12,
		.born_at = made_up.now - 2 * NS_PER_S,
		.released_at = made_up.now - NS_PER_S,
		.killed_at = made_up.now - 1000000,
	};
	made_up.tethers[2] = (struct autokill_tether){
		.id = 8,
		.state = TETHER_BIRTH,
		.scope = SCOPE_PROCESS,
		.uid = 0,
		.creator = 1,
		.creator_tid = 1,
		.comm = "init",
		.born_at = made_up.now + 5, /* since we read the clock */
	};
	made_up.n_tethers = 3;
	return 0;
}

static void assert_out(const char *line, const char *out)
{
	struct called *c = call_words(cmd_ps_made_up, line);

	assert_string_equal(c->out, out);
	assert_string_equal(c->err, "");
	assert_int_equal(c->status, 0);
}

static const char table_text[] =
	"           ID STATE  PID COMMAND UID        CREATOR GUARD   AGE LOOKS\n"
	"            7 live  1201 worker  root          1200 no    1m30s     0\n"
	"1234567890123 stuck 1301 -       4000000001    1300 yes   2.0 s    12\n"
	"            8 birth    0 -       root             1 no     0 us     0\n";

static void table(void **state)
{
	(void)state;
	command_made_up = "worker";
	assert_out("ps", table_text);
}

/* How wide libsmartcols makes such a column depends on its version. */
static void names_cannot_command_the_terminal(void **state)
{
	(void)state;
	assert_non_null(strstr(call_words(cmd_ps_made_up, "ps")->out, " a\\x0a\\x1b[1m\"b "));
}

#define LINE_7                                                                                     \
	"{\"id\":7,\"state\":\"live\",\"scope\":\"process\",\"parent\":null,\"pid\":1201,"         \
	"\"command\":\"a\\\\x0a\\\\x1b[1m\\\"b\",\"uid\":0,\"user\":\"root\",\"creator\":1200,"    \
	"\"creator_tid\":1205,\"creator_comm\":\"server\",\"guard\":false,"                        \
	"\"born\":\"2026-04-12T14:01:52.500000+02:00\",\"age_ns\":90000000000,"                    \
	"\"released_ns\":null,\"killed_ns\":null,\"stuck\":false,\"looks\":0,\"members\":null}\n"
#define LINE_1234567890123                                                                         \
	"{\"id\":1234567890123,\"state\":\"killed\",\"scope\":\"process\","                        \
	"\"parent\":null,\"pid\":1301,"                                                            \
	"\"command\":null,\"uid\":4000000001,\"user\":\"4000000001\",\"creator\":1300,"            \
	"\"creator_tid\":1300,\"creator_comm\":\"0123456789abcde\",\"guard\":true,"                \
	"\"born\":\"2026-04-12T14:03:20.500000+02:00\",\"age_ns\":2000000000,"                     \
	"\"released_ns\":1000000000,\"killed_ns\":1000000,"                                        \
	"\"stuck\":true,\"looks\":12,\"members\":null}\n"
#define LINE_8                                                                                     \
	"{\"id\":8,\"state\":\"birth\",\"scope\":\"process\",\"parent\":null,"                     \
	"\"pid\":0,\"command\":null,\"uid\":0,"                                                    \
	"\"user\":\"root\",\"creator\":1,\"creator_tid\":1,\"creator_comm\":\"init\","             \
	"\"guard\":false,\"born\":\"2026-04-12T14:03:22.500000+02:00\",\"age_ns\":0,"              \
	"\"released_ns\":null,\"killed_ns\":null,\"stuck\":false,\"looks\":0,\"members\":null}\n"

static void json(void **state)
{
	(void)state;
	assert_out("ps --json", LINE_7 LINE_1234567890123 LINE_8);
}

static void of_one_user(void **state)
{
	(void)state;
	assert_out("ps --json --uid 4000000001", LINE_1234567890123);
	assert_out("ps -j -u 0", LINE_7 LINE_8);
	assert_out("ps -j -u root", LINE_7 LINE_8);
	assert_out("ps -j -u 12345", "");
}

/* A tree with a process-scope tether and a tree within; an orphan; a parent with a reused pid. */
static void some_trees(void)
{
	static const char *const lines[] = {
		"20 300 300 1 4000001000 3598000000000 sh\n",
		"20 301 301 300 0 3599000000000 worker\n",
		"20 302 302 1 4000001000 3599500000000 daemon\n",
		"20 310 310 311 4000001000 3598500000000 a?b\n",
		"20 311 311 1 4000001000 3599600000000 heir\n",
		"21 400 400 301 4000001000 3600000000000 inner\n",
		"21 401 401 400 4000001000 3600200000000 \n",
		NULL,
	};

	lines_made_up = lines;
	made_up.tethers[0].id = 5;
	made_up.tethers[1] = made_up.tethers[0];
	made_up.tethers[1].id = 20;
	made_up.tethers[1].scope = SCOPE_TREE;
	made_up.tethers[1].tgid = 300;
	made_up.tethers[1].holds = HOLD_FILE | 9;
	made_up.tethers[2] = made_up.tethers[1];
	made_up.tethers[2].id = 21;
	made_up.tethers[2].parent = 20;
	made_up.tethers[2].depth = 1;
	made_up.tethers[2].uid = 4000000001;
	made_up.tethers[2].holds = 2;
	made_up.tethers[2].flags = TETHER_GUARD;
	made_up.tethers[3] = made_up.tethers[0];
	made_up.tethers[3].id = 22;
	made_up.tethers[3].parent = 20;
	made_up.n_tethers = 4;
}

static const char tree_text[] =
	"TREE              STATE COMMAND UID             AGE THREADS CREATOR GUARD\n"
	"tether 5: 1201    live  worker  root          1m30s            1200 no\n"
	"tether 20: tree   live  -       root          1m30s       9    1200 no\n"
	"|-300                   sh      4000001000    2.5 s       1         \n"
	"| `-301                 worker  root          1.5 s       1         \n"
	"|-302                   daemon  4000001000    1.0 s       1         \n"
	"|-310                   a?b     4000001000    2.0 s       1         \n"
	"|-311                   heir    4000001000 900.0 ms       1         \n"
	"|-tether 21: tree live  -       4000000001    1m30s       2    1200 yes\n"
	"| `-400                 inner   4000001000 500.0 ms       1         \n"
	"|   `-401                       4000001000 300.0 ms       1         \n"
	"`-tether 22: 1201 live  worker  root          1m30s            1200 no\n";

static void trees(void **state)
{
	(void)state;
	command_made_up = "worker";
	some_trees();
	setenv("LC_ALL", "C", 1);
	assert_out("ps --tree", tree_text);
	/* what is within a tree that is not shown stands by itself */
	assert_out("ps --tree --uid 4000000001",
		   "TREE            STATE COMMAND UID             AGE THREADS CREATOR GUARD\n"
		   "tether 21: tree live  -       4000000001    1m30s       2    1200 yes\n"
		   "`-400                 inner   4000001000 500.0 ms       1         \n"
		   "  `-401                       4000001000 300.0 ms       1         \n");
}

static void trees_in_json(void **state)
{
	const char *out;

	(void)state;
	some_trees();
	out = call_words(cmd_ps_made_up, "ps --tree --json")->out;
	assert_non_null(
		strstr(out, "\"id\":21,\"state\":\"live\",\"scope\":\"tree\",\"parent\":20,"));
	assert_non_null(strstr(out, "\"members\":2,\"processes\":[{\"pid\":400,\"parent\":301,"
				    "\"command\":\"inner\",\"uid\":4000001000,"));
	assert_non_null(
		strstr(out, "\"id\":22,\"state\":\"live\",\"scope\":\"process\",\"parent\":20,"));
	assert_non_null(strstr(out, "\"age_ns\":300000000,\"threads\":1}]}\n"));
}

static void lines_of_members(void **state)
{
	static const char *const wrong[] = { "", "\n", "1 2 3", "x 2 3 4 5 6 sh\n", "1 2 3 4 5\n" };
	struct member m = { .pid = 77 };

	(void)state;
	assert_int_equal(members_parse("7 12 13 1 4000000001 9999999999 0123456789abcde\n", &m), 0);
	assert_true(m.tether == 7 && m.pid == 12 && m.parent == 1 && m.uid == 4000000001);
	assert_true(m.start_time == 9999999999 && m.threads == 1);
	assert_string_equal(m.comm, "0123456789abcde");
	m.pid = 77;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(members_parse(wrong[i], &m), -EPROTO);
	assert_int_equal(m.pid, 77);
}

static void nothing_there(void **state)
{
	(void)state;
	made_up.n_tethers = 0;
	assert_out("ps", "");
	assert_out("ps --json", "");
}

static void not_loaded(void **state)
{
	(void)state;
	made_up.open_err = -ENOENT;
	assert_int_equal(call_words(cmd_ps_made_up, "ps")->status, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(table, setup),
		cmocka_unit_test_setup(names_cannot_command_the_terminal, setup),
		cmocka_unit_test_setup(json, setup),
		cmocka_unit_test_setup(of_one_user, setup),
		cmocka_unit_test_setup(trees, setup),
		cmocka_unit_test_setup(trees_in_json, setup),
		cmocka_unit_test_setup(lines_of_members, setup),
		cmocka_unit_test_setup(nothing_there, setup),
		cmocka_unit_test_setup(not_loaded, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
