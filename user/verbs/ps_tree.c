// SPDX-License-Identifier: GPL-2.0-only
/*
 * ps_tree.c - autokill ps --tree: tethers and the processes in them, drawn as a tree
 *
 * A tether stands under the tree that it is within. A process stands under its parent, if that is
 * in the same tree. Else (an orphan, the first member) it stands under the tether. Processes come
 * before tethers.
 */
#include "verbs/ps_tree.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/names.h"
#include "base/out.h"
#include "base/proc.h"
#include "base/times.h"
#include "base/users.h"

static const struct out_column tree_columns[] = {
	{ "TREE", false }, { "STATE", false },	{ "COMMAND", false }, { "UID", false },
	{ "AGE", true },   { "THREADS", true }, { "CREATOR", true },  { "GUARD", false },
};

#define N_TREE_COLUMNS (sizeof(tree_columns) / sizeof(*tree_columns))

struct drawing {
	struct libscols_table *table;
	const struct autokill_tether *tethers;
	const bool *shown;
	size_t n;
	const struct member *members;
	size_t n_members;
	__u64 now;
};

static const char *age(char text[24], __u64 now, __u64 since)
{
	return time_span(text, 24, now > since ? now - since : 0);
}

static int compare_pid(const void *key, const void *member)
{
	const __u32 *pid = key;
	const struct member *m = member;

	return *pid < m->pid ? -1 : *pid > m->pid;
}

/*
 * Does the parent of @m stand in the same tree? A parent that began after its child has a reused
 * pid.
 */
static bool has_parent(const struct drawing *d, const struct member *m)
{
	const struct member *parent =
		bsearch(&m->parent, d->members, d->n_members, sizeof(*d->members), compare_pid);

	return parent && parent->tether == m->tether &&
	       (parent->start_time < m->start_time ||
		(parent->start_time == m->start_time && parent->pid < m->pid));
}

static void draw_process(const struct drawing *d, const struct member *m,
			 struct libscols_line *above)
{
	char pid[12], command[OUT_TEXT(AUTOKILL_COMM_LEN)], user[64], since[24], threads[12];
	const char *cells[] = { pid, "", command, user, since, threads, "", "" };
	struct libscols_line *line;

	snprintf(pid, sizeof(pid), "%u", m->pid);
	out_text(command, m->comm, sizeof(m->comm));
	user_name(user, sizeof(user), m->uid);
	age(since, d->now, m->start_time);
	snprintf(threads, sizeof(threads), "%u", m->threads);
	line = out_row_below(d->table, above, cells, N_TREE_COLUMNS);
	for (size_t i = 0; i < d->n_members; i++)
		if (d->members[i].parent == m->pid && has_parent(d, &d->members[i]) &&
		    d->members[i].tether == m->tether)
			draw_process(d, &d->members[i], line);
}

static void draw_tether(const struct drawing *d, const struct autokill_tether *t,
			struct libscols_line *above)
{
	char id[40], comm[AUTOKILL_COMM_LEN], command[OUT_TEXT(AUTOKILL_COMM_LEN)], user[64];
	char since[24], threads[12] = "", creator[12];
	const char *state = t->flags & TETHER_STUCK ? "stuck" : name_tether_state(t->state);
	const char *guard = t->flags & TETHER_GUARD ? "yes" : "no";
	const char *cells[] = { id, state, command, user, since, threads, creator, guard };
	bool alive = !proc_command(t->tgid, t->start_time, comm);
	struct libscols_line *line;

	if (t->scope == SCOPE_TREE) {
		snprintf(id, sizeof(id), "tether %llu: tree", t->id);
		snprintf(threads, sizeof(threads), "%u", t->holds & ~HOLD_FILE);
	} else {
		snprintf(id, sizeof(id), "tether %llu: %u", t->id, t->tgid);
	}
	out_text(command, alive ? comm : "-", sizeof(comm));
	user_name(user, sizeof(user), t->uid);
	age(since, d->now, t->born_at);
	snprintf(creator, sizeof(creator), "%u", t->creator);
	line = out_row_below(d->table, above, cells, N_TREE_COLUMNS);
	for (size_t i = 0; i < d->n_members; i++)
		if (d->members[i].tether == t->id && !has_parent(d, &d->members[i]))
			draw_process(d, &d->members[i], line);
	for (size_t i = 0; i < d->n; i++)
		if (d->tethers[i].parent == t->id && d->shown[i])
			draw_tether(d, &d->tethers[i], line);
}

/* Is the tree that @t is within among those that are drawn? */
static bool is_within(const struct drawing *d, const struct autokill_tether *t)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->tethers[i].id == t->parent && d->shown[i])
			return true;
	return false;
}

void ps_tree_print(const struct autokill_tether *tethers, const bool *shown, size_t n,
		   const struct member *members, size_t n_members, __u64 now)
{
	const struct drawing d = {
		.table = out_table_tree(tree_columns, N_TREE_COLUMNS),
		.tethers = tethers,
		.shown = shown,
		.n = n,
		.members = members,
		.n_members = n_members,
		.now = now,
	};

	for (size_t i = 0; i < n; i++)
		if (shown[i] && !is_within(&d, &tethers[i]))
			draw_tether(&d, &tethers[i], NULL);
	out_table_print(d.table);
}
