// SPDX-License-Identifier: GPL-2.0-only
/* ps.c - list the tethers, oldest first; the members of --json are in autokill(8) */
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/members.h"
#include "kernel/names.h"
#include "base/out.h"
#include "base/proc.h"
#include "verbs/ps_tree.h"
#include "base/times.h"
#include "base/users.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

struct ps_options {
	bool json, tree, by_uid;
	uid_t uid;
};

enum { OPT_JSON = 'j', OPT_TREE = 't', OPT_UID = 'u' };

static const struct argp_option options[] = {
	{ "json", OPT_JSON, NULL, 0, "One JSON object a line for each tether.", 0 },
	{ "tree", OPT_TREE, NULL, 0, "With the processes that would die, drawn as a tree.", 0 },
	{ "uid", OPT_UID, "UID", 0, "Only the tethers of this user (number or name).", 0 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ps_options *o = state->input;

	switch (key) {
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_TREE:
		o->tree = true;
		return 0;
	case OPT_UID:
		if (user_parse(arg, &o->uid))
			argp_error(state, "%s: no such user; --uid takes a number or a name", arg);
		o->by_uid = true;
		return 0;
	default:
		return verb_no_arguments(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = verb_help,
	.doc = "List the tethers: which child dies with which pidfd.\v"
	       "STATE: birth, live, released (SIGKILL is under way), killed (a thread still has to "
	       "exit), stuck (the same, for seconds). COMMAND is the child's, \"-\" when it is gone. UID and CREATOR: user and pid of "
	       "the process that made the child; another may hold the pidfd by now. LOOKS: how "
	       "often the kernel side has looked again since the release.\n\n"
	       "--tree draws each tether with the processes in it, and below them the tethers within "
	       "it. THREADS: of a process, or of all that are alive in the tree. A process that may read " AUTOKILL_PIN_DIR
	       "/progs/members gets a line for each thread: innermost tether, pid, "
	       "tid, parent's pid, uid, start (ns of CLOCK_BOOTTIME), name.\n\n"
	       "--json gives id, state, scope, parent, pid, command, uid, user, creator, "
	       "creator_tid, creator_comm, guard, born, age_ns, released_ns, killed_ns, stuck, looks, "
	       "members; with --tree also processes.\n\n"
	       "Exit status: 0 done, 1 failed (not loaded, no right), 2 usage.",
};

/* The child's name in @text, or NULL if it is gone. */
static const char *command(const struct autokill_tether *t, char text[OUT_TEXT(AUTOKILL_COMM_LEN)])
{
	char comm[AUTOKILL_COMM_LEN];

	if (proc_command(t->tgid, t->start_time, comm))
		return NULL;
	return out_text(text, comm, sizeof(comm));
}

static __u64 since(__u64 now, __u64 then)
{
	return now > then ? now - then : 0;
}

static void add_since(struct json_object *o, const char *name, __u64 now, __u64 then)
{
	if (then)
		out_add_u64(o, name, since(now, then));
	else
		json_object_object_add(o, name, NULL);
}

static struct json_object *processes_json(const struct autokill_tether *t,
					  const struct member *members, size_t n, __u64 now)
{
	struct json_object *array = out_json_array();
	char text[OUT_TEXT(AUTOKILL_COMM_LEN)], user[64];

	for (size_t i = 0; i < n; i++) {
		struct json_object *o;

		if (members[i].tether != t->id)
			continue;
		o = out_json_new();
		out_add_u64(o, "pid", members[i].pid);
		out_add_u64(o, "parent", members[i].parent);
		out_add_text(o, "command", out_text(text, members[i].comm, AUTOKILL_COMM_LEN));
		out_add_u64(o, "uid", members[i].uid);
		out_add_text(o, "user", user_name(user, sizeof(user), members[i].uid));
		out_add_u64(o, "age_ns", since(now, members[i].start_time));
		out_add_u64(o, "threads", members[i].threads);
		out_append(array, o);
	}
	return array;
}

static void tether_json(const struct ps_options *opts, const struct autokill_tether *t,
			const struct member *members, size_t n, __u64 now, __s64 offset)
{
	struct json_object *o = out_json_new();
	char text[OUT_TEXT(AUTOKILL_COMM_LEN)], user[64], when[48];
	const char *name = command(t, text);

	out_add_u64(o, "id", t->id);
	out_add_text(o, "state", name_tether_state(t->state));
	out_add_text(o, "scope", name_scope(t->scope));
	if (t->parent)
		out_add_u64(o, "parent", t->parent);
	else
		json_object_object_add(o, "parent", NULL);
	out_add_u64(o, "pid", t->tgid);
	if (name)
		out_add_text(o, "command", name);
	else
		json_object_object_add(o, "command", NULL);
	out_add_u64(o, "uid", t->uid);
	out_add_text(o, "user", user_name(user, sizeof(user), t->uid));
	out_add_u64(o, "creator", t->creator);
	out_add_u64(o, "creator_tid", t->creator_tid);
	out_add_text(o, "creator_comm", out_text(text, t->comm, sizeof(t->comm)));
	out_add_bool(o, "guard", t->flags & TETHER_GUARD);
	out_add_text(o, "born", time_json(when, sizeof(when), t->born_at, offset));
	add_since(o, "age_ns", now, t->born_at);
	add_since(o, "released_ns", now, t->released_at);
	add_since(o, "killed_ns", now, t->killed_at);
	out_add_bool(o, "stuck", t->flags & TETHER_STUCK);
	out_add_u64(o, "looks", t->looks);
	if (t->scope == SCOPE_TREE)
		out_add_u64(o, "members", t->holds & ~HOLD_FILE);
	else
		json_object_object_add(o, "members", NULL);
	if (opts->tree && t->scope == SCOPE_TREE)
		out_add(o, "processes", processes_json(t, members, n, now));
	out_json(o);
}

static const struct out_column columns[] = {
	{ "ID", true },	      { "STATE", false }, { "PID", true },
	{ "COMMAND", false }, { "UID", false },	  { "CREATOR", true },
	{ "GUARD", false },   { "AGE", true },	  { "LOOKS", true },
};

#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

static void tether_row(struct libscols_table *table, const struct autokill_tether *t, __u64 now)
{
	char id[24], pid[12], text[OUT_TEXT(AUTOKILL_COMM_LEN)], user[64], creator[12], age[24];
	char looks[12];
	const char *guard = t->flags & TETHER_GUARD ? "yes" : "no";
	const char *state = t->flags & TETHER_STUCK ? "stuck" : name_tether_state(t->state);
	const char *name = command(t, text);
	const char *cells[] = {
		id, state, pid, name ? name : "-", user, creator, guard, age, looks
	};

	snprintf(id, sizeof(id), "%llu", t->id);
	snprintf(pid, sizeof(pid), "%u", t->tgid);
	user_name(user, sizeof(user), t->uid);
	snprintf(creator, sizeof(creator), "%u", t->creator);
	time_span(age, sizeof(age), since(now, t->born_at));
	snprintf(looks, sizeof(looks), "%u", t->looks);
	out_row(table, cells, N_COLUMNS);
}

static int ps_print(const struct ps_options *o, const struct autokill_tether *t, size_t n,
		    const struct member *members, size_t n_members)
{
	struct libscols_table *table = o->json || o->tree ? NULL : out_table(columns, N_COLUMNS);
	_cleanup_free_ bool *shown = calloc(n + 1, sizeof(*shown));
	__s64 offset = time_offset();
	__u64 now = time_boot();

	if (!shown)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		shown[i] = !o->by_uid || t[i].uid == o->uid;
		if (!shown[i])
			continue;
		if (o->json)
			tether_json(o, &t[i], members, n_members, now, offset);
		else if (table)
			tether_row(table, &t[i], now);
	}
	if (table)
		out_table_print(table);
	else if (!o->json)
		ps_tree_print(t, shown, n, members, n_members, now);
	return 0;
}

int cmd_ps(int argc, char **argv)
{
	_cleanup_free_ struct autokill_tether *tethers = NULL;
	_cleanup_free_ struct member *members = NULL;
	struct autokill_config config;
	size_t n, n_members = 0;
	struct ps_options o = {};
	_cleanup_kernel_side_ struct kernel_side k = KERNEL_SIDE_CLOSED;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (view_open("ps", &k, &config))
		return 1;
	err = kernel_side_tethers(&k, &tethers, &n);
	if (!err && o.tree)
		err = members_read(&members, &n_members);
	if (!err)
		err = ps_print(&o, tethers, n, members, n_members);
	if (err)
		return view_failed("ps", "the tethers", err);
	return out_end();
}
