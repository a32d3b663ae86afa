// SPDX-License-Identifier: GPL-2.0-only
/* test_ps.c - autokill ps: table and JSON of made-up tethers */
#include "made_up.h"

#define cmd_ps cmd_ps_made_up
#define proc_command proc_command_made_up
#include "cmd_ps.c"

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

static int setup(void **state)
{
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
	"{\"id\":7,\"state\":\"live\",\"scope\":\"process\",\"pid\":1201,"                         \
	"\"command\":\"a\\\\x0a\\\\x1b[1m\\\"b\",\"uid\":0,\"user\":\"root\",\"creator\":1200,"    \
	"\"creator_tid\":1205,\"creator_comm\":\"server\",\"guard\":false,"                        \
	"\"born\":\"2026-04-12T14:01:52.500000+02:00\",\"age_ns\":90000000000,"                    \
	"\"released_ns\":null,\"killed_ns\":null,\"stuck\":false,\"looks\":0}\n"
#define LINE_1234567890123                                                                         \
	"{\"id\":1234567890123,\"state\":\"killed\",\"scope\":\"process\",\"pid\":1301,"           \
	"\"command\":null,\"uid\":4000000001,\"user\":\"4000000001\",\"creator\":1300,"            \
	"\"creator_tid\":1300,\"creator_comm\":\"0123456789abcde\",\"guard\":true,"                \
	"\"born\":\"2026-04-12T14:03:20.500000+02:00\",\"age_ns\":2000000000,"                     \
	"\"released_ns\":1000000000,\"killed_ns\":1000000,\"stuck\":true,\"looks\":12}\n"
#define LINE_8                                                                                      \
	"{\"id\":8,\"state\":\"birth\",\"scope\":\"process\",\"pid\":0,\"command\":null,\"uid\":0," \
	"\"user\":\"root\",\"creator\":1,\"creator_tid\":1,\"creator_comm\":\"init\","              \
	"\"guard\":false,\"born\":\"2026-04-12T14:03:22.500000+02:00\",\"age_ns\":0,"               \
	"\"released_ns\":null,\"killed_ns\":null,\"stuck\":false,\"looks\":0}\n"

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
		cmocka_unit_test_setup(nothing_there, setup),
		cmocka_unit_test_setup(not_loaded, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
