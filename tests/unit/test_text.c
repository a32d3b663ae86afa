// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_text.c - names, times, users, /proc and text fit to print
 *
 * As every test here: one binary, linked with -lcmocka, the objects of user/ except main.o, and
 * libautokill.a.
 */
#include <errno.h>
#include <time.h>

#include "call.h"
#include "base/msg.h"
#include "kernel/names.h"
#include "base/out.h"
#include "base/proc.h"
#include "kernel/unreaped.h"
#include "base/times.h"
#include "base/users.h"

static void assert_text(const char *from, size_t n, const char *to)
{
	char dst[OUT_TEXT(64)];

	assert_string_equal(out_text(dst, from, n), to);
}

static void text_keeps_what_can_be_printed(void **state)
{
	(void)state;
	assert_text("sleep", 16, "sleep");
	assert_text("a b(c)\"d", 16, "a b(c)\"d");
	assert_text("", 16, "");
	assert_text("0123456789abcdefgh", 16, "0123456789abcdef"); /* no NUL within the bytes */
	assert_text("gr\xc3\xbc\xc3\x9f", 16, "gr\xc3\xbc\xc3\x9f");
	assert_text("\xe2\x82\xac \xf0\x9f\x90\xa7", 16, "\xe2\x82\xac \xf0\x9f\x90\xa7");
}

static void text_escapes_what_cannot(void **state)
{
	(void)state;
	assert_text("a\nb\t\x1b[31m", 16, "a\\x0ab\\x09\\x1b[31m");
	assert_text("\x7f\\", 16, "\\x7f\\x5c");
	assert_text("\xc2\x9b"
		    "31m",
		    16, "\\xc2\\x9b31m"); /* CSI in 8 bits */
	assert_text("\xff\xfe\x80", 16, "\\xff\\xfe\\x80");
	assert_text("\xc3", 16, "\\xc3"); /* cut off */
	assert_text("abc\xe2\x82", 16, "abc\\xe2\\x82");
	assert_text("\xe2\x82\xac", 2, "\\xe2\\x82");
	assert_text("\xc0\xaf", 16, "\\xc0\\xaf"); /* over-long */
	assert_text("\xe0\x80\xaf", 16, "\\xe0\\x80\\xaf");
	assert_text("\xed\xa0\x80", 16, "\\xed\\xa0\\x80");	     /* a surrogate */
	assert_text("\xf4\x90\x80\x80", 16, "\\xf4\\x90\\x80\\x80"); /* U+110000 */
	assert_text("\xf5\x80\x80\x80", 16, "\\xf5\\x80\\x80\\x80");
}

static void assert_span(__u64 ns, const char *text)
{
	char buf[24];

	assert_string_equal(time_span(buf, sizeof(buf), ns), text);
}

static void spans(void **state)
{
	(void)state;
	assert_span(0, "0 us");
	assert_span(85999, "85 us");
	assert_span(999999, "999 us");
	assert_span(1000000, "1.0 ms");
	assert_span(1290000, "1.2 ms");
	assert_span(999999999, "999.9 ms");
	assert_span(NS_PER_S, "1.0 s");
	assert_span(59999999999, "59.9 s");
	assert_span(60 * NS_PER_S, "1m00s");
	assert_span(3599 * NS_PER_S, "59m59s");
	assert_span(3600 * NS_PER_S, "1h00m");
	assert_span(86399 * NS_PER_S, "23h59m");
	assert_span(86400 * NS_PER_S, "1d00h");
	assert_span(~0ULL, "213503d23h");
}

static void zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static void wall_clock(void **state)
{
	const __s64 offset = 1775995402LL * (__s64)NS_PER_S;
	char buf[48];

	(void)state;
	zone("CEST-2");
	assert_string_equal(time_local(buf, 32, 123456789, offset), "2026-04-12 14:03:22.123");
	assert_string_equal(time_json(buf, 48, 123456789, offset),
			    "2026-04-12T14:03:22.123456+02:00");
	zone("NST3:30");
	assert_string_equal(time_json(buf, 48, 0, offset), "2026-04-12T08:33:22.000000-03:30");
	zone("UTC0");
	assert_string_equal(time_json(buf, 48, NS_PER_S - 1, offset),
			    "2026-04-12T12:03:22.999999+00:00");
	assert_string_equal(time_json(buf, 48, NS_PER_S, offset),
			    "2026-04-12T12:03:23.000000+00:00");
	assert_string_equal(time_json(buf, 48, NS_PER_S / 2, -(__s64)NS_PER_S),
			    "1969-12-31T23:59:59.500000+00:00");
}

static void clocks_agree(void **state)
{
	struct timespec wall;
	__s64 ours, theirs;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &wall);
	theirs = wall.tv_sec * (__s64)NS_PER_S + wall.tv_nsec;
	ours = (__s64)time_boot() + time_offset();
	assert_true(llabs(ours - theirs) < 60 * (__s64)NS_PER_S);
}

static void names_are_words_of_their_own(void **state)
{
	(void)state;
	for (int i = FAIL_TETHER_INSERT; i <= FAIL_AGENT_SIGNAL; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name_what(i), name_what(j));
	for (int i = EVENT_BORN; i <= EVENT_STUCK; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name_event(i), name_event(j));
	for (int i = KILLER_HERE; i <= KILLER_SELF; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name_killer(i), name_killer(j));
	for (int i = TETHER_BIRTH; i <= TETHER_KILLED; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name_tether_state(i), name_tether_state(j));
	assert_string_equal(name_scope(SCOPE_PROCESS), "process");
	assert_string_equal(name_ready(AUTOKILL_READY), "ready");
	assert_string_equal(name_event(EVENT_RELEASED_DEAD), "released-dead");
	assert_string_equal(name_event(999), "unknown");
	assert_string_equal(name_what(0), "unknown");
	assert_string_equal(name_what_long(999), "unknown");
	assert_string_equal(name_errno(EBUSY), "EBUSY");
	assert_string_equal(name_errno(100000), "unknown");
}

static void users(void **state)
{
	char buf[64];
	uid_t uid = 77;

	(void)state;
	assert_string_equal(user_name(buf, sizeof(buf), 0), "root");
	assert_string_equal(user_name(buf, sizeof(buf), 4000000001), "4000000001");
	assert_int_equal(user_parse("", &uid), -EINVAL);
	assert_int_equal(user_parse("12x", &uid), -EINVAL);
	assert_int_equal(user_parse("-1", &uid), -EINVAL);
	assert_int_equal(user_parse("4294967295", &uid), -EINVAL); /* (uid_t)-1 */
	assert_int_equal(user_parse("4294967296", &uid), -EINVAL);
	assert_int_equal(user_parse("99999999999999999999", &uid), -EINVAL);
	assert_int_equal(user_parse("no-such-user", &uid), -EINVAL);
	assert_int_equal(uid, 77);
	assert_int_equal(user_parse("4294967294", &uid), 0);
	assert_int_equal(uid, 4294967294);
	assert_int_equal(user_parse("root", &uid), 0);
	assert_int_equal(uid, 0);
}

#define STAT_REST " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 424242 20 21\n"

static void stat_lines(void **state)
{
	char comm[AUTOKILL_COMM_LEN];
	__u64 ticks;

	(void)state;
	assert_int_equal(proc_stat_parse("12 (sleep)" STAT_REST, comm, &ticks), 0);
	assert_string_equal(comm, "sleep");
	assert_int_equal(ticks, 424242);
	/* names that are made to be taken for other fields */
	assert_int_equal(proc_stat_parse("12 (a) S 1 2 (b)" STAT_REST, comm, &ticks), 0);
	assert_string_equal(comm, "a) S 1 2 (b");
	assert_int_equal(ticks, 424242);
	assert_int_equal(proc_stat_parse("12 (kworker/0:1-very-long-name)" STAT_REST, comm, &ticks),
			 0);
	assert_string_equal(comm, "kworker/0:1-ver");
	assert_int_equal(proc_stat_parse("", comm, &ticks), -EPROTO);
	assert_int_equal(proc_stat_parse("12 )(", comm, &ticks), -EPROTO);
	assert_int_equal(proc_stat_parse("12 (a) S 1 2", comm, &ticks), -EPROTO);
}

static void a_process_is_known_by_its_start(void **state)
{
	char comm[AUTOKILL_COMM_LEN], line[1024];
	__u64 ticks, tick = NS_PER_S / sysconf(_SC_CLK_TCK);
	FILE *stat = fopen("/proc/self/stat", "r");

	(void)state;
	assert_non_null(fgets(line, sizeof(line), stat));
	fclose(stat);
	assert_int_equal(proc_stat_parse(line, comm, &ticks), 0);
	memset(comm, 0, sizeof(comm));
	assert_int_equal(proc_command(getpid(), ticks * tick, comm), 0);
	assert_true(!strncmp(comm, "test_text", 9));
	assert_int_equal(proc_command(getpid(), ticks * tick + tick - 1, comm), 0);
	assert_int_equal(proc_command(getpid(), ticks * tick + tick, comm), -ESRCH);
	assert_int_equal(proc_command(getpid(), ticks * tick - 1, comm), -ESRCH);
	assert_int_equal(proc_command(getpid(), 0, comm), -ESRCH);
	assert_int_equal(proc_command(0, ticks * tick, comm), -ESRCH);
}

static int say_all(int argc, char **argv)
{
	(void)argc;
	errno = EBUSY;
	msg_error("%s: cannot: %s", argv[0], "bad\nname\x1b");
	msg_warn("careful");
	msg_info("%5000d", 1);
	return errno == EBUSY ? 0 : 1;
}

static void messages_are_one_line_each(void **state)
{
	struct called *c = call_words(say_all, "verb");
	const char *start =
		"autokill: verb: cannot: bad?name?\nautokill: warning: careful\nautokill: ";

	(void)state;
	assert_int_equal(c->status, 0);
	assert_string_equal(c->out, "");
	assert_memory_equal(c->err, start, strlen(start));
	assert_int_equal(c->err[strlen(c->err) - 1], '\n');
}

static void zombies(void **state)
{
	__u32 parent = 7;

	(void)state;
	/* fields 3, 4 and 20 count: state, parent, threads */
	assert_int_equal(proc_zombie_parse("12 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 1 0",
					   &parent),
			 0);
	assert_int_equal(parent, 7);
	assert_int_equal(
		proc_zombie_parse("12 (a) Z) Z 41 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 1 0",
				  &parent),
		1);
	assert_int_equal(parent, 41);
	/* the leader has gone, a thread lives */
	assert_int_equal(proc_zombie_parse("12 (a) Z 42 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 2 0",
					   &parent),
			 0);
	assert_int_equal(proc_zombie_parse("12 (a) Z 43 2 3", &parent), -EPROTO);
	assert_int_equal(proc_zombie_parse("12 a Z", &parent), -EPROTO);
	assert_int_equal(proc_zombie_parse("", &parent), -EPROTO);
	assert_int_equal(parent, 41);
}

static void unreaped_by_creator(void **state)
{
	struct unreaped list[4];
	size_t n = 0;

	(void)state;
	unreaped_add(list, &n, 5);
	unreaped_add(list, &n, 9);
	unreaped_add(list, &n, 5);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].creator, 5);
	assert_int_equal(list[0].children, 2);
	assert_int_equal(list[1].creator, 9);
	assert_int_equal(list[1].children, 1);
	assert_string_equal(list[1].comm, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_keeps_what_can_be_printed),
		cmocka_unit_test(text_escapes_what_cannot),
		cmocka_unit_test(spans),
		cmocka_unit_test(wall_clock),
		cmocka_unit_test(clocks_agree),
		cmocka_unit_test(names_are_words_of_their_own),
		cmocka_unit_test(users),
		cmocka_unit_test(stat_lines),
		cmocka_unit_test(a_process_is_known_by_its_start),
		cmocka_unit_test(messages_are_one_line_each),
		cmocka_unit_test(zombies),
		cmocka_unit_test(unreaped_by_creator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
