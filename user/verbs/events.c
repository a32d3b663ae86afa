// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c - what has happened: the last events, and with --follow those to come
 *
 * The members of --json are in autokill(8).
 */
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/msg.h"
#include "kernel/names.h"
#include "base/out.h"
#include "base/times.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

#define POLL_MS 100
#define LEFT_OUT_POLLS 100 /* what was left out is said every 10 s, if it has grown */
#define RETRIES 10	   /* polls for which an event may be half written; it takes microseconds */

struct events_options {
	bool json, follow;
	long last; /* -1: as many as there are */
};

enum { OPT_JSON = 'j', OPT_FOLLOW = 'f', OPT_LAST = 'n' };

static const struct argp_option options[] = {
	{ "follow", OPT_FOLLOW, NULL, 0, "Go on with new events, until SIGINT or unload.", 0 },
	{ "json", OPT_JSON, NULL, 0, "One JSON object a line for each event.", 0 },
	{ "lines", OPT_LAST, "N", 0, "Begin with the last N events (default: all kept).", 0 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct events_options *o = state->input;
	char *end;

	switch (key) {
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_FOLLOW:
		o->follow = true;
		return 0;
	case OPT_LAST:
		errno = 0;
		o->last = strtol(arg, &end, 10);
		if (errno || end == arg || *end || o->last < 0)
			argp_error(state, "%s: -n takes a number, 0 or more", arg);
		return 0;
	default:
		return verb_no_arguments(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = verb_help,
	.doc = "Print what has happened to tethers, oldest first. The kernel side keeps "
	       "several logs of 1024 events: kills are kept apart from the rest, and root's "
	       "from other users'. It says how many of the events asked for were "
	       "overwritten.\v"
	       "Of a tree it also says how many threads were alive in it, and at the end "
	       "how many processes were sent SIGKILL, by how many sweeps.\n\n"
	       "--json gives event, seq, time, boot_ns, tether, pid, uid, comm, took_ns, "
	       "members, signalled, sweeps, errno, killer; or event (left-out), kind, uid "
	       "and count; or event (overwritten, unreadable) and count; or event "
	       "(unloaded).\n\n"
	       "Exit status: 0 done (also by SIGINT, or when autokill was unloaded), 1 "
	       "failed, 2 usage.",
};

static bool has_errno(const struct autokill_event *e)
{
	return e->type == EVENT_REFUSED || e->type == EVENT_CLONE_FAILED || e->type == EVENT_GUARD;
}

static bool has_took(const struct autokill_event *e)
{
	return e->type == EVENT_KILLED || e->type == EVENT_GONE || e->type == EVENT_STUCK;
}

static void add_text_or_null(struct json_object *o, const char *name, const char *text)
{
	if (text)
		out_add_text(o, name, text);
	else
		json_object_object_add(o, name, NULL);
}

static void add_u64_or_null(struct json_object *o, const char *name, __u64 value)
{
	if (value)
		out_add_u64(o, name, value);
	else
		json_object_object_add(o, name, NULL);
}

static void add_tree_json(struct json_object *o, const struct autokill_event *e)
{
	static const char *const names[] = { "members", "signalled", "sweeps" };
	const __u32 values[] = { e->members, e->signalled, e->sweeps };

	for (size_t i = 0; i < 3; i++) {
		if (e->scope == SCOPE_TREE)
			out_add_u64(o, names[i], values[i]);
		else
			json_object_object_add(o, names[i], NULL);
	}
}

static void event_json(const struct autokill_event *e, __s64 offset)
{
	struct json_object *o = out_json_new();
	char text[OUT_TEXT(AUTOKILL_COMM_LEN)], when[48];

	out_add_text(o, "event", name_event(e->type));
	out_add_u64(o, "seq", e->number);
	out_add_text(o, "time", time_json(when, sizeof(when), e->time, offset));
	out_add_u64(o, "boot_ns", e->time);
	add_u64_or_null(o, "tether", e->id);
	out_add_u64(o, "pid", e->tgid);
	out_add_u64(o, "uid", e->uid);
	out_add_text(o, "comm", out_text(text, e->comm, sizeof(e->comm)));
	add_u64_or_null(o, "took_ns", has_took(e) ? e->took : 0);
	add_tree_json(o, e);
	add_text_or_null(o, "errno", has_errno(e) && e->err ? name_errno(e->err) : NULL);
	add_text_or_null(o, "killer", e->type == EVENT_KILLED ? name_killer(e->err) : NULL);
	out_json(o);
}

/* What is to be said of a tree, behind the rest of the line. */
static void event_tree(const struct autokill_event *e)
{
	switch (e->type) {
	case EVENT_BORN:
		printf("  tree");
		break;
	case EVENT_RELEASED:
		printf("  tree of %u thread%s", e->members, e->members == 1 ? "" : "s");
		break;
	case EVENT_KILLED:
	case EVENT_GONE:
	case EVENT_STUCK:
		printf("  tree: %u process%s in %u sweep%s", e->signalled,
		       e->signalled == 1 ? "" : "es", e->sweeps, e->sweeps == 1 ? "" : "s");
		break;
	default:
		break;
	}
}

static void event_line(const struct autokill_event *e, __s64 offset)
{
	char text[OUT_TEXT(AUTOKILL_COMM_LEN)], when[32], span[24];

	printf("%s  %-13s", time_local(when, sizeof(when), e->time, offset), name_event(e->type));
	if (e->id)
		printf("  tether %llu", e->id);
	if (e->tgid)
		printf("  pid %u (%s)", e->tgid, out_text(text, e->comm, sizeof(e->comm)));
	printf("  uid %u", e->uid);
	if (has_errno(e) && e->err)
		printf("  %s", name_errno(e->err));
	if (e->type == EVENT_KILLED)
		printf("  %s", name_killer_long(e->err));
	if (e->took && has_took(e))
		printf("  %s after release", time_span(span, sizeof(span), e->took));
	if (e->scope == SCOPE_TREE)
		event_tree(e);
	putchar('\n');
	out_flush();
}

/* Say that @count events cannot be shown. */
static void lost_print(const struct events_options *o, const char *what, __u64 count)
{
	struct json_object *json;

	if (!o->json) {
		out_flush();
		msg_warn("events: %llu event%s %s %s", count, count == 1 ? "" : "s",
			 count == 1 ? "was" : "were", what);
		return;
	}
	json = out_json_new();
	out_add_text(json, "event", what);
	out_add_u64(json, "count", count);
	out_json(json);
}

/* Of one uid and kind, @count events were only counted. */
static void left_out_print(const struct events_options *o, const struct left_out *l)
{
	const char *kind = name_event(l->key.type);
	struct json_object *json;

	if (!o->json) {
		out_flush();
		if (l->key.uid == AUTOKILL_NO_UID)
			msg_warn(
				"events: %llu %s of other users were left out: more than %d a minute",
				l->count, kind, AUTOKILL_EVENTS_SOME);
		else
			msg_warn("events: %llu %s of uid %u were left out: more than %d a minute",
				 l->count, kind, l->key.uid, AUTOKILL_EVENTS_SOME);
		return;
	}
	json = out_json_new();
	out_add_text(json, "event", "left-out");
	out_add_text(json, "kind", kind);
	if (l->key.uid == AUTOKILL_NO_UID)
		json_object_object_add(json, "uid", NULL);
	else
		out_add_u64(json, "uid", l->key.uid);
	out_add_u64(json, "count", l->count);
	out_json(json);
}

/* Say what was left out since the load, if it is more than when it was said last. */
static int left_out_say(const struct kernel_side *k, const struct events_options *o, __u64 *said)
{
	_cleanup_free_ struct left_out *list = NULL;
	__u64 sum = 0;
	size_t n;
	int err = kernel_side_left_out(k, &list, &n);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		sum += list[i].count;
	for (size_t i = 0; i < n && sum != *said; i++)
		left_out_print(o, &list[i]);
	*said = sum;
	return 0;
}

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* Wait for POLL_MS. Return false if there is no more reason to go on. */
static bool pause_poll(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	/* A reader that closed its end shows as POLLERR, even when we write nothing. */
	if (poll(&out, 1, POLL_MS) > 0 && out.revents & POLLERR)
		return false;
	return !interrupted && out_flush();
}

struct reader {
	const struct events_options *o;
	struct kernel_side kernel;
	__u64 from;		       /* the first number that was asked for */
	__u64 next[AUTOKILL_LOGS];     /* of each log, the event to be read next */
	struct list read;	       /* and not printed yet: an older one may be half written */
	__u64 overwritten, unreadable; /* not told yet */
	int retries[AUTOKILL_LOGS];    /* of each log, how often that event was waited for */
	__u64 left_out;		       /* as many as were said last */
	unsigned int polls;	       /* since then */
};

static void reader_close(struct reader *r)
{
	list_free(&r->read);
	kernel_side_close(&r->kernel);
}

/*
 * Read what there is in log @log from r->next on. Return: 0; -EAGAIN where an event is being
 * written; other -errno.
 */
static int log_read(struct reader *r, __u32 log, struct autokill_stats *stats)
{
	__u64 *next = &r->next[log];
	struct autokill_event e;
	int err = 0;

	while (!err && *next < stats->logs[log]) {
		err = kernel_side_event(&r->kernel, log, *next, &e);
		if (err == -EAGAIN) { /* not there yet, or not there any more */
			__u64 first;

			err = kernel_side_stats(&r->kernel, stats);
			if (err)
				return err;
			if (stats->logs[log] <= *next + AUTOKILL_LOG_EVENTS)
				return -EAGAIN;
			first = stats->logs[log] - AUTOKILL_LOG_EVENTS;
			r->overwritten += first - *next;
			*next = first;
			continue;
		}
		if (!err && e.number >= r->from)
			err = list_add(&r->read, &e);
		if (!err) {
			++*next;
			r->retries[log] = 0;
		}
	}
	return err;
}

static int by_number(const void *a, const void *b)
{
	const struct autokill_event *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void lost_say(const struct reader *r, const char *what, __u64 *count)
{
	if (*count)
		lost_print(r->o, what, *count);
	*count = 0;
}

static void reader_print(struct reader *r)
{
	__s64 offset = time_offset();

	lost_say(r, "overwritten", &r->overwritten);
	lost_say(r, "unreadable", &r->unreadable);
	if (r->read.n)
		qsort(r->read.items, r->read.n, r->read.size, by_number);
	for (size_t i = 0; i < r->read.n && out_flush(); i++) {
		if (r->o->json)
			event_json(list_at(&r->read, i), offset);
		else
			event_line(list_at(&r->read, i), offset);
	}
	r->read.n = 0;
}

/*
 * Read what there is, of all logs. Half written events are waited for, since the later events of
 * other logs come after them. After RETRIES calls they are given up.
 * Return: 0; -EAGAIN to be called again; other -errno.
 */
static int events_read(struct reader *r)
{
	struct autokill_stats stats;
	int err = kernel_side_stats(&r->kernel, &stats);
	bool waits = false;

	for (__u32 log = 0; log < AUTOKILL_LOGS && !err; log++) {
		err = log_read(r, log, &stats);
		if (err == -EAGAIN && ++r->retries[log] > RETRIES) {
			r->unreadable++;
			r->next[log]++;
			r->retries[log] = 0;
			err = log_read(r, log, &stats);
		}
		waits |= err == -EAGAIN;
		if (err == -EAGAIN)
			err = 0;
	}
	return err ?: waits ? -EAGAIN : 0;
}

/* Print what there is, or nothing while something is half written. Return: 0 or -errno. */
static int events_print(struct reader *r)
{
	int err = events_read(r);

	if (!err)
		reader_print(r);
	return err == -EAGAIN ? 0 : err;
}

/* Read what is there already, and count what is lost of what was asked for. Return: 0 or -errno. */
static int reader_start(struct reader *r)
{
	struct autokill_stats before, stats;
	int err = kernel_side_stats(&r->kernel, &before);
	__u64 missing = r->o->last;

	if (err)
		return err;
	if (r->o->last < 0 || missing > before.events)
		missing = before.events;
	r->from = before.events - missing;
	/*
	 * Once more: of two events at a time, one may get its number first, and the other its
	 * place.
	 */
	err = kernel_side_stats(&r->kernel, &stats);
	if (err)
		return err;
	for (int log = 0; log < AUTOKILL_LOGS; log++) {
		if (stats.logs[log] > AUTOKILL_LOG_EVENTS)
			r->next[log] = stats.logs[log] - AUTOKILL_LOG_EVENTS;
		r->overwritten += r->next[log];
	}
	do
		err = events_read(r);
	while (err == -EAGAIN && pause_poll());
	if (err && err != -EAGAIN)
		return err;
	if (r->o->last < 0)
		return 0;
	for (size_t i = 0; i < r->read.n; i++) {
		const struct autokill_event *e = list_at(&r->read, i);

		missing -= missing && e->number < before.events;
	}
	r->overwritten = missing > r->unreadable ? missing - r->unreadable : 0;
	return 0;
}

/*
 * Our descriptors keep the maps alive after an unload. So look whether the pins still stand for
 * the same maps: a configuration loaded at another time is another one's.
 */
static bool is_unloaded(const struct kernel_side *ours)
{
	struct autokill_config old = {}, new = {};
	_cleanup_kernel_side_ struct kernel_side k = KERNEL_SIDE_CLOSED;
	int err = kernel_side_open(&k);

	if (err)
		return err == -ENOENT || err == -EPROTO;
	err = kernel_side_config(&k, &new) ?: kernel_side_config(ours, &old);
	return !err && old.loaded_at != new.loaded_at;
}

static void say_unloaded(const struct events_options *o)
{
	struct json_object *json;

	if (!o->json) {
		msg_info("events: autokill was unloaded");
		return;
	}
	json = out_json_new();
	out_add_text(json, "event", "unloaded");
	out_json(json);
}

static int events_follow(struct reader *r)
{
	const struct sigaction action = { .sa_handler = interrupt };
	int err = 0;

	sigaction(SIGINT, &action, NULL);
	while (!err && pause_poll()) {
		/* asked before the last look, so that what was written before the end is shown */
		bool over = is_unloaded(&r->kernel);

		err = events_print(r);
		if (!err && (over || ++r->polls >= LEFT_OUT_POLLS)) {
			err = left_out_say(&r->kernel, r->o, &r->left_out);
			r->polls = 0;
		}
		if (over && !err) {
			say_unloaded(r->o);
			break;
		}
	}
	return err;
}

int cmd_events(int argc, char **argv)
{
	struct events_options o = { .last = -1 };
	_cleanup_(reader_close) struct reader r = {
		.o = &o,
		.kernel = KERNEL_SIDE_CLOSED,
		.read.size = sizeof(struct autokill_event),
	};
	struct autokill_config config;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (view_open("events", &r.kernel, &config))
		return 1;
	signal(SIGPIPE, SIG_IGN); /* `autokill events | head` is no failure */
	err = reader_start(&r);
	reader_print(&r);
	err = err ?: left_out_say(&r.kernel, &o, &r.left_out);
	if (!err && o.follow)
		err = events_follow(&r);
	if (err)
		return view_failed("events", "the events", err);
	return out_end();
}
