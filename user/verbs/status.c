// SPDX-License-Identifier: GPL-2.0-only
/*
 * status.c - what is loaded, how full it is, and what it has done since; status_json.c says the
 * same to programs
 */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/beat.h"
#include "base/cleanup.h"
#include "base/msg.h"
#include "kernel/names.h"
#include "kernel/others.h"
#include "base/out.h"
#include "kernel/pins.h"
#include "verbs/explain.h"
#include "verbs/status.h"
#include "base/times.h"
#include "base/users.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

enum { OPT_JSON = 'j' };

static const struct argp_option options[] = {
	{ "json", OPT_JSON, NULL, 0, "One JSON object.", 0 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case OPT_JSON:
		*json = true;
		return 0;
	default:
		return verb_no_arguments(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = verb_help,
	.doc = "Tell what is loaded, how full it is, and what it has done since it was loaded.\v"
	       "--json gives loaded, version, layout, state, hooks, fell_back, loaded_at, room, share, tethers, users, "
	       "guarded, armed, agent, native_flags, "
	       "unreaped, counters, failures, programs, others.\n\n"
	       "Exit status: 0 loaded and ready, 1 not (or no agent is alive where the kernel needs it), "
	       "or failed, 2 usage.",
};

static void status_free(struct status *s)
{
	cleanup_free(&s->tethers);
	cleanup_free(&s->failures);
	cleanup_free(&s->progs);
	cleanup_free(&s->unreaped);
}

#define _cleanup_status_ _cleanup_(status_free)

static int compare_uid(const void *a, const void *b)
{
	const struct autokill_tether *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int agent_status_read(const struct kernel_side *k, struct status *s)
{
	__u64 now = beat_now();
	int err;

	if (k->agent < 0)
		return 0;
	s->agent_needed = true;
	err = beat_read(k, &s->agent);
	if (err)
		return err;
	s->agent_alive = beat_alive(&s->agent, now);
	if (s->agent.beat && s->agent.beat < now)
		s->agent_beat_ns = now - s->agent.beat;
	return 0;
}

static __u64 oldest_wait(const struct status *s, __u64 now)
{
	__u64 oldest = 0;

	for (size_t i = 0; i < s->n_tethers; i++) {
		const struct autokill_tether *t = &s->tethers[i];

		if (t->state == TETHER_RELEASED && t->released_at && t->released_at < now &&
		    now - t->released_at > oldest)
			oldest = now - t->released_at;
	}
	return oldest;
}

/* The folder first: an unload that begins meanwhile has closed the door before it removes pins. */
static int pins_status_read(const struct kernel_side *k, struct status *s)
{
	struct autokill_config now;
	struct pins_scan scan;
	int err = pins_scan(AUTOKILL_PIN_DIR, &scan);

	if (!err)
		err = kernel_side_config(k, &now);
	s->pins_missing = !err && pins_missing(&now, &scan);
	return err;
}

/* 0 or -errno; what was read until then is for status_free() either way */
static int status_read(const struct kernel_side *k, struct status *s)
{
	int err;

	err = kernel_side_stats(k, &s->stats);
	if (!err)
		err = pins_status_read(k, s);
	if (!err)
		err = kernel_side_tethers(k, &s->tethers, &s->n_tethers);
	if (!err)
		err = kernel_side_failures(k, &s->failures, &s->n_failures);
	if (!err)
		err = kernel_side_progs(&s->progs, &s->n_progs);
	if (!err)
		err = kernel_side_tasks(k, &s->armed, &s->guarded);
	if (!err)
		err = others_settled(AUTOKILL_PIN_DIR, &s->others);
	if (!err)
		err = unreaped_read(k, &s->unreaped, &s->n_unreaped);
	if (!err)
		err = agent_status_read(k, s);
	s->oldest_wait_ns = oldest_wait(s, time_boot());
	if (!err && s->n_tethers)
		qsort(s->tethers, s->n_tethers, sizeof(*s->tethers), compare_uid);
	return err;
}

static bool is_ready(const struct status *s)
{
	return s->config.ready == AUTOKILL_READY && !s->pins_missing && !s->others.n &&
	       (!s->agent_needed || s->agent_alive);
}

static const char *state_text(const struct status *s)
{
	if (s->others.n)
		return "loaded, and NOT AS IT SHOULD BE: another autokill is attached, too, and takes over "
		       "children; see others below";
	if (s->pins_missing)
		return "loaded, and NOT AS IT SHOULD BE: pins are missing in " AUTOKILL_PIN_DIR
		       ", and the programs behind them are detached; end what depends on them, "
		       "then: autokill unload --force, and load again";
	switch (s->config.ready) {
	case AUTOKILL_READY:
		return is_ready(s)
			       ? "loaded and ready"
			       : "loaded, but nobody can arm: the agent that this kernel needs is "
				 "not alive; run: systemctl start autokill-agent, or: autokill "
				 "agent";
	case AUTOKILL_CANARY:
		return "being loaded: it proves now that it kills";
	case AUTOKILL_NOT_READY:
		break;
	}
	return "not ready: nobody can arm; a load or unload is at work, or was interrupted; "
	       "if it stays so, run: autokill load, which keeps everything that is in use";
}

static void agent_print(const struct status *s)
{
	size_t waiting = status_in_state(s, TETHER_RELEASED);
	char span[24];

	if (!s->agent_needed) {
		printf("agent   not needed\n");
		return;
	}
	if (s->agent.beat)
		printf("agent   %s, pid %u, last heartbeat %s ago\n",
		       s->agent_alive ? "alive" : "NOT ALIVE", s->agent.pid,
		       time_span(span, sizeof(span), s->agent_beat_ns));
	else
		printf("agent   NOT RUNNING\n");
	printf("kills   %zu waiting for the agent", waiting);
	if (waiting)
		printf(", the oldest for %s", time_span(span, sizeof(span), s->oldest_wait_ns));
	printf("\n");
}

static void head_print(const struct status *s)
{
	const struct autokill_config *c = &s->config;
	char when[32], others[EXPLAIN_MAX];

	printf("autokill %.*s: %s\n", (int)sizeof(c->version), c->version, state_text(s));
	if (s->others.n)
		printf("others  %s\n", explain_others(others, &s->others));
	printf("since   %s\n", time_local(when, sizeof(when), c->loaded_at, time_offset()));
	printf("hooks   %s\n", c->lsm		    ? "BPF LSM"
			       : c->fell & FELL_LSM ? "fmod_ret and fentry, since BPF LSM refuses"
						    : "fmod_ret and fentry, since BPF LSM is off");
	if (!c->lsm)
		printf("        The kernel skips such a program when a task was preempted in it and "
		       "another one gets\n        there on the same CPU. A birth or an exec is lost "
		       "if its second copy was skipped, too;\n        everything else that was "
		       "skipped is made up for later. SKIPPED below counts it.%s\n",
		       c->fell & FELL_LSM ? "" : " Boot with `bpf' in\n        lsm= to avoid it.");
	for (unsigned int bit = 1; bit && bit <= c->fell; bit <<= 1)
		if (c->fell & bit)
			printf("refused by this kernel: %s; instead, %s\n", name_fell_what(bit),
			       name_fell_instead(bit));
	agent_print(s);
	printf("flags   of clone3: %s\n", name_native_long(c->native));
	printf("room    %zu of %u tethers; a user other than root may have %u, all of them together %u\n",
	       s->n_tethers, c->room, c->share, c->room - AUTOKILL_RESERVE(c->room));
	printf("tethers %zu live, %zu at birth, %zu released, %zu killed but not gone",
	       status_in_state(s, TETHER_LIVE), status_in_state(s, TETHER_BIRTH),
	       status_in_state(s, TETHER_RELEASED), status_in_state(s, TETHER_KILLED));
	if (status_in_state(s, TETHER_TAKEN_BACK)) /* for a moment, or where its delete failed */
		printf(", %zu aborted", status_in_state(s, TETHER_TAKEN_BACK));
	putchar('\n');
	printf("tasks   %zu under the guard, %zu with a request pending\n", s->guarded, s->armed);
}

static void users_print(const struct status *s)
{
	static const struct out_column columns[] = { { "USER", false },
						     { "UID", true },
						     { "TETHERS", true } };
	struct libscols_table *table;
	char user[64], uid[12], n[24];
	size_t same;

	if (!s->n_tethers)
		return;
	printf("\n");
	table = out_table(columns, 3);
	for (size_t i = 0; i < s->n_tethers; i += same) {
		const char *cells[] = { user, uid, n };

		same = status_same_uid(s, i);
		user_name(user, sizeof(user), s->tethers[i].uid);
		snprintf(uid, sizeof(uid), "%u", s->tethers[i].uid);
		snprintf(n, sizeof(n), "%zu", same);
		out_row(table, cells, 3);
	}
	out_table_print(table);
}

/* Processes that do not wait for their children, because the kernel's own flags would reap them. */
static void unreaped_print(const struct status *s)
{
	static const struct out_column columns[] = { { "CREATOR", true },
						     { "COMMAND", false },
						     { "UNREAPED", true } };
	struct libscols_table *table;
	char creator[24], comm[OUT_TEXT(AUTOKILL_COMM_LEN)], children[24];

	if (!s->n_unreaped)
		return;
	printf("\nDead children made by clone3's flags that nobody has waited for (wait with __WALL)\n");
	table = out_table(columns, 3);
	for (size_t i = 0; i < s->n_unreaped; i++) {
		const struct unreaped *u = &s->unreaped[i];
		const char *cells[] = { creator, comm, children };

		snprintf(creator, sizeof(creator), "%llu", u->creator);
		out_text(comm, u->comm, sizeof(u->comm));
		snprintf(children, sizeof(children), "%zu", u->children);
		out_row(table, cells, 3);
	}
	out_table_print(table);
}

static void counters_print(const struct status *s)
{
	for (const struct status_counter *c = status_counters; c->text; c++) {
		if (c->name)
			printf("%12llu  %s\n", status_counter(s, c), c->text);
		else
			printf("\n%s\n", c->text);
	}
}

static void failures_print(const struct status *s)
{
	static const struct out_column columns[] = { { "FAILED", true },
						     { "ERRNO", false },
						     { "TO", false } };
	struct libscols_table *table;
	char count[24];

	if (!s->n_failures)
		return;
	printf("\n");
	table = out_table(columns, 3);
	for (size_t i = 0; i < s->n_failures; i++) {
		const struct autokill_failure_count *f = &s->failures[i];
		const char *cells[] = { count, name_errno(f->key.err),
					name_what_long(f->key.what) };

		snprintf(count, sizeof(count), "%llu", f->count);
		out_row(table, cells, 3);
	}
	out_table_print(table);
}

/* A copy of prctl is called when those before it were skipped. It is shown when it was of use. */
static bool prog_is_idle_copy(const struct prog_info *p)
{
	return !strncmp(p->name, "prctl", 5) && p->name[5] && !p->recursion_misses;
}

static void progs_print(const struct status *s)
{
	static const struct out_column columns[] = {
		{ "PROGRAM", false }, { "TYPE", false }, { "ID", true }, { "SKIPPED", true }
	};
	struct libscols_table *table;
	char id[12], misses[24];

	if (!s->n_progs)
		return;
	printf("\n");
	table = out_table(columns, 4);
	for (size_t i = 0; i < s->n_progs; i++) {
		const struct prog_info *p = &s->progs[i];
		const char *cells[] = { p->name, p->type, id, misses };

		if (prog_is_idle_copy(p))
			continue;
		snprintf(id, sizeof(id), "%u", p->id);
		snprintf(misses, sizeof(misses), "%llu", p->recursion_misses);
		out_row(table, cells, 4);
	}
	out_table_print(table);
}

static void status_print(const struct status *s)
{
	head_print(s);
	users_print(s);
	unreaped_print(s);
	counters_print(s);
	failures_print(s);
	progs_print(s);
}

/* Nothing is in our pins, as has been said. Is anything attached all the same? */
static void unloaded(bool json)
{
	struct others others = {};
	char text[EXPLAIN_MAX];
	int err = others_settled(AUTOKILL_PIN_DIR, &others);

	if (err && err != -EPERM)
		msg_error("status: cannot look whether others are loaded: %s", strerror(-err));
	if (others.n)
		msg_error("status: but another autokill is attached to this kernel: %s",
			  explain_others(text, &others));
	if (json)
		status_json_unloaded(&others);
}

int cmd_status(int argc, char **argv)
{
	_cleanup_status_ struct status s = {};
	bool json = false;
	_cleanup_kernel_side_ struct kernel_side k = KERNEL_SIDE_CLOSED;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &json);
	err = view_open("status", &k, &s.config);
	if (err) {
		if (err == -ENOENT)
			unloaded(json);
		return 1;
	}
	err = status_read(&k, &s);
	if (err)
		return view_failed("status", "the state", err);
	if (json)
		status_json(&s);
	else
		status_print(&s);
	return out_end() || !is_ready(&s);
}
