// SPDX-License-Identifier: GPL-2.0-only
/*
 * load.c - attach the programs, prove that they kill, pin them, and go
 *
 * Architecture: nothing is pinned, and nobody but the canary can arm, until the canary has been
 * killed in every way. So a load that is killed before leaves nothing. Pinning runs with signals
 * blocked. A load that is killed in the middle of it leaves pins without AUTOKILL_READY: nobody
 * can arm, and the next load removes them by name. AUTOKILL_READY is the last thing written. An
 * unload that is killed leaves the same, but maybe with tethers. Only an unload and the next load
 * can keep those: see unready_settle().
 */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verbs/canary.h"
#include "base/cleanup.h"
#include "kernel/left.h"
#include "kernel/loader.h"
#include "base/msg.h"
#include "kernel/names.h"
#include "kernel/others.h"
#include "kernel/pins.h"
#include "base/place.h"
#include "verbs/explain.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

#define LEFT_WAIT_MS 10000
#define LEFT_LOOK_MS 20
#define ROOM_DEFAULT 16384
#define ROOM_MOST 4194304 /* PID_MAX_LIMIT: more processes than that there cannot be */

enum { OPT_ROOM = 'r', OPT_VERBOSE = 'v', OPT_RING_BYTES = 256, OPT_NO_NATIVE, OPT_SPOIL };

struct options {
	struct loader_options loader;
	bool no_native;
};

static const struct argp_option options[] = {
	{ "room", OPT_ROOM, "N", 0,
	  "Tethers that may exist at a time (16384). One uid other than 0 gets a quarter.", 0 },
	{ "no-native-flags", OPT_NO_NATIVE, NULL, 0,
	  "Do not serve the flags that clone3 has on Linux 7.1. To serve them, older "
	  "kernels need a program that writes to the memory of the process that calls "
	  "clone3 with them.",
	  0 },
	/* For tests: how releases get lost on the way to the agent, and are found all the same. */
	{ "ring-bytes", OPT_RING_BYTES, "N", OPTION_HIDDEN, NULL, 0 },
	/* For tests: a kernel that refuses a program, in all objects or from number N on. */
	{ "spoil", OPT_SPOIL, "PROGRAM[:N]", OPTION_HIDDEN, NULL, 0 },
	{ "verbose", OPT_VERBOSE, NULL, 0, "Print what libbpf and the verifier say.", 0 },
	{},
};

static __u32 number(struct argp_state *state, const char *option, const char *arg, __u32 least,
		    __u32 most)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (errno || *end || end == arg || *arg == '-' || n < least || n > most)
		argp_error(state, "%s %s: not a number from %u to %u", option, arg, least, most);
	return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *given = state->input;
	struct loader_options *o = &given->loader;

	switch (key) {
	case OPT_ROOM:
		o->room = number(state, "--room", arg, 1, ROOM_MOST);
		return 0;
	case OPT_RING_BYTES:
		o->ring_bytes = number(state, "--ring-bytes", arg, 4096, 1U << 30);
		return 0;
	case OPT_SPOIL:
		o->spoiled = strsep(&arg, ":");
		o->spoiled_from = arg ? number(state, "--spoil", arg, 0, OBJECT_TASK_WORK) : 0;
		return 0;
	case OPT_NO_NATIVE:
		given->no_native = true;
		return 0;
	case OPT_VERBOSE:
		o->listen = print_verbose;
		return 0;
	default:
		return verb_no_arguments(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = verb_help,
	.doc = "Attach the programs to this kernel, prove with children of its own that they kill, pin "
	       "everything in " AUTOKILL_PIN_DIR ", and exit.\v"
	       "On Linux 6.18 and newer nothing of autokill needs to run afterwards. On "
	       "older kernels the agent must run, and nobody can arm without it: autokill "
	       "agent.\n\n"
	       "Exit status: 0 loaded (or loaded already), 1 failed, 2 usage.",
};

/* Are links attached that are pinned neither here nor in @l? Not 0 after a message. */
static int others_check(const struct loader *l)
{
	__u32 own[LOADER_LINKS_MAX];
	int n = l ? l->n_links : 0, err = l ? loader_link_ids(l, own) : 0;
	struct others others;
	char text[EXPLAIN_MAX];

	if (!err)
		err = others_wait(AUTOKILL_PIN_DIR, own, n, &others);
	if (err)
		msg_error(
			"load: cannot look whether others are loaded: %s; run it as root, outside of "
			"containers",
			strerror(-err));
	else if (others.n)
		msg_error(
			"load: another autokill is attached to this kernel, and has no pins in %s. "
			"Two would take over each other's children: %s",
			AUTOKILL_PIN_DIR, explain_others(text, &others));
	return err ?: (int)others.n;
}

/* Nothing is pinned, and no program of ours is attached: does anything answer all the same? */
static int unknown_check(void)
{
	if (!answers_still())
		return 0;
	msg_error("load: a program that is not called autokill_* answers prctl(PR_AUTOKILL): "
		  "find it (bpftool link) and end it first");
	return -1;
}

/* 1, or -1 if there is another one as well. */
static int already_loaded(const struct autokill_config *config)
{
	if (others_check(NULL))
		return -1;
	msg_info("load: autokill %.*s is already loaded; nothing to do",
		 (int)sizeof(config->version), config->version);
	return 1;
}

/* Pins are missing on which something depends. -1. */
static int missing_say(const char *more)
{
	msg_error(
		"load: pins are missing in %s, %s; end what depends on them, then: autokill unload "
		"--force",
		AUTOKILL_PIN_DIR, more);
	return -1;
}

/*
 * An interrupted unload has left the door closed, and all pins are there. If something depends on
 * them, open the door again: 1. What a canary of an interrupted load has left in the maps goes by
 * itself, a little later. 0: nothing depends on them.
 */
static int unready_settle(const struct kernel_side *k, struct autokill_config *config,
			  const struct pins_scan *scan)
{
	bool whole = pins_whole(config, scan), any = true;
	int err = 0;

	for (int i = 0; i < LEFT_WAIT_MS / LEFT_LOOK_MS && any; i++) {
		_cleanup_(left_free) struct left l = {};

		if (i)
			poll(NULL, 0, LEFT_LOOK_MS);
		err = left_read(k, &l);
		any = !err && left_any(&l);
		if (any && whole) {
			err = kernel_side_set_ready(k, AUTOKILL_READY, 0);
			if (!err)
				msg_warn(
					"load: an unload was interrupted, and nobody could arm since; %zu "
					"tethered children, %zu requests and %zu guarded tasks are kept",
					l.n, l.armed, l.guarded);
			if (!err)
				return already_loaded(config);
			break;
		}
	}
	if (err) {
		msg_error("load: cannot read or write the maps in %s: %s; nothing is removed",
			  AUTOKILL_PIN_DIR, strerror(-err));
		return -1;
	}
	return any ? missing_say("and children, requests or guards depend on what is left") : 0;
}

/*
 * What is pinned, whose maps are @k? 0: leftovers; 1: a complete load; -1, after a message:
 * something that must not be touched.
 */
static int maps_settle(const struct kernel_side *k, const struct pins_scan *scan)
{
	struct autokill_config config;
	int err = kernel_side_config(k, &config);

	if (err) {
		msg_error("load: cannot read maps/config: %s; nothing is changed", strerror(-err));
		return -1;
	}
	if (pins_missing(&config, scan))
		return missing_say("and the programs behind them are detached");
	if (config.ready == AUTOKILL_READY)
		return already_loaded(&config);
	return unready_settle(k, &config, scan);
}

/*
 * What is in the pin directory? 0: nothing, or leftovers that have been removed; 1: a complete
 * load of this version; -1, after a message: something that must not be touched.
 */
static int pins_settle(void)
{
	_cleanup_kernel_side_ struct kernel_side kernel = KERNEL_SIDE_CLOSED;
	struct pins_scan scan;
	int err;

	err = pins_scan(AUTOKILL_PIN_DIR, &scan);
	if (err) {
		msg_error("load: cannot read %s: %s", AUTOKILL_PIN_DIR, strerror(-err));
		return -1;
	}
	if (*scan.foreign) {
		msg_error("load: %s/%s is not ours: load pins only into a directory of its own; "
			  "move that file away",
			  AUTOKILL_PIN_DIR, scan.foreign);
		return -1;
	}
	if (!scan.found)
		return 0;
	err = kernel_side_open(&kernel);
	if (err == -EPROTO) {
		msg_error("load: %s was pinned by another version of autokill: unload it with that "
			  "version, or with autokill unload --force",
			  AUTOKILL_PIN_DIR);
		return -1;
	}
	if (err && err != -ENOENT) {
		msg_error("load: cannot find out what is pinned in %s: %s; nothing is changed",
			  AUTOKILL_PIN_DIR, strerror(-err));
		return -1;
	}
	if (!err) {
		err = maps_settle(&kernel, &scan);
		if (err)
			return err;
	} else if (answers_now()) {
		/*
		 * An interrupted load or unload lets nobody arm. So something else has removed
		 * pins.
		 */
		return missing_say("and programs answer all the same");
	}
	err = pins_remove(AUTOKILL_PIN_DIR);
	if (err) {
		msg_error("load: cannot remove what an interrupted load left in %s: %s",
			  AUTOKILL_PIN_DIR, strerror(-err));
		return -1;
	}
	msg_info("load: removed what an interrupted load or unload had left in %s",
		 AUTOKILL_PIN_DIR);
	return 0;
}

/* In how many ways the canary was killed, which is all there are; or -1. */
static int canary_prove(struct loader *l)
{
	struct canary results[CANARIES];
	int n, failed = canary_run(&l->kernel, 1, results, &n);

	for (int i = 0; i < n; i++)
		if (results[i].err)
			msg_error("load: the canary was not killed (%s child, %s%s; %s): %s; "
				  "nothing stays loaded; run: autokill doctor%s",
				  results[i].child, results[i].how,
				  results[i].native ? ", made by clone3's flags" : "",
				  results[i].step, strerror(-results[i].err),
				  results[i].native ? ", or: autokill load --no-native-flags" : "");
	return failed ? -1 : n;
}

/* The pins are counted before anybody may arm, so that none can be missing unseen. */
static int pins_publish(const struct kernel_side *k)
{
	struct autokill_config config;
	struct pins_scan scan;
	int err = pins_scan(AUTOKILL_PIN_DIR, &scan);

	if (!err)
		err = kernel_side_config(k, &config);
	if (err)
		return err;
	config.pins = scan.found;
	config.ready = AUTOKILL_READY;
	config.canary_tgid = 0;
	return kernel_side_set_config(k, &config);
}

static int publish(struct loader *l)
{
	char why[EXPLAIN_MAX];
	sigset_t all, old;
	int err;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	err = loader_pin(l, AUTOKILL_PIN_DIR);
	if (!err) {
		err = pins_publish(&l->kernel);
		if (err)
			pins_remove(AUTOKILL_PIN_DIR);
	}
	if (err)
		msg_error("load: cannot pin into %s: %s; nothing stays loaded", AUTOKILL_PIN_DIR,
			  l->failure.step ? explain_loader(why, &l->failure) : strerror(-err));
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

static void fell_warn(void *ctx, const struct loader *l, enum autokill_fell fell)
{
	char why[EXPLAIN_MAX];

	(void)ctx;
	msg_warn("load: this kernel refuses %s: %s; instead, %s", name_fell_what(fell),
		 explain_loader(why, &l->failure), name_fell_instead(fell));
}

static int load(struct rungs *rungs, struct features *features, const struct loader_options *o,
		bool *needs_agent, int *ways)
{
	_cleanup_(loader_stop) struct loader loader = {};
	char why[EXPLAIN_MAX];
	int err = loader_climb_down(&loader, rungs, features, o, fell_warn, NULL);

	if (err) {
		msg_error("load: %s; %s", explain_loader(why, &loader.failure),
			  mend_loader(&loader.failure));
		return -1;
	}
	/*
	 * Again, now that we are attached. Of two that load at the same time in two mount
	 * namespaces, each attaches before it looks, so at least one sees the other.
	 */
	err = others_check(&loader) ? -1 : 0;
	*ways = err ? -1 : canary_prove(&loader);
	err = *ways < 0 ? -1 : publish(&loader);
	*needs_agent = loader.kernel.agent >= 0;
	return err;
}

static void loaded_say(const struct rungs *rungs, bool needs_agent, int ways)
{
	msg_info("load: loaded; the canary was killed in %d of %d ways", ways, ways);
	if (needs_agent)
		msg_info(
			"load: on this kernel (%s) the agent kills, and nobody can arm until it runs: "
			"systemctl start autokill-agent, or: autokill agent",
			rungs->fell & (FELL_TASK_WORK | FELL_TASK_WORK_IMPL)
				? "which refuses task work"
				: "before Linux 6.18");
	if (rungs->native != NATIVE_FLAGS_ON && rungs->native != NATIVE_FLAGS_KERNEL)
		msg_info("load: the flags that clone3 has on Linux 7.1 are %s",
			 name_native_long(rungs->native));
	if (!rungs->lsm && !(rungs->fell & FELL_LSM))
		msg_warn("load: BPF LSM is not active (`bpf` is not in lsm=): loaded on fentry "
			 "instead, where the kernel can skip a program under preemption; add bpf "
			 "to lsm= on the kernel command line");
}

int cmd_load(int argc, char **argv)
{
	struct options o = { .loader.room = ROOM_DEFAULT };
	struct lack lacks[LACKS_MAX];
	struct features features;
	bool needs_agent = false;
	char why[PLACE_TEXT_MAX];
	struct rungs rungs;
	_cleanup_close_ int lock = -1;
	int n, err, ways = 0;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (place_wrong(why)) {
		msg_error("load: %s", why);
		return 1;
	}
	features_probe(&features);
	n = rungs_choose(&features, &rungs, lacks);
	for (int i = 0; i < n; i++)
		msg_error("load: %s is missing: this kernel is %s; %s", lacks[i].what,
			  features.release, lacks[i].mend);
	if (n)
		return 1;
	if (o.no_native)
		rungs_native_off(&rungs);

	if (view_pins_check("load"))
		return 1;
	lock = pins_lock(AUTOKILL_PIN_DIR);
	if (lock < 0) {
		msg_error("load: cannot lock %s: %s; %s", AUTOKILL_PIN_DIR, strerror(-lock),
			  lock == -EWOULDBLOCK ? "another load or unload is at work: wait for it"
					       : "look at the directory's owner and mode");
		return 1;
	}
	/* Once more: another user may have made them while we did. */
	err = view_pins_check("load") ? -1 : pins_settle();
	if (!err)
		err = others_check(NULL) || unknown_check() ? -1 : 0;
	if (!err)
		err = load(&rungs, &features, &o.loader, &needs_agent, &ways);
	if (err < 0)
		pins_remove_empty(AUTOKILL_PIN_DIR);
	else if (!err)
		loaded_say(&rungs, needs_agent, ways);
	return err < 0;
}
