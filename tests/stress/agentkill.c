// SPDX-License-Identifier: GPL-2.0-only
/*
 * agentkill.c - the agent is killed at random, again and again: no victim survives, no stranger
 * dies
 *
 * Architecture:
 *   main     starts the agent, kills it at a random moment (also while it is starting), starts it again
 *            after 0 to 2 s
 *   workers  take one round after the other, of the kinds below; a round ends when its child is dead.
 *            Main lets them have so many rounds for each kill, so that the kills fall among them.
 */
#include <pthread.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "herd.h"

#define WORKERS 16
#define DEADLINE_MS 60000 /* after which a child is a survivor */
#define GAP_MS 2000

enum kind {
	KIND_CLOSE,
	KIND_HOLDER,	 /* the holder is killed */
	KIND_STOPPED,	 /* the child is */
	KIND_LEADERLESS, /* the child's leader has gone, or goes just then */
	KIND_FORKER,	 /* the child forks and waits, forks and waits */
	KIND_EXECER,	 /* the child execs itself for ever */
	KIND_SHORT,	 /* the child ends by itself before */
	KINDS,
};

struct shared {
	atomic_long tickets, allowed, done;
	atomic_long survivors, strangers, strangers_killed, failed;
	atomic_long refused; /* for want of an agent */
	_Atomic uint64_t slowest;
};

static struct shared *sh;

static long releases = 5000, kills = 200;

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* --- children */

static void *thread_main(void *arg)
{
	(void)arg;
	sleep_for_ever();
}

static void child_main(enum kind kind)
{
	pthread_t thread;
	pid_t pid;

	close_range(3, ~0U, 0);
	switch (kind) {
	case KIND_SHORT:
		_exit(0);
	case KIND_STOPPED:
		raise(SIGSTOP);
		break;
	case KIND_LEADERLESS:
		if (pthread_create(&thread, NULL, thread_main, NULL))
			_exit(1);
		syscall(SYS_exit, 0);
		break;
	case KIND_FORKER:
		for (;;) {
			pid = fork();
			if (!pid)
				_exit(0);
			if (pid > 0)
				waitpid(pid, NULL, 0);
		}
	case KIND_EXECER:
		execl("/proc/self/exe", "agentkill", "--exec", NULL);
		_exit(1);
	default:
		break;
	}
	sleep_for_ever();
}

static pid_t child_new(enum kind kind, int *pidfd)
{
	unsigned long refused = 0;
	pid_t pid = clone_tethered(pidfd, &refused);

	if (!pid)
		child_main(kind);
	sh->refused += refused;
	return pid;
}

/* --- rounds */

static bool wait_dead(pid_t child, uint64_t released)
{
	struct pollfd p = { .fd = syscall(SYS_pidfd_open, child, 0), .events = POLLIN };
	uint64_t took, slowest = sh->slowest;
	bool dead;

	if (p.fd < 0)
		die("pidfd_open(%d)", child);
	dead = TEMP_FAILURE_RETRY(poll(&p, 1, DEADLINE_MS)) == 1;
	took = now_ns() - released;
	close(p.fd);
	if (!dead) {
		sh->survivors++;
		kill(child, SIGKILL);
	}
	while (took > slowest && !atomic_compare_exchange_weak(&sh->slowest, &slowest, took))
		;
	TEMP_FAILURE_RETRY(waitpid(child, NULL, __WALL));
	return dead;
}

static void round_holder(enum kind kind)
{
	int told[2], pidfd;
	pid_t holder, child = 0;
	uint64_t released;

	if (pipe(told))
		die("pipe");
	holder = fork();
	if (!holder) {
		child = child_new(kind, &pidfd);
		if (write(told[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		sleep_for_ever();
	}
	close(told[1]);
	if (read(told[0], &child, sizeof(child)) != sizeof(child))
		child = -1;
	close(told[0]);
	released = now_ns();
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	if (child > 0)
		wait_dead(child, released); /* ours by now: we are its subreaper */
	else
		sh->failed++;
}

static void round_play(enum kind kind, uint64_t dice)
{
	uint64_t released;
	pid_t child;
	int pidfd;

	if (kind == KIND_HOLDER || dice % 3 == 0) {
		round_holder(kind);
		return;
	}
	child = child_new(kind, &pidfd);
	if (child < 0) {
		sh->failed++;
		return;
	}
	if (dice % 2) /* let it get somewhere */
		nanosleep(&(struct timespec){ .tv_nsec = dice % 20000000 }, NULL);
	released = now_ns();
	close(pidfd);
	wait_dead(child, released);
}

/* The next round's number, once main has allowed it; false if there is none. */
static bool ticket_take(void)
{
	long ticket = sh->tickets++;

	while (ticket < releases && ticket >= sh->allowed)
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	return ticket < releases;
}

static void worker_main(long index)
{
	uint64_t seed = index + 1;
	pid_t stranger;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	while (ticket_take()) {
		stranger = fork_sleeper(-1);
		round_play(random_next(&seed) % KINDS, random_next(&seed));
		sh->strangers++;
		if (!end_stranger(stranger))
			sh->strangers_killed++;
		sh->done++;
	}
	_exit(0);
}

/* --- the agent */

static void sleep_ms(uint64_t ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/*
 * Kill number @k: half of them come soon, many of these while it is starting; the others when some
 * of the rounds of this kill are done. Rounds that take too long are not waited for.
 */
static void agent_kill(long k, uint64_t *seed)
{
	pid_t agent = agent_start();
	uint64_t end;
	long some;

	sh->allowed = releases * (k + 1) / kills;
	if (random_next(seed) % 2) {
		sleep_ms(random_next(seed) % 300);
	} else {
		some = releases * k / kills + random_next(seed) % (releases / kills + 1);
		end = now_ns() + 5 * NSEC;
		while (sh->done < some && now_ns() < end)
			sleep_ms(1);
	}
	agent_end(agent, SIGKILL);
}

static void run_all(void)
{
	uint64_t seed = 1, begin = now_ns();
	pid_t workers[WORKERS], agent;
	long failed = 0;
	int status;

	for (long i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (!workers[i])
			worker_main(i);
	}
	for (long k = 0; k < kills; k++) {
		agent_kill(k, &seed);
		sleep_ms(random_next(&seed) % GAP_MS);
	}
	agent = agent_start();
	for (long i = 0; i < WORKERS; i++)
		failed += waitpid(workers[i], &status, 0) != workers[i] || status;
	printf("%ld releases, the agent was killed %ld times, in %.1f s; the slowest child died after "
	       "%.1f s; refused for want of an agent, and tried again: %ld\n",
	       sh->done, kills, (now_ns() - begin) / 1e9, sh->slowest / 1e9, sh->refused);
	check(!failed && !sh->failed, "workers, and rounds, that failed: %ld, %ld", failed,
	      sh->failed);
	check(sh->done == releases, "rounds: %ld of %ld", sh->done, releases);
	check(!sh->survivors, "children that outlived their release: %ld", sh->survivors);
	check(!sh->strangers_killed, "strangers killed: %ld of %ld", sh->strangers_killed,
	      sh->strangers);
	map_wait("tethers", 0, 20 * NSEC); /* it has something to do still */
	check(agent_end(agent, SIGTERM), "the agent ends in good order");
}

int main(int argc, char **argv)
{
	long tasks;

	if (argc == 2 && !strcmp(argv[1], "--exec"))
		execl("/proc/self/exe", "agentkill", "--exec", NULL);
	if (argc < 3) {
		fprintf(stderr, "usage: agentkill RELEASES KILLS [AUTOKILL]\n");
		return 2;
	}
	releases = atol(argv[1]);
	kills = atol(argv[2]);
	if (argc > 3)
		agent_program = argv[3];
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		die("mmap");
	tasks = map_count("tasks");
	run_all();
	maps_check_empty(tasks);
	return checks_end();
}
