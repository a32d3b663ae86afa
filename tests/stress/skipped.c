// SPDX-License-Identifier: GPL-2.0-only
/*
 * skipped.c - no release is lost where the kernel skips programs
 *
 * On one CPU, a task that is preempted inside a tracing program keeps that program from running
 * for everybody else. Here many workers arm, clone and release at once, under a load that preempts
 * them everywhere, and everything is counted that could go wrong then: children that outlive their
 * release, children that nobody guards, children killed before their release, strangers killed.
 *
 * Architecture:
 *   main     watches the workers' slots, and ends what has outlived its deadline; a round blocks
 *            until its child is dead, so nothing is lost between the two
 *   workers  take one round after the other, of the kinds below; differently nice, and every
 *            eighth of them real-time and paced by a timer, so that it preempts the others
 *   hogs     open and close files, and so spend their time in the release program
 */
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "stress.h"

#define NSEC 1000000000ULL
#define PF_EXITING 0x4 /* include/linux/sched.h */

enum kind {
	KIND_CLOSE,	 /* arm, clone, close */
	KIND_SIBLING,	 /* meanwhile, an untethered child with a pidfd of its own, which lives */
	KIND_HOLDER,	 /* the holder is killed */
	KIND_SHORT,	 /* the child ends by itself, and a stranger gets its memory */
	KIND_PIDFD_OPEN, /* while armed, open and close a pidfd of a stranger */
	KINDS,
};

struct slot {
	_Atomic uint64_t since; /* when the release was; 0: not waiting */
	_Atomic int child;
};

struct shared {
	atomic_long tickets, done, retries, arms, refused, births, early;
	atomic_long survivors_known, survivors_unknown, strangers, siblings_killed,
		bystanders_killed;
	atomic_bool stop;
	struct slot slots[];
};

static struct shared *sh;
static bool without_lsm;
static long releases = 20000, workers = 200, hogs = 4, deadline_s = 20, limit_s;

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* Return: as clone_pidfd(), -1 as well if the request failed; the child never returns. */
static pid_t clone_tethered(int *pidfd, bool short_lived)
{
	unsigned long retries = 0;
	int err = arm(0, &retries);
	pid_t pid;

	sh->retries += retries;
	if (err) {
		sh->refused++;
		return -1;
	}
	sh->arms++;
	pid = clone_pidfd(pidfd);
	if (!pid && short_lived)
		_exit(0);
	if (!pid)
		sleep_for_ever();
	if (pid < 0)
		sh->refused++;
	else
		sh->births++;
	return pid;
}

static bool is_dead(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

/* The release of @child was just now; main ends it if it lives on. */
static void wait_dead(struct slot *slot, pid_t child)
{
	slot->child = child;
	slot->since = now_ns();
	TEMP_FAILURE_RETRY(waitpid(child, NULL, __WALL));
	slot->since = 0;
}

static void stranger_end(pid_t pid, atomic_long *killed)
{
	if (pid <= 0)
		return;
	sh->strangers++;
	if (!end_stranger(pid))
		++*killed;
}

static void round_holder(struct slot *slot)
{
	pid_t holder, child = 0;
	int told[2], pidfd;

	if (pipe(told))
		die("pipe");
	holder = fork();
	if (!holder) {
		child = clone_tethered(&pidfd, false);
		if (write(told[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		sleep_for_ever();
	}
	close(told[1]);
	if (read(told[0], &child, sizeof(child)) != sizeof(child))
		child = -1;
	close(told[0]);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	if (child > 0)
		wait_dead(slot, child); /* ours by now: we are its subreaper */
}

static void round_play(struct slot *slot, enum kind kind, pid_t *linger, uint64_t pace)
{
	int pidfd = -1, other = -1;
	pid_t child, sibling = 0;

	if (kind == KIND_HOLDER) {
		round_holder(slot);
		return;
	}
	if (kind == KIND_PIDFD_OPEN) {
		unsigned long retries = 0;

		if (!arm(0, &retries))
			sh->arms++;
		sh->retries += retries;
		close(syscall(SYS_pidfd_open, *linger, 0));
	}
	child = clone_tethered(&pidfd, kind == KIND_SHORT);
	if (child < 0)
		return;
	if (pace)
		nanosleep(&(struct timespec){ .tv_nsec = pace }, NULL);
	if (kind == KIND_SIBLING) {
		sibling = clone_pidfd(&other);
		if (!sibling) {
			close(pidfd); /* or it were a holder */
			sleep_for_ever();
		}
		close(other);
	}
	if (kind == KIND_SHORT) {
		waitpid(child, NULL, 0);
		/* A fork right now is likely to be given the task_struct of the dead. */
		sibling = fork_sleeper(pidfd);
		close(pidfd);
		stranger_end(*linger, &sh->bystanders_killed);
		*linger = sibling;
		return;
	}
	if (is_dead(child))
		sh->early++;
	close(pidfd);
	wait_dead(slot, child);
	stranger_end(sibling, &sh->siblings_killed);
}

static void worker_main(long index)
{
	struct sched_param param = { .sched_priority = 1 };
	bool paced = index % 8 == 7;
	uint64_t seed = index + 1;
	pid_t linger;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	linger = fork_sleeper(-1);
	if (paced && sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param))
		die("SCHED_RR");
	if (!paced && setpriority(PRIO_PROCESS, 0, index % 3 * 5))
		die("nice");
	while (!sh->stop && sh->tickets++ < releases) {
		round_play(&sh->slots[index], random_next(&seed) % KINDS, &linger,
			   paced ? random_next(&seed) % 3000000 : 0);
		sh->done++;
	}
	stranger_end(linger, &sh->bystanders_killed);
	_exit(0);
}

static void hog_main(long index)
{
	(void)index;
	for (;;)
		close(open("/dev/null", O_RDONLY));
}

/*
 * Alive, as opposed to dead and not waited for yet, or on its way out (flags, the ninth field of
 * stat), both of which take their time under this load: a tether goes before its child is a zombie.
 * @text: its stat
 */
static bool is_alive(pid_t pid, char text[512])
{
	char path[32], state, *end;
	unsigned int flags;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	text[fread(text, 1, 511, f)] = '\0';
	fclose(f);
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
		return false;
	return state != 'Z' && state != 'X' && !(flags & PF_EXITING);
}

/* End children that have outlived their release for too long. */
static void slots_watch(void)
{
	for (long i = 0; i < workers; i++) {
		struct slot *slot = &sh->slots[i];
		uint64_t since = slot->since;
		pid_t child = slot->child;
		struct tether_value t = {};
		char stat[512];
		int patience;
		bool known;

		if (!since || now_ns() - since < deadline_s * NSEC)
			continue;
		known = tether_find(child, &t);
		patience = known && t.d.state == TETHER_KILLED ? 6 : 1; /* it may want the CPU */
		if (now_ns() - since < patience * deadline_s * NSEC || !is_alive(child, stat) ||
		    slot->since != since)
			continue;
		if (known) {
			sh->survivors_known++;
			printf("survivor %d: tether %llu, state %u, looks %u\n", child,
			       (unsigned long long)t.d.id, t.d.state, t.d.looks);
		} else {
			sh->survivors_unknown++;
			if (!without_lsm)
				printf("survivor %d: no tether; worker %ld; %s", child, i, stat);
		}
		kill(child, SIGKILL);
		slot->since = 0;
	}
}

static void options_parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "releases", required_argument, NULL, 'r' },
		{ "workers", required_argument, NULL, 'w' },
		{ "hogs", required_argument, NULL, 'h' },
		{ "deadline", required_argument, NULL, 'd' },
		{ "limit", required_argument, NULL, 'l' },
		{ "without-lsm", no_argument, NULL, 'n' },
		{},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		long *to = c == 'r'   ? &releases
			   : c == 'w' ? &workers
			   : c == 'h' ? &hogs
			   : c == 'd' ? &deadline_s
			   : c == 'l' ? &limit_s
				      : NULL;
		char *end = "";

		without_lsm |= c == 'n';
		if (to)
			*to = strtol(optarg, &end, 10);
		if (c != 'n' && (!to || *end || *to < 0)) {
			fprintf(stderr,
				"usage: skipped [--releases N] [--workers N] [--hogs N]\n"
				"       [--deadline S]: after which a child counts as a survivor\n"
				"       [--limit S]: begin no round after that\n"
				"       [--without-lsm]: births can be skipped; judge only what holds then\n");
			exit(2);
		}
	}
}

static pid_t start(void (*run)(long), long index)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		run(index);
	return pid;
}

/* Return: how many workers failed. */
static long workers_watch(long left, uint64_t begin)
{
	struct timespec tenth = { .tv_nsec = 100000000 };
	long failed = 0;
	sigset_t chld;
	int status;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	while (left > 0) {
		sigtimedwait(&chld, NULL, &tenth);
		while (left > 0 && waitpid(-1, &status, WNOHANG) > 0) {
			failed += !WIFEXITED(status) || WEXITSTATUS(status);
			left--;
		}
		slots_watch();
		if (limit_s && now_ns() - begin > limit_s * NSEC)
			sh->stop = true;
	}
	return failed;
}

static void run_all(void)
{
	struct sched_param param = { .sched_priority = 2 };
	uint64_t begin = now_ns();
	pid_t hog[hogs + 1];
	sigset_t chld;
	long failed;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	for (long i = 0; i < workers; i++)
		start(worker_main, i);
	for (long i = 0; i < hogs; i++)
		hog[i] = start(hog_main, i);
	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param))
		die("SCHED_RR");
	failed = workers_watch(workers, begin);
	for (long i = 0; i < hogs; i++) {
		kill(hog[i], SIGKILL);
		waitpid(hog[i], NULL, 0);
	}
	printf("%ld rounds by %ld workers in %.1f s\n", sh->done, workers,
	       (now_ns() - begin) / 1e9);
	check(!failed, "workers that failed: %ld", failed);
	check(limit_s || sh->done == releases, "rounds: %ld of %ld", sh->done, releases);
}

/*
 * As check(), of what holds only with BPF LSM and from 6.2 on. A skipped birth gives a child
 * without a tether, and leaves its request to the thread's next child with a pidfd; a skipped
 * unbirth leaves a record. Where an agent kills, it may get no CPU for its heartbeat, and ties come
 * so late that newborns are killed.
 */
#define check_births(ok, ...)                                                                      \
	do {                                                                                       \
		if (without_lsm) {                                                                 \
			printf("not judged: ");                                                    \
			printf(__VA_ARGS__);                                                       \
			putchar('\n');                                                             \
		} else {                                                                           \
			check(ok, __VA_ARGS__);                                                    \
		}                                                                                  \
	} while (0)

/* What the kernel side says that it did, against what was done. */
static void stats_check(const struct autokill_stats *a, const struct autokill_stats *b)
{
#define GREW(member) ((long)(b->member - a->member))
	printf("arms %ld births %ld ties %ld ties_made_up %ld untied_killed %ld\n", GREW(arms),
	       GREW(births), GREW(ties), GREW(ties_made_up), GREW(untied_killed));
	printf("releases %ld releases_made_up %ld released_dead %ld gone %ld looks %ld\n",
	       GREW(releases), GREW(releases_made_up), GREW(released_dead), GREW(gone),
	       GREW(looks));
	printf("killed: here %ld timer %ld victim %ld parent %ld init %ld\n", GREW(killed_here),
	       GREW(killed_by_timer), GREW(killed_by_victim), GREW(killed_by_parent),
	       GREW(killed_by_init));
	check(GREW(arms) == sh->arms, "arms: %ld, counted here %ld", GREW(arms), sh->arms);
	if (without_lsm)
		check(GREW(births) >= sh->births - sh->births / 100,
		      "births without a tether, at most 1 %%: %ld of %ld",
		      sh->births - GREW(births), sh->births);
	else
		check(GREW(births) == sh->births, "births: %ld, counted here %ld", GREW(births),
		      sh->births);
	check(GREW(releases) == GREW(births), "releases: %ld of %ld", GREW(releases), GREW(births));
	check(GREW(gone) + GREW(released_dead) == GREW(releases), "ended: %ld of %ld",
	      GREW(gone) + GREW(released_dead), GREW(releases));
#undef GREW
}

static void maps_check(long tasks_before)
{
	/* The last two are of one way to kill each. */
	static const char *const empty[] = { "tethers", "files", "works", "waiting" };
	uint64_t wait = deadline_s * NSEC;
	long n;

	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		n = map_wait(empty[i], 0, wait);
		if (n < 0 && i >= 2)
			continue;
		check(n == 0, "left in maps/%s: %ld", empty[i], n);
	}
	n = map_wait("tasks", tasks_before, wait) - tasks_before;
	check_births(n <= 0, "left in maps/tasks: %ld", n);
}

int main(int argc, char **argv)
{
	struct autokill_stats before = {}, after = {};
	long tasks;

	options_parse(argc, argv);
	sh = mmap(NULL, sizeof(*sh) + workers * sizeof(*sh->slots), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		die("mmap");
	tasks = map_count("tasks");
	array_read("stats", &before);
	run_all();
	printf("arms tried again after EINVAL: %ld; planted strangers: %ld\n", sh->retries,
	       sh->strangers);
	check_births(!sh->refused, "requests or clones refused: %ld", sh->refused);
	check(!sh->survivors_known, "children that outlived their release: %ld",
	      sh->survivors_known);
	check_births(!sh->survivors_unknown, "children left without a tether: %ld",
		     sh->survivors_unknown);
	check_births(!sh->early, "children killed before their release: %ld", sh->early);
	check_births(!sh->siblings_killed, "untethered siblings killed: %ld", sh->siblings_killed);
	check(!sh->bystanders_killed, "bystanders killed: %ld", sh->bystanders_killed);
	maps_check(tasks);
	array_read("stats", &after);
	stats_check(&before, &after);
	misses_print();
	return checks_end();
}
