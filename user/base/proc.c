// SPDX-License-Identifier: GPL-2.0-only
/* proc.c - what /proc says about a process */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/times.h"

#define STAT_THREADS 20
#define STAT_START_TIME 22 /* number of the field, proc(5); the name is number 2 */

int proc_stat_parse(const char *line, char comm[PROC_NAME_LEN], __u64 *start_ticks)
{
	const char *open = strchr(line, '('), *close = strrchr(line, ')');
	const char *field = close;
	size_t n;

	if (!open || !close || close < open)
		return -EPROTO;
	for (int i = 2; i < STAT_START_TIME && field; i++)
		field = strchr(field + 1, ' ');
	if (!field)
		return -EPROTO;
	n = close - open - 1; /* kernel threads can have longer names than TASK_COMM_LEN */
	if (n >= PROC_NAME_LEN)
		n = PROC_NAME_LEN - 1;
	memcpy(comm, open + 1, n);
	comm[n] = '\0';
	*start_ticks = strtoull(field + 1, NULL, 10);
	return 0;
}

/* All of /proc/@pid/stat, which fits: 52 numbers and a name. */
static int stat_read(__u32 pid, char *buf, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

int proc_command(__u32 pid, __u64 start_time, char comm[PROC_NAME_LEN])
{
	char line[2048], name[PROC_NAME_LEN];
	__u64 ticks;
	int err;

	if (!pid || !start_time)
		return -ESRCH;
	err = stat_read(pid, line, sizeof(line));
	if (!err)
		err = proc_stat_parse(line, name, &ticks);
	if (err)
		return err;
	/* nsec_to_clock_t() in the kernel: whole ticks, rounded down */
	if (ticks != start_time / (NS_PER_S / sysconf(_SC_CLK_TCK)))
		return -ESRCH;
	memcpy(comm, name, sizeof(name));
	return 0;
}

int proc_zombie_parse(const char *line, __u32 *parent)
{
	const char *close = strrchr(line, ')'), *field = close;
	unsigned int who, threads;
	char state;

	if (!close || sscanf(close, ") %c %u", &state, &who) != 2)
		return -EPROTO;
	for (int i = 2; i < STAT_THREADS && field; i++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, "%u", &threads) != 1)
		return -EPROTO;
	if (state != 'Z' || threads > 1)
		return 0;
	*parent = who;
	return 1;
}

int proc_zombie(__u32 pid, __u32 *parent)
{
	char line[2048];
	int err = stat_read(pid, line, sizeof(line));

	return err ? err : proc_zombie_parse(line, parent);
}

int proc_name(__u32 pid, char comm[PROC_NAME_LEN])
{
	char line[2048];
	__u64 ticks;
	int err = stat_read(pid, line, sizeof(line));

	return err ? err : proc_stat_parse(line, comm, &ticks);
}
