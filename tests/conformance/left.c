// SPDX-License-Identifier: GPL-2.0-only
/*
 * left.c - what a case has left behind: processes, and state of the kernel side
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deviations.h"
#include "left.h"
#include "proc.h"
#include "ways.h"

#define MAPS_DIR "/sys/fs/bpf/autokill/maps/"

static void reap_dead(void)
{
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
}

/* Autoreaped children are dead a little before they are gone. */
static bool no_children(void *arg)
{
	(void)arg;
	reap_dead();
	return waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD;
}

static int children_list(bool kill_them)
{
	char path[64], buf[4096], *word, *rest = buf;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	if (file_read(path, buf, sizeof(buf)) < 0)
		return 1;
	while ((word = strsep(&rest, " \n"))) {
		pid_t pid = atoi(word);
		char state = pid > 0 ? proc_state(pid) : 0;

		if (!state || state == 'Z' || state == 'X')
			continue;
		count++;
		fprintf(stderr, "left behind: pid %d, state %c\n", pid, state);
		if (kill_them)
			kill(pid, SIGKILL);
	}
	return count;
}

int left_processes(bool kill_them)
{
	int count = 0;

	/* what was killed as a case ended needs its time; what lives will live the whole of it */
	if (wait_until(no_children, NULL, kill_them ? 200 : the_deadline_ms / 4))
		return 0;
	count = children_list(kill_them);
	/* children of the killed come to us in turn */
	while (kill_them && !wait_until(no_children, NULL, 1000) && children_list(true))
		;
	return count;
}

static long sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* Return: number of keys, or 0 if there is no such pin. */
static int map_count(const char *name)
{
	char path[96], keys[2][64];
	union bpf_attr attr = { .pathname = (uintptr_t)path };
	int map, count = 0;

	snprintf(path, sizeof(path), MAPS_DIR "%s", name);
	map = sys_bpf(BPF_OBJ_GET, &attr);
	if (map < 0)
		return 0;
	attr = (union bpf_attr){ .map_fd = map, .next_key = (uintptr_t)keys[0] };
	while (sys_bpf(BPF_MAP_GET_NEXT_KEY, &attr) == 0 && count < 1000) {
		attr.key = (uintptr_t)keys[count & 1];
		attr.next_key = (uintptr_t)keys[~count & 1];
		count++;
	}
	close(map);
	return count;
}

static const char *const maps[] = { "tethers", "files", "tasks", "works", "waiting", "members" };

#define MAPS (sizeof(maps) / sizeof(maps[0]))

static int before[MAPS];

void left_state_begin(void)
{
	unsigned int i;

	if (!served_by_autokill())
		return;
	/*
	 * main itself gets its entry among the tasks, which it keeps; by the flags it has
	 * (way_works())
	 */
	if (the_way == WAY_PRCTL) {
		way_arm(0);
		way_prctl(AUTOKILL_UNARM, 0, 0, 0);
	}
	for (i = 0; i < MAPS; i++)
		before[i] = map_count(maps[i]);
}

static bool state_gone(void *left)
{
	unsigned int i;

	*(int *)left = 0;
	for (i = 0; i < MAPS; i++) {
		int more = map_count(maps[i]) - before[i];

		*(int *)left += more > 0 ? more : 0;
	}
	return *(int *)left == 0;
}

int left_state(void)
{
	int left = 0;

	if (served_by_autokill())
		wait_until(state_gone, &left, the_deadline_ms);
	return left;
}
