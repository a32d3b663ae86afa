// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_status.c - what is loaded, how full it is, and what it has done since; status_json.c says
 * the same to programs
 */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "msg.h"
#include "names.h"
#include "out.h"
#include "status.h"
#include "times.h"
#include "users.h"
#include "verbs.h"
#include "view.h"

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
	case ARGP_KEY_ARG:
		argp_error(state, "%s: status takes no arguments", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Tell what is loaded, how full it is, and what it has done since it was loaded.\v"
	       "--json gives loaded, version, state, hooks, loaded_at, room, share, tethers, users, "
	       "guarded, armed, counters, failures, programs.\n\n"
	       "Exit status: 0 loaded and ready, 1 not, or failed, 2 usage.",
};

static void status_free(struct status *s)
{
	free(s->tethers);
	free(s->failures);
	free(s->progs);
}

#define _cleanup_status_ _cleanup_(status_free)

static int compare_uid(const void *a, const void *b)
{
	const struct autokill_tether *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* 0 or -errno; what was read until then is for status_free() either way */
static int status_read(const struct maps *m, struct status *s)
{
	int err;

	err = maps_stats(m, &s->stats);
	if (!err)
		err = maps_tethers(m, &s->tethers, &s->n_tethers);
	if (!err)
		err = maps_failures(m, &s->failures, &s->n_failures);
	if (!err)
		err = maps_progs(&s->progs, &s->n_progs);
	if (!err)
		err = maps_tasks(m, &s->armed, &s->guarded);
	if (!err && s->n_tethers)
		qsort(s->tethers, s->n_tethers, sizeof(*s->tethers), compare_uid);
	return err;
}

static const char *state_text(enum autokill_ready ready)
{
	switch (ready) {
	case AUTOKILL_READY:
		return "loaded and ready";
	case AUTOKILL_CANARY:
		return "being loaded: it proves now that it kills";
	case AUTOKILL_NOT_READY:
		break;
	}
	return "not ready: being loaded or unloaded, or left half-made; if it stays so, load again";
}

static void head_print(const struct status *s)
{
	const struct autokill_config *c = &s->config;
	char when[32];

	printf("autokill %.*s: %s\n", (int)sizeof(c->version), c->version, state_text(c->ready));
	printf("since   %s\n", time_local(when, sizeof(when), c->loaded_at, time_offset()));
	printf("hooks   %s\n", c->lsm ? "BPF LSM" : "fmod_ret and fentry, since BPF LSM is off");
	if (!c->lsm)
		printf("        The kernel skips such a program when a task was preempted in it and "
		       "another one gets\n        there on the same CPU. What was skipped is made up "
		       "for later; `skipped' below counts it.\n        Boot with `bpf' in lsm= to be "
		       "without this.\n");
	printf("room    %zu of %u tethers; a user other than root may have %u\n", s->n_tethers,
	       c->room, c->share);
	printf("tethers %zu live, %zu at birth, %zu released, %zu killed but not gone\n",
	       status_in_state(s, TETHER_LIVE), status_in_state(s, TETHER_BIRTH),
	       status_in_state(s, TETHER_RELEASED), status_in_state(s, TETHER_KILLED));
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
	counters_print(s);
	failures_print(s);
	progs_print(s);
}

int cmd_status(int argc, char **argv)
{
	_cleanup_status_ struct status s = {};
	bool json = false;
	struct maps m;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &json);
	err = view_open("status", &m, &s.config);
	if (err == -ENOENT && json)
		status_json_unloaded();
	if (err)
		return 1;
	err = status_read(&m, &s);
	maps_close(&m);
	if (err)
		return view_failed("status", "the state", err);
	if (json)
		status_json(&s);
	else
		status_print(&s);
	return out_end() || s.config.ready != AUTOKILL_READY;
}
