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
 * What is to be done is the state of the tethers, in the pinned map: TETHER_RELEASED is to be killed,
 * TETHER_KILLED is to be watched until it is gone; either only with TETHER_TOLD, since before that the
 * releaser is still at work on it, and will tell us. A record only wakes. So whoever comes after an agent
 * that was killed, at whatever point, looks through the map, and nothing is lost; and a record that
 * is old, or comes twice, finds its tether gone or watched already.
 *
 * A record that finds maps/releases full is not written; stats.releases_unsent counts it, after the
 * tether has its state and the flag. So we read that counter before we look through the map. If it has grown
 * when we read it again, we look again. A release whose count is not there yet at that second read, its
 * releaser having been preempted in between, is seen a heartbeat later.
 *
 * What fails (no descriptors, no memory) is counted, and tried again at the next heartbeat: the tether
 * is still there and in the same state. Nothing is tried again at once, so we never spin.
 */
#include "agent.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent_tree.h"
#include "beat.h"
#include "cleanup.h"
#include "times.h"
#include "victim.h"

#define STUCK_AFTER_NS 8000000000ULL
#define KILLS_AT_ONCE 64 /* then look whether we are to stop, and who is gone */
#define LOOKED_AT_ONCE 128
#define EVENTS_AT_ONCE 64

/* A victim that was signalled and is not gone yet. */
struct watch {
	__u64 id; /* of its tether; first, for watch_compare() */
	__u64 since;
	int pidfd;
	bool stuck; /* AGENT_STUCK was said, by us or by an agent before us */
};

struct agent {
	const struct maps *maps;
	const struct agent_hooks *hooks;
	struct ring_buffer *ring;
	int epoll, timer;
	void *watches;			 /* tsearch(3) */
	__u32 value_size;		 /* of maps/tethers */
	void *keys, *values;		 /* LOOKED_AT_ONCE of them */
	void *scratch;			 /* one value */
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

static int watch_compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

static bool watched(const struct agent *a, __u64 id)
{
	return tfind(&id, (void *const *)&a->watches, watch_compare);
}

/* Wake us, with @ptr, when @fd is readable. 0 or -errno. */
static int listen_to(const struct agent *a, int fd, void *ptr)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = ptr };

	return epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void watch_free(void *p)
{
	struct watch *w = p;

	close(w->pidfd);
	free(w);
}

/* Takes over @pidfd on success only. */
static int watch_add(struct agent *a, const struct autokill_tether *t, int pidfd)
{
	struct watch *w = malloc(sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return err;
	*w = (struct watch){
		.id = t->id,
		.since = beat_now(),
		.pidfd = pidfd,
		.stuck = t->flags & TETHER_STUCK,
	};
	if (!tsearch(w, &a->watches, watch_compare)) {
		free(w);
		return err;
	}
	err = listen_to(a, pidfd, w);
	if (err) {
		tdelete(w, &a->watches, watch_compare);
		free(w);
		return err;
	}
	a->numbers.dying++;
	return 0;
}

static int heart_beat(struct agent *a)
{
	const struct autokill_agent beat = { .beat = beat_now(), .pid = getpid() };
	int err = beat_write(a->maps, &beat);

	if (!err)
		a->beat = beat.beat;
	return err;
}

/* Many victims at once, or many tethers, take longer than a second. */
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
	agent_say(a->maps, id, AGENT_FAILED, what, -err);
}

static void trees_failed(void *ctx, __u64 id, enum autokill_what what, int err)
{
	failed(ctx, id, what, err);
}

/* If it cannot be said now, the tether is still there when we look again. */
static void say(struct agent *a, __u64 id, enum autokill_agent_word word)
{
	int err = agent_say(a->maps, id, word, 0, 0);

	if (err && err != -ENOENT)
		a->look_again = true;
}

/* The victim of @t is behind @pidfd: kill it. Whether @pidfd was taken over. */
static bool kill_and_watch(struct agent *a, const struct autokill_tether *t, int pidfd)
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
	err = watch_add(a, t, pidfd);
	if (err)
		failed(a, t->id, FAIL_AGENT_OPEN, err);
	return !err;
}

/*
 * Is the tether of the copy @t still there, and was the copy made in one piece? The kernel copies an element
 * without a lock (of a single lookup), and one that was deleted meanwhile may have been another's halfway
 * through. An id is never used twice, so what is there under it with the same victim was there all the time.
 * If it is not, there is nothing to do: the other one, if it is released, has a record of its own.
 */
static bool copy_holds(const struct agent *a, const struct autokill_tether *t)
{
	const struct autokill_tether *now = a->scratch;

	return !bpf_map_lookup_elem(a->maps->tethers, &t->id, a->scratch) && now->tgid == t->tgid &&
	       now->start_time == t->start_time;
}

/* Is the process of @pidfd @who? 0; -ESRCH: another one, or gone; other -errno: it cannot be found out now. */
static int victim_verify(struct agent *a, int pidfd, const struct autokill_identity *who)
{
	int err;

	a->found[0] = (struct autokill_identity){ .pidfd = pidfd };
	err = victims_identify(a->maps, 1);
	if (err)
		return err;
	return victim_is(who, &a->found[0]) ? 0 : -ESRCH;
}

/*
 * Do what the state of @t wants, if anything. A copy may be a little old: the state only goes on, an
 * id is never used twice, and victim_verify() decides who is killed.
 *
 * One that is TETHER_KILLED already, by an agent before us or by itself at a fork, is signalled once
 * more: it does no harm, and whoever said so may have died before he did it.
 */
static void tether_look(struct agent *a, const struct autokill_tether *t)
{
	struct autokill_identity who = { .start_time = t->start_time, .tgid = t->tgid };
	int pidfd, err;

	if (t->state != TETHER_RELEASED && t->state != TETHER_KILLED)
		return;
	if (!(t->flags & TETHER_TOLD) || watched(a, t->id))
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
	else if (!err && copy_holds(a, t) && kill_and_watch(a, t, pidfd))
		return;
	if (pidfd >= 0)
		close(pidfd);
}

static int unsent_read(const struct agent *a, __u64 *unsent)
{
	struct autokill_stats stats;
	int err = maps_stats(a->maps, &stats);

	if (!err)
		*unsent = stats.releases_unsent;
	return err;
}

/*
 * Look through all tethers. In batches of whole buckets, under their locks, so that what is there
 * throughout is seen exactly once, whatever is added or deleted meanwhile.
 */
static int tethers_look(struct agent *a)
{
	__u32 at = 0, n;
	void *from = NULL;
	int err;

	a->look_again = false;
	err = unsent_read(a, &a->unsent); /* first: see above */
	while (!err) {
		n = LOOKED_AT_ONCE;
		err = bpf_map_lookup_batch(a->maps->tethers, from, &at, a->keys, a->values, &n,
					   NULL)
			      ? -errno
			      : 0;
		if (err && err != -ENOENT) /* which is the end */
			break;
		beat_if_due(a);
		for (__u32 i = 0; i < n; i++)
			tether_look(a, (void *)((char *)a->values + (size_t)i * a->value_size));
		from = &at;
	}
	if (err != -ENOENT)
		failed(a, 0, FAIL_AGENT_OPEN, err);
	return err == -ENOENT ? 0 : err;
}

static int release_take(void *ctx, void *data, size_t size)
{
	const struct autokill_release *r = data;
	struct agent *a = ctx;

	if (size >= sizeof(*r) && !bpf_map_lookup_elem(a->maps->tethers, &r->id, a->values))
		tether_look(a, a->values);
	return --a->budget > 0 ? 0 : -EAGAIN; /* ends ring_buffer__consume(), after this record */
}

static void releases_take(struct agent *a)
{
	__u64 unsent;

	a->budget = KILLS_AT_ONCE;
	ring_buffer__consume(a->ring);
	if (!unsent_read(a, &unsent) && unsent != a->unsent)
		tethers_look(a);
}

/* Nobody is left of the group of @w. */
static void watch_end(struct agent *a, struct watch *w)
{
	say(a, w->id, AGENT_GONE);
	tdelete(w, &a->watches, watch_compare);
	watch_free(w);
	a->numbers.dying--;
}

static void watch_age(const void *node, VISIT which, void *ctx)
{
	struct watch *w = *(struct watch *const *)node;
	struct agent *a = ctx;

	if ((which != postorder && which != leaf) || w->stuck)
		return;
	if (a->beat < w->since || a->beat - w->since < STUCK_AFTER_NS)
		return;
	w->stuck = true;
	say(a, w->id, AGENT_STUCK);
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
	twalk_r(a->watches, watch_age, a);
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
				watch_end(a, who);
		}
	}
	return err;
}

static int agent_prepare(struct agent *a)
{
	struct itimerspec second = { { 1, 0 }, { 1, 0 } };
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int err;

	if (bpf_obj_get_info_by_fd(a->maps->tethers, &info, &len))
		return -errno;
	a->value_size = info.value_size;
	a->keys = calloc(LOOKED_AT_ONCE, sizeof(__u64));
	a->values = calloc(LOOKED_AT_ONCE, a->value_size);
	a->scratch = calloc(1, a->value_size);
	if (!a->keys || !a->values || !a->scratch)
		return -ENOMEM;
	a->found = a->trees.found = found_map(a->maps);
	if (!a->found)
		return -errno;
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	a->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->epoll < 0 || a->timer < 0 || timerfd_settime(a->timer, 0, &second, NULL))
		return -errno;
	a->ring = ring_buffer__new(a->maps->releases, release_take, a, NULL);
	if (!a->ring)
		return -errno;
	err = listen_to(a, a->timer, &a->timer);
	if (!err)
		err = listen_to(a, a->maps->releases, &a->ring);
	if (!err)
		err = listen_to(a, a->hooks->stop_fd, &a->stop);
	if (!err)
		err = trees_open(&a->trees);
	if (!err)
		err = listen_to(a, a->trees.timer, &a->trees);
	return err;
}

static void agent_free(struct agent *a)
{
	tdestroy(a->watches, watch_free);
	trees_close(&a->trees);
	ring_buffer__free(a->ring);
	cleanup_close(&a->epoll);
	cleanup_close(&a->timer);
	free(a->keys);
	free(a->values);
	free(a->scratch);
	found_unmap(a->found);
}

int agent_run(const struct maps *m, const struct agent_hooks *hooks)
{
	_cleanup_(agent_free) struct agent a = {
		.maps = m, .hooks = hooks, .epoll = -1, .timer = -1
	};
	const struct autokill_agent ended = {};
	int err;

	a.trees = (struct trees){
		.maps = m,
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
#ifdef MUTATE_AGENT_NO_WALK
	unsent_read(&a, &a.unsent);
#else
	tethers_look(&a); /* if that fails, it is counted, and repeated at the next heartbeat */
#endif
	if (hooks->ready)
		hooks->ready(hooks->ctx);
	err = loop(&a);
	/* First of all, so that nobody arms whom we do not hear. What we watch stays in the map. */
	beat_write(m, &ended);
	return err;
}
