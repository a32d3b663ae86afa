// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale.c - many tethers, many members, many releases
 *
 *   scale many MOST ROUNDS              1, 10, ... MOST tethers and members: ns and bytes for each
 *   scale rate N ROUNDS                 releases a second, by one holder and by two, each on a CPU of its own
 *   scale growth ROUNDS N MEMBERS       N tethers and a tree of MEMBERS, made and killed: is memory lost?
 *
 * Each beside the same (way `bare`) without a tether, which is killed by pidfd_send_signal() or, a
 * tree, by cgroup.kill. All processes share memory and descriptors with their holder, so that the
 * bytes are the kernel's.
 */
#include "bench.h"

static const char *const ways[] = { "bare", "tethered" };

/* Bytes that are in use by whatever cannot be dropped. */
static double memory_used(void)
{
	unsigned long total = 0, available = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		die("/proc/meminfo");
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "MemTotal: %lu", &total);
		sscanf(line, "MemAvailable: %lu", &available);
	}
	fclose(f);
	if (!total || !available)
		die("reading /proc/meminfo");
	return (total - available) * 1024.0;
}

/*
 * Bytes that autokill's maps take, as the kernel counts them. v6.4 ("bpf: add new map ops
 * ->map_mem_usage"); before, the count is of a full map. Free memory would tell of less: slabs keep
 * what is freed.
 */
static double maps_used(void)
{
	static const char *const names[] = { "tethers", "files", "tasks",
					     "members", "works", "waiting" };
	double sum = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int map = pin_open("maps", names[i]);
		unsigned long bytes = 0;
		char line[128];
		FILE *f;

		if (map < 0)
			continue; /* works or waiting: one of them there is not */
		snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", map);
		f = fopen(line, "re");
		if (!f)
			die("%s", line);
		while (fgets(line, sizeof(line), f))
			sscanf(line, "memlock: %lu", &bytes);
		fclose(f);
		close(map);
		if (!bytes)
			die("the kernel does not tell the size of maps/%s", names[i]);
		sum += bytes;
	}
	return sum;
}

static void maps_must_empty(void)
{
	static const char *const names[] = { "tethers", "files", "members" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (map_wait(names[i], 0, 60 * NSEC)) {
			fprintf(stderr,
				"scale: %ld are left in maps/%s a minute after all are dead\n",
				map_count(names[i]), names[i]);
			exit(1);
		}
	/* Records of tasks go an RCU grace period after the deaths; our own, which arms, stays. */
	map_wait("tasks", 1, 10 * NSEC);
}

struct herd {
	int n;
	bool tethered;
	char *stacks;
	int *pidfds;
};

static void herd_make(struct herd *h, int n, bool tethered)
{
	*h = (struct herd){ .n = n, .tethered = tethered, .stacks = stacks_make(n) };
	h->pidfds = calloc(n, sizeof(*h->pidfds));
	if (!h->pidfds)
		die("memory");
	for (int i = 0; i < n; i++)
		h->pidfds[i] = crowd_one(h->stacks + (size_t)i * STACK, tethered);
}

static void herd_kill(struct herd *h)
{
	for (int i = 0; i < h->n; i++) {
		if (!h->tethered && syscall(SYS_pidfd_send_signal, h->pidfds[i], SIGKILL, NULL, 0))
			die("pidfd_send_signal");
		close(h->pidfds[i]);
	}
	crowd_wait(h->stacks, h->n);
}

static void herd_free(struct herd *h)
{
	munmap(h->stacks, (size_t)h->n * STACK);
	free(h->pidfds);
}

/* Of rounds that are not counted, which warm up the allocators, nothing is noted. */
static void note(const char *what, bool tethered, int x, int y, int round, double value,
		 const char *unit)
{
	if (round >= 0)
		raw(what, ways[tethered], x, y, round, value, unit);
}

static void tethers(int n, bool tethered, int round)
{
	double before = maps_used();
	uint64_t start = now_ns();
	struct herd h;

	herd_make(&h, n, tethered);
	note("tether-make", tethered, n, 0, round, (double)(now_ns() - start) / n, "ns");
	if (tethered)
		note("tether-memory", tethered, n, 0, round, (maps_used() - before) / n, "bytes");
	start = now_ns();
	herd_kill(&h);
	note("tether-kill", tethered, n, 0, round, (double)(now_ns() - start) / n, "ns");
	herd_free(&h);
	maps_must_empty();
}

static void members(int n, bool tethered, int round)
{
	int ends[2], pidfd = -1, events, kill_fd, cage;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	double before = maps_used();
	uint64_t start;
	pid_t pid;
	char byte;

	cage_make();
	events = cage_open("cgroup.events", O_RDONLY);
	kill_fd = cage_open("cgroup.kill", O_WRONLY);
	cage = cage_open("", O_DIRECTORY);
	args.cgroup = cage;
	start = now_ns();
	if (pipe(ends))
		die("pipe");
	if (tethered)
		must_arm(AUTOKILL_TREE);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid) {
		crowd(n - 1);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		sleep_for_ever();
	}
	close(ends[1]);
	if (pid < 0 || read(ends[0], &byte, 1) != 1)
		die("a tree of %d", n);
	note("member-make", tethered, n, 0, round, (double)(now_ns() - start) / n, "ns");
	if (tethered)
		note("member-memory", tethered, n, 0, round, (maps_used() - before) / n, "bytes");
	start = now_ns();
	if (tethered ? close(pidfd) : write(kill_fd, "1", 1) != 1)
		die("the kill");
	if (poll(&(struct pollfd){ .fd = ends[0] }, 1, 120000) != 1)
		die("a tree of %d: somebody is alive after 120 s", n);
	note("member-kill", tethered, n, 0, round, (double)(now_ns() - start) / n, "ns");
	if (!tethered)
		close(pidfd);
	cage_wait(events, 60);
	close(ends[0]);
	close(events);
	close(kill_fd);
	close(cage);
	cage_end();
	maps_must_empty();
}

static void many(int most, int rounds)
{
	for (int i = 1; i <= most; i = i * 10 > most && i < most ? most : i * 10)
		for (int round = i > 1000 ? 0 : -1; round < (i > 1000 ? (rounds + 1) / 2 : rounds);
		     round++)
			for (int k = 0; k < 2; k++) {
				tethers(i, (round + k) & 1, round);
				members(i, (round + k) & 1, round);
			}
}

/*
 * A holder of @n, all on CPU @cpu; it kills all at a byte from @go, and is gone when they are dead.
 */
static _Noreturn void rate_holder(int cpu, int n, bool tethered, int go, int told)
{
	struct herd h;
	cpu_set_t set;
	char byte;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("CPU %d", cpu);
	herd_make(&h, n, tethered);
	if (write(told, "", 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	herd_kill(&h);
	if (write(told, "", 1) != 1)
		_exit(1);
	_exit(0);
}

static void rate_once(int holders, int n, bool tethered, int round)
{
	int go[2], told[2];
	uint64_t start;
	char byte;

	if (pipe(go) || pipe(told))
		die("pipe");
	for (int i = 0; i < holders; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			rate_holder(i, n / holders, tethered, go[0], told[1]);
	}
	close(told[1]);
	for (int i = 0; i < holders; i++)
		if (read(told[0], &byte, 1) != 1)
			die("a holder has died");
	start = now_ns();
	for (int i = 0; i < holders; i++)
		if (write(go[1], "", 1) != 1)
			die("go");
	for (int i = 0; i < holders; i++)
		if (read(told[0], &byte, 1) != 1)
			die("a holder has died");
	raw("rate", ways[tethered], holders, n, round, n * 1e9 / (now_ns() - start), "1/s");
	close(told[0]);
	close(go[0]);
	close(go[1]);
	maps_must_empty();
}

static void rate(int n, int rounds)
{
	for (int round = 0; round < rounds; round++)
		for (int holders = 1; holders <= 2; holders++)
			for (int k = 0; k < 2; k++)
				rate_once(holders, n, (round + k) & 1, round);
}

/*
 * How much more than in the second quarter may be in use at the end: what other allocators of the
 * kernel keep.
 */
#define GROWTH_MOST (4 << 20)

static double least(const double *values, int n)
{
	double min = values[0];

	for (int i = 1; i < n; i++)
		min = values[i] < min ? values[i] : min;
	return min;
}

/* Return: has memory grown? */
static bool growth(int rounds, int n, int n_members)
{
	double *used = calloc(rounds, sizeof(*used)), grown;
	struct herd h;

	if (!used)
		die("memory");
	for (int round = 0; round < rounds; round++) {
		herd_make(&h, n, true);
		herd_kill(&h);
		herd_free(&h);
		maps_must_empty();
		members(n_members, true, round);
		/* What goes by RCU, and by workers, has a second. */
		sleep(1);
		used[round] = memory_used();
		raw("growth", "tethered", n, n_members, round, used[round], "bytes");
		raw_flush();
	}
	if (rounds < 8)
		return false;
	grown = least(used + rounds - rounds / 4, rounds / 4) -
		least(used + rounds / 4, rounds / 4);
	printf("scale: memory has grown by %.0f kB in %d rounds of %d tethers and %d members\n",
	       grown / 1024, rounds, n, n_members);
	return grown > GROWTH_MOST;
}

int main(int argc, char **argv)
{
	int n[3] = { 0 };

	for (int i = 2; i < argc && i < 5; i++)
		n[i - 2] = atoi(argv[i]);
	raw_begin();
	reap_nobody();
	room_for_fds(100000);
	if (argc == 4 && !strcmp(argv[1], "many"))
		many(n[0], n[1]);
	else if (argc == 4 && !strcmp(argv[1], "rate"))
		rate(n[0], n[1]);
	else if (argc == 5 && !strcmp(argv[1], "growth"))
		return growth(n[0], n[1], n[2]);
	else {
		fprintf(stderr,
			"usage: scale many MOST ROUNDS | rate N ROUNDS | growth ROUNDS N MEMBERS\n");
		return 2;
	}
	return 0;
}
