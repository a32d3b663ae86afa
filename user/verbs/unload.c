// SPDX-License-Identifier: GPL-2.0-only
/* unload.c - detach everything; refused while a child depends on it */
#include <argp.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/left.h"
#include "kernel/kernel_side.h"
#include "base/msg.h"
#include "kernel/others.h"
#include "kernel/pins.h"
#include "verbs/explain.h"
#include "verbs/unit.h"
#include "verbs/verbs.h"
#include "verbs/view.h"

enum { OPT_FORCE = 'f' };

static const struct argp_option options[] = {
	{ "force", OPT_FORCE, NULL, 0,
	  "Unload although there are tethers: their children live on, and nothing kills them.", 0 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *force = state->input;

	switch (key) {
	case OPT_FORCE:
		*force = true;
		return 0;
	default:
		return verb_no_arguments(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = verb_help,
	.doc = "Detach the programs and remove their pins.\v"
	       "Exit status: 0 unloaded (or nothing was loaded), 1 refused or failed, 2 usage.",
};

#define NAMED_AT_MOST 8

static void left_say(const struct left *l, bool force)
{
	for (size_t i = 0; i < l->n && i < NAMED_AT_MOST; i++) {
		const struct autokill_tether *t = &l->tethers[i];

		msg_warn("unload: tether %llu: child %u, made by pid %u (%s), uid %u",
			 (unsigned long long)t->id, t->tgid, t->creator, t->comm, t->uid);
	}
	if (l->n > NAMED_AT_MOST)
		msg_warn("unload: and %zu more: see autokill ps", l->n - NAMED_AT_MOST);
	if (force)
		msg_warn(
			"unload: forced: %zu tethered children live on, %zu requests are void, %zu "
			"tasks are guarded no more",
			l->n, l->armed, l->guarded);
	else
		msg_error(
			"unload: refused: %zu tethered children would live on, %zu requests be "
			"void, %zu guarded tasks be guarded no more; end them first, or use --force",
			l->n, l->armed, l->guarded);
}

/*
 * Nobody may arm or clone tethered from here on. A program that read the old value may still run:
 * after the barrier (which waits for an RCU grace period) its tether is in the map.
 */
static int close_door(const struct kernel_side *k)
{
	int err = kernel_side_set_ready(k, AUTOKILL_NOT_READY, 0);

	if (!err)
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	return err;
}

/*
 * May the pins of @k go? 0: yes; else a message has said why not. The door is open again before
 * the message, since the reader of our messages may make us wait. It stays closed where it was
 * closed before and pins are missing, as a forced unload that was interrupted leaves it: nobody
 * is to arm there.
 */
static int close_if_left(const struct kernel_side *k, const struct pins_scan *scan, bool force)
{
	_cleanup_(left_free) struct left l = {};
	struct autokill_config config;
	int err = kernel_side_config(k, &config), again = 0;

	if (!err)
		err = close_door(k);
	if (!err)
		err = left_read(k, &l);
	if (!force && (err || left_any(&l)) &&
	    (config.ready == AUTOKILL_READY || pins_whole(&config, scan)))
		again = kernel_side_set_ready(k, AUTOKILL_READY, 0);
	if (err)
		msg_error("unload: cannot read the maps: %s", strerror(-err));
	else if (left_any(&l))
		left_say(&l, force);
	if (again)
		msg_error(
			"unload: and nobody can arm until this is put right: %s; run: autokill load",
			strerror(-again));
	return !force && (err || left_any(&l)) ? -1 : 0;
}

static int refuse(const char *why)
{
	msg_error(
		"unload: the tethers of what is pinned in %s cannot be counted: %s; mend that, or use "
		"--force",
		AUTOKILL_PIN_DIR, why);
	return -1;
}

/* May the pins go? 0: yes; else a message has said why not. */
static int unload_allowed(const struct pins_scan *scan, bool force)
{
	_cleanup_kernel_side_ struct kernel_side k = KERNEL_SIDE_CLOSED;
	int err;

	err = kernel_side_open(&k);
	if (err == -EPROTO && !force) {
		msg_error("unload: %s was pinned by another version of autokill, whose tethers "
			  "cannot be counted: use that version, or --force",
			  AUTOKILL_PIN_DIR);
		return -1;
	}
	/* Half-made, and then nothing can be armed there; or pins were removed. */
	if (err == -ENOENT && !force && answers_now())
		return refuse("pins are missing there, and programs answer");
	if (err == -ENOENT) {
		kernel_side_shut(); /* if there is something to shut */
		return 0;
	}
	if (err && err != -EPROTO && !force)
		return refuse(strerror(-err));
	if (err) {
		msg_warn("unload: forced, and the children that live on cannot be counted: %s",
			 err == -EPROTO ? "another version" : strerror(-err));
		/* Or a clone of now could lose its program between its request and its birth. */
		err = kernel_side_shut();
		if (err)
			msg_warn("unload: requests go on while it is taken away: %s",
				 strerror(-err));
		return 0;
	}
	return close_if_left(&k, scan, force);
}

/*
 * Nothing is in our pins. 0; 1 if another load is attached, which only a holder of its links can
 * detach.
 */
static int nothing_loaded(void)
{
	struct others others;
	char text[EXPLAIN_MAX];

	if (others_wait(AUTOKILL_PIN_DIR, NULL, 0, &others) || !others.n) {
		msg_info("unload: nothing was loaded");
		return 0;
	}
	msg_error(
		"unload: nothing is pinned in %s, but another autokill is attached to this kernel: %s",
		AUTOKILL_PIN_DIR, explain_others(text, &others));
	return 1;
}

static int unload(bool force)
{
	struct pins_scan scan;
	sigset_t all;
	int err;

	err = pins_scan(AUTOKILL_PIN_DIR, &scan);
	if (err) {
		msg_error("unload: cannot read %s: %s", AUTOKILL_PIN_DIR, strerror(-err));
		return 1;
	}
	/*
	 * Once the door is closed, only SIGKILL is to end us. A later load mends what that
	 * leaves.
	 */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (scan.found && unload_allowed(&scan, force))
		return 1;
	err = pins_remove(AUTOKILL_PIN_DIR);
	if (err) {
		msg_error("unload: cannot remove everything from %s: %s; run it again",
			  AUTOKILL_PIN_DIR, strerror(-err));
		return 1;
	}
	pins_remove_empty(AUTOKILL_PIN_DIR);
	if (*scan.foreign) {
		msg_error("unload: unloaded, but %s/%s is not ours and stays: move it away "
			  "before the next load",
			  AUTOKILL_PIN_DIR, scan.foreign);
		return 1;
	}
	return scan.found ? 0 : nothing_loaded();
}

int cmd_unload(int argc, char **argv)
{
	_cleanup_close_ int lock = -1;
	bool force = false;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &force);
	if (view_pins_check("unload"))
		return 1;
	lock = pins_lock_existing(AUTOKILL_PIN_DIR);
	if (lock == -ENOENT) {
		ret = nothing_loaded();
		if (!ret)
			unit_unloaded();
		return ret;
	}
	if (lock < 0) {
		msg_error("unload: cannot lock %s: %s; %s", AUTOKILL_PIN_DIR, strerror(-lock),
			  lock == -EWOULDBLOCK ? "another load or unload is at work: wait for it"
			  : lock == -EMFILE    ? "allow more descriptors: ulimit -n 128"
					       : "run it as root");
		return 1;
	}
	ret = unload(force);
	cleanup_close(&lock); /* the unit unloads once more */
	if (!ret)
		unit_unloaded();
	return ret;
}
