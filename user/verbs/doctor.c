// SPDX-License-Identifier: GPL-2.0-only
/*
 * doctor.c - can this kernel enforce? Load, attach and trigger, and say what is missing
 *
 * BTF and version do not tell what a kernel allows: a host's policy can refuse fentry, and an LSM
 * program can attach and never be called. So the answer is yes only after children of our own
 * have been killed. Nothing is pinned. What is loaded already is only used.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/beat.h"
#include "verbs/canary.h"
#include "kernel/loader.h"
#include "base/msg.h"
#include "kernel/names.h"
#include "kernel/others.h"
#include "base/out.h"
#include "kernel/pins.h"
#include "base/place.h"
#include "verbs/explain.h"
#include "verbs/verbs.h"

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
	default:
		return verb_no_arguments(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = verb_help,
	.doc = "Find out whether this kernel can enforce: load, attach and trigger the "
	       "programs, and name what is missing and how to mend it.\v"
	       "--json gives check, ok, detail, mend (where there is something to mend); "
	       "last verdict and text.\n\n"
	       "Exit status: 0 it can, 1 it cannot, 2 it cannot be said, or usage. It "
	       "cannot be said without root, in a namespace, while another load is at work "
	       "or attached, and when no agent is alive although this kernel needs one.",
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

static int canary_say(const struct doctor *d, const struct kernel_side *k, int gate)
{
	struct canary results[CANARIES];
	int n, failed = canary_run(k, gate, results, &n);
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

/*
 * A rung that is given up is no reason for "cannot": there is one below, and the canary proves
 * it.
 */
static void fell_say(void *ctx, const struct loader *l, enum autokill_fell fell)
{
	char detail[EXPLAIN_MAX + 128], why[EXPLAIN_MAX];

	snprintf(detail, sizeof(detail), "refused: %s; instead, %s",
		 explain_loader(why, &l->failure), name_fell_instead(fell));
	say(ctx, name_fell_what(fell), false, detail, NULL);
}

static int try_load(const struct doctor *d, struct rungs *rungs, struct features *features)
{
	struct loader_options o = { .room = 64, .listen = d->verbose ? print_verbose : NULL };
	char why[EXPLAIN_MAX];
	_cleanup_(loader_stop) struct loader l = {};

	if (loader_climb_down(&l, rungs, features, &o, fell_say, (void *)d)) {
		say(d, "load and attach", false, explain_loader(why, &l.failure),
		    mend_loader(&l.failure));
		return CANNOT;
	}
	native_say(d, rungs->native);
	say(d, "load and attach", true, rungs->lsm ? "on BPF LSM" : "on fmod_ret and fentry", NULL);
	say(d, "agent", true,
	    l.kernel.agent < 0 ? "not needed"
			       : "needed, once loaded; doctor runs one of its own now",
	    NULL);
	return canary_say(d, &l.kernel, 1);
}

static bool pins_say(const struct doctor *d)
{
	char found[PINS_FOUND_MAX];
	int err = pins_check(AUTOKILL_PIN_DIR, found);

	if (err)
		say(d, "pin folders", false, err > 0 ? found : strerror(-err), NULL);
	return !err;
}

/* With another load attached, nobody could say which one kills. */
static bool others_say(const struct doctor *d)
{
	struct others others;
	char text[EXPLAIN_MAX];
	int err = others_wait(AUTOKILL_PIN_DIR, NULL, 0, &others);

	if (err || others.n)
		say(d, "no other autokill is attached", false,
		    err ? strerror(-err) : explain_others(text, &others), NULL);
	return !err && !others.n;
}

/* Nothing is loaded. Under the lock of load, since what we attach meanwhile would stop a load. */
static int try_alone(const struct doctor *d, struct rungs *rungs, struct features *features)
{
	_cleanup_close_ int lock = pins_lock(AUTOKILL_PIN_DIR);
	int verdict = CANNOT_SAY;

	if (lock < 0) {
		say(d, "nobody else is at work", false, strerror(-lock),
		    lock == -EWOULDBLOCK ? "wait for the load, unload or doctor that is at work"
					 : "look at /sys/fs/bpf: is it mounted read-only?");
		return verdict;
	}
	if (pins_say(d) && others_say(d))
		verdict = try_load(d, rungs, features);
	pins_remove_empty(AUTOKILL_PIN_DIR);
	return verdict;
}

/* Without the agent nothing can be tried on what is loaded: nobody can arm. */
static bool agent_say_alive(const struct doctor *d, const struct kernel_side *k)
{
	struct autokill_agent agent = {};
	char detail[64];
	bool alive;

	if (k->agent < 0) {
		say(d, "agent", true, "not needed", NULL);
		return true;
	}
	alive = !beat_read(k, &agent) && beat_alive(&agent, beat_now());
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
	_cleanup_kernel_side_ struct kernel_side kernel = KERNEL_SIDE_CLOSED;
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
	err = kernel_side_open(&kernel);
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
	} else if (!kernel_side_config(&kernel, &c) && c.ready == AUTOKILL_READY) {
		say(d, "loaded", true, c.version, NULL);
		native_say(d, c.native);
		d->verdict = agent_say_alive(d, &kernel) ? canary_say(d, &kernel, 0) : CANNOT_SAY;
	} else {
		say(d, "loaded", false,
		    "nobody can arm: a load or unload is at work or was interrupted",
		    "if it stays so, run: autokill load, which keeps everything that is in use");
		d->verdict = CANNOT_SAY;
	}
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor d = {};

	argp_parse(&argp, argc, argv, 0, NULL, &d);
	examine(&d);
	verdict_say(&d);
	return d.verdict;
}
