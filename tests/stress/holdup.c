// SPDX-License-Identifier: GPL-2.0-only
/*
 * holdup.c - how long one user can hold up everybody else
 *
 * alice, without privilege, takes every tether that she may have, and lets them all go at one blow.
 * Meanwhile root measures what must not wait for her: its own close() of a file and of a pidfd,
 * init's reaping of an orphan, and its own tethered child, from close() to its death.
 *
 * Architecture:
 *   main      sets the scenes, one after the other, and judges
 *   meters    three processes of root's, which note their slowest round in shared memory
 *   crowd     a process of alice's, its holders, and their children; the last of the crowd closes the
 *             writing end of a pipe, so its end is everybody's end
 *
 * Scenes: nobody; the crowd, not tethered, killed by one kill() (what its mere death costs the
 * others); the crowd tethered and its holders killed; the same with all children stopped and the
 * holders' parent, too, so that init has to kill every one; and alice with her full share, asking
 * for more as fast as she can.
 */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "stress.h"

#define ALICE 1000
#define HOLDERS 8
#define SPINNERS 4
#define MS 1000000ULL

enum meter { CLOSE_FILE, CLOSE_PIDFD, INIT_REAPS, ROOTS_TETHER, METERS };

/* Ten times what was the slowest of some runs in an emulated guest on a busy machine. */
static const struct {
	const char *name;
	uint64_t bound_ms;
} meters_known[METERS] = {
	[CLOSE_FILE] = { "close(file)", 2500 },
	[CLOSE_PIDFD] = { "close(pidfd)", 2500 },
	[INIT_REAPS] = { "init reaps", 60000 },
	[ROOTS_TETHER] = { "close to death", 20000 },
};

enum crowd { NOBODY, UNTETHERED, TETHERED, STOPPED, ASKING, CROWDS };

static const char *const crowd_names[CROWDS] = { "nobody else", "untethered crowd killed",
						 "holders killed", "holders killed, all stopped",
						 "asking for more" };

struct shared {
	atomic_bool stop;
	_Atomic uint64_t count[METERS], most[METERS];
	atomic_long born, refused;
	atomic_int failed; /* an errno that is not a refusal */
};

static struct shared *sh;
/* The crowd's own dying takes its time in an emulated guest; only the others' wait has a bound. */
#define CROWD_MS 120000
static long tethers;

static void note(enum meter meter, uint64_t since)
{
	uint64_t took = now_ns() - since;

	sh->count[meter]++;
	if (took > sh->most[meter])
		sh->most[meter] = took;
}

/* --- the meters */

static void meter_close(void)
{
	while (!sh->stop) {
		int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
		int pidfd = syscall(SYS_pidfd_open, getppid(), 0);
		uint64_t since = now_ns();

		close(file);
		note(CLOSE_FILE, since);
		since = now_ns();
		close(pidfd);
		note(CLOSE_PIDFD, since);
	}
}

/* An orphan, once init is its parent, tells its pid and ends. */
static void orphan_life(int told)
{
	pid_t pid = getpid();

	while (getppid() != 1)
		sched_yield();
	if (write(told, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	_exit(0);
}

static void meter_init(void)
{
	int told[2];

	if (pipe(told))
		die("pipe");
	while (!sh->stop) {
		pid_t orphan, between = fork();
		uint64_t since;

		if (!between) {
			if (!fork())
				orphan_life(told[1]);
			_exit(0);
		}
		waitpid(between, NULL, 0);
		if (read(told[0], &orphan, sizeof(orphan)) != sizeof(orphan))
			die("read");
		since = now_ns();
		/*
		 * no descriptor tells of another's reaping on 6.18; the pid cannot be reused so
		 * soon
		 */
		while (!kill(orphan, 0))
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
		note(INIT_REAPS, since);
	}
}

static void meter_tether(void)
{
	while (!sh->stop) {
		unsigned long retries = 0;
		uint64_t since;
		int pidfd = -1;
		pid_t pid;

		if (arm(0, &retries))
			die("root may not arm");
		pid = clone_pidfd(&pidfd);
		if (pid < 0)
			die("root's clone");
		if (!pid)
			sleep_for_ever();
		since = now_ns();
		close(pidfd);
		waitpid(pid, NULL, 0);
		note(ROOTS_TETHER, since);
	}
}

static void meters_start(pid_t meters[3])
{
	static void (*const lives[3])(void) = { meter_close, meter_init, meter_tether };

	memset((void *)sh, 0, sizeof(*sh));
	for (int i = 0; i < 3; i++) {
		meters[i] = fork();
		if (meters[i] < 0)
			die("fork");
		if (!meters[i]) {
			lives[i]();
			_exit(0);
		}
	}
}

/* All end by themselves, and well. */
static void meters_stop(const pid_t meters[3])
{
	int status;

	sh->stop = true;
	for (int i = 0; i < 3; i++)
		if (waitpid(meters[i], &status, 0) != meters[i] || status)
			check(false, "meter %d ended with status 0x%x", i, status);
}

/* Each meter has had @rounds more rounds. */
static void meters_wait(uint64_t rounds)
{
	for (int i = 0; i < METERS; i++) {
		uint64_t from = sh->count[i], end = now_ns() + CROWD_MS * MS;

		while (sh->count[i] < from + rounds && now_ns() < end)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* --- the crowd */

static void become(unsigned int id)
{
	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
		die("become %u", id);
}

static pid_t clone_one(bool tethered)
{
	unsigned long retries = 0;
	int pidfd, err;
	pid_t pid;

	err = tethered ? arm(AUTOKILL_NNP, &retries) : 0;
	if (err) {
		errno = err;
		return -1;
	}
	pid = clone_pidfd(&pidfd);
	if (pid < 0)
		return -1;
	return pid;
}

/* Have @children children, tell so by a byte, and sleep. */
__attribute__((noreturn)) static void holder_life(enum crowd crowd, long children, int ready,
						  int alive)
{
	for (long i = 0; i < children; i++) {
		pid_t pid = clone_one(crowd != UNTETHERED);

		if (!pid) {
			close(ready);
			if (crowd == STOPPED)
				raise(SIGSTOP);
			sleep_for_ever();
		}
		if (pid > 0)
			sh->born++;
		else if (errno == EAGAIN)
			sh->refused++;
		else
			sh->failed = errno;
	}
	close(alive);
	if (write(ready, "", 1) != 1)
		_exit(1);
	sleep_for_ever();
}

/* Ask for one tether after the other; each is refused. */
__attribute__((noreturn)) static void spinner_life(void)
{
	for (;;) {
		pid_t pid = clone_one(true);

		if (!pid)
			sleep_for_ever();
		if (pid > 0)
			sh->born++;
		else if (errno == EAGAIN)
			sh->refused++;
		else
			sh->failed = errno;
	}
}

struct cast {
	pid_t parent, holders[HOLDERS], spinners[SPINNERS];
	int alive; /* its end is the end of all children */
};

/* alice's own parent of holders, in a session and so a group of its own */
__attribute__((noreturn)) static void parent_life(enum crowd crowd, struct cast *cast, int ready,
						  int alive)
{
	pid_t pid;

	setsid();
	become(ALICE);
	for (int i = 0; i < HOLDERS; i++) {
		/* more than her share, so that the last are refused */
		pid = fork();
		if (!pid)
			holder_life(crowd, tethers / HOLDERS + 1, ready, alive);
		cast->holders[i] = pid; /* not by the child as well, which would say 0 */
	}
	close(alive);
	close(ready);
	sleep_for_ever();
}

static void spinners_start(struct cast *cast)
{
	for (int i = 0; i < SPINNERS; i++) {
		pid_t pid = fork();

		if (!pid) {
			become(ALICE);
			spinner_life();
		}
		cast->spinners[i] = pid;
	}
}

/* @cast is in shared memory: the parent fills in the holders. */
static void crowd_start(enum crowd crowd, struct cast *cast)
{
	int ready[2], alive[2];
	pid_t parent;
	char byte;

	sh->born = sh->refused = sh->failed = 0;
	if (pipe2(ready, O_CLOEXEC) || pipe2(alive, O_CLOEXEC))
		die("pipe");
	parent = fork();
	if (parent < 0)
		die("fork");
	if (!parent) {
		close(ready[0]);
		close(alive[0]);
		parent_life(crowd, cast, ready[1], alive[1]);
	}
	cast->parent = parent;
	close(ready[1]);
	close(alive[1]);
	for (int i = 0; i < HOLDERS; i++)
		if (read(ready[0], &byte, 1) != 1)
			die("a holder ended early");
	close(ready[0]);
	cast->alive = alive[0];
	if (crowd == STOPPED)
		kill(cast->parent, SIGSTOP);
	if (crowd == ASKING)
		spinners_start(cast);
}

/* Return: ms until all children were dead, -1 if that took longer than CROWD_MS. */
static long crowd_end(enum crowd crowd, struct cast *cast)
{
	struct pollfd all = { .fd = cast->alive };
	uint64_t since = now_ns();
	long took = -1;

	if (crowd == ASKING)
		for (int i = 0; i < SPINNERS; i++) {
			kill(cast->spinners[i], SIGKILL);
			waitpid(cast->spinners[i], NULL, 0);
		}
	if (crowd == UNTETHERED)
		kill(-cast->parent, SIGKILL);
	else
		for (int i = 0; i < HOLDERS; i++)
			kill(cast->holders[i], SIGKILL);
	if (poll(&all, 1, CROWD_MS) == 1)
		took = (now_ns() - since) / MS;
	kill(-cast->parent, SIGKILL);
	waitpid(cast->parent, NULL, 0);
	close(cast->alive);
	return took;
}

/* --- the scenes */

static void scene_judge(enum crowd crowd, long took)
{
	bool ours = crowd >= TETHERED;

	if (crowd != NOBODY)
		printf("%s: %ld children, %ld refused, all dead after %ld ms\n", crowd_names[crowd],
		       sh->born, sh->refused, took);
	for (int i = 0; i < METERS; i++)
		printf("  %-15s slowest %9.3f ms of %llu\n", meters_known[i].name,
		       (double)sh->most[i] / MS, (unsigned long long)sh->count[i]);
	fflush(stdout);
	if (crowd == NOBODY)
		return;
	check(took >= 0, "%s: all are dead within %d ms", crowd_names[crowd], CROWD_MS);
	check(!sh->failed, "%s: nobody was refused but for room (errno %d)", crowd_names[crowd],
	      sh->failed);
	if (!ours)
		return;
	check(sh->born == tethers && sh->refused > 0, "%s: she has had her share and no more",
	      crowd_names[crowd]);
	for (int i = 0; i < METERS; i++)
		check(sh->count[i] && sh->most[i] <= meters_known[i].bound_ms * MS,
		      "%s: %s within %llu ms", crowd_names[crowd], meters_known[i].name,
		      (unsigned long long)meters_known[i].bound_ms);
}

static void scene(enum crowd crowd, struct cast *cast)
{
	pid_t meters[3];
	long took = 0;

	meters_start(meters);
	if (crowd != NOBODY)
		crowd_start(crowd, cast);
	/* What the crowd's making cost is none of our business. */
	for (int i = 0; i < METERS; i++)
		sh->most[i] = sh->count[i] = 0;
	meters_wait(20);
	if (crowd != NOBODY)
		took = crowd_end(crowd, cast);
	meters_wait(20);
	meters_stop(meters);
	scene_judge(crowd, took);
	check(map_wait("tethers", 0, CROWD_MS * MS) == 0, "%s: no tether is left",
	      crowd == NOBODY ? "nobody" : crowd_names[crowd]);
	/* alice's share is hers again when the records of her dead have gone, too */
	map_wait("tasks", 1, CROWD_MS * MS);
}

int main(void)
{
	struct autokill_config config = {};
	struct rlimit limit = { 65536, 65536 };
	struct cast *cast;

	array_read("config", &config);
	tethers = config.share;
	/* the crowd's own limits would come first in a small guest */
	if (setrlimit(RLIMIT_NPROC, &limit) || setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	sh = mmap(NULL, sizeof(*sh) + sizeof(*cast), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		die("mmap");
	cast = (struct cast *)(sh + 1);
	printf("alice's share: %ld tethers\n", tethers);
	for (enum crowd crowd = NOBODY; crowd < CROWDS; crowd++)
		scene(crowd, cast);
	misses_print();
	return checks_end();
}
