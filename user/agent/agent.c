// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent.c - the kill on kernels before 6.18, where no BPF program can wake a sleeping task
 *
 * Architecture: one loop over
 *
 *   maps/releases  a record wakes us: kill the victim of that tether
 *   a timer        the heartbeat, once a second
 *   pidfds         of victims that were signalled; readable when no thread of the group is left
 *   another timer  released trees are swept until they are gone: agent_tree.c
 *   a descriptor   of our caller's, that tells us to stop
 *
 * The states of the tethers, in the pinned map, say what is to be done. The victim of a
 * TETHER_RELEASED is to be killed. A TETHER_KILLED is to be waited for until it is gone. Both
 * only with TETHER_TOLD: before that the releaser is still at work on the tether, and will tell
 * us. A record only wakes us.
 *
 * So an agent that follows one that was killed, at whatever point, looks through the map and
 * loses nothing. A record that is old, or comes twice, finds its tether gone or waited for
 * already.
 *
 * A record that finds maps/releases full is not written. stats.releases_unsent counts it, after
 * the tether has its state and the flag. So we read that counter before we look through the map,
 * and look again if it has grown at the next reading. A releaser that was preempted may not have
 * counted yet at that second reading; then we see its release a heartbeat later.
 *
 * What fails (no descriptors, no memory) is counted, and tried again at the next heartbeat: the
 * tether is still there and in the same state. Nothing is tried again at once, so we never spin.
 */
#include "agent/agent.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/agent_tree.h"
#include "agent/victim.h"
#include "agent/victim_wait.h"
#include "base/cleanup.h"
#include "bpf/mutant.bpf.h"
#include "kernel/beat.h"
#include "kernel/for_agent.h"

#define KILLS_AT_ONCE 64 /* then see whether we are to stop, and which victims are gone */
#define EVENTS_AT_ONCE 64

struct agent {
	const struct kernel_side *kernel;
	const struct agent_hooks *hooks;
	struct ring_buffer *ring;
	int epoll, timer;
	struct victim_waits waits; /* for victims that got SIGKILL */
	struct tether_walk walk;
	void *one, *again;		 /* a tether each, and the rest of its value */
	struct autokill_identity *found; /* maps/found, mapped */
	struct agent_numbers numbers;
	struct trees trees;
	__u64 beat;	 /* the last one */
	__u64 unsent;	 /* stats.releases_unsent before we looked through the tethers */
	int budget;	 /* kills left in this round */
	bool look_again; /* something failed */
	bool no_room;	 /* no more descriptors till the next heartbeat */
	bool stop;
};

/* Wake us, with @ptr, when @fd is readable. 0 or -errno. */
static int listen_to(const struct agent *a, int fd, void *ptr)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = ptr };

	return epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int heart_beat(struct agent *a)
{
	const struct autokill_agent beat = { .beat = beat_now(), .pid = getpid() };
	int err = beat_write(a->kernel, &beat);

	if (!err)
		a->beat = beat.beat;
	return err;
}

/* Many victims, or many tethers, at once take longer than a second. */
static void beat_if_due(struct agent *a)
{
	if (beat_now() - a->beat >= AUTOKILL_AGENT_BEAT_NS)
		heart_beat(a);
}

static void trees_beat(void *ctx)
{
	beat_if_due(ctx);
}

static void failed(struct agent *a, __u64 id, enum autokill_what what, int err)
{
	a->look_again = true;
	if (err == -EMFILE || err == -ENFILE)
		a->no_room = true;
	agent_say(a->kernel, id, AGENT_FAILED, what, -err);
}

static void trees_failed(void *ctx, __u64 id, enum autokill_what what, int err)
{
	failed(ctx, id, what, err);
}

/* If it cannot be said now, the tether is still there when we look again. */
static void say(struct agent *a, __u64 id, enum autokill_agent_word word)
{
	int err = agent_say(a->kernel, id, word, 0, 0);

	if (err && err != -ENOENT)
		a->look_again = true;
}

/* The victim of @t is behind @pidfd: kill it. Whether @pidfd was taken over. */
static bool kill_and_wait(struct agent *a, const struct autokill_tether *t, int pidfd)
{
	int err = victim_kill(pidfd);

	if (err == -ESRCH) {
		say(a, t->id, AGENT_GONE);
		return false;
	}
	if (err) {
		failed(a, t->id, FAIL_AGENT_SIGNAL, err);
		return false;
	}
	a->numbers.killed++;
	if (t->state == TETHER_RELEASED)
		say(a, t->id, AGENT_KILLED);
	err = victim_waits_add(&a->waits, t, pidfd);
	if (err)
		failed(a, t->id, FAIL_AGENT_OPEN, err);
	else
		a->numbers.dying++;
	return !err;
}

/*
 * Is the tether of the copy @t still there, and was the copy made in one piece?
 *
 * The kernel copies an element without a lock. If the element was deleted meanwhile, the copy may
 * be half of another element. An id is never used twice: if the same victim stands under it now,
 * it stood there all the time. If not, there is nothing to do: the other tether, once released,
 * has a record.
 */
static bool copy_holds(const struct agent *a, const struct autokill_tether *t)
{
	const struct autokill_tether *now = a->again;

	return !tether_read(a->kernel, t->id, a->again) && now->tgid == t->tgid &&
	       now->start_time == t->start_time;
}

/* Is the process of @pidfd @who? 0; -ESRCH: another one, or gone; other -errno: not known now. */
static int victim_verify(struct agent *a, int pidfd, const struct autokill_identity *who)
{
	int err;

	a->found[0] = (struct autokill_identity){ .pidfd = pidfd };
	err = victims_identify(a->kernel, 1);
	if (err)
		return err;
	return victim_is(who, &a->found[0]) ? 0 : -ESRCH;
}

/*
 * Do what the state of @t wants, if anything. A copy may be a little old. That does no harm: the
 * state only goes on, an id is never used twice, and victim_verify() decides which process is
 * killed.
 *
 * A tether that is TETHER_KILLED already, by an agent before us or by the child itself at a fork,
 * is signalled once more. That does no harm either, and the one that said so may have died before
 * the kill.
 */
static void tether_look(struct agent *a, const struct autokill_tether *t)
{
	struct autokill_identity who = { .start_time = t->start_time, .tgid = t->tgid };
	_cleanup_close_ int pidfd = -1;
	int err;

	if (t->state != TETHER_RELEASED && t->state != TETHER_KILLED)
		return;
	if (!(t->flags & TETHER_TOLD) || victim_waits_has(&a->waits, t->id))
		return;
	if (t->scope == SCOPE_TREE) {
		err = trees_take(&a->trees, t);
		if (err)
			failed(a, t->id, FAIL_AGENT_OPEN, err);
		return;
	}
	if (a->no_room) {
		a->look_again = true;
		return;
	}
	beat_if_due(a);
	pidfd = victim_open(t->tgid);
	err = pidfd < 0 ? pidfd : victim_verify(a, pidfd, &who);
	if (err && err != -ESRCH)
		failed(a, t->id, FAIL_AGENT_OPEN, err);
	else if (err && copy_holds(a, t))
		say(a, t->id, AGENT_GONE);
	else if (!err && copy_holds(a, t) && kill_and_wait(a, t, pidfd))
		TAKE_FD(pidfd);
}

static int unsent_read(const struct agent *a, __u64 *unsent)
{
	struct autokill_stats stats;
	int err = kernel_side_stats(a->kernel, &stats);

	if (!err)
		*unsent = stats.releases_unsent;
	return err;
}

static int tethers_look(struct agent *a)
{
	bool first = true;
	__u32 n;
	int err;

	a->look_again = false;
	err = unsent_read(a, &a->unsent); /* first: see above */
	while (!err) {
		err = tether_walk_next(a->kernel, &a->walk, first, &n);
		if (err && err != -ENOENT) /* which is the end */
			break;
		beat_if_due(a);
		for (__u32 i = 0; i < n; i++)
			tether_look(a, tether_walk_at(&a->walk, i));
		first = false;
	}
	if (err != -ENOENT)
		failed(a, 0, FAIL_AGENT_OPEN, err);
	return err == -ENOENT ? 0 : err;
}

static int release_take(void *ctx, void *data, size_t size)
{
	const struct autokill_release *r = data;
	struct agent *a = ctx;

	if (size >= sizeof(*r) && !tether_read(a->kernel, r->id, a->one))
		tether_look(a, a->one);
	return --a->budget > 0 ? 0 : -EAGAIN; /* ends ring_take(), after this record */
}

static void releases_take(struct agent *a)
{
	__u64 unsent;

	a->budget = KILLS_AT_ONCE;
	ring_take(a->ring);
	if (!unsent_read(a, &unsent) && unsent != a->unsent)
		tethers_look(a);
}

/* No thread is left of the group that @wait is for. */
static void wait_over(struct agent *a, struct victim_wait *wait)
{
	say(a, wait->id, AGENT_GONE);
	victim_waits_end(&a->waits, wait);
	a->numbers.dying--;
}

static void wait_age(const void *node, VISIT which, void *ctx)
{
	struct victim_wait *wait = *(struct victim_wait *const *)node;
	struct agent *a = ctx;

	if ((which != postorder && which != leaf) || wait->stuck)
		return;
	if (a->beat < wait->since || a->beat - wait->since < STUCK_AFTER_NS)
		return;
	wait->stuck = true;
	say(a, wait->id, AGENT_STUCK);
}

static int heartbeat(struct agent *a)
{
	__u64 times, unsent;
	int err;

	/* How often it has expired does not matter. */
	if (read(a->timer, &times, sizeof(times)) < 0 && errno != EAGAIN)
		return -errno;
	err = heart_beat(a);
	if (err)
		return err;
	a->no_room = false;
	twalk_r(a->waits.by_id, wait_age, a);
	if (a->look_again || (!unsent_read(a, &unsent) && unsent != a->unsent))
		tethers_look(a);
	if (a->hooks->beat && a->hooks->beat(a->hooks->ctx, &a->numbers))
		a->stop = true;
	return 0;
}

static int loop(struct agent *a)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n, err = 0;

	while (!a->stop && !err) {
		n = epoll_wait(a->epoll, events, EVENTS_AT_ONCE, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !err; i++) {
			void *who = events[i].data.ptr;

			if (who == &a->stop)
				a->stop = true;
			else if (who == &a->timer)
				err = heartbeat(a);
			else if (who == &a->ring)
				releases_take(a);
			else if (who == &a->trees)
				trees_due(&a->trees);
			else
				wait_over(a, who);
		}
	}
	return err;
}

static int agent_prepare(struct agent *a)
{
	struct itimerspec second = { { 1, 0 }, { 1, 0 } };
	int err = tether_walk_open(a->kernel, &a->walk);

	if (err)
		return err;
	a->one = calloc(1, a->walk.value_size);
	a->again = calloc(1, a->walk.value_size);
	if (!a->one || !a->again)
		return -ENOMEM;
	a->found = a->trees.found = found_map(a->kernel);
	if (!a->found)
		return -errno;
	a->epoll = a->waits.epoll = epoll_create1(EPOLL_CLOEXEC);
	a->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->epoll < 0 || a->timer < 0 || timerfd_settime(a->timer, 0, &second, NULL))
		return -errno;
	a->ring = ring_open(a->kernel, release_take, a);
	if (!a->ring)
		return -errno;
	err = listen_to(a, a->timer, &a->timer);
	if (!err)
		err = listen_to(a, a->kernel->releases, &a->ring);
	if (!err)
		err = listen_to(a, a->hooks->stop_fd, &a->stop);
	if (!err)
		err = trees_open(&a->trees);
	if (!err)
		err = listen_to(a, a->trees.timer, &a->trees);
	return err;
}

static void agent_close(struct agent *a)
{
	victim_waits_close(&a->waits);
	trees_close(&a->trees);
	ring_close(a->ring);
	cleanup_close(&a->epoll);
	cleanup_close(&a->timer);
	tether_walk_close(&a->walk);
	cleanup_free(&a->one);
	cleanup_free(&a->again);
	found_unmap(a->found);
}

int agent_run(const struct kernel_side *k, const struct agent_hooks *hooks)
{
	_cleanup_(agent_close) struct agent a = {
		.kernel = k, .hooks = hooks, .epoll = -1, .timer = -1
	};
	const struct autokill_agent ended = {};
	int err;

	a.trees = (struct trees){
		.kernel = k,
		.timer = -1,
		.numbers = &a.numbers,
		.beat = trees_beat,
		.failed = trees_failed,
		.ctx = &a,
	};
	err = agent_prepare(&a);
	if (!err)
		err = heart_beat(&a);
	if (err)
		return err;
	if (MUTANT(AGENT_NO_WALK))
		unsent_read(&a, &a.unsent);
	else
		tethers_look(
			&a); /* a failure is counted, and this repeated at the next heartbeat */
	if (hooks->ready)
		hooks->ready(hooks->ctx);
	err = loop(&a);
	/*
	 * First of all: nobody may arm a tether that we do not hear of. What we wait for stays in
	 * the map.
	 */
	beat_write(k, &ended);
	return err;
}
