// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_agent.c - the agent's loop, with tethers and failures that are made up, and real children
 *
 * What it asks of the kernel side is here, under another name. Pidfds, signals, the timer and the
 * loop are real. Each test ends by the hook that is called at each heartbeat.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "kernel/beat.h"
#include "call.h"
#include "kernel/for_agent.h"
#include "kernel/kernel_side.h"
#include "base/times.h"
#include "agent/victim.h"

#define N 4

static struct {
	struct autokill_tether tethers[N]; /* id: index + 1; 0: no such tether */
	bool stranger[N];
	unsigned int said[N + 1][AGENT_FAILED + 1]; /* by id and word */
	struct autokill_stats stats;
	struct autokill_agent beat; /* as written last */
	unsigned int walks_at_beat; /* before the last heartbeat */
	unsigned int walks, opens, kills, beats, ready;
	int open_err, ask_err, kill_err; /* of the next one */
	__u32 opened[64];		 /* the number behind each descriptor */
	unsigned int asks, asked_most; /* calls of victims_identify(), and the most pidfds in one */
	pid_t torn;		       /* the next lookup gives this victim */
	bool deaf;		       /* SIGKILL has no effect */
	__u64 skew;		       /* of the clock */
	int releases[2];	       /* a pipe of records */
	int stop[2];
	int (*at_ready)(void), (*at_beat)(void);
	int (*take)(void *ctx, void *record, size_t size);
	void *take_ctx;
	/* The trees: the tether of id 1 has these members, and as many sweeps meet one unborn. */
	pid_t members[N];
	unsigned int unborn, sweeps, signalled;
	int found; /* stands for maps/found */
	struct autokill_identity *answer;
} fake;

static int fake_tether_walk_next(const struct kernel_side *k, struct tether_walk *walk, bool first,
				 __u32 *n)
{
	struct autokill_tether *to = walk->values;
	__u32 at = first ? 0 : walk->at;

	(void)k;
	fake.walks += first;
	*n = 0;
	/* Two batches of half the map, so that a walk has a middle. */
	for (__u32 i = 0; i < N / 2; i++)
		if (fake.tethers[at + i].id)
			to[(*n)++] = fake.tethers[at + i];
	walk->at = at + N / 2;
	return walk->at < N ? 0 : -ENOENT;
}

static int fake_tether_read(const struct kernel_side *k, __u64 id, void *value)
{
	(void)k;
	if (!id || id > N || !fake.tethers[id - 1].id)
		return -ENOENT;
	memcpy(value, &fake.tethers[id - 1], sizeof(*fake.tethers));
	if (fake.torn) /* half of it is another's: of one that is not released */
		((struct autokill_tether *)value)->tgid = fake.torn;
	fake.torn = 0;
	return 0;
}

static int fake_tether_walk_open(const struct kernel_side *k, struct tether_walk *walk)
{
	(void)k;
	walk->value_size = sizeof(*fake.tethers);
	walk->values = calloc(N, walk->value_size);
	assert_non_null(walk->values);
	return 0;
}

static struct ring_buffer *fake_ring_open(const struct kernel_side *k,
					  int (*take)(void *, void *, size_t), void *ctx)
{
	(void)k;
	fake.take = take;
	fake.take_ctx = ctx;
	return (void *)&fake;
}

static void fake_ring_take(struct ring_buffer *ring)
{
	struct autokill_release r;

	(void)ring;
	while (read(fake.releases[0], &r, sizeof(r)) == sizeof(r))
		if (fake.take(fake.take_ctx, &r, sizeof(r)) < 0)
			break;
}

static void fake_ring_close(struct ring_buffer *ring)
{
	(void)ring;
}

static int fake_kernel_side_stats(const struct kernel_side *k, struct autokill_stats *out)
{
	(void)k;
	*out = fake.stats;
	return 0;
}

static int fake_beat_write(const struct kernel_side *k, const struct autokill_agent *agent)
{
	(void)k;
	fake.beat = *agent;
	if (agent->beat)
		fake.walks_at_beat = fake.walks;
	return 0;
}

static __u64 fake_beat_now(void)
{
	return beat_now() + fake.skew;
}

static int fake_victim_open(__u32 tgid)
{
	int fd, err = fake.open_err;

	fake.opens++;
	fake.open_err = 0;
	fd = err ? err : victim_open(tgid);
	if (fd >= 0) {
		assert_in_range(fd, 0, sizeof(fake.opened) / sizeof(*fake.opened) - 1);
		fake.opened[fd] = tgid;
	}
	return fd;
}

static struct autokill_identity identity_of(__u32 tgid)
{
	struct autokill_identity who = { .start_time = 1000 + tgid, .tgid = tgid };

	for (int i = 0; i < N; i++)
		if (fake.tethers[i].tgid == tgid && fake.stranger[i])
			who.start_time++;
	return who;
}

static int fake_victims_identify(const struct kernel_side *k, __u32 n)
{
	int err = fake.ask_err;

	(void)k;
	fake.ask_err = 0;
	fake.asks++;
	fake.asked_most = n > fake.asked_most ? n : fake.asked_most;
	for (__u32 i = 0; i < n && !err; i++) {
		int fd = fake.answer[i].pidfd;

		fake.answer[i] = fd < 0 ? (struct autokill_identity){}
					: identity_of(fake.opened[fd]);
	}
	return err;
}

static int fake_victim_kill(int pidfd)
{
	int err = fake.kill_err;

	fake.kills++;
	fake.kill_err = 0;
	if (err || fake.deaf)
		return err;
	err = victim_kill(pidfd);
	/* A sweep does not find again who has got his signal. */
	poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, -1);
	return err;
}

static int fake_agent_say(const struct kernel_side *k, __u64 id, enum autokill_agent_word word,
			  enum autokill_what what, int err)
{
	(void)k;
	(void)what;
	assert_true(word == AGENT_FAILED ? err > 0 : !err);
	fake.said[id][word]++;
	if (word != AGENT_FAILED && !fake.tethers[id - 1].id)
		return -ENOENT;
	if (word == AGENT_KILLED)
		fake.tethers[id - 1].state = TETHER_KILLED;
	if (word == AGENT_GONE)
		fake.tethers[id - 1].id = 0;
	return 0;
}

static bool is_alive(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

static void answer_add(struct autokill_sweep *ask, __u32 tgid)
{
	fake.answer[ask->found++] = (struct autokill_identity){
		.start_time = 1000 + tgid,
		.tgid = tgid,
	};
}

/* Two parts a sweep. A member has two threads. The last member is born when no other is unborn. */
static int fake_sweep_ask(const struct kernel_side *k, struct autokill_sweep *ask)
{
	bool second = ask->from;
	int alive = 0;

	(void)k;
	assert_int_equal(ask->id, 1);
	if (!second) {
		for (int i = 0; i < N; i++)
			alive += fake.members[i] && is_alive(fake.members[i]);
		if (!alive && !fake.unborn && fake.tethers[0].state == TETHER_KILLED)
			fake.tethers[0].id = 0;
	}
	if (!fake.tethers[0].id)
		return -ENOENT;
	ask->found = 0;
	ask->unborn = second && fake.unborn;
	for (int i = second ? N / 2 : 0; i < (second ? N : N / 2); i++) {
		if (!fake.members[i] || !is_alive(fake.members[i]) || (i == N - 1 && fake.unborn))
			continue;
		answer_add(ask, fake.members[i]);
		answer_add(ask, fake.members[i]);
	}
	if (second && fake.unborn)
		fake.unborn--;
	ask->from = second ? 0 : AUTOKILL_SWEEP_SLOTS;
	return 0;
}

static int fake_agent_swept(const struct kernel_side *k, __u64 id, __u32 count)
{
	(void)k;
	assert_int_equal(id, 1);
	fake.sweeps++;
	fake.signalled += count;
	return fake.tethers[0].id ? 0 : -ENOENT;
}

#define agent_run agent_run_made_up
#define trees_open trees_open_made_up
#define trees_close trees_close_made_up
#define trees_take trees_take_made_up
#define trees_due trees_due_made_up
#define sweep_ask fake_sweep_ask
#define agent_swept fake_agent_swept
#define tether_walk_open fake_tether_walk_open
#define tether_walk_next fake_tether_walk_next
#define tether_read fake_tether_read
#define ring_open fake_ring_open
#define ring_take fake_ring_take
#define ring_close fake_ring_close
#define kernel_side_stats fake_kernel_side_stats
#define beat_write fake_beat_write
#define beat_now fake_beat_now
#define victim_open fake_victim_open
#define victims_identify fake_victims_identify
#define victim_kill fake_victim_kill
#define agent_say fake_agent_say
#define victim_waits_has victim_waits_has_made_up
#define victim_waits_add victim_waits_add_made_up
#define victim_waits_end victim_waits_end_made_up
#define victim_waits_close victim_waits_close_made_up
#include "agent/victim_wait.c"
#include "agent/agent.c"
#include "agent/agent_tree.c"

#undef beat_now

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	assert_int_equal(pipe2(fake.releases, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(fake.stop, O_CLOEXEC), 0);
	fake.found = memfd_create("found", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fake.found, AUTOKILL_SWEEP_SLOTS * sizeof(*fake.answer)), 0);
	fake.answer = found_map(&(struct kernel_side){ .found = fake.found });
	assert_non_null(fake.answer);
	return 0;
}

/* A child of ours that sleeps, as the child of a tether in @state. */
static pid_t child_new(int i, enum autokill_tether_state state)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves us */
	while (!pid)
		pause();
	fake.tethers[i] = (struct autokill_tether){
		.id = i + 1,
		.tgid = pid,
		.start_time = 1000 + pid,
		.state = state,
		.flags = TETHER_TOLD,
	};
	return pid;
}

/* End it, if that was not done. Return: was it SIGKILL, which we have not sent? */
static bool child_end(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void release(int i)
{
	struct autokill_release r = { .id = i + 1 };

	assert_int_equal(write(fake.releases[1], &r, sizeof(r)), sizeof(r));
}

static void on_ready(void *ctx)
{
	(void)ctx;
	assert_true(fake.beat.beat);
	assert_int_equal(fake.beat.pid, getpid());
	fake.ready++;
	if (fake.at_ready)
		fake.at_ready();
}

static int on_beat(void *ctx, const struct agent_numbers *numbers)
{
	(void)ctx;
	(void)numbers;
	assert_in_range(beat_now() + fake.skew - fake.beat.beat, 0, NS_PER_S / 2);
	fake.beats++;
	return fake.at_beat ? fake.at_beat() : 1;
}

/* Until the heartbeat says so. */
static void run(void)
{
	struct kernel_side k = { .releases = fake.releases[0], .found = fake.found };
	struct agent_hooks hooks = { .stop_fd = fake.stop[0], .ready = on_ready, .beat = on_beat };

	assert_int_equal(agent_run_made_up(&k, &hooks), 0);
	assert_int_equal(fake.ready, 1);
	assert_int_equal(fake.beat.beat, 0);
	close(fake.found);
	found_unmap(fake.answer);
	for (int i = 0; i < 2; i++) {
		close(fake.releases[i]);
		close(fake.stop[i]);
	}
}

#define SAID(i, word) (fake.said[(i) + 1][word])

static void what_waits_at_the_start_is_killed(void **state)
{
	pid_t live, released, killed;

	(void)state;
	live = child_new(0, TETHER_LIVE);
	killed = child_new(1, TETHER_KILLED); /* its agent died before it did it, or after */
	released = child_new(3, TETHER_RELEASED);
	run();
	assert_true(is_alive(live));
	assert_false(child_end(live));
	assert_true(child_end(released));
	assert_true(child_end(killed));
	assert_int_equal(SAID(3, AGENT_KILLED), 1);
	assert_int_equal(SAID(3, AGENT_GONE), 1);
	assert_int_equal(SAID(1, AGENT_KILLED), 0);
	assert_int_equal(SAID(1, AGENT_GONE), 1);
	assert_int_equal(SAID(0, AGENT_GONE), 0);
}

static int release_both(void)
{
	fake.tethers[2].state = TETHER_RELEASED;
	release(2);
	release(2); /* twice, and a stale one: the tether is gone */
	release(1);
	return 0;
}

static void a_record_wakes(void **state)
{
	pid_t pid = child_new(2, TETHER_LIVE), live = child_new(0, TETHER_LIVE);

	(void)state;
	fake.at_ready = release_both;
	run();
	assert_true(is_alive(live));
	assert_false(child_end(live));
	assert_true(child_end(pid));
	assert_int_equal(fake.kills, 1);
	assert_int_equal(fake.walks, 1);
	assert_int_equal(SAID(2, AGENT_GONE), 1);
}

static void a_stranger_lives(void **state)
{
	pid_t pid = child_new(0, TETHER_RELEASED), died = child_new(1, TETHER_RELEASED);

	(void)state;
	fake.stranger[0] = true;
	kill(died, SIGTERM);
	waitpid(died, NULL, 0); /* nobody has the number */
	run();
	assert_true(is_alive(pid));
	assert_false(child_end(pid));
	assert_int_equal(fake.kills, 0);
	assert_int_equal(SAID(0, AGENT_GONE), 1);
	assert_int_equal(SAID(1, AGENT_GONE), 1);
	assert_int_equal(SAID(0, AGENT_KILLED) + SAID(1, AGENT_KILLED), 0);
}

static int second_beat(void)
{
	return fake.beats == 2;
}

static void without_descriptors_it_tries_again_later(void **state)
{
	pid_t a = child_new(0, TETHER_RELEASED), b = child_new(1, TETHER_RELEASED);

	(void)state;
	fake.open_err = -EMFILE;
	fake.at_beat = second_beat;
	run();
	assert_true(child_end(a));
	assert_true(child_end(b));
	assert_int_equal(SAID(0, AGENT_FAILED), 1);
	assert_int_equal(SAID(1, AGENT_FAILED), 0); /* not even tried */
	assert_int_equal(fake.opens, 3);
	assert_int_equal(fake.walks, 2);
	assert_int_equal(SAID(0, AGENT_GONE), 1);
	assert_int_equal(SAID(1, AGENT_GONE), 1);
}

/* A @failure at the first of two victims is tried again at the next heartbeat. */
static void fails_once(int *err, int failure, unsigned int kills)
{
	pid_t a = child_new(0, TETHER_RELEASED), b = child_new(1, TETHER_RELEASED);

	*err = failure;
	fake.at_beat = second_beat;
	run();
	assert_true(child_end(a));
	assert_true(child_end(b));
	assert_int_equal(fake.kills, kills);
	assert_int_equal(SAID(0, AGENT_FAILED), 1);
	assert_int_equal(SAID(0, AGENT_KILLED), 1);
}

static void who_cannot_be_told_is_asked_for_again(void **state)
{
	(void)state;
	fails_once(&fake.ask_err, -EAGAIN, 2);
}

static void a_signal_that_is_refused_is_sent_again(void **state)
{
	(void)state;
	fails_once(&fake.kill_err, -EPERM, 3);
}

static int tell(void)
{
	assert_int_equal(fake.opens, 0);
	fake.tethers[0].flags |= TETHER_TOLD;
	release(0);
	return 0;
}

static void a_release_under_way_is_let_alone(void **state)
{
	pid_t a = child_new(0, TETHER_RELEASED), b = child_new(1, TETHER_KILLED);

	(void)state;
	fake.tethers[0].flags = 0;
	fake.tethers[1].flags = 0; /* by whoever released it, who sees to the rest */
	fake.at_ready = tell;
	run();
	assert_true(child_end(a));
	assert_true(is_alive(b));
	assert_false(child_end(b));
	assert_int_equal(fake.walks, 1);
	assert_int_equal(SAID(1, AGENT_GONE), 0);
}

static int release_torn(void)
{
	fake.tethers[0].state = TETHER_RELEASED;
	fake.torn = fake.tethers[1].tgid;
	release(0);
	release(0);
	return 0;
}

/* With the start time of the one and the number of the other, the victim would seem to be gone. */
static void a_torn_copy_ends_no_tether(void **state)
{
	pid_t a = child_new(0, TETHER_LIVE), b = child_new(1, TETHER_LIVE);

	(void)state;
	fake.at_ready = release_torn;
	run();
	assert_true(child_end(a));
	assert_true(is_alive(b));
	assert_false(child_end(b));
	assert_int_equal(SAID(0, AGENT_KILLED), 1);
}

static int lose_a_record(void)
{
	fake.tethers[3].state = TETHER_RELEASED;
	fake.stats.releases_unsent++;
	return 0;
}

static void a_record_that_had_no_room_is_made_up_for(void **state)
{
	pid_t pid = child_new(3, TETHER_LIVE);

	(void)state;
	fake.at_ready = lose_a_record;
	fake.at_beat = second_beat;
	run();
	assert_true(child_end(pid));
	assert_int_equal(fake.walks, 2);
}

static int lose_one_of_two(void)
{
	fake.tethers[2].state = TETHER_RELEASED;
	lose_a_record();
	release(2);
	return 0;
}

static void it_is_made_up_for_at_the_next_record(void **state)
{
	pid_t a = child_new(2, TETHER_LIVE), b = child_new(3, TETHER_LIVE);

	(void)state;
	fake.at_ready = lose_one_of_two;
	run();
	assert_true(child_end(a));
	assert_true(child_end(b));
	assert_int_equal(fake.walks_at_beat, 2);
	assert_int_equal(fake.walks, 2);
}

static int nine_seconds_later(void)
{
	fake.skew = 9 * NS_PER_S;
	return fake.beats == 3;
}

static void one_that_does_not_die_is_told_of_once(void **state)
{
	pid_t pid = child_new(0, TETHER_RELEASED), told = child_new(1, TETHER_KILLED);

	(void)state;
	fake.tethers[1].flags |= TETHER_STUCK;
	fake.deaf = true;
	fake.at_beat = nine_seconds_later;
	run();
	assert_false(child_end(pid));
	assert_false(child_end(told));
	assert_int_equal(SAID(0, AGENT_STUCK), 1);
	assert_int_equal(SAID(1, AGENT_STUCK), 0);
	assert_int_equal(SAID(0, AGENT_GONE), 0);
}

/* A tree of N members, as the tether of id 1. */
static void tree_new(enum autokill_tether_state state)
{
	for (int i = 0; i < N; i++)
		fake.members[i] = child_new(0, state);
	fake.tethers[0].scope = SCOPE_TREE;
	fake.tethers[0].tgid = 0; /* it does not matter who was the first */
	fake.tethers[0].start_time = 0;
}

static unsigned int tree_end(void)
{
	unsigned int killed = 0;

	for (int i = 0; i < N; i++)
		killed += child_end(fake.members[i]);
	return killed;
}

static int release_tree(void)
{
	fake.tethers[0].state = TETHER_RELEASED;
	release(0);
	release(0);
	return 0;
}

static void a_tree_is_swept_until_it_is_gone(void **state)
{
	(void)state;
	tree_new(TETHER_LIVE);
	fake.unborn = 3;
	fake.at_ready = release_tree;
	run();
	assert_int_equal(tree_end(), N);
	assert_int_equal(fake.kills, N); /* each once, though there are two threads of each */
	assert_int_equal(fake.signalled, N);
	assert_true(fake.sweeps >= 4);
	assert_int_equal(SAID(0, AGENT_KILLED), 1);
	assert_int_equal(SAID(0, AGENT_GONE), 0); /* the programs see that */
	assert_int_equal(fake.tethers[0].id, 0);
}

/* Released, or killed by an agent that died before it saw the tree go. */
static void a_tree_that_waits_at_the_start_is_swept(void **state)
{
	static const enum autokill_tether_state states[] = { TETHER_RELEASED, TETHER_KILLED };

	for (int i = 0; i < 2; i++) {
		if (i)
			setup(state);
		tree_new(states[i]);
		run();
		assert_int_equal(tree_end(), N);
		assert_int_equal(fake.signalled, N);
		assert_int_equal(SAID(0, AGENT_KILLED), 1);
		assert_int_equal(fake.tethers[0].id, 0);
	}
}

static int found_the_second_time(void)
{
	fake.stranger[1] = false;
	return fake.beats == 3;
}

/* Nobody is signalled who is not who was found; and it is not said that all are. */
static void a_member_that_cannot_be_told_is_swept_again(void **state)
{
	(void)state;
	tree_new(TETHER_RELEASED);
	fake.tethers[1].tgid = fake.members[2]; /* of no id: for the verdict only */
	fake.stranger[1] = true;
	fake.at_ready = NULL;
	fake.at_beat = found_the_second_time;
	run();
	assert_int_equal(tree_end(), N);
	assert_int_equal(SAID(0, AGENT_KILLED), 1);
	assert_int_equal(SAID(0, AGENT_FAILED), 0);
	assert_true(fake.sweeps > 4);
}

static void members_are_told_by_one_call(void **state)
{
	(void)state;
	tree_new(TETHER_RELEASED);
	run();
	assert_int_equal(tree_end(), N);
	assert_int_equal(fake.asked_most, N / 2);
	assert_int_equal(fake.asks, 2); /* one for each part of the sweep */
}

/* Not even one is signalled whose call has failed. */
static void members_that_cannot_be_told_are_asked_for_again(void **state)
{
	(void)state;
	tree_new(TETHER_RELEASED);
	fake.ask_err = -EAGAIN;
	run();
	assert_int_equal(tree_end(), N);
	assert_int_equal(fake.kills, N);
	assert_int_equal(SAID(0, AGENT_FAILED), N / 2);
	assert_int_equal(SAID(0, AGENT_KILLED), 1);
	assert_true(fake.sweeps >= 2);
}

/* So that there is room for one descriptor more. */
static int release_tree_without_room(void)
{
	struct rlimit limit;
	int next = dup(0);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = next + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return release_tree();
}

static void a_batch_takes_no_more_descriptors_than_there_are(void **state)
{
	struct rlimit before;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tree_new(TETHER_LIVE);
	fake.at_ready = release_tree_without_room;
	run();
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(tree_end(), N);
	assert_int_equal(fake.asked_most, 1);
	assert_int_equal(fake.asks, N);
	assert_int_equal(SAID(0, AGENT_FAILED), 0);
	assert_int_equal(SAID(0, AGENT_KILLED), 1);
}

static void a_signal_to_a_member_that_is_refused_is_sent_again(void **state)
{
	(void)state;
	tree_new(TETHER_RELEASED);
	fake.kill_err = -EPERM;
	run();
	assert_int_equal(tree_end(), N);
	assert_int_equal(fake.kills, N + 1);
	assert_int_equal(SAID(0, AGENT_FAILED), 1);
	assert_int_equal(SAID(0, AGENT_KILLED), 1);
}

static void a_tree_that_does_not_die_is_told_of_once(void **state)
{
	(void)state;
	tree_new(TETHER_RELEASED);
	fake.deaf = true;
	fake.at_beat = nine_seconds_later;
	run();
	assert_int_equal(tree_end(), 0);
	assert_int_equal(SAID(0, AGENT_STUCK), 1);
	assert_int_equal(SAID(0, AGENT_KILLED), 1);
}

static int hang_up(void)
{
	close(fake.stop[1]);
	return 0;
}

static int never(void)
{
	fail();
	return 1;
}

static void it_ends_when_told(void **state)
{
	(void)state;
	fake.at_ready = hang_up;
	fake.at_beat = never;
	run();
	assert_int_equal(fake.beats, 0);
}

static void alive_is_what_the_kernel_side_takes_for_it(void **state)
{
	const __u64 now = 100 * NS_PER_S;
	struct autokill_agent a = { .beat = 0, .pid = 1 };

	(void)state;
	assert_false(beat_alive(&a, now));
	a.beat = now;
	assert_true(beat_alive(&a, now));
	a.beat = now + 1; /* read after the clock was */
	assert_true(beat_alive(&a, now));
	a.beat = now - AUTOKILL_AGENT_LATE_NS + 1;
	assert_true(beat_alive(&a, now));
	a.beat = now - AUTOKILL_AGENT_LATE_NS;
	assert_false(beat_alive(&a, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_waits_at_the_start_is_killed, setup),
		cmocka_unit_test_setup(a_record_wakes, setup),
		cmocka_unit_test_setup(a_stranger_lives, setup),
		cmocka_unit_test_setup(without_descriptors_it_tries_again_later, setup),
		cmocka_unit_test_setup(who_cannot_be_told_is_asked_for_again, setup),
		cmocka_unit_test_setup(a_signal_that_is_refused_is_sent_again, setup),
		cmocka_unit_test_setup(a_release_under_way_is_let_alone, setup),
		cmocka_unit_test_setup(a_torn_copy_ends_no_tether, setup),
		cmocka_unit_test_setup(a_record_that_had_no_room_is_made_up_for, setup),
		cmocka_unit_test_setup(it_is_made_up_for_at_the_next_record, setup),
		cmocka_unit_test_setup(one_that_does_not_die_is_told_of_once, setup),
		cmocka_unit_test_setup(a_tree_is_swept_until_it_is_gone, setup),
		cmocka_unit_test_setup(a_tree_that_waits_at_the_start_is_swept, setup),
		cmocka_unit_test_setup(a_member_that_cannot_be_told_is_swept_again, setup),
		cmocka_unit_test_setup(members_are_told_by_one_call, setup),
		cmocka_unit_test_setup(members_that_cannot_be_told_are_asked_for_again, setup),
		cmocka_unit_test_setup(a_batch_takes_no_more_descriptors_than_there_are, setup),
		cmocka_unit_test_setup(a_signal_to_a_member_that_is_refused_is_sent_again, setup),
		cmocka_unit_test_setup(a_tree_that_does_not_die_is_told_of_once, setup),
		cmocka_unit_test_setup(it_ends_when_told, setup),
		cmocka_unit_test(alive_is_what_the_kernel_side_takes_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
