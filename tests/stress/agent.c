// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent.c - what happens to the agent must not happen to a tether
 *
 *   stop N    it is stopped for 5 s while N children are released: all die, none much later than that
 *   burst N   N are released at once, more than the ring buffer holds: it finds them in the map
 *   down N    N are released while there is none; the next one finds them
 *   wrap N    it is stopped while N children are released and die by themselves, and strangers take
 *             their numbers: it must not kill one
 *
 * With the agent of another build, AUTOKILL; who lives SECONDS (60) after his release has survived.
 *
 * agentkill.c kills it all the time.
 */
#include "herd.h"

#define STOP_NS (5 * NSEC)

static uint64_t patience = 60 * NSEC; /* ns */

static void stats_print(const struct autokill_stats *a, const struct autokill_stats *b)
{
#define GREW(member) ((unsigned long)(b->member - a->member))
	printf("births %lu releases %lu released_dead %lu unsent %lu killed: agent %lu self %lu "
	       "here %lu; gone %lu\n",
	       GREW(births), GREW(releases), GREW(released_dead), GREW(releases_unsent),
	       GREW(killed_by_agent), GREW(killed_by_self), GREW(killed_here), GREW(gone));
#undef GREW
}

static void stats_check(const struct autokill_stats *before, bool full)
{
	struct autokill_stats after = {};
	unsigned long births, ended, unsent;

	array_read("stats", &after);
	stats_print(before, &after);
	births = after.births - before->births;
	ended = after.gone - before->gone + after.released_dead - before->released_dead;
	unsent = after.releases_unsent - before->releases_unsent;
	check(ended == births, "tethers ended: %lu of %lu", ended, births);
	if (full)
		check(unsent, "the ring buffer was full, and that was counted: %lu", unsent);
}

/* --- stop, burst, down */

/* Release all as fast as we can. Return: ns in which all died; survivors are checked. */
static uint64_t herd_at_once(struct herd *h, const char *what)
{
	uint64_t took;
	int left;

	for (int k = 0; k < h->n_holders; k++)
		herd_release(h, k);
	left = herd_wait(h, patience + h->n * 10000000ULL);
	took = herd_took(h, 100);
	printf("%s: %d released at once: the first half dead after %.1f ms, all after %.1f ms\n",
	       what, h->n, herd_took(h, 50) / 1e6, took / 1e6);
	check(!left, "%s: children that outlived their release: %d of %d", what, left, h->n);
	return took;
}

/* Release all, evenly over STOP_NS from now on. */
static void herd_spread(struct herd *h)
{
	uint64_t begin = now_ns(), at;
	struct timespec until;

	for (int k = 0; k < h->n_holders; k++) {
		at = begin + STOP_NS * k / h->n_holders;
		until = (struct timespec){ at / NSEC, at % NSEC };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		herd_release(h, k);
	}
	at = begin + STOP_NS;
	until = (struct timespec){ at / NSEC, at % NSEC };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void test_stop(int n)
{
	pid_t agent = agent_start();
	uint64_t all, most;
	struct herd h;
	int left;

	agent_await(agent);
	herd_make(&h, n);
	all = herd_at_once(&h, "agent alive");
	herd_end(&h, agent);
	herd_make(&h, n);
	kill(agent, SIGSTOP);
	herd_spread(&h);
	kill(agent, SIGCONT);
	left = herd_wait(&h, patience);
	most = herd_took(&h, 100);
	check(!left, "agent stopped for 5 s: children that outlived their release: %d of %d", left,
	      n);
	/*
	 * The work that has piled up is that of a burst; a second for what else the machine does.
	 */
	check(most < STOP_NS + all + NSEC,
	      "the latest died %.1f ms after its release; stop 5000 ms, all at once %.1f ms",
	      most / 1e6, all / 1e6);
	herd_end(&h, agent);
	check(agent_end(agent, SIGTERM), "the agent ends in good order");
}

/* What of @pid is resident, in kB; -1 if that cannot be read. */
static long resident_kb(pid_t pid)
{
	char path[32], line[128];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && kb < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kb) != 1)
			kb = -1;
	if (f)
		fclose(f);
	return kb;
}

static void test_burst(int n)
{
	pid_t agent = agent_start();
	struct herd h;
	long kb;

	agent_await(agent);
	herd_make(&h, n);
	herd_at_once(&h, "burst");
	herd_end(&h, agent);
	map_wait("tethers", 0, patience);
	kb = resident_kb(agent);
	check(kb > 0 && kb < 8192, "resident after that: %ld kB", kb);
	check(agent_end(agent, SIGTERM), "the agent ends in good order");
}

static void test_down(int n)
{
	pid_t agent = agent_start();
	struct herd h;
	int left;

	agent_await(agent);
	herd_make(&h, n);
	agent_end(agent, SIGKILL);
	for (int k = 0; k < h.n_holders; k++) {
		h.holders[k].released = now_ns();
		kill(h.holders[k].pid, SIGKILL);
		/* Its files are closed before it can be waited for (do_exit()). */
		waitpid(h.holders[k].pid, NULL, 0);
	}
	agent = agent_start();
	left = herd_wait(&h, patience);
	check(!left, "released without an agent: children that outlived the next one: %d of %d",
	      left, n);
	herd_end(&h, agent);
	check(agent_end(agent, SIGTERM), "the agent ends in good order");
}

/* --- wrap */

/* The numbers below are not given out again (RESERVED_PIDS, kernel/pid.c). */
#define PIDS_RESERVED 300

static void pids_pass_reserved(void)
{
	pid_t pid;

	do {
		pid = fork_sleeper(-1);
		end_stranger(pid);
	} while (pid <= PIDS_RESERVED);
}

static int pid_index(const struct herd *h, pid_t pid)
{
	for (int i = 0; i < h->n; i++)
		if (h->pids[i] == pid)
			return i;
	return -1;
}

/* A stranger on every number of the herd's. Return: how many could be planted. */
static int strangers_plant(const struct herd *h, pid_t *strangers)
{
	int planted = 0;

	for (int tries = 0; planted < h->n && tries < 20000; tries++) {
		pid_t pid = fork_sleeper(-1);
		int i = pid_index(h, pid);

		if (pid < 0)
			die("fork");
		if (i >= 0) {
			strangers[i] = pid;
			planted++;
		} else if (!end_stranger(pid)) {
			die("a passing stranger was killed");
		}
	}
	return planted;
}

/* Return: how many strangers were killed. */
static int wrap_round(int n, pid_t agent, int *planted)
{
	pid_t strangers[n];
	int killed = 0;
	struct herd h;

	memset(strangers, 0, sizeof(strangers));
	herd_make(&h, n);
	kill(agent, SIGSTOP);
	for (int k = 0; k < h.n_holders; k++) {
		kill(h.holders[k].pid, SIGKILL);
		waitpid(h.holders[k].pid, NULL, 0);
	}
	for (int i = 0; i < n; i++) {
		kill(h.pids[i], SIGTERM);
		waitpid(h.pids[i], NULL, __WALL);
	}
	*planted += strangers_plant(&h, strangers);
	kill(agent, SIGCONT);
	map_wait("tethers", 0, patience);
	for (int i = 0; i < n; i++)
		killed += strangers[i] && !end_stranger(strangers[i]);
	h.n_holders = 0; /* they and the children are reaped; their numbers are others' */
	for (int i = 0; i < n; i++)
		close(h.watches[i]);
	h.n = 0;
	herd_end(&h, agent);
	return killed;
}

static void test_wrap(int n)
{
	pid_t agent = agent_start();
	int killed = 0, planted = 0, rounds = 10;

	agent_await(agent);
	pids_pass_reserved();
	for (int i = 0; i < rounds; i++)
		killed += wrap_round(n, agent, &planted);
	check(planted == n * rounds, "strangers on the numbers of children that wait: %d of %d",
	      planted, n * rounds);
	check(!killed, "strangers killed: %d of %d", killed, planted);
	check(agent_end(agent, SIGTERM), "the agent ends in good order");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(int n);
	} tests[] = {
		{ "stop", test_stop },
		{ "burst", test_burst },
		{ "down", test_down },
		{ "wrap", test_wrap },
	};
	struct autokill_stats before = {};
	long tasks;

	if (argc > 3)
		agent_program = argv[3];
	if (argc > 4)
		patience = atoi(argv[4]) * NSEC;
	for (size_t i = 0; argc > 2 && i < sizeof(tests) / sizeof(*tests); i++) {
		if (strcmp(argv[1], tests[i].name))
			continue;
		tasks = map_count("tasks");
		array_read("stats", &before);
		tests[i].run(atoi(argv[2]));
		maps_check_empty(tasks);
		stats_check(&before, !strcmp(argv[1], "burst") || !strcmp(argv[1], "down"));
		return checks_end();
	}
	fprintf(stderr, "usage: agent stop|burst|down|wrap N [AUTOKILL [SECONDS]]\n");
	return 2;
}
