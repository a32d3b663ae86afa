// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent_tree.c - the agent's sweeps: SIGKILL to every member of a released tree, until it is gone
 *
 * bpf/tree.bpf.h says why no member escapes by a fork while we sweep. Of that argument we do b
 * and c: a sweep begins after the mark, and is repeated until the tether is not in the map any
 * more. The programs take it away when the last member exits, once we have said AGENT_KILLED. We
 * say that after a sweep that met no unborn member, and in which every member that it found got
 * its signal.
 *
 * A sweep finds numbers and start times. We open the numbers first, then see that the pidfds are
 * of those very processes, and only then signal (victim.c). So a process that got a number since
 * is not hit. A member that we miss in this way, between two states, is found by the next sweep.
 *
 * The second sweep is 2 ms after the first; each further wait is twice the one before. While some
 * member has no signal yet, the wait is 16 ms at most, since an unborn member runs soon. That
 * holds for 8 s only: then the cause is something else. Once every member has its signal, the
 * wait is 256 ms at least: sweeps only hold up the deaths.
 */
#include "agent/agent_tree.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/by_id.h"
#include "agent/victim.h"
#include "base/cleanup.h"
#include "base/times.h"
#include "bpf/mutant.bpf.h"
#include "kernel/beat.h"
#include "kernel/for_agent.h"

#define FIRST_NS 2000000ULL
#define UNKILLED_MOST_NS 16000000ULL
#define KILLED_FIRST_NS 256000000ULL
#define MOST_NS 1024000000ULL
#define TREE_AT_ONCE 64 /* so many descriptors are open at a time */

/* A released tree whose tether is still there. */
struct dying {
	__u64 id; /* first, for by_id() */
	__u64 since, due, wait;
	bool killed; /* we have said AGENT_KILLED, of which the programs take the first only */
	bool stuck;  /* AGENT_STUCK was said, by us or by an agent before us */
	struct dying *next;
};

static int identity_compare(const void *a, const void *b)
{
	const struct autokill_identity *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	return x->start_time < y->start_time ? -1 : x->start_time > y->start_time;
}

/* What a sweep has come to so far. */
struct swept {
	__u32 signalled; /* groups */
	__u32 unborn;
	bool unsure; /* a member was found, and not signalled */
};

/*
 * SIGKILL to the process of @pidfd. Not if @err says that it is not of the tree, or is not known.
 */
static void group_kill(struct trees *t, __u64 id, int pidfd, int err, struct swept *s)
{
	enum autokill_what what = FAIL_AGENT_OPEN;

	if (!err) {
		what = FAIL_AGENT_SIGNAL;
		err = victim_kill(pidfd);
		if (err == -ESRCH)
			return; /* the very process, and no thread is left of it */
	}
	s->signalled += !err;
	s->unsure |= err != 0;
	if (err && err != -ESRCH)
		t->failed(t->ctx, id, what, err);
}

/* Open the first of the @n at @who, as many as there is room for. Return: how many were tried. */
static __u32 batch_open(struct autokill_identity *who, __u32 n)
{
	__u32 i;

	for (i = 0; i < n && i < TREE_AT_ONCE; i++) {
		who[i].pidfd = victim_open(who[i].tgid);
		if (i && (who[i].pidfd == -EMFILE || who[i].pidfd == -ENFILE))
			break; /* there is room again when the others are closed */
	}
	return i;
}

/* SIGKILL to the first of the @n at @who that are still there. Return: how many were dealt with. */
static __u32 batch_kill(struct trees *t, __u64 id, struct autokill_identity *who, __u32 n,
			struct swept *s)
{
	int err, asked;

	n = batch_open(who, n);
	for (__u32 i = 0; i < n; i++)
		t->found[i] = (struct autokill_identity){ .pidfd = who[i].pidfd };
	asked = victims_identify(t->kernel, n);
	for (__u32 i = 0; i < n; i++) {
		err = who[i].pidfd < 0 ? who[i].pidfd : asked;
		if (!err && !victim_is(&who[i], &t->found[i]))
			err = -ESRCH;
		group_kill(t, id, who[i].pidfd, err, s);
		cleanup_close(&who[i].pidfd);
	}
	return n;
}

/* Of one group there can be several threads: keep one. Return: how many groups there are. */
static __u32 groups_sort(struct autokill_identity *part, __u32 n)
{
	__u32 groups = 0;

	qsort(part, n, sizeof(*part), identity_compare);
	for (__u32 i = 0; i < n; i++)
		if (!i || identity_compare(&part[groups - 1], &part[i]))
			part[groups++] = part[i];
	return groups;
}

static void part_kill(struct trees *t, __u64 id, __u32 n, struct swept *s)
{
	memcpy(t->part, t->found, n * sizeof(*t->part));
	n = groups_sort(t->part, n);
	for (__u32 i = 0; i < n;) {
		t->beat(t->ctx);
		i += batch_kill(t, id, t->part + i, n - i, s);
	}
}

/* Walk over all members of @d once. 0; -ENOENT: the tether is gone; -EAGAIN: something failed. */
static int sweep(struct trees *t, struct dying *d)
{
	struct autokill_sweep ask = { .id = d->id };
	struct swept s = {};
	int err;

	do {
		t->beat(t->ctx);
		err = sweep_ask(t->kernel, &ask);
		/*
		 * EINVAL: it is not released. So the copy that we were given was half another's,
		 * see agent.c.
		 */
		if (err == -ENOENT || err == -EINVAL)
			return -ENOENT;
		if (err) {
			t->failed(t->ctx, d->id, FAIL_AGENT_OPEN, err);
			return -EAGAIN;
		}
		if (MUTANT(NO_SECOND_SWEEP) && d->killed)
			return 0;
		s.unborn += ask.unborn;
		part_kill(t, d->id, ask.found, &s);
	} while (ask.from);
	t->numbers->killed += s.signalled;
	if (MUTANT(NO_SECOND_SWEEP))
		s.unborn = s.unsure = 0;
	err = agent_swept(t->kernel, d->id, s.signalled);
	if (!err && !d->killed && !s.unborn && !s.unsure) {
		err = agent_say(t->kernel, d->id, AGENT_KILLED, 0, 0);
		d->killed = !err;
	}
	if (err && err != -ENOENT) {
		t->failed(t->ctx, d->id, FAIL_AGENT_OPEN, err);
		return -EAGAIN;
	}
	return err;
}

/* Sweep, and plan the next one. False: the tether is gone. */
static bool attend(struct trees *t, struct dying *d)
{
	__u64 now, most;

	if (sweep(t, d) == -ENOENT)
		return false;
	now = beat_now();
	most = d->killed || now - d->since >= STUCK_AFTER_NS ? MOST_NS : UNKILLED_MOST_NS;
	if (!d->stuck && now - d->since >= STUCK_AFTER_NS)
		d->stuck = !agent_say(t->kernel, d->id, AGENT_STUCK, 0, 0);
	if (d->killed && d->wait < KILLED_FIRST_NS)
		d->wait = KILLED_FIRST_NS;
	d->due = now + d->wait;
	d->wait = 2 * d->wait < most ? 2 * d->wait : most;
	return true;
}

/* For the first sweep that is due; off if there is none. */
static void timer_plan(struct trees *t)
{
	struct itimerspec when = {};
	__u64 first = 0, now = beat_now(), wait;

	for (const struct dying *d = t->first; d; d = d->next)
		if (!first || d->due < first)
			first = d->due;
	if (first) {
		wait = first > now ? first - now : 1;
		when.it_value.tv_sec = wait / NS_PER_S;
		when.it_value.tv_nsec = wait % NS_PER_S;
	}
	if (timerfd_settime(t->timer, 0, &when, NULL))
		t->failed(t->ctx, 0, FAIL_AGENT_OPEN, -errno);
}

int trees_take(struct trees *t, const struct autokill_tether *tether)
{
	_cleanup_free_ struct dying *d = NULL;

	if (tfind(&tether->id, &t->by_id, by_id))
		return 0;
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct dying){
		.id = tether->id,
		.since = beat_now(),
		.wait = FIRST_NS,
		.stuck = tether->flags & TETHER_STUCK,
		.next = t->first,
	};
	if (!attend(t, d))
		return 0;
	if (!tsearch(d, &t->by_id, by_id))
		return -ENOMEM;
	t->first = TAKE_PTR(d);
	t->numbers->dying++;
	timer_plan(t);
	return 0;
}

void trees_due(struct trees *t)
{
	struct dying **at = &t->first, *d;
	__u64 times, now = beat_now();

	/* How often it has expired does not matter. */
	if (read(t->timer, &times, sizeof(times)) < 0 && errno != EAGAIN)
		t->failed(t->ctx, 0, FAIL_AGENT_OPEN, -errno);
	while ((d = *at)) {
		if (d->due > now || attend(t, d)) {
			at = &d->next;
			continue;
		}
		*at = d->next;
		tdelete(d, &t->by_id, by_id);
		cleanup_free(&d);
		t->numbers->dying--;
	}
	timer_plan(t);
}

int trees_open(struct trees *t)
{
	t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->timer < 0)
		return -errno;
	t->part = calloc(AUTOKILL_SWEEP_SLOTS, sizeof(*t->part));
	return t->part ? 0 : -ENOMEM;
}

static void not_freed(void *d)
{
	(void)d; /* the list has it, too */
}

void trees_close(struct trees *t)
{
	struct dying *d;

	tdestroy(t->by_id, not_freed);
	t->by_id = NULL;
	while ((d = t->first)) {
		t->first = d->next;
		cleanup_free(&d);
	}
	cleanup_free(&t->part);
	cleanup_close(&t->timer);
}
