// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_events.c - what has happened: the last events, and with --follow those to come
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

#include "cleanup.h"
#include "msg.h"
#include "names.h"
#include "out.h"
#include "times.h"
#include "verbs.h"
#include "view.h"

#define POLL_MS 100
#define LEFT_OUT_POLLS 100 /* what was left out is said every 10 s, if it has grown */
#define RETRIES 10	   /* polls for which an event may be half written; it takes microseconds */

struct events_options {
	bool json, follow;
	long last; /* -1: as many as there are */
};

enum { OPT_JSON = 'j', OPT_FOLLOW = 'f', OPT_LAST = 'n' };

static const struct argp_option options[] = {
	{ "follow", OPT_FOLLOW, NULL, 0, "Go on with those to come, until SIGINT or unload.", 0 },
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
	case ARGP_KEY_ARG:
		argp_error(state, "%s: events takes no arguments", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = verb_help,
	.doc = "Print what has happened to tethers, oldest first. The kernel side keeps the last 4096 "
	       "events; how many of those asked for were overwritten is said.\v"
	       "Of a tree: how many threads were alive in it, and, when it is over, how many "
	       "processes were sent SIGKILL, by how many sweeps.\n\n"
	       "--json gives event, seq, time, boot_ns, tether, pid, uid, comm, took_ns, members, "
	       "signalled, sweeps, errno, killer; or event (left-out), kind, uid and count; or event (overwritten, unreadable) and count; or "
	       "event (unloaded).\n\n"
	       "Exit status: 0 done (also by SIGINT, or when autokill was unloaded), 1 failed, "
	       "2 usage.",
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

static void event_json(const struct autokill_event *e, __u64 seq, __s64 offset)
{
	struct json_object *o = out_json_new();
	char text[OUT_TEXT(AUTOKILL_COMM_LEN)], when[48];

	out_add_text(o, "event", name_event(e->type));
	out_add_u64(o, "seq", seq);
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
static int left_out_say(const struct maps *m, const struct events_options *o, __u64 *said)
{
	struct left_out *list;
	__u64 sum = 0;
	size_t n;
	int err = maps_left_out(m, &list, &n);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		sum += list[i].count;
	for (size_t i = 0; i < n && sum != *said; i++)
		left_out_print(o, &list[i]);
	*said = sum;
	free(list);
	return 0;
}

struct reader {
	const struct events_options *o;
	struct maps m;
	__u64 next;	    /* the event to be printed next */
	int retries;	    /* how often it was tried */
	__u64 left_out;	    /* as many as were said last */
	unsigned int polls; /* since then */
};

/*
 * Print what there is from r->next on. An event that is being written ends the round, and is
 * given up after RETRIES rounds. Return: 0 or -errno.
 */
static int events_print(struct reader *r)
{
	__s64 offset = time_offset();
	struct autokill_stats stats;
	struct autokill_event e;
	int err = maps_stats(&r->m, &stats);

	if (err)
		return err;
	while (r->next < stats.events && out_flush()) {
		err = maps_event(&r->m, r->next, &e);
		if (err == -EAGAIN) { /* not there yet, or not there any more */
			err = maps_stats(&r->m, &stats);
			if (err)
				return err;
			if (stats.events > r->next + AUTOKILL_EVENTS) {
				lost_print(r->o, "overwritten",
					   stats.events - AUTOKILL_EVENTS - r->next);
				r->next = stats.events - AUTOKILL_EVENTS;
				r->retries = 0;
				continue;
			}
			if (r->retries++ < RETRIES)
				return 0;
			lost_print(r->o, "unreadable", 1);
		} else if (err) {
			return err;
		} else if (r->o->json) {
			event_json(&e, r->next, offset);
		} else {
			event_line(&e, offset);
		}
		r->next++;
		r->retries = 0;
	}
	return 0;
}

/* Where to begin, saying what of it is lost. */
static int reader_start(struct reader *r)
{
	struct autokill_stats stats;
	__u64 first, kept;
	int err = maps_stats(&r->m, &stats);

	if (err)
		return err;
	first = r->o->last < 0 || (__u64)r->o->last > stats.events ? 0 : stats.events - r->o->last;
	kept = stats.events > AUTOKILL_EVENTS ? stats.events - AUTOKILL_EVENTS : 0;
	if (first < kept)
		lost_print(r->o, "overwritten", kept - first);
	r->next = first < kept ? kept : first;
	return 0;
}

/*
 * Our descriptors keep the maps alive after an unload. So look whether the pins still stand for
 * the same maps: a configuration loaded at another time is another one's.
 */
static bool is_unloaded(const struct maps *ours)
{
	struct autokill_config old = {}, new = {};
	struct maps m;
	int err = maps_open(&m);

	if (err)
		return err == -ENOENT || err == -EPROTO;
	err = maps_config(&m, &new) ?: maps_config(ours, &old);
	maps_close(&m);
	return !err && old.loaded_at != new.loaded_at;
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
		bool over = is_unloaded(&r->m);

		err = events_print(r);
		if (!err && (over || ++r->polls >= LEFT_OUT_POLLS)) {
			err = left_out_say(&r->m, r->o, &r->left_out);
			r->polls = 0;
		}
		if (over && !err) {
			say_unloaded(r->o);
			break;
		}
	}
	return err;
}

/* Print once; an event under way gets the time that it needs. */
static int events_once(struct reader *r)
{
	int err;

	do
		err = events_print(r);
	while (!err && r->retries && pause_poll());
	return err ?: left_out_say(&r->m, r->o, &r->left_out);
}

int cmd_events(int argc, char **argv)
{
	struct events_options o = { .last = -1 };
	struct reader r = { .o = &o };
	struct autokill_config config;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (view_open("events", &r.m, &config))
		return 1;
	signal(SIGPIPE, SIG_IGN); /* `autokill events | head` is no failure */
	err = reader_start(&r);
	if (!err)
		err = events_once(&r);
	if (!err && o.follow)
		err = events_follow(&r);
	maps_close(&r.m);
	if (err)
		return view_failed("events", "the events", err);
	return out_end();
}
