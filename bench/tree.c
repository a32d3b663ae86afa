// SPDX-License-Identifier: GPL-2.0-only
/*
 * tree.c - how long it takes to kill a tree, by its members and by the bystanders, in four ways
 *
 *   tree MEMBERS_MOST BYSTANDERS ROUNDS_MOST UNIT
 *
 *   autokill      close() of the pidfd of a tethered tree
 *   cgroup.kill   a write to it, of a cgroup that holds the tree
 *   pid-namespace SIGKILL to the init of a pid namespace that holds the tree
 *   proc-walk     SIGKILL to everybody in /proc who has the tree's process group, as `killall -g` and `pkill -g`
 *                 do, again until none is left; it misses who has left the group, which the others do not
 *
 * The time is from the call until the last member has let go of a pipe that all of them hold, as it
 * exits, in ns (UNIT; or `instructions`, where the guest's clock counts them); then their cgroup
 * must be empty. (cgroup.events itself would do, but tells of a change 10 ms after the one before.)
 * All have the same members, which share the memory of one, so that it is killing that is measured
 * and not the end of memories. The four ways take turns, each round beginning with another.
 */
#include <dirent.h>

#include "bench.h"

enum way { AUTOKILL, CGROUP, NAMESPACE, WALK, WAYS };

static const char *unit;
static const char *const names[WAYS] = { "autokill", "cgroup.kill", "pid-namespace", "proc-walk" };

struct tree {
	int pidfd; /* of its first process */
	int gone;  /* the reading end of a pipe, whose other end all of them share */
	pid_t pid;
};

static struct tree tree_make(enum way way, int members)
{
	int ends[2], cage = cage_open("", O_DIRECTORY);
	struct tree t = { .pidfd = -1 };
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_INTO_CGROUP | (way == NAMESPACE ? CLONE_NEWPID : 0),
		.pidfd = (uintptr_t)&t.pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = cage,
	};
	char byte;

	if (pipe(ends))
		die("pipe");
	if (way == AUTOKILL)
		must_arm(AUTOKILL_TREE);
	t.pid = syscall(SYS_clone3, &args, sizeof(args));
	switch (t.pid) {
	case -1:
		die("clone3");
	case 0:
		setpgid(0, 0);
		crowd(members - 1);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		sleep_for_ever();
	}
	close(ends[1]); /* so that a tree that dies is noticed */
	if (read(ends[0], &byte, 1) != 1)
		die("the tree has died before its time");
	t.gone = ends[0];
	close(cage);
	return t;
}

/* Is the process that @stat is of alive, and in @group? */
static bool stat_matches(const char *stat, pid_t group)
{
	const char *end = strrchr(stat, ')');
	char state;
	int ppid, pgrp;

	return end && sscanf(end + 1, " %c %d %d", &state, &ppid, &pgrp) == 3 && pgrp == group &&
	       state != 'Z' && state != 'X';
}

/* One walk. Return: how many it sent SIGKILL to. */
static int walk(pid_t group)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int killed = 0;

	if (!proc)
		die("/proc");
	while ((entry = readdir(proc))) {
		char path[280], stat[512];
		ssize_t n;
		int fd;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue; /* it has gone meanwhile */
		n = read(fd, stat, sizeof(stat) - 1);
		close(fd);
		if (n <= 0)
			continue;
		stat[n] = '\0';
		if (stat_matches(stat, group) && !kill(atoi(entry->d_name), SIGKILL))
			killed++;
	}
	closedir(proc);
	return killed;
}

static void tree_kill(const struct tree *t, enum way way, int kill_fd)
{
	switch (way) {
	case AUTOKILL:
		if (close(t->pidfd))
			die("close");
		return;
	case CGROUP:
		if (write(kill_fd, "1", 1) != 1)
			die("cgroup.kill");
		return;
	case NAMESPACE:
		if (syscall(SYS_pidfd_send_signal, t->pidfd, SIGKILL, NULL, 0))
			die("pidfd_send_signal");
		return;
	default:
		/*
		 * A second walk would tell whether one was missed; that nobody is alive, the cgroup
		 * tells.
		 */
		if (!walk(t->pid))
			die("the walk found nobody");
	}
}

static void once(enum way way, int members, int bystanders, int round)
{
	int events, kill_fd;
	uint64_t start, took;
	struct tree t;

	cage_make();
	events = cage_open("cgroup.events", O_RDONLY);
	kill_fd = cage_open("cgroup.kill", O_WRONLY);
	t = tree_make(way, members);

	start = now_ns();
	tree_kill(&t, way, kill_fd);
	if (poll(&(struct pollfd){ .fd = t.gone }, 1, 60000) != 1) {
		fprintf(stderr, "tree: %s: somebody is alive after 60 s\n", names[way]);
		exit(1);
	}
	took = now_ns() - start;
	if (round >= 0)
		raw("tree", names[way], members, bystanders, round, took, unit);
	cage_wait(events, 60);
	close(t.gone);
	if (way != AUTOKILL)
		close(t.pidfd);
	close(events);
	close(kill_fd);
	cage_end();
	/*
	 * Records go when the task_structs do, an RCU grace period later; not within another's
	 * time.
	 */
	if (map_wait("tethers", 0, 20 * NSEC) || map_wait("members", 0, 20 * NSEC)) {
		fprintf(stderr,
			"tree: the tether, or a member, is left in the maps 20 s after all are dead\n");
		exit(1);
	}
}

static void bystanders_make(int count)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe(ends))
		die("pipe");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		crowd(count - 1);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		sleep_for_ever();
	}
	close(ends[1]);
	if (pid < 0 || read(ends[0], &byte, 1) != 1)
		die("%d bystanders", count);
	close(ends[0]);
}

int main(int argc, char **argv)
{
	int most, bystanders, rounds;

	if (argc != 5) {
		fprintf(stderr, "usage: tree MEMBERS_MOST BYSTANDERS ROUNDS_MOST UNIT\n");
		return 2;
	}
	most = atoi(argv[1]);
	bystanders = atoi(argv[2]);
	rounds = atoi(argv[3]);
	unit = argv[4];
	raw_begin();
	reap_nobody();
	if (bystanders)
		bystanders_make(bystanders);
	for (int members = 1; members <= most; members *= 10) {
		/*
		 * The larger, the steadier, and the longer to make: of the largest, none that is
		 * not counted.
		 */
		bool large = members > 1000;

		for (int round = large ? 0 : -1; round < (large ? (rounds + 1) / 2 : rounds);
		     round++)
			for (int i = 0; i < WAYS; i++)
				once((round + i + 1) % WAYS, members, bystanders, round);
	}
	return 0;
}
