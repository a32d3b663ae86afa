// SPDX-License-Identifier: GPL-2.0-only
/*
 * escape.c - trees that do all they can to get away, released at random moments: who survives?
 *
 *   escape RELEASES [SEED]
 *
 * Two workers at a time, each with a cgroup, which nothing that a tree does here leaves: it tells
 * who is alive, whatever autokill believes, and bounds the tree by pids.max. Each round makes a
 * holder, the holder a tree in that cgroup, and a random time later its pidfd goes: closed, by
 * _exit(), or by SIGKILL. Then the cgroup must become empty; the first that does not ends it all,
 * since it takes a minute to be sure of one. Strangers, in no tree, fork and exec beside it.
 *
 * The members fork chains and bombs, and twice with setsid(), all as fast as they can; in half of
 * the trees they also exec (a thread does it, too), spawn, and make themselves namespaces.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "stress.h"

#define WORKERS 2
#define PIDS_MAX "128"
#define SLOW (1ULL << 40) /* of a seed: this member execs */
#define LIFE_NS 200000000 /* a tree is released before this */
/* Alive then: a survivor. So many processes take their time to die on two emulated CPUs. */
#define DEADLINE_MS 60000
#define SELF "/proc/self/exe" /* what members exec; a static binary */

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

/* --- the members */

static pid_t fork_raw(uint64_t flags)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };

	return syscall(SYS_clone3, &args, sizeof(args));
}

static void member_exec(uint64_t seed)
{
	char text[24];
	char *argv[] = { "escape", "--member", text, NULL };

	snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
	execve(SELF, argv, environ);
}

static void *thread_exec(void *seed)
{
	member_exec((uintptr_t)seed);
	return NULL;
}

/* exec by a thread that is not the leader; where there is no thread to be had, life goes on. */
static void member_exec_by_thread(uint64_t seed)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, thread_exec, (void *)(uintptr_t)seed))
		pthread_join(thread, NULL);
}

static void member_spawn(uint64_t seed)
{
	char text[24];
	char *argv[] = { "escape", "--member", text, NULL };
	pid_t pid;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
	posix_spawn(&pid, SELF, NULL, NULL, argv, environ);
}

/* What exec brings in is slow, so half of the trees do without. */
static void member_act_slowly(uint64_t r)
{
	static const uint64_t spaces[] = { CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC };

	switch (r % 4) {
	case 0:
		member_exec(r / 4 | SLOW);
		break;
	case 1:
		member_exec_by_thread(r / 4 | SLOW);
		break;
	case 2:
		member_spawn(r / 4 | SLOW);
		break;
	case 3:
		if (!fork_raw(spaces[r / 4 % 4]))
			setsid();
		break;
	}
}

static void member_act(uint64_t r, uint64_t *seed)
{
	pid_t pid = fork_raw(0);

	if (!pid) {
		*seed ^= r * 0x9e3779b97f4a7c15ULL + getpid() + 1;
		*seed |= 1;
	}
	switch (r % 8) {
	case 0: /* a chain: the parent goes, if there is a child */
	case 1:
		if (pid > 0)
			_exit(0);
		break;
	case 2: /* a daemon: session of its own, forked twice */
		if (!pid) {
			setsid();
			if (fork_raw(0) > 0)
				_exit(0);
		}
		break;
	case 3: /* one who does nothing any more */
		if (!pid)
			for (;;)
				pause();
		break;
	default: /* a bomb */
		break;
	}
}

static _Noreturn void member_life(uint64_t seed)
{
	bool slow = seed & SLOW;

	signal(SIGCHLD, SIG_IGN); /* the dead shall take no room */
	for (;;) {
		uint64_t r = random_next(&seed);

		if (slow && r % 8 == 0)
			member_act_slowly(r / 8);
		else
			member_act(r / 8, &seed);
	}
}

/* --- the cgroup: who is alive */

struct cage {
	char path[64];
	int dir, events;
};

static int cage_write(const struct cage *c, const char *file, const char *text)
{
	int fd = openat(c->dir, file, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

static void cage_make(struct cage *c, int worker)
{
	int control = open("/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);

	if (control < 0 || write(control, "+pids", 5) < 0)
		die("cgroup v2 with pids at /sys/fs/cgroup");
	close(control);
	snprintf(c->path, sizeof(c->path), "/sys/fs/cgroup/escape-%d-%d", getpid(), worker);
	if (mkdir(c->path, 0755) < 0)
		die("%s", c->path);
	c->dir = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir < 0)
		die("%s", c->path);
	c->events = openat(c->dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (c->events < 0 || cage_write(c, "pids.max", PIDS_MAX))
		die("%s", c->path);
}

static bool cage_empty(const struct cage *c)
{
	char text[128];
	ssize_t n = pread(c->events, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return strstr(text, "populated 0");
}

/* Wait until nobody is in it. kernfs tells of a change by POLLPRI. */
static bool cage_wait(const struct cage *c, int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;
	struct pollfd pfd = { .fd = c->events, .events = POLLPRI };

	while (!cage_empty(c)) {
		int64_t left = end - now_ns();

		if (left <= 0)
			return false;
		poll(&pfd, 1, left / 1000000 + 1);
	}
	return true;
}

static int cage_count(const struct cage *c)
{
	char text[8192];
	int fd = openat(c->dir, "cgroup.procs", O_RDONLY | O_CLOEXEC), lines = 0;
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));

	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	close(fd);
	return lines;
}

static void cage_drop(struct cage *c)
{
	close(c->events);
	close(c->dir);
	if (rmdir(c->path) < 0)
		die("%s", c->path);
}

/* --- a round */

enum release { BY_CLOSE, BY_EXIT, BY_SIGKILL, RELEASES };

struct tally {
	uint64_t rounds, survived, survivors, empty, longest_ns, sum_ns;
	unsigned long retries;
};

/* In the holder: a tree in @cage. Return: its pidfd. */
static int tree_make(const struct cage *cage, uint64_t seed, unsigned long *retries)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = cage->dir,
	};
	int err = arm(AUTOKILL_TREE, retries);
	pid_t pid;

	if (err)
		return -err;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid)
		member_life(seed);
	return pid < 0 ? -errno : pidfd;
}

/* What the holder tells the worker; the worker answers by a byte once it has seen it. */
struct holder_says {
	int ret;
	unsigned long retries;
	uint64_t released_at;
	bool empty;
};

static _Noreturn void holder_life(const struct cage *cage, uint64_t seed, enum release how, int out)
{
	struct holder_says says = {};
	int pidfd;

	signal(SIGCHLD, SIG_IGN);
	pidfd = tree_make(cage, seed, &says.retries);
	says.ret = pidfd < 0 ? pidfd : 0;
	if (pidfd >= 0)
		nanosleep(&(struct timespec){ .tv_nsec = random_next(&seed) % LIFE_NS }, NULL);
	says.empty = cage_empty(cage);
	says.released_at = now_ns();
	if (write(out, &says, sizeof(says)) != sizeof(says))
		_exit(1);
	if (how == BY_CLOSE)
		close(pidfd);
	if (how == BY_EXIT || pidfd < 0)
		_exit(0);
	for (;;)
		pause();
}

static void round_play(struct cage *cage, int worker, uint64_t *seed, struct tally *t)
{
	enum release how = random_next(seed) % RELEASES;
	struct holder_says says;
	int ends[2], status;
	uint64_t took;
	pid_t holder;

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe");
	holder = fork();
	if (holder < 0)
		die("fork");
	if (!holder)
		holder_life(cage, random_next(seed) | 1, how, ends[1]);
	close(ends[1]);
	if (read(ends[0], &says, sizeof(says)) != sizeof(says))
		die("the holder");
	close(ends[0]);
	if (says.ret) {
		errno = -says.ret;
		die("a tree could not be made");
	}
	if (how == BY_SIGKILL)
		kill(holder, SIGKILL);
	t->rounds++;
	t->retries += says.retries;
	t->empty += says.empty;
	if (cage_wait(cage, DEADLINE_MS)) {
		took = now_ns() - says.released_at;
		t->sum_ns += took;
		t->longest_ns = took > t->longest_ns ? took : t->longest_ns;
	} else {
		__atomic_fetch_add(&t->survived, 1, __ATOMIC_RELAXED); /* somebody_survived() */
		t->survivors += cage_count(cage);
		cage_write(cage, "cgroup.kill", "1");
		if (!cage_wait(cage, DEADLINE_MS))
			die("a tree that cgroup.kill does not end");
		/* A new one: what is cloned into a cgroup that was once killed dies at once. */
		cage_drop(cage);
		cage_make(cage, worker);
	}
	kill(holder, SIGKILL);
	waitpid(holder, &status, 0);
}

/*
 * Each worker writes its own tally; the other reads it here, and may as well read it a round later.
 */
static bool somebody_survived(struct tally *tallies)
{
	for (int i = 0; i < WORKERS; i++)
		if (__atomic_load_n(&tallies[i].survived, __ATOMIC_RELAXED))
			return true;
	return false;
}

static _Noreturn void worker_life(int worker, int rounds, uint64_t seed, struct tally *tallies)
{
	struct cage cage;

	cage_make(&cage, worker);
	for (int i = 0; i < rounds && !somebody_survived(tallies); i++)
		round_play(&cage, worker, &seed, &tallies[worker]);
	cage_drop(&cage);
	exit(0);
}

/* --- strangers */

struct strangers {
	pid_t pid;
	volatile uint64_t *lived; /* forks that ended as they should, shared */
	volatile uint64_t *killed;
};

/* In no tree: forks and execs, and each child must end by itself. */
static _Noreturn void stranger_life(const struct strangers *s)
{
	for (;;) {
		int status;
		pid_t pid = fork();

		if (!pid) {
			execl(SELF, "escape", "--stranger", NULL);
			_exit(1);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			_exit(1);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 7)
			++*s->lived;
		else
			++*s->killed;
	}
}

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static struct strangers strangers_start(void)
{
	struct strangers s = { .lived = shared(sizeof(uint64_t)),
			       .killed = shared(sizeof(uint64_t)) };

	s.pid = fork();
	if (s.pid < 0)
		die("fork");
	if (!s.pid)
		stranger_life(&s);
	return s;
}

/* Zombies of a tree that have no parent to reap them are ours. */
static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void workers_run(int releases, uint64_t seed, struct tally *tallies)
{
	pid_t workers[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (workers[i] < 0)
			die("fork");
		if (!workers[i])
			worker_life(i, releases / WORKERS, seed + 7919 * i, tallies);
	}
	for (int i = 0; i < WORKERS; i++) {
		int status;

		if (waitpid(workers[i], &status, 0) != workers[i] || status)
			die("a worker ended with 0x%x", status);
	}
}

int main(int argc, char **argv)
{
	struct tally *tallies = shared(WORKERS * sizeof(*tallies)), sum = {};
	struct autokill_stats stats = {};
	struct strangers strangers;
	uint64_t seed, began;
	int releases;

	if (argc == 3 && !strcmp(argv[1], "--member"))
		member_life(strtoull(argv[2], NULL, 10) | 1);
	if (argc == 2 && !strcmp(argv[1], "--stranger"))
		return 7;
	releases = argc > 1 ? atoi(argv[1]) : 0;
	if (releases < WORKERS || argc > 3) {
		fprintf(stderr, "usage: escape RELEASES [SEED]\n");
		return 2;
	}
	seed = argc > 2 ? strtoull(argv[2], NULL, 10) | 1 : (uint64_t)now_ns() | 1;
	printf("%d releases, seed %llu\n", releases, (unsigned long long)seed);
	fflush(stdout);
	began = now_ns();
	strangers = strangers_start();
	workers_run(releases, seed, tallies);
	for (int i = 0; i < WORKERS; i++) {
		sum.rounds += tallies[i].rounds;
		sum.survived += tallies[i].survived;
		sum.survivors += tallies[i].survivors;
		sum.empty += tallies[i].empty;
		sum.sum_ns += tallies[i].sum_ns;
		sum.retries += tallies[i].retries;
		if (tallies[i].longest_ns > sum.longest_ns)
			sum.longest_ns = tallies[i].longest_ns;
	}
	check(end_stranger(strangers.pid), "the strangers' parent lives");
	check(!*strangers.killed && *strangers.lived, "strangers: %llu forked, %llu killed",
	      (unsigned long long)*strangers.lived, (unsigned long long)*strangers.killed);
	check(sum.survived == 0, "trees that had survivors: %llu of %llu, %llu processes",
	      (unsigned long long)sum.survived, (unsigned long long)sum.rounds,
	      (unsigned long long)sum.survivors);
	check(sum.empty < sum.rounds / 2, "trees that were empty at their release: %llu",
	      (unsigned long long)sum.empty);
	printf("%.0f s; last death after the release: %.1f ms in the mean, %.1f ms at most\n",
	       (now_ns() - began) / 1e9, sum.sum_ns / 1e6 / (sum.rounds - sum.survived ?: 1),
	       sum.longest_ns / 1e6);
	array_read("stats", &stats);
	printf("%llu members, %llu clones refused after a release, %llu sweeps, %llu signalled, "
	       "%llu met unborn, %llu skipped exits, %lu prctls repeated\n",
	       (unsigned long long)stats.members, (unsigned long long)stats.refused_released,
	       (unsigned long long)stats.sweeps, (unsigned long long)stats.signalled,
	       (unsigned long long)stats.unborn, (unsigned long long)stats.exits_made_up,
	       sum.retries);
	reap();
	check(map_wait("tethers", 0, 10000000000) == 0, "no tether is left");
	check(map_wait("members", 0, 10000000000) == 0, "no member is left");
	/* -1: where the agent kills there is no task work */
	check(map_wait("works", 0, 10000000000) <= 0, "no item of task work is left");
	check(map_wait("tasks", 0, 10000000000) == 0, "no record of a task is left");
	misses_print();
	return checks_end();
}
