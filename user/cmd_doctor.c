// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_doctor.c - can this kernel enforce? Load, attach and trigger, and say what is missing
 *
 * What a kernel has by its BTF and its version says nothing of what it lets one do: a host's policy
 * can refuse fentry, an LSM program can attach and never be called. So the answer is yes only after
 * children of our own have been killed. Nothing is pinned; what is loaded already is only used.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "beat.h"
#include "canary.h"
#include "loader.h"
#include "msg.h"
#include "names.h"
#include "others.h"
#include "out.h"
#include "pins.h"
#include "place.h"
#include "verbs.h"

enum { CAN = 0, CANNOT = 1, CANNOT_SAY = 2 };

enum { OPT_JSON = 'j', OPT_VERBOSE = 'v' };

struct doctor {
	bool json, verbose;
	int verdict;
};

static const struct argp_option options[] = {
	{ "json", OPT_JSON, NULL, 0, "One JSON object a line.", 0 },
	{ "verbose", OPT_VERBOSE, NULL, 0, "Print what libbpf and the verifier say.", 0 },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct doctor *d = state->input;

	switch (key) {
	case OPT_JSON:
		d->json = true;
		return 0;
	case OPT_VERBOSE:
		d->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: doctor takes no arguments", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = verb_help,
	.doc = "Find out whether this kernel can enforce: load, attach and trigger the programs, and name "
	       "what is missing and how to mend it.\v"
	       "--json gives check, ok, detail, mend (where there is something to mend); last verdict "
	       "and text.\n\n"
	       "Exit status: 0 it can, 1 it cannot, 2 it cannot be said (not root, in a namespace, another "
	       "load at work or attached, or loaded and no agent is alive that this kernel needs); "
	       "usage: 2.",
};

/* One finding: a row of the answer. @mend is NULL where there is nothing to mend. */
static void say(const struct doctor *d, const char *check, bool ok, const char *detail,
		const char *mend)
{
	struct json_object *o;

	if (!d->json) {
		printf("%-5s %s%s%s\n", ok ? "ok" : "FAIL", check, *detail ? ": " : "", detail);
		if (!ok && mend)
			printf("      mend: %s\n", mend);
		return;
	}
	o = out_json_new();
	out_add_text(o, "check", check);
	out_add_bool(o, "ok", ok);
	out_add_text(o, "detail", detail);
	if (mend && !ok)
		out_add_text(o, "mend", mend);
	out_json(o);
}

static void verdict_say(const struct doctor *d)
{
	static const char *const words[] = { "this kernel can enforce",
					     "this kernel cannot enforce",
					     "cannot say whether this kernel can enforce" };
	struct json_object *o;

	if (!d->json) {
		printf("%s\n", words[d->verdict]);
		return;
	}
	o = out_json_new();
	out_add_u64(o, "verdict", d->verdict);
	out_add_text(o, "text", words[d->verdict]);
	out_json(o);
}

static int canary_say(const struct doctor *d, const struct maps *m, int gate)
{
	struct canary results[CANARIES];
	int n, failed = canary_run(m, gate, results, &n);
	bool lives = false;

	for (int i = 0; i < n; i++) {
		const struct canary *c = &results[i];
		char check[64], detail[128];

		snprintf(check, sizeof(check), "kill a %s child, %s%s", c->child, c->how,
			 c->native ? ", by clone3's flags" : "");
		if (c->err)
			snprintf(detail, sizeof(detail), "%s: %s", c->step, strerror(-c->err));
		else
			snprintf(detail, sizeof(detail), "dead after %.2f ms", c->ms);
		say(d, check, !c->err, detail,
		    c->err == -ETIMEDOUT
			    ? "report this: with this kernel's version and the output of autokill doctor"
			    : "it could not be tried: see the error, and limits (ulimit -a, pids.max)");
		lives |= c->err == -ETIMEDOUT;
	}
	if (!failed)
		return CAN;
	return lives ? CANNOT : CANNOT_SAY;
}

static void features_say(const struct doctor *d, const struct features *f)
{
	say(d, "kernel", true, f->release, NULL);
	say(d, "its own CLONE_PIDFD_AUTOKILL", true,
	    f->native ? "yes: clone3() has the flag without autokill" : "no (Linux 7.1 and newer)",
	    NULL);
	if (!f->lsm_bpf && f->btf) /* not fatal: there is a rung below */
		say(d, "BPF LSM", false, *f->lsm_list ? f->lsm_list : "the list cannot be read",
		    *f->lsm_list ? "it works without, but the kernel can skip programs under "
				   "preemption; add bpf to lsm= on the kernel command line"
				 : NULL);
	else if (f->lsm_bpf)
		say(d, "BPF LSM", true, f->lsm_list, NULL);
}

/* Not to serve them is no lack: prctl() is a way in everywhere. */
static void native_say(const struct doctor *d, enum autokill_native native)
{
	say(d, "clone3's flags of Linux 7.1", true, name_native_long(native), NULL);
}

/* What is done without is no reason for "cannot": there is a rung below, and the canary proves it. */
static void fell_say(void *ctx, const struct loader *l, enum autokill_fell fell)
{
	char detail[640];

	snprintf(detail, sizeof(detail), "refused: %s; instead, %s", l->why,
		 name_fell_instead(fell));
	say(ctx, name_fell_what(fell), false, detail, NULL);
}

static int try_load(const struct doctor *d, struct rungs *rungs, struct features *features)
{
	struct loader_options o = { .room = 64, .verbose = d->verbose };
	struct loader l;
	int verdict;

	if (loader_climb_down(&l, rungs, features, &o, fell_say, (void *)d)) {
		say(d, "load and attach", false, l.why, l.mend);
		return CANNOT;
	}
	native_say(d, rungs->native);
	say(d, "load and attach", true, rungs->lsm ? "on BPF LSM" : "on fmod_ret and fentry", NULL);
	say(d, "agent", true,
	    l.maps.agent < 0 ? "not needed" : "needed, once loaded; doctor runs one of its own now",
	    NULL);
	verdict = canary_say(d, &l.maps, 1);
	loader_stop(&l);
	return verdict;
}

static bool pins_say(const struct doctor *d)
{
	char found[PINS_FOUND_MAX];
	int err = pins_check(AUTOKILL_PIN_DIR, found);

	if (err)
		say(d, "pin folders", false, err > 0 ? found : strerror(-err), NULL);
	return !err;
}

/* With somebody else attached, who is killed by whom? */
static bool others_say(const struct doctor *d)
{
	struct others others;
	char text[320];
	int err = others_wait(AUTOKILL_PIN_DIR, NULL, 0, &others);

	if (err || others.n)
		say(d, "no other autokill is attached", false,
		    err ? strerror(-err) : others_text(text, sizeof(text), &others), NULL);
	return !err && !others.n;
}

/* Nothing is loaded: under the lock of load, since what is attached meanwhile would stop a load. */
static int try_alone(const struct doctor *d, struct rungs *rungs, struct features *features)
{
	int lock = pins_lock(AUTOKILL_PIN_DIR), verdict = CANNOT_SAY;

	if (lock < 0) {
		say(d, "nobody else is at work", false, strerror(-lock),
		    lock == -EWOULDBLOCK ? "wait for the load, unload or doctor that is at work"
					 : "look at /sys/fs/bpf: is it mounted read-only?");
		return verdict;
	}
	if (pins_say(d) && others_say(d))
		verdict = try_load(d, rungs, features);
	pins_remove_empty(AUTOKILL_PIN_DIR);
	close(lock);
	return verdict;
}

/* Without the agent nothing can be tried on what is loaded: nobody can arm. */
static bool agent_say_alive(const struct doctor *d, const struct maps *m)
{
	struct autokill_agent agent = {};
	char detail[64];
	bool alive;

	if (m->agent < 0) {
		say(d, "agent", true, "not needed", NULL);
		return true;
	}
	alive = !beat_read(m, &agent) && beat_alive(&agent, beat_now());
	snprintf(detail, sizeof(detail), alive ? "alive, pid %u" : "needed, and not alive",
		 agent.pid);
	say(d, "agent", alive, detail, "run: systemctl start autokill-agent, or: autokill agent");
	return alive;
}

static void examine(struct doctor *d)
{
	struct lack lacks[LACKS_MAX];
	struct autokill_config c;
	struct features f;
	struct rungs rungs;
	struct maps maps;
	char why[PLACE_TEXT_MAX];
	int n, err;

	if (place_wrong(why)) {
		say(d, "place in the system", false, why, NULL);
		d->verdict = CANNOT_SAY;
		return;
	}
	features_probe(&f);
	features_say(d, &f);
	n = rungs_choose(&f, &rungs, lacks);
	for (int i = 0; i < n; i++)
		say(d, lacks[i].what, false, "missing", lacks[i].mend);
	if (!f.can_bpf) {
		d->verdict = CANNOT_SAY;
		return;
	}
	d->verdict = f.lsm_known ? CANNOT : CANNOT_SAY;
	if (n)
		return;
	d->verdict = CANNOT_SAY;
	if (!pins_say(d))
		return;
	err = maps_open(&maps);
	if (err == -ENOENT) {
		d->verdict = try_alone(d, &rungs, &f);
		return;
	}
	if (err) {
		say(d, "loaded", false,
		    err == -EPROTO ? "by another version of autokill" : strerror(-err),
		    err == -EPROTO ? "use that version, or: autokill unload --force"
				   : "run it as root, with ulimit -n 128");
		return;
	}
	if (!others_say(d)) {
		d->verdict = CANNOT_SAY;
	} else if (!maps_config(&maps, &c) && c.ready == AUTOKILL_READY) {
		say(d, "loaded", true, c.version, NULL);
		native_say(d, c.native);
		d->verdict = agent_say_alive(d, &maps) ? canary_say(d, &maps, 0) : CANNOT_SAY;
	} else {
		say(d, "loaded", false,
		    "nobody can arm: a load or unload is at work or was interrupted",
		    "if it stays so, run: autokill load, which keeps what somebody depends on");
		d->verdict = CANNOT_SAY;
	}
	maps_close(&maps);
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor d = {};

	argp_parse(&argp, argc, argv, 0, NULL, &d);
	examine(&d);
	verdict_say(&d);
	return d.verdict;
}
