// SPDX-License-Identifier: GPL-2.0-only
/* loader.c - open, load, attach and pin the kernel side */
#include "kernel/loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/others.h"
#include "kernel/pins.h"
#include "kernel/programs.h"
#include "base/times.h"

/* objects.S */
extern const char object_agent[], object_agent_end[];
extern const char object_agent_signal[], object_agent_signal_end[];
extern const char object_task_work_impl[], object_task_work_impl_end[];
extern const char object_task_work[], object_task_work_end[];

/*
 * What libbpf said last, so that a failure can be explained. The verifier's log comes through
 * here, too, in one piece; its last line but one is the complaint.
 */
static char libbpf_said[512];
static bool verifier_spoke;
static int (*listener)(const char *format, va_list args);

static int libbpf_listen(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[sizeof(libbpf_said)];
	va_list again;

	va_copy(again, args);
	if (listener)
		listener(format, again);
	va_end(again);
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	if (strstr(text, "BEGIN PROG LOAD LOG"))
		verifier_spoke = true;
	if (!*libbpf_said) {
		text[strcspn(text, "\n")] = '\0';
		snprintf(libbpf_said, sizeof(libbpf_said), "%s",
			 strncmp(text, "libbpf: ", 8) ? text : text + 8);
	}
	return 0;
}

/*
 * libbpf says "prog 'NAME': ..." if it knows. Where it does not, a helper or kfunc of all is
 * missing.
 */
static void culprit_note(struct loader *l)
{
	const char *from = strncmp(libbpf_said, "prog '", 6) ? NULL : libbpf_said + 6;

	if (from && !*l->culprit)
		snprintf(l->culprit, sizeof(l->culprit), "%.*s", (int)strcspn(from, "'"), from);
}

static int fail(struct loader *l, int err, enum loader_step step)
{
	l->failure.step = step;
	l->failure.err = err;
	snprintf(l->failure.said, sizeof(l->failure.said), "%.300s", libbpf_said);
	culprit_note(l);
	return err;
}

static int map_size(struct bpf_object *o, const char *name, __u32 entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(o, name);

	if (!map)
		return -ENOENT;
	return bpf_map__set_max_entries(map, entries);
}

#define TASKS_PER_TETHER 8

static int maps_size(struct loader *l, const struct rungs *rungs,
		     const struct loader_options *options)
{
	__u32 room = options->room;
	int err;

	/* Twice: a file of a clone that failed keeps its entry until it is put. */
	err = map_size(l->object, "files", 2 * room);
	if (!err) /* of each file that goes, a note */
		err = map_size(l->object, "gone", rungs->watch ? 2 * room : 1);
	if (!err)
		err = map_size(l->object, "tethers", room);
	if (!err)
		err = map_size(l->object, "tasks", TASKS_PER_TETHER * room);
	if (!err && !rungs->agent)
		err = map_size(l->object, "works", 2 * room); /* parent and init, one item each */
	if (!err && rungs->agent)
		err = map_size(l->object, "waiting", room);
	if (!err && rungs->agent)
		err = map_size(l->object, "releases", options->ring_bytes ?: LOADER_RING_BYTES);
	if (!err) /* as many slots as records: a record costs its user one unit for each slot */
		err = map_size(l->object, "members", TASKS_PER_TETHER * room);
	return err ? fail(l, err, LOADER_SIZES) : 0;
}

/* A switch in the section @name, by which the verifier drops from the programs what is off. */
static int switch_set(struct loader *l, const char *name, bool value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(l->object, name);
	__u32 on = value;
	int err = map ? bpf_map__set_initial_value(map, &on, sizeof(on)) : -ENOENT;

	return err ? fail(l, err, LOADER_SWITCHES) : 0;
}

static int switches_set(struct loader *l, const struct rungs *rungs)
{
	int err = switch_set(l, ".rodata.clone3", rungs->native == NATIVE_FLAGS_ON);

	return err ?: switch_set(l, ".rodata.watch", rungs->watch);
}

static int program_enable(struct loader *l, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(l->object, name);

	if (!prog) {
		l->failure.program = name;
		return fail(l, -ENOENT, LOADER_PROGRAM);
	}
	bpf_program__set_autoload(prog, true);
	return 0;
}

static int programs_choose(struct loader *l, const struct rungs *rungs)
{
	struct bpf_program *prog;
	int err = 0;

	bpf_object__for_each_program(prog, l->object)
		bpf_program__set_autoload(prog, false);
	for (const char *const *name = rungs->programs; *name && !err; name++)
		err = program_enable(l, *name);
	for (const char *const *name = rungs->services; *name && !err; name++)
		err = program_enable(l, *name);
	return err;
}

static int object_open(struct loader *l, enum rung_object which)
{
	static const struct {
		const char *from, *to;
	} objects[] = {
		[OBJECT_AGENT] = { object_agent, object_agent_end },
		[OBJECT_AGENT_SIGNAL] = { object_agent_signal, object_agent_signal_end },
		[OBJECT_TASK_WORK_IMPL] = { object_task_work_impl, object_task_work_impl_end },
		[OBJECT_TASK_WORK] = { object_task_work, object_task_work_end },
	};
	const struct bpf_object_open_opts opts = {
		.sz = sizeof(opts),
		.object_name = "autokill",
	};

	l->object = bpf_object__open_mem(objects[which].from,
					 objects[which].to - objects[which].from, &opts);
	if (!l->object)
		return fail(l, -errno, LOADER_OPEN);
	return 0;
}

/*
 * Does @err come from what we have asked for, so that asking for less may help? A policy and a
 * shortage do not.
 */
static bool is_of_the_rung(int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return verifier_spoke;
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -EAGAIN:
	case -EINTR:
		return false;
	default:
		return true;
	}
}

static int object_load(struct loader *l)
{
	int err = bpf_object__load(l->object);

	if (!err)
		return 0;
	/*
	 * A program that the verifier refuses comes with a log. A policy that forbids it does
	 * not.
	 */
	l->lower = is_of_the_rung(err);
	if ((err == -EPERM || err == -EACCES) && !verifier_spoke)
		l->failure.cause = LOADER_POLICY;
	return fail(l, err, LOADER_LOAD);
}

/* The hook is taken, or has no room (BPF_MAX_TRAMP_LINKS). The kernel refuses neither by itself. */
static bool is_of_others(int err)
{
	return err == -EBUSY || err == -E2BIG || err == -ENOSPC;
}

static int programs_attach(struct loader *l, const struct rungs *rungs)
{
	struct bpf_program *prog;
	struct bpf_link *link;

	for (const char *const *name = rungs->programs; *name; name++) {
		prog = bpf_object__find_program_by_name(l->object, *name);
		link = prog ? bpf_program__attach(prog) : NULL;
		if (!link) {
			int err = prog ? -errno : -ENOENT;

			l->failure.program = *name;
			snprintf(l->culprit, sizeof(l->culprit), "%s", *name);
			l->lower = is_of_the_rung(err) && !is_of_others(err);
			if (is_of_others(err))
				l->failure.cause = LOADER_TAKEN;
			return fail(l, err, LOADER_ATTACH);
		}
		l->link_names[l->n_links] = *name;
		l->links[l->n_links++] = link;
	}
	return 0;
}

/* -1 where these rungs do not have it. */
static int map_fd(const struct loader *l, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(l->object, name);

	return fd < 0 ? -1 : fd;
}

static int prog_fd(const struct loader *l, const char *name)
{
	const struct bpf_program *prog = bpf_object__find_program_by_name(l->object, name);
	int fd = prog ? bpf_program__fd(prog) : -1;

	return fd < 0 ? -1 : fd;
}

static int config_write(struct loader *l, const struct rungs *rungs, __u32 room)
{
	struct autokill_config c = {
		.state_version = AUTOKILL_STATE_VERSION,
		.ready = AUTOKILL_NOT_READY,
		.room = room,
		.share = room / 4 ?: 1,
		.tasks_room = TASKS_PER_TETHER * room,
		.tasks_share = TASKS_PER_TETHER * room / 4,
		.lsm = rungs->lsm,
		.native = rungs->native,
		.kill = rungs->agent ? KILL_AGENT : KILL_TASK_WORK,
		.fell = rungs->fell,
	};
	int err;

	c.loaded_at = time_boot();
	snprintf(c.version, sizeof(c.version), "%s", AUTOKILL_VERSION);
	l->kernel = (struct kernel_side){
		.config = map_fd(l, "config"),
		.stats = map_fd(l, "stats"),
		.failures = map_fd(l, "failures"),
		.tethers = map_fd(l, "tethers"),
		.files = map_fd(l, "files"),
		.events = map_fd(l, "events"),
		.tasks = map_fd(l, "tasks"),
		.users = map_fd(l, "users"),
		.left_out = map_fd(l, "left_out"),
		.agent = map_fd(l, "agent"),
		.releases = map_fd(l, "releases"),
		.found = map_fd(l, "found"),
		.says = prog_fd(l, "autokill_agent"),
		.identity = prog_fd(l, "autokill_identity"),
		.sweep = prog_fd(l, "autokill_sweep"),
	};
	err = kernel_side_set_config(&l->kernel, &c);
	return err ? fail(l, err, LOADER_CONFIG) : 0;
}

/*
 * The kernel refuses it as a program of another type, which has other arguments and other
 * helpers.
 */
static void program_spoil(struct loader *l, const struct rungs *rungs,
			  const struct loader_options *options)
{
	struct bpf_program *prog;

	if (!options->spoiled || rungs->object < options->spoiled_from)
		return;
	prog = bpf_object__find_program_by_name(l->object, options->spoiled);
	if (prog)
		bpf_program__set_type(prog, BPF_PROG_TYPE_SOCKET_FILTER);
}

int loader_start(struct loader *l, const struct rungs *rungs, const struct loader_options *options)
{
	int err;

	memset(l, 0, sizeof(*l));
	*libbpf_said = '\0';
	verifier_spoke = false;
	listener = options->listen;
	libbpf_set_print(libbpf_listen);
	err = object_open(l, rungs->object);
	if (!err)
		err = maps_size(l, rungs, options);
	if (!err)
		err = programs_choose(l, rungs);
	if (!err)
		err = switches_set(l, rungs);
	if (!err)
		program_spoil(l, rungs, options);
	if (!err)
		err = object_load(l);
	if (!err)
		err = config_write(l, rungs, options->room);
	if (!err)
		err = programs_attach(l, rungs);
	if (err)
		loader_stop(l);
	return err;
}

int loader_climb_down(struct loader *l, struct rungs *rungs, struct features *features,
		      const struct loader_options *options,
		      void (*said)(void *ctx, const struct loader *l, enum autokill_fell fell),
		      void *ctx)
{
	unsigned int fell;
	int err;

	for (;;) {
		err = loader_start(l, rungs, options);
		if (!err || !l->lower)
			return err;
		fell = rungs_lower(rungs, features, l->culprit);
		if (!fell)
			return err;
		said(ctx, l, fell);
	}
}

int loader_link_ids(const struct loader *l, __u32 ids[LOADER_LINKS_MAX])
{
	int err = 0;

	for (int i = 0; i < l->n_links && !err; i++)
		err = link_id(bpf_link__fd(l->links[i]), &ids[i]);
	return err;
}

void loader_stop(struct loader *l)
{
	while (l->n_links)
		bpf_link__destroy(l->links[--l->n_links]);
	bpf_object__close(l->object);
	l->object = NULL;
}

/* The map that holds the global variables has the object's name in front of its own. */
static struct bpf_map *map_of_pin(const struct loader *l, const char *name)
{
	struct bpf_map *map;

	if (strcmp(name, "globals"))
		return bpf_object__find_map_by_name(l->object, name);
	bpf_object__for_each_map(map, l->object)
		if (strstr(bpf_map__name(map), ".bss"))
			return map;
	return NULL;
}

static struct bpf_link *link_find(const struct loader *l, const char *program)
{
	for (int i = 0; i < l->n_links; i++)
		if (!strcmp(l->link_names[i], program))
			return l->links[i];
	return NULL;
}

/* Each returns 0 also for what these rungs do not have. */
static int pin_map(const struct loader *l, const char *base, const char *name)
{
	struct bpf_map *map = map_of_pin(l, name);
	char path[PINS_PATH_MAX];
	int err = pins_path(path, base, "maps", name);

	return err || !map ? err : bpf_map__pin(map, path);
}

static int pin_link(const struct loader *l, const char *base, const char *dir, const char *name,
		    const struct program *p)
{
	struct bpf_link *link = link_find(l, p->name);
	char path[PINS_PATH_MAX];
	int err = pins_path(path, base, dir, name);

	return err || !link ? err : bpf_link__pin(link, path);
}

static int pin_program(const struct loader *l, const char *base, const struct program *p)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(l->object, p->name);
	char path[PINS_PATH_MAX];
	int err = pins_path(path, base, "progs", program_pin(p));

	if (program_is_iterator(p)) /* only a link can be read as a file */
		return pin_link(l, base, "progs", program_pin(p), p);
	return err || !prog || !bpf_program__autoload(prog) ? err : bpf_program__pin(prog, path);
}

int loader_pin(struct loader *l, const char *base)
{
	int err = 0;

	for (const char *const *map = pins_maps; *map && !err; map++)
		err = pin_map(l, base, *map);
	for (size_t i = 0; i < N_PROGRAMS && !err; i++)
		err = pin_program(l, base, &programs[i]);
	for (size_t i = 0; i < N_PROGRAMS && !err; i++)
		if (program_hangs(&programs[i]))
			err = pin_link(l, base, "links", programs[i].name, &programs[i]);
	if (!err)
		return 0;
	fail(l, err, LOADER_PIN);
	pins_remove(base);
	return err;
}
