// SPDX-License-Identifier: GPL-2.0-only
/* kernel_lists.c - copies of whole maps of the kernel side, and of what is known of its programs */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "kernel/kernel_side.h"
#include "kernel/pins.h"
#include "kernel/programs.h"

/*
 * Walk a hash: call @add for each element.
 *
 * An element that is deleted under the walk sends it back to the beginning: get_next_key() of a
 * key that is gone gives the first. So @add must expect duplicates, and the walk is bounded.
 */
static int map_walk(int fd, size_t key_size, size_t most,
		    int (*add)(void *ctx, const void *key, const void *value), void *ctx)
{
	_cleanup_free_ void *value = NULL;
	__u8 key[16], next[16];
	void *prev = NULL;
	__u32 size = 0;
	int err;

	err = kernel_side_value_size(fd, &size);
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
	return err;
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
		if (!key_compare(list_at(l, kept), list_at(l, i)))
			continue;
		if (++kept != i)
			memcpy(list_at(l, kept), list_at(l, i), l->size);
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
		list_free(l);
		return err;
	}
	list_finish(l);
	*n = l->n;
	return 0;
}

int kernel_side_tethers(const struct kernel_side *k, struct autokill_tether **out, size_t *n)
{
	_cleanup_list_ struct list l = { .size = sizeof(**out) };
	int err = map_list(k->tethers, sizeof(__u64), &l, tether_add, n);

	*out = TAKE_PTR(l.items);
	return err;
}

int kernel_side_failures(const struct kernel_side *k, struct autokill_failure_count **out,
			 size_t *n)
{
	_cleanup_list_ struct list l = { .size = sizeof(**out) };
	int err = map_list(k->failures, sizeof(struct autokill_failure), &l, failure_add, n);

	*out = TAKE_PTR(l.items);
	return err;
}

static int task_count(void *ctx, const void *key, const void *value)
{
	const struct autokill_task *task = value;
	size_t *counts = ctx;

	(void)key;
	if (task->task & AUTOKILL_LEFT)
		return 0; /* its task is gone: the delete failed, and is done again */
	counts[0] += task->armed != 0;
	counts[1] += task->guard != 0;
	return 0;
}

int kernel_side_tasks(const struct kernel_side *k, size_t *armed, size_t *guarded)
{
	size_t counts[2] = {};
	int err = map_walk(k->tasks, sizeof(__u64), WALK_MOST, task_count, counts);

	*armed = counts[0];
	*guarded = counts[1];
	return err;
}

static int native_child_add(void *ctx, const void *key, const void *value)
{
	const struct autokill_task *task = value;
	__u64 pid = task->pid;

	(void)key;
	return task->clone3 & CLONE3_CHILD && !(task->task & AUTOKILL_LEFT) && pid
		       ? list_add(ctx, &pid)
		       : 0;
}

int kernel_side_native_children(const struct kernel_side *k, __u64 **out, size_t *n)
{
	_cleanup_list_ struct list l = { .size = sizeof(**out) };
	int err = map_list(k->tasks, sizeof(__u64), &l, native_child_add, n);

	*out = TAKE_PTR(l.items);
	return err;
}

static int left_out_add(void *ctx, const void *key, const void *value)
{
	const struct autokill_left_out *l = value;
	struct left_out item = { .count = l->count };

	memcpy(&item.key, key, sizeof(item.key));
	return l->count ? list_add(ctx, &item) : 0;
}

int kernel_side_left_out(const struct kernel_side *k, struct left_out **out, size_t *n)
{
	_cleanup_list_ struct list l = { .size = sizeof(**out) };
	int err = map_list(k->left_out, sizeof(struct autokill_left_out_key), &l, left_out_add, n);

	*out = TAKE_PTR(l.items);
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

#define P(name, when, hook, what) _Static_assert(sizeof(#name) <= PROG_NAME_MAX, "too long a name");
#include "bpf/programs.h"
#undef P

static int prog_read(const char *name, struct prog_info *out)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	_cleanup_close_ int fd = -1;
	char path[PINS_PATH_MAX];
	int err;

	err = pins_path(path, AUTOKILL_PIN_DIR, "progs", name);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	memset(out, 0, sizeof(*out));
	/*
	 * The kernel keeps 15 characters. The pin has the whole name, in which "autokill_" says
	 * nothing.
	 */
	strncpy(out->name, strncmp(name, "autokill_", 9) ? name : name + 9, sizeof(out->name) - 1);
	strncpy(out->type, prog_type_name(info.type), sizeof(out->type) - 1);
	out->id = info.id;
	out->recursion_misses = info.recursion_misses;
	out->run_cnt = info.run_cnt;
	return 0;
}

int kernel_side_progs(struct prog_info **out, size_t *n)
{
	_cleanup_list_ struct list l = { .size = sizeof(**out) };
	struct prog_info info;
	int err = 0;

	*out = NULL;
	*n = 0;
	for (size_t i = N_PROGRAMS; i-- && !err;) {
		if (program_is_iterator(&programs[i]))
			continue;
		err = prog_read(programs[i].name, &info);
		if (!err)
			err = list_add(&l, &info);
		else if (err == -ENOENT)
			err = 0; /* of the other rung */
	}
	if (err)
		return err;
	*n = l.n;
	*out = TAKE_PTR(l.items);
	return 0;
}
