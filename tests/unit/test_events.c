// SPDX-License-Identifier: GPL-2.0-only
/* test_events.c - autokill events: lines and JSON of a made-up ring, and what is lost of it */
#include "made_up.h"

#define cmd_events cmd_events_made_up
#include "verbs/events.c"

#include "call.h"

/* One event of each kind, for sequence numbers from 0 on. */
static const struct autokill_event kinds[] = {
	{ .type = EVENT_BORN, .id = 7, .tgid = 1201, .uid = 33, .comm = "server" },
	{ .type = EVENT_RELEASED, .id = 7, .tgid = 1201, .uid = 33, .comm = "server", .took = 15 },
	{ .type = EVENT_KILLED,
	  .id = 7,
	  .tgid = 1201,
	  .uid = 33,
	  .comm = "a\nb",
	  .err = KILLER_INIT,
	  .took = 1290000 },
	{ .type = EVENT_STUCK,
	  .id = 7,
	  .tgid = 1201,
	  .uid = 33,
	  .comm = "server",
	  .took = 8 * NS_PER_S },
	{ .type = EVENT_GONE,
	  .id = 7,
	  .tgid = 1201,
	  .uid = 33,
	  .comm = "server",
	  .took = 90 * NS_PER_S },
	{ .type = EVENT_RELEASED_DEAD, .id = 8, .tgid = 1202, .comm = "x" },
	{ .type = EVENT_CLONE_FAILED, .id = 9, .comm = "x" },
	{ .type = EVENT_REFUSED, .err = EAGAIN, .tgid = 5, .comm = "greedy" },
	{ .type = EVENT_GUARD, .id = 10, .err = EPERM, .tgid = 6, .comm = "su" },
	{ .type = EVENT_UNTIED, .id = 11, .tgid = 7, .comm = "x" },
	{ .type = EVENT_RELEASED,
	  .id = 12,
	  .tgid = 8,
	  .comm = "sh",
	  .scope = SCOPE_TREE,
	  .members = 1 },
	{ .type = EVENT_GONE,
	  .id = 12,
	  .tgid = 8,
	  .comm = "sh",
	  .took = 1290000,
	  .scope = SCOPE_TREE,
	  .members = 9,
	  .signalled = 7,
	  .sweeps = 1 },
	{ .type = EVENT_EMPTY, .id = 13, .tgid = 9, .comm = "sh", .scope = SCOPE_TREE },
};

#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

/* So many events were written, all to the first log. */
static void events_are(__u64 n)
{
	made_up.stats.events = n;
	made_up.stats.logs[0] = n;
}

static int event_kind(__u32 log, __u64 n, struct autokill_event *out)
{
	assert_true(n < made_up.stats.logs[log]);
	*out = kinds[n % N_KINDS];
	out->number = n;
	out->time = n * 1000000;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&made_up, 0, sizeof(made_up));
	made_up_clock();
	events_are(N_KINDS);
	made_up.event = event_kind;
	return 0;
}

static void assert_called(const char *line, const char *out, const char *err)
{
	struct called *c = call_words(cmd_events_made_up, line);

	assert_string_equal(c->out, out);
	assert_string_equal(c->err, err);
	assert_int_equal(c->status, 0);
}

#define AT(ms) "2026-04-12 13:03:22.00" ms "  "
#define AT_TEN(ms) "2026-04-12 13:03:22.01" ms "  "

static void lines(void **state)
{
	(void)state;
	assert_called(
		"events",
		AT("0") "born           tether 7  pid 1201 (server)  uid 33\n" AT("1") "released       tether 7  pid 1201 (server)  uid 33\n" AT(
			"2") "killed         tether 7  pid 1201 (a\\x0ab)  uid 33  by task work in init"
			     "  1.2 ms after release\n" AT("3") "stuck          tether 7  pid 1201 (server)  uid 33  8.0 s after release\n" AT("4") "gone           tether 7  pid 1201 (server)  uid 33  1m30s after release\n" AT("5") "released-dead  tether 8  pid 1202 (x)  uid 0\n" AT("6") "clone-failed   tether 9  uid 0\n" AT(
				     "7") "refused        pid 5 (greedy)  uid 0  EAGAIN\n" AT("8") "guard          tether 10  pid 6 (su)  uid 0  EPERM\n" AT("9") "untied         tether 11  pid 7 (x)  uid 0\n" AT_TEN("0") "released       tether 12  pid 8 (sh)  uid 0  tree of 1 thread\n" AT_TEN("1") "gone           tether 12  pid 8 (sh)  uid 0  1.2 ms after release  tree: 7 processes in 1 sweep\n" AT_TEN("2") "empty          tether 13  pid 9 (sh)  uid 0\n",
		"");
}

#define JSON_KILLED                                                                                \
	"{\"event\":\"killed\",\"seq\":2,\"time\":\"2026-04-12T13:03:22.002000+02:00\","           \
	"\"boot_ns\":2000000,\"tether\":7,\"pid\":1201,\"uid\":33,\"comm\":\"a\\\\x0ab\","         \
	"\"took_ns\":1290000,\"members\":null,\"signalled\":null,\"sweeps\":null,\"errno\":null,\"killer\":\"init\"}\n"
#define JSON_REFUSED                                                                               \
	"{\"event\":\"refused\",\"seq\":7,\"time\":\"2026-04-12T13:03:22.007000+02:00\","          \
	"\"boot_ns\":7000000,\"tether\":null,\"pid\":5,\"uid\":0,\"comm\":\"greedy\","             \
	"\"took_ns\":null,\"members\":null,\"signalled\":null,\"sweeps\":null,\"errno\":\"EAGAIN\",\"killer\":null}\n"

#define JSON_GONE                                                                                  \
	"{\"event\":\"gone\",\"seq\":11,\"time\":\"2026-04-12T13:03:22.011000+02:00\","            \
	"\"boot_ns\":11000000,\"tether\":12,\"pid\":8,\"uid\":0,\"comm\":\"sh\","                  \
	"\"took_ns\":1290000,\"members\":9,\"signalled\":7,\"sweeps\":1,\"errno\":null,"           \
	"\"killer\":null}\n"

static void json(void **state)
{
	(void)state;
	events_are(3);
	assert_called("events --json -n 1", JSON_KILLED, "");
	events_are(8);
	assert_called("events --json -n 1", JSON_REFUSED, "");
	events_are(12);
	assert_called("events --json -n 1", JSON_GONE, "");
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void the_last_ones(void **state)
{
	(void)state;
	assert_called("events -n 0", "", "");
	assert_int_equal(count_lines(call_words(cmd_events_made_up, "events -n 3")->out), 3);
	assert_int_equal(count_lines(call_words(cmd_events_made_up, "events -n 10")->out), 10);
	assert_int_equal(count_lines(call_words(cmd_events_made_up, "events -n 99999")->out),
			 N_KINDS);
	events_are(0);
	assert_called("events", "", "");
	assert_called("events -n 5", "", "");
}

static int event_none(__u32 log, __u64 n, struct autokill_event *out)
{
	(void)log;
	*out = (struct autokill_event){ .type = EVENT_BORN, .number = n };
	return 0;
}

static void overwritten(void **state)
{
	struct called *c;

	(void)state;
	events_are(AUTOKILL_LOG_EVENTS + 3);
	made_up.event = event_none;
	assert_called("events -n 0", "", "");
	c = call_words(cmd_events_made_up, "events -n 2"); /* these two are there */
	assert_string_equal(c->err, "");
	c = call_words(cmd_events_made_up, "events -n 1025");
	assert_string_equal(c->err, "autokill: warning: events: 1 event was overwritten\n");
}

/* Number n stands in log n % 3. */
static int event_of_three(__u32 log, __u64 n, struct autokill_event *out)
{
	*out = (struct autokill_event){ .type = EVENT_BORN, .number = 3 * n + log };
	return 0;
}

static void several_logs(void **state)
{
	struct called *c;
	char *at;

	(void)state;
	made_up.stats.events = 9;
	for (int log = 0; log < 3; log++)
		made_up.stats.logs[log] = 3;
	made_up.event = event_of_three;
	c = call_words(cmd_events_made_up, "events --json -n 5");
	assert_int_equal(count_lines(c->out), 5);
	at = c->out;
	for (int n = 4; n < 9; n++) { /* in their order, whichever log they stand in */
		char seq[24];

		snprintf(seq, sizeof(seq), "\"seq\":%d,", n);
		at = strstr(at, seq);
		assert_non_null(at);
	}

	/* One log has lost 10 of its own; the others have lost none. */
	made_up.stats.events = 3 + AUTOKILL_LOG_EVENTS + 10 + 3;
	made_up.stats.logs[1] = AUTOKILL_LOG_EVENTS + 10;
	c = call_words(cmd_events_made_up, "events");
	assert_string_equal(c->err, "autokill: warning: events: 10 events were overwritten\n");
	assert_int_equal(count_lines(c->out), 3 + AUTOKILL_LOG_EVENTS + 3);
}

static void left_out(void **state)
{
	(void)state;
	events_are(0);
	made_up.n_left_out = 2;
	made_up.left_out[0] = (struct left_out){ { 1000, EVENT_REFUSED }, 4032 };
	made_up.left_out[1] = (struct left_out){ { AUTOKILL_NO_UID, EVENT_CLONE_FAILED }, 7 };
	assert_called(
		"events", "",
		"autokill: warning: events: 4032 refused of uid 1000 were left out: more than 64 a minute\n"
		"autokill: warning: events: 7 clone-failed of other users were left out: more than 64 a minute\n");
	assert_called(
		"events --json",
		"{\"event\":\"left-out\",\"kind\":\"refused\",\"uid\":1000,\"count\":4032}\n"
		"{\"event\":\"left-out\",\"kind\":\"clone-failed\",\"uid\":null,\"count\":7}\n",
		"");
}

static int overtaken_once(__u32 log, __u64 n, struct autokill_event *out)
{
	static int times;

	if (n == 1 && !times++) { /* while we looked, the ring went round, and 5 further */
		events_are(1 + AUTOKILL_LOG_EVENTS + 5);
		return -EAGAIN;
	}
	return n < 10 ? event_none(log, n, out) : -EIO; /* enough of it */
}

static void overtaken_while_reading(void **state)
{
	struct called *c;

	(void)state;
	events_are(3);
	made_up.event = overtaken_once;
	c = call_words(cmd_events_made_up, "events --json");
	assert_non_null(strstr(c->out, "{\"event\":\"overwritten\",\"count\":5}\n"));
	assert_non_null(strstr(c->out, "\"seq\":0,"));
	assert_null(strstr(c->out, "\"seq\":1,"));
	assert_null(strstr(c->out, "\"seq\":5,"));
	assert_non_null(strstr(c->out, "\"seq\":6,"));
}

static int written_at_last(__u32 log, __u64 n, struct autokill_event *out)
{
	static int times;

	return n == 1 && times++ < 3 ? -EAGAIN : event_kind(log, n, out);
}

static int never_written(__u32 log, __u64 n, struct autokill_event *out)
{
	return n == 1 ? -EAGAIN : event_kind(log, n, out);
}

static void half_written(void **state)
{
	struct called *c;

	(void)state;
	events_are(3);
	made_up.event = written_at_last;
	c = call_words(cmd_events_made_up, "events");
	assert_int_equal(count_lines(c->out), 3);
	assert_string_equal(c->err, "");

	made_up.event = never_written;
	c = call_words(cmd_events_made_up, "events");
	assert_int_equal(count_lines(c->out), 2);
	assert_string_equal(c->err, "autokill: warning: events: 1 event was unreadable\n");
}

static int grows(__u32 log, __u64 n, struct autokill_event *out)
{
	if (made_up.stats.events < 4)
		events_are(made_up.stats.events + 1);
	return event_kind(log, n, out);
}

static void follow_until_unloaded(void **state)
{
	struct called *c;

	(void)state;
	events_are(1);
	made_up.event = grows;
	made_up.opens = 2;
	c = call_words(cmd_events_made_up, "events --follow");
	assert_int_equal(count_lines(c->out), 4);
	assert_string_equal(c->err, "autokill: events: autokill was unloaded\n");
	assert_int_equal(c->status, 0);

	made_up.opens = 2;
	made_up.reloaded = 1;
	events_are(0);
	assert_called("events -f --json", "{\"event\":\"unloaded\"}\n", "");
}

static int interrupted_by_user(int argc, char **argv)
{
	struct sigaction now;
	pid_t us = getpid();
	int status;

	made_up.opens = 1000000;
	if (!fork()) { /* as soon as the handler is there, which /proc shows */
		char line[256], path[64];
		unsigned long caught = 0;

		snprintf(path, sizeof(path), "/proc/%d/status", us);
		/* us gone: an assertion has ended it */
		while (!(caught & 1UL << (SIGINT - 1)) && getppid() == us) {
			FILE *f = fopen(path, "r");

			while (f && fgets(line, sizeof(line), f))
				sscanf(line, "SigCgt: %lx", &caught);
			if (f)
				fclose(f);
		}
		if (getppid() == us)
			kill(us, SIGINT);
		_exit(0);
	}
	status = cmd_events_made_up(argc, argv);
	sigaction(SIGINT, NULL, &now);
	return now.sa_handler == interrupt ? status : 99;
}

static void follow_until_sigint(void **state)
{
	struct called *c = call_words(interrupted_by_user, "events -f -n 1");

	(void)state;
	assert_int_equal(count_lines(c->out), 1);
	assert_string_equal(c->err, "");
	assert_int_equal(c->status, 0);
}

static int reader_gone(int argc, char **argv)
{
	int fds[2];

	made_up.opens = 1000000;
	if (pipe(fds) || dup2(fds[1], STDOUT_FILENO) < 0)
		return 98;
	close(fds[0]);
	close(fds[1]);
	return cmd_events_made_up(argc, argv);
}

static void a_reader_may_leave(void **state)
{
	(void)state;
	assert_int_equal(call_words(reader_gone, "events")->status, 0);
	assert_int_equal(call_words(reader_gone, "events -f")->status, 0);
	events_are(0); /* nothing to write: poll() tells */
	assert_int_equal(call_words(reader_gone, "events -f")->status, 0);
}

static int disk_full(int argc, char **argv)
{
	return freopen("/dev/full", "w", stdout) ? cmd_events_made_up(argc, argv) : 98;
}

static void failures(void **state)
{
	struct called *c = call_words(disk_full, "events");

	(void)state;
	assert_int_equal(c->status, 1);
	assert_non_null(strstr(c->err, "No space left on device"));
	made_up.stats_err = -EIO;
	c = call_words(cmd_events_made_up, "events");
	assert_int_equal(c->status, 1);
	assert_string_equal(
		c->err,
		"autokill: events: cannot read the events: Input/output error; repeat it\n");
	made_up.open_err = -ENOENT;
	assert_int_equal(call_words(cmd_events_made_up, "events")->status, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines, setup),
		cmocka_unit_test_setup(json, setup),
		cmocka_unit_test_setup(the_last_ones, setup),
		cmocka_unit_test_setup(overwritten, setup),
		cmocka_unit_test_setup(several_logs, setup),
		cmocka_unit_test_setup(left_out, setup),
		cmocka_unit_test_setup(overtaken_while_reading, setup),
		cmocka_unit_test_setup(half_written, setup),
		cmocka_unit_test_setup(follow_until_unloaded, setup),
		cmocka_unit_test_setup(follow_until_sigint, setup),
		cmocka_unit_test_setup(a_reader_may_leave, setup),
		cmocka_unit_test_setup(failures, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
