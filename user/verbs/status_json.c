// SPDX-License-Identifier: GPL-2.0-only
/*
 * status_json.c - autokill status --json; its members are in autokill(8)
 */
#include <json-c/json.h>

#include "kernel/names.h"
#include "base/out.h"
#include "verbs/status.h"
#include "base/times.h"
#include "base/users.h"

static struct json_object *tethers_json(const struct status *s)
{
	static const enum autokill_tether_state states[] = { TETHER_BIRTH, TETHER_TAKEN_BACK,
							     TETHER_LIVE, TETHER_RELEASED,
							     TETHER_KILLED };
	struct json_object *o = out_json_new();

	out_add_u64(o, "total", s->n_tethers);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		out_add_u64(o, name_tether_state(states[i]), status_in_state(s, states[i]));
	return o;
}

static struct json_object *users_json(const struct status *s)
{
	struct json_object *array = out_json_array();
	size_t same;

	for (size_t i = 0; i < s->n_tethers; i += same) {
		struct json_object *o = out_json_new();
		char user[64];

		same = status_same_uid(s, i);
		out_add_u64(o, "uid", s->tethers[i].uid);
		out_add_text(o, "user", user_name(user, sizeof(user), s->tethers[i].uid));
		out_add_u64(o, "tethers", same);
		out_append(array, o);
	}
	return array;
}

static struct json_object *counters_json(const struct status *s)
{
	struct json_object *o = out_json_new();

	for (const struct status_counter *c = status_counters; c->text; c++)
		if (c->name)
			out_add_u64(o, c->name, status_counter(s, c));
	return o;
}

static struct json_object *failures_json(const struct status *s)
{
	struct json_object *array = out_json_array();

	for (size_t i = 0; i < s->n_failures; i++) {
		struct json_object *o = out_json_new();

		out_add_text(o, "what", name_what(s->failures[i].key.what));
		out_add_text(o, "errno", name_errno(s->failures[i].key.err));
		out_add_u64(o, "count", s->failures[i].count);
		out_append(array, o);
	}
	return array;
}

static struct json_object *progs_json(const struct status *s)
{
	struct json_object *array = out_json_array();

	for (size_t i = 0; i < s->n_progs; i++) {
		struct json_object *o = out_json_new();

		out_add_text(o, "name", s->progs[i].name);
		out_add_text(o, "type", s->progs[i].type);
		out_add_u64(o, "id", s->progs[i].id);
		out_add_u64(o, "recursion_misses", s->progs[i].recursion_misses);
		out_add_u64(o, "run_cnt", s->progs[i].run_cnt);
		out_append(array, o);
	}
	return array;
}

static struct json_object *fell_json(const struct status *s)
{
	struct json_object *array = out_json_array();

	for (unsigned int bit = 1; bit && bit <= s->config.fell; bit <<= 1)
		if (s->config.fell & bit)
			out_append(array, json_object_new_string(name_fell(bit)));
	return array;
}

static struct json_object *unreaped_json(const struct status *s)
{
	struct json_object *array = out_json_array();

	for (size_t i = 0; i < s->n_unreaped; i++) {
		const struct unreaped *u = &s->unreaped[i];
		char comm[OUT_TEXT(sizeof(u->comm))];
		struct json_object *o = out_json_new();

		out_add_u64(o, "creator", u->creator);
		out_add_text(o, "command", out_text(comm, u->comm, sizeof(u->comm)));
		out_add_u64(o, "children", u->children);
		out_append(array, o);
	}
	return array;
}

static void add_u64_or_null(struct json_object *o, const char *name, bool has, __u64 value)
{
	if (has)
		out_add_u64(o, name, value);
	else
		json_object_object_add(o, name, NULL);
}

static struct json_object *agent_json(const struct status *s)
{
	struct json_object *o = out_json_new();
	size_t waiting = status_in_state(s, TETHER_RELEASED);

	out_add_bool(o, "needed", s->agent_needed);
	if (!s->agent_needed)
		return o;
	out_add_bool(o, "alive", s->agent_alive);
	add_u64_or_null(o, "pid", s->agent.pid, s->agent.pid);
	add_u64_or_null(o, "beat_ns", s->agent.beat, s->agent_beat_ns);
	out_add_u64(o, "waiting", waiting);
	add_u64_or_null(o, "oldest_wait_ns", waiting, s->oldest_wait_ns);
	return o;
}

static struct json_object *others_json(const struct others *others)
{
	struct json_object *array = out_json_array();

	for (size_t i = 0; i < others->n; i++) {
		const struct other *other = &others->links[i];
		char name[OUT_TEXT(sizeof(other->name))];
		struct json_object *o = out_json_new();

		out_add_u64(o, "link", other->link);
		out_add_u64(o, "id", other->program);
		out_add_text(o, "name", out_text(name, other->name, sizeof(other->name)));
		add_u64_or_null(o, "pid", others->pid, others->pid);
		out_append(array, o);
	}
	return array;
}

void status_json(const struct status *s)
{
	const struct autokill_config *c = &s->config;
	char version[OUT_TEXT(sizeof(c->version))], when[48];
	struct json_object *o = out_json_new();

	out_add_bool(o, "loaded", true);
	out_add_text(o, "version", out_text(version, c->version, sizeof(c->version)));
	out_add_u64(o, "layout", c->state_version);
	out_add_text(o, "state", s->pins_missing ? "pins-missing" : name_ready(c->ready));
	out_add_text(o, "hooks", c->lsm ? "lsm" : "fmod_ret");
	out_add(o, "fell_back", fell_json(s));
	out_add_text(o, "loaded_at", time_json(when, sizeof(when), c->loaded_at, time_offset()));
	out_add_u64(o, "room", c->room);
	out_add_u64(o, "share", c->share);
	out_add(o, "tethers", tethers_json(s));
	out_add(o, "users", users_json(s));
	out_add_u64(o, "guarded", s->guarded);
	out_add_u64(o, "armed", s->armed);
	out_add(o, "agent", agent_json(s));
	out_add_text(o, "native_flags", name_native(c->native));
	out_add(o, "unreaped", unreaped_json(s));
	out_add(o, "counters", counters_json(s));
	out_add(o, "failures", failures_json(s));
	out_add(o, "programs", progs_json(s));
	out_add(o, "others", others_json(&s->others));
	out_json(o);
}

void status_json_unloaded(const struct others *others)
{
	struct json_object *o = out_json_new();

	out_add_bool(o, "loaded", false);
	out_add(o, "others", others_json(others));
	out_json(o);
}
