// SPDX-License-Identifier: GPL-2.0-only
/* maps.c - read the pinned maps of the kernel side */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps.h"
#include "pins.h"

static const struct map_pin {
	const char *dir, *name;
	size_t offset;	  /* of the descriptor in struct maps */
	__u32 value_size; /* that the layout of this version has; for tethers, the least; 0: any */
} map_pins[] = {
	{ "maps", "config", offsetof(struct maps, config), sizeof(struct autokill_config) },
	{ "maps", "stats", offsetof(struct maps, stats), sizeof(struct autokill_stats) },
	{ "maps", "failures", offsetof(struct maps, failures), sizeof(__u64) },
	{ "maps", "tethers", offsetof(struct maps, tethers), sizeof(struct autokill_tether) },
	{ "maps", "files", offsetof(struct maps, files), 0 },
	{ "maps", "events", offsetof(struct maps, events), sizeof(struct autokill_event) },
	{ "maps", "tasks", offsetof(struct maps, tasks), sizeof(struct autokill_task) },
	{ "maps", "users", offsetof(struct maps, users), 0 },
	{ "maps", "left_out", offsetof(struct maps, left_out), sizeof(struct autokill_left_out) },
	/* From here on only where config.kill is KILL_AGENT. */
	{ "maps", "agent", offsetof(struct maps, agent), sizeof(struct autokill_agent) },
	{ "maps", "releases", offsetof(struct maps, releases), 0 },
	{ "maps", "found", offsetof(struct maps, found), sizeof(struct autokill_identity) },
	{ "progs", "autokill_agent", offsetof(struct maps, says), 0 },
	{ "progs", "autokill_identity", offsetof(struct maps, identity), 0 },
	{ "progs", "autokill_sweep", offsetof(struct maps, sweep), 0 },
};

#define N_MAP_PINS (sizeof(map_pins) / sizeof(*map_pins))
#define N_AGENT_PINS 6

static int *map_fd(struct maps *m, const struct map_pin *pin)
{
	return (int *)((char *)m + pin->offset);
}

static int map_value_size(int fd, __u32 *size)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*size = info.value_size;
	return 0;
}

static int map_open(const struct map_pin *pin)
{
	char path[PINS_PATH_MAX];
	__u32 size = 0;
	int fd, err;

	err = pins_path(path, AUTOKILL_PIN_DIR, pin->dir, pin->name);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (!pin->value_size)
		return fd;
	err = map_value_size(fd, &size);
	if (!err &&
	    (size < pin->value_size || (size != pin->value_size && strcmp(pin->name, "tethers"))))
		err = -EPROTO;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static int maps_open_range(struct maps *m, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		int fd = map_open(&map_pins[i]);

		if (fd < 0)
			return fd;
		*map_fd(m, &map_pins[i]) = fd;
	}
	return 0;
}

int maps_open(struct maps *m)
{
	struct autokill_config config = {};
	int err;

	memset(m, 0xff, sizeof(*m));
	err = maps_open_range(m, 0, N_MAP_PINS - N_AGENT_PINS);
	if (!err)
		err = maps_config(m, &config);
	if (!err && config.state_version != AUTOKILL_STATE_VERSION)
		err = -EPROTO;
	if (!err && config.kill == KILL_AGENT)
		err = maps_open_range(m, N_MAP_PINS - N_AGENT_PINS, N_MAP_PINS);
	if (err)
		maps_close(m);
	return err;
}

void maps_close(struct maps *m)
{
	for (size_t i = 0; i < N_MAP_PINS; i++) {
		int *fd = map_fd(m, &map_pins[i]);

		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
}

static int map_first(int fd, void *out)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(fd, &zero, out) ? -errno : 0;
}

int maps_config(const struct maps *m, struct autokill_config *out)
{
	return map_first(m->config, out);
}

int maps_set_config(const struct maps *m, const struct autokill_config *config)
{
	__u32 zero = 0;

	return bpf_map_update_elem(m->config, &zero, config, BPF_ANY) ? -errno : 0;
}

int maps_set_ready(const struct maps *m, enum autokill_ready ready, __u32 canary_tgid)
{
	struct autokill_config c;
	int err = maps_config(m, &c);

	if (err)
		return err;
	c.ready = ready;
	c.canary_tgid = canary_tgid;
	return maps_set_config(m, &c);
}

int maps_stats(const struct maps *m, struct autokill_stats *out)
{
	return map_first(m->stats, out);
}

/*
 * Walk a hash: call @add for each element. An element deleted under the walk sends it back to the
 * beginning (get_next_key() of a key that is gone gives the first), so @add must expect duplicates
 * and the walk is bounded.
 */
static int map_walk(int fd, size_t key_size, size_t most,
		    int (*add)(void *ctx, const void *key, const void *value), void *ctx)
{
	__u8 key[16], next[16];
	void *value, *prev = NULL;
	__u32 size = 0;
	int err;

	err = map_value_size(fd, &size);
	if (err)
		return err;
	value = malloc(size);
	if (!value)
		return -ENOMEM;
	for (size_t i = 0; i < most && !bpf_map_get_next_key(fd, prev, next); i++) {
		memcpy(key, next, key_size);
		prev = key;
		if (bpf_map_lookup_elem(fd, key, value))
			continue;
		err = add(ctx, key, value);
		if (err)
			break;
	}
	free(value);
	return err;
}

struct list {
	char *items;
	size_t n, size, room;
};

/* A copy of @item at the end. 0 or -ENOMEM, with the list unchanged. */
static int list_add(struct list *l, const void *item)
{
	char *items;

	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;

		items = reallocarray(l->items, room, l->size);
		if (!items)
			return -ENOMEM;
		l->items = items;
		l->room = room;
	}
	memcpy(l->items + l->n++ * l->size, item, l->size);
	return 0;
}

/* Sort by the first 8 bytes, which are the key, and drop duplicates. */
static int key_compare(const void *a, const void *b)
{
	__u64 x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static void list_finish(struct list *l)
{
	size_t kept = 0;

	if (!l->n)
		return;
	qsort(l->items, l->n, l->size, key_compare);
	for (size_t i = 1; i < l->n; i++) {
		if (!key_compare(l->items + kept * l->size, l->items + i * l->size))
			continue;
		if (++kept != i)
			memcpy(l->items + kept * l->size, l->items + i * l->size, l->size);
	}
	l->n = kept + 1;
}

static int tether_add(void *ctx, const void *key, const void *value)
{
	const struct autokill_tether *t = value;

	(void)key;
	return t->id & TETHER_LEFT ? 0 : list_add(ctx, value);
}

static int failure_add(void *ctx, const void *key, const void *value)
{
	struct autokill_failure_count f;

	memcpy(&f.key, key, sizeof(f.key));
	memcpy(&f.count, value, sizeof(f.count));
	return list_add(ctx, &f);
}

#define WALK_MOST 4000000

static int map_list(int fd, size_t key_size, struct list *l,
		    int (*add)(void *ctx, const void *key, const void *value), size_t *n)
{
	int err = map_walk(fd, key_size, WALK_MOST, add, l);

	*n = 0;
	if (err) {
		free(l->items);
		l->items = NULL;
		return err;
	}
	list_finish(l);
	*n = l->n;
	return 0;
}

int maps_tethers(const struct maps *m, struct autokill_tether **out, size_t *n)
{
	struct list l = { .size = sizeof(**out) };
	int err = map_list(m->tethers, sizeof(__u64), &l, tether_add, n);

	*out = (struct autokill_tether *)l.items;
	return err;
}

int maps_failures(const struct maps *m, struct autokill_failure_count **out, size_t *n)
{
	struct list l = { .size = sizeof(**out) };
	int err = map_list(m->failures, sizeof(struct autokill_failure), &l, failure_add, n);

	*out = (struct autokill_failure_count *)l.items;
	return err;
}

static int task_count(void *ctx, const void *key, const void *value)
{
	const struct autokill_task *task = value;
	size_t *counts = ctx;

	(void)key;
	if (task->task & AUTOKILL_LEFT)
		return 0; /* nobody's: its delete failed, and is done again */
	counts[0] += task->armed != 0;
	counts[1] += task->guard != 0;
	return 0;
}

int maps_tasks(const struct maps *m, size_t *armed, size_t *guarded)
{
	size_t counts[2] = {};
	int err = map_walk(m->tasks, sizeof(__u64), WALK_MOST, task_count, counts);

	*armed = counts[0];
	*guarded = counts[1];
	return err;
}

static int native_child_add(void *ctx, const void *key, const void *value)
{
	const struct autokill_task *task = value;
	__u64 pid = task->pid;

	(void)key;
	return task->native & NATIVE_CHILD && !(task->task & AUTOKILL_LEFT) && pid
		       ? list_add(ctx, &pid)
		       : 0;
}

int maps_native_children(const struct maps *m, __u64 **out, size_t *n)
{
	struct list l = { .size = sizeof(**out) };
	int err = map_list(m->tasks, sizeof(__u64), &l, native_child_add, n);

	*out = (__u64 *)l.items;
	return err;
}

int maps_event(const struct maps *m, __u32 log, __u64 n, struct autokill_event *out)
{
	__u32 at = log * AUTOKILL_LOG_EVENTS + n % AUTOKILL_LOG_EVENTS;

	if (bpf_map_lookup_elem(m->events, &at, out))
		return -errno;
	/* Pairs with event_write() in bpf/events.bpf.h: both numbers, or it was being written. */
	return out->seq == n + 1 && out->seq_end == n + 1 ? 0 : -EAGAIN;
}

static int left_out_add(void *ctx, const void *key, const void *value)
{
	const struct autokill_left_out *l = value;
	struct left_out item = { .count = l->count };

	memcpy(&item.key, key, sizeof(item.key));
	return l->count ? list_add(ctx, &item) : 0;
}

int maps_left_out(const struct maps *m, struct left_out **out, size_t *n)
{
	struct list l = { .size = sizeof(**out) };
	int err = map_list(m->left_out, sizeof(struct autokill_left_out_key), &l, left_out_add, n);

	*out = (struct left_out *)l.items;
	return err;
}

static const char *prog_type_name(__u32 type)
{
	switch (type) {
	case BPF_PROG_TYPE_LSM:
		return "lsm";
	case BPF_PROG_TYPE_KPROBE:
		return "kprobe";
	case BPF_PROG_TYPE_TRACING:
		return "tracing";
	case BPF_PROG_TYPE_SYSCALL:
		return "syscall";
	default:
		return "other";
	}
}

static int prog_read(const char *name, struct prog_info *out)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	char path[PINS_PATH_MAX];
	int fd, err;

	err = pins_path(path, AUTOKILL_PIN_DIR, "progs", name);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	err = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;
	close(fd);
	if (err)
		return err;
	memset(out, 0, sizeof(*out));
	/* The kernel keeps 15 characters; the pin has the whole name, of which "autokill_" says nothing. */
	strncpy(out->name, strncmp(name, "autokill_", 9) ? name : name + 9, sizeof(out->name) - 1);
	strncpy(out->type, prog_type_name(info.type), sizeof(out->type) - 1);
	out->id = info.id;
	out->recursion_misses = info.recursion_misses;
	out->run_cnt = info.run_cnt;
	return 0;
}

int maps_progs(struct prog_info **out, size_t *n)
{
	struct list l = { .size = sizeof(**out) };
	struct prog_info info;
	int err = 0;

	*out = NULL;
	*n = 0;
	for (const struct pin *pin = pins_table; pin->name && !err; pin++) {
		if (strcmp(pin->dir, "progs") || !strcmp(pin->name, "members"))
			continue;
		err = prog_read(pin->name, &info);
		if (!err)
			err = list_add(&l, &info);
		else if (err == -ENOENT)
			err = 0; /* of the other rung */
	}
	if (err) {
		free(l.items);
		return err;
	}
	*out = (struct prog_info *)l.items;
	*n = l.n;
	return 0;
}
