// SPDX-License-Identifier: GPL-2.0-only
/* test_status.c - autokill status: text and JSON of a made-up state */
#include "made_up.h"

#define cmd_status cmd_status_made_up
#define status_json status_json_made_up
#define status_json_unloaded status_json_unloaded_made_up
#include "verbs/status.c"

#include "verbs/status_json.c"

#include "call.h"

static int setup(void **state)
{
	__u64 n = 100, *stats = (__u64 *)&made_up.stats;

	(void)state;
	memset(&made_up, 0, sizeof(made_up));
	made_up_clock();
	made_up.config = (struct autokill_config){
		.state_version = 7,
		.ready = AUTOKILL_READY,
		.share = 4096,
		.room = 16384,
		.lsm = 1,
		.native = NATIVE_FLAGS_ON,
		.version = "1.2.3",
		.loaded_at = 60 * NS_PER_S,
	};
	for (size_t i = 0; i < offsetof(struct autokill_stats, logs) / sizeof(__u64); i++)
		stats[i] = n++; /* each counter has a value of its own */
	return 0;
}

static void some_state(void)
{
	static const struct {
		__u32 uid;
		enum autokill_tether_state state;
	} tethers[] = {
		{ 4000000001, TETHER_LIVE },   { 0, TETHER_LIVE },
		{ 4000000001, TETHER_BIRTH },  { 0, TETHER_RELEASED },
		{ 4000000001, TETHER_KILLED },
	};

	for (size_t i = 0; i < 5; i++)
		made_up.tethers[i] = (struct autokill_tether){ .id = i,
							       .uid = tethers[i].uid,
							       .state = tethers[i].state };
	made_up.n_tethers = 5;
	made_up.failures[0] = (struct autokill_failure_count){ { FAIL_LEND_PARENT, EBUSY }, 3 };
	made_up.failures[1] = (struct autokill_failure_count){ { 99, 100000 }, 1 };
	made_up.n_failures = 2;
	made_up.progs[0] = (struct prog_info){ "release", "lsm", 12, 0, 0 };
	made_up.progs[1] = (struct prog_info){ "prctl", "tracing", 6, 17, 1000 };
	made_up.n_progs = 2;
	made_up.unreaped[0] = (struct unreaped){ 4711, 3, "supervisor" };
	made_up.unreaped[1] = (struct unreaped){ 12, 1, "" };
	made_up.n_unreaped = 2;
	made_up.armed = 1;
	made_up.guarded = 22;
}

static const char head_text[] =
	"autokill 1.2.3: loaded and ready\n"
	"since   2026-04-12 13:04:22.000\n"
	"hooks   BPF LSM\n"
	"agent   not needed\n"
	"flags   of clone3: served, as Linux 7.1 does\n"
	"room    5 of 16384 tethers; a user other than root may have 4096, all of them together 14336\n"
	"tethers 2 live, 1 at birth, 1 released, 1 killed but not gone\n"
	"tasks   22 under the guard, 1 with a request pending\n"
	"\n"
	"USER              UID TETHERS\n"
	"root                0       2\n"
	"4000000001 4000000001       3\n"
	"\n"
	"Dead children made by clone3's flags that nobody has waited for "
	"(wait with __WALL)\n"
	"CREATOR COMMAND    UNREAPED\n"
	"   4711 supervisor        3\n"
	"     12                   1\n"
	"\n"
	"Requests (prctl)\n"
	"         100  accepted\n"
	"         101  refused: no right, no room, no memory\n";

static const char tail_text[] = "\nEvents\n"
				"         128  written (autokill events)\n"
				"\n"
				"FAILED ERRNO   TO\n"
				"     3 EBUSY   queue task work for the closer's parent\n"
				"     1 unknown unknown\n"
				"\n"
				"PROGRAM TYPE    ID SKIPPED\n"
				"release lsm     12       0\n"
				"prctl   tracing  6      17\n";

static void text(void **state)
{
	struct called *c;
	const char *tail;

	(void)state;
	some_state();
	c = call_words(cmd_status_made_up, "status");
	assert_int_equal(c->status, 0);
	assert_string_equal(c->err, "");
	tail = strstr(c->out, "\nEvents\n");
	assert_non_null(tail);
	assert_string_equal(tail, tail_text);
	c->out[strlen(head_text)] = '\0';
	assert_string_equal(c->out, head_text);
}

static void text_of_nothing_yet(void **state)
{
	struct called *c = call_words(cmd_status_made_up, "status");

	(void)state;
	assert_int_equal(c->status, 0);
	assert_null(strstr(c->out, "USER"));
	assert_null(strstr(c->out, "UNREAPED"));
	assert_null(strstr(c->out, "FAILED"));
	assert_null(strstr(c->out, "PROGRAM"));
}

static void every_counter_is_told_once(void **state)
{
	struct called *c = call_words(cmd_status_made_up, "status");
	char row[32];

	(void)state;
	for (unsigned int i = 0; i < offsetof(struct autokill_stats, logs) / sizeof(__u64); i++) {
		const char *found;

		snprintf(row, sizeof(row), "\n         %u  ", 100 + i);
		found = strstr(c->out, row);
		assert_non_null(found);
		assert_null(strstr(found + 1, row));
	}
}

static void json(void **state)
{
	(void)state;
	some_state();
	struct called *c = call_words(cmd_status_made_up, "status --json");

	assert_int_equal(c->status, 0);
	assert_string_equal(
		c->out,
		"{\"loaded\":true,\"version\":\"1.2.3\",\"layout\":7,\"state\":\"ready\",\"hooks\":\"lsm\",\"fell_back\":[],"
		"\"loaded_at\":\"2026-04-12T13:04:22.000000+02:00\",\"room\":16384,\"share\":4096,"
		"\"tethers\":{\"total\":5,\"birth\":1,\"aborted\":0,\"live\":2,\"released\":1,\"killed\":1},"
		"\"users\":[{\"uid\":0,\"user\":\"root\",\"tethers\":2},"
		"{\"uid\":4000000001,\"user\":\"4000000001\",\"tethers\":3}],"
		"\"guarded\":22,\"armed\":1,\"agent\":{\"needed\":false},\"native_flags\":\"on\","
		"\"unreaped\":[{\"creator\":4711,\"command\":\"supervisor\",\"children\":3},"
		"{\"creator\":12,\"command\":\"\",\"children\":1}],"
		"\"counters\":{\"arms\":100,\"arms_refused\":101,\"arms_lapsed\":102,\"requests_rlimit\":142,"
		"\"natives\":129,\"natives_missed\":130,"
		"\"births\":103,\"births_made_up\":141,\"ties\":109,\"ties_made_up\":110,\"clones_failed\":108,\"untied_killed\":111,"
		"\"refused_right\":104,\"refused_room\":105,\"refused_share\":106,"
		"\"arms_no_agent\":123,\"natives_refused\":131,\"natives_unrestored\":132,"
		"\"refused_memory\":107,\"refused_depth\":134,\"refused_released\":135,"
		"\"releases\":112,\"released_dead\":113,"
		"\"releases_made_up\":114,\"killed_here\":115,\"killed_by_timer\":116,"
		"\"killed_by_victim\":117,\"killed_by_parent\":118,\"killed_by_init\":119,"
		"\"killed_by_agent\":120,\"killed_by_self\":121,\"releases_unsent\":122,"
		"\"looks\":124,\"gone\":125,\"members\":133,\"empty\":139,\"sweeps\":136,"
		"\"signalled\":137,\"unborn\":138,\"exits_made_up\":140,\"guard_refused\":126,\"guard_killed\":127,"
		"\"events\":128},"
		"\"failures\":[{\"what\":\"lend-parent\",\"errno\":\"EBUSY\",\"count\":3},"
		"{\"what\":\"unknown\",\"errno\":\"unknown\",\"count\":1}],"
		"\"programs\":[{\"name\":\"release\",\"type\":\"lsm\",\"id\":12,"
		"\"recursion_misses\":0,\"run_cnt\":0},{\"name\":\"prctl\",\"type\":\"tracing\","
		"\"id\":6,\"recursion_misses\":17,\"run_cnt\":1000}],\"others\":[]}\n");
}

static void tells_what_the_kernel_refused(void **state)
{
	struct called *c;

	(void)state;
	made_up.config.fell = FELL_TASK_WORK_IMPL | FELL_LSM;
	made_up.config.lsm = 0;
	c = call_words(cmd_status_made_up, "status");
	assert_non_null(strstr(c->out,
			       "\nrefused by this kernel: task work "
			       "(bpf_task_work_schedule_signal_impl); instead, the agent kills\n"));
	assert_non_null(
		strstr(c->out, "\nrefused by this kernel: the programs on BPF LSM; instead, "));
	assert_null(strstr(c->out, "lsm=")); /* it is there already */
	c = call_words(cmd_status_made_up, "status --json");
	assert_non_null(strstr(c->out, ",\"fell_back\":[\"task-work-impl\",\"lsm\"],"));
}

static void some_others(void)
{
	made_up.others = (struct others){
		.links = { { 31, 41, "autokill_prctl" }, { 32, 42, "autokill_birth" } },
		.n = 2,
		.pid = 77,
		.by_mount = true,
	};
}

static void others_are_not_as_it_should_be(void **state)
{
	struct called *c;

	(void)state;
	some_others();
	c = call_words(cmd_status_made_up, "status");
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->out, "autokill 1.2.3: loaded, and NOT AS IT SHOULD BE: "));
	assert_non_null(strstr(
		c->out, "\nothers  link 31 (program 41, autokill_prctl), link 32 (program 42), "
			"pinned in the mount namespace of process 77; run: nsenter -m -t 77 "
			"autokill unload\n"));
	c = call_words(cmd_status_made_up, "status --json");
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->out, "\"others\":[{\"link\":31,\"id\":41,\"name\":"
				       "\"autokill_prctl\",\"pid\":77},{\"link\":32,"));
	made_up.open_err = -ENOENT;
	c = call_words(cmd_status_made_up, "status --json");
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->out, "{\"loaded\":false,\"others\":[{\"link\":31,"));
	assert_non_null(strstr(c->err, "another autokill is attached to this kernel: link 31"));
	made_up.others.n = 0;
	c = call_words(cmd_status_made_up, "status --json");
	assert_string_equal(c->out, "{\"loaded\":false,\"others\":[]}\n");
	assert_string_equal(c->err, "");
}

static void native_flags_and_why_not(void **state)
{
	static const struct {
		enum autokill_native native;
		const char *text, *json;
	} all[] = {
		{ NATIVE_FLAGS_KERNEL, "left to the kernel, which has them itself\n",
		  "\"kernel\"" },
		{ NATIVE_FLAGS_OPTION, "not served: load --no-native-flags\n", "\"option\"" },
		{ NATIVE_FLAGS_LOCKDOWN, "not served: lockdown forbids", "\"lockdown\"" },
		{ NATIVE_FLAGS_NO_HOOK, "not served: this kernel lacks", "\"no-hook\"" },
		{ NATIVE_FLAGS_REFUSED, "not served: this kernel refuses the programs",
		  "\"refused\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char line[80];

		made_up.config.native = all[i].native;
		snprintf(line, sizeof(line), "\nflags   of clone3: %s", all[i].text);
		assert_non_null(strstr(call_words(cmd_status_made_up, "status")->out, line));
		snprintf(line, sizeof(line), "\"native_flags\":%s,", all[i].json);
		assert_non_null(strstr(call_words(cmd_status_made_up, "status -j")->out, line));
	}
}

static void without_lsm_it_says_what_that_means(void **state)
{
	struct called *c;

	(void)state;
	made_up.config.lsm = 0;
	c = call_words(cmd_status_made_up, "status");
	assert_int_equal(c->status, 0);
	assert_non_null(strstr(c->out, "hooks   fmod_ret and fentry, since BPF LSM is off\n"));
	assert_non_null(strstr(c->out, "The kernel skips such a program when"));
	c = call_words(cmd_status_made_up, "status -j");
	assert_non_null(strstr(c->out, "\"hooks\":\"fmod_ret\""));
}

/* Two wait, for half a minute and for 9 s; the last heartbeat was 2.5 s ago. */
static void some_wait(void)
{
	some_state();
	made_up.needs_agent = 1;
	made_up.monotonic = 100 * NS_PER_S;
	made_up.agent.pid = 4711;
	made_up.agent.beat = made_up.monotonic - 5 * NS_PER_S / 2;
	made_up.tethers[0].state = TETHER_RELEASED;
	made_up.tethers[0].released_at = made_up.now - 9 * NS_PER_S;
	made_up.tethers[3].released_at = made_up.now - 30 * NS_PER_S;
}

static void the_agent_is_alive(void **state)
{
	struct called *c;

	(void)state;
	some_wait();
	c = call_words(cmd_status_made_up, "status");
	assert_int_equal(c->status, 0);
	assert_non_null(strstr(c->out, "autokill 1.2.3: loaded and ready\n"));
	assert_non_null(strstr(c->out, "\nagent   alive, pid 4711, last heartbeat 2.5 s ago\n"
				       "kills   2 waiting for the agent, the oldest for 30.0 s\n"));
	c = call_words(cmd_status_made_up, "status --json");
	assert_int_equal(c->status, 0);
	assert_non_null(strstr(c->out, "\"agent\":{\"needed\":true,\"alive\":true,\"pid\":4711,"
				       "\"beat_ns\":2500000000,\"waiting\":2,"
				       "\"oldest_wait_ns\":30000000000},"));
}

static void the_agent_is_not_alive(void **state)
{
	struct called *c;

	(void)state;
	some_wait();
	made_up.agent.beat -= NS_PER_S / 2;
	c = call_words(cmd_status_made_up, "status");
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->out, "autokill 1.2.3: loaded, but nobody can arm: "));
	assert_non_null(
		strstr(c->out, "\nagent   NOT ALIVE, pid 4711, last heartbeat 3.0 s ago\n"));
	c = call_words(cmd_status_made_up, "status --json");
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->out, "\"alive\":false,\"pid\":4711,"));
}

static void the_agent_has_ended(void **state)
{
	struct called *c;

	(void)state;
	made_up.needs_agent = 1;
	made_up.monotonic = 100 * NS_PER_S;
	c = call_words(cmd_status_made_up, "status");
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->out, "\nagent   NOT RUNNING\nkills   0 waiting for the agent\n"));
	c = call_words(cmd_status_made_up, "status --json");
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->out, "\"agent\":{\"needed\":true,\"alive\":false,\"pid\":null,"
				       "\"beat_ns\":null,\"waiting\":0,"
				       "\"oldest_wait_ns\":null},"));
}

static void not_ready(void **state)
{
	struct called *c;

	(void)state;
	made_up.config.ready = AUTOKILL_NOT_READY;
	c = call_words(cmd_status_made_up, "status");
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->out, "autokill 1.2.3: not ready: "));
	made_up.config.ready = AUTOKILL_CANARY;
	c = call_words(cmd_status_made_up, "status --json");
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->out, "\"state\":\"canary\""));
}

static void not_loaded(void **state)
{
	struct called *c;

	(void)state;
	made_up.open_err = -ENOENT;
	c = call_words(cmd_status_made_up, "status");
	assert_int_equal(c->status, 1);
	assert_string_equal(c->out, "");
	c = call_words(cmd_status_made_up, "status --json");
	assert_int_equal(c->status, 1);
	assert_string_equal(c->out, "{\"loaded\":false,\"others\":[]}\n");
	made_up.open_err = -EPERM; /* then we do not know */
	c = call_words(cmd_status_made_up, "status --json");
	assert_int_equal(c->status, 1);
	assert_string_equal(c->out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(text, setup),
		cmocka_unit_test_setup(text_of_nothing_yet, setup),
		cmocka_unit_test_setup(every_counter_is_told_once, setup),
		cmocka_unit_test_setup(json, setup),
		cmocka_unit_test_setup(without_lsm_it_says_what_that_means, setup),
		cmocka_unit_test_setup(tells_what_the_kernel_refused, setup),
		cmocka_unit_test_setup(others_are_not_as_it_should_be, setup),
		cmocka_unit_test_setup(native_flags_and_why_not, setup),
		cmocka_unit_test_setup(the_agent_is_alive, setup),
		cmocka_unit_test_setup(the_agent_is_not_alive, setup),
		cmocka_unit_test_setup(the_agent_has_ended, setup),
		cmocka_unit_test_setup(not_ready, setup),
		cmocka_unit_test_setup(not_loaded, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
