/* SPDX-License-Identifier: GPL-2.0-only */
/* proc.h - what /proc says about a process */
#ifndef AUTOKILL_USER_PROC_H
#define AUTOKILL_USER_PROC_H

#include <linux/types.h>

#define PROC_NAME_LEN 16 /* TASK_COMM_LEN: a name and its NUL */

/**
 * proc_command - the name of the process @pid that started at @start_time
 * @start_time: task_struct.start_boottime, ns
 * @comm: receives the name, NUL-terminated
 *
 * Both are compared, so that a reused pid is not taken for the old process; /proc rounds the start
 * time down to clock ticks (10 ms).
 * Return: 0; -ESRCH if there is no such process (any more); -errno. On failure @comm is unchanged.
 */
int proc_command(__u32 pid, __u64 start_time, char comm[PROC_NAME_LEN]);

/**
 * proc_stat_parse - name, and start time in clock ticks, from a line of /proc/PID/stat
 *
 * Return: 0, or -EPROTO with the outputs unchanged.
 */
int proc_stat_parse(const char *line, char comm[PROC_NAME_LEN], __u64 *start_ticks);

/**
 * proc_zombie_parse - from a line of /proc/PID/stat: is it a process whose threads are all dead?
 *
 * A zombie with threads is a leader that exited before them: that process is not dead yet.
 * Return: 1, and *@parent is the process that has to wait for it; 0; -EPROTO.
 */
int proc_zombie_parse(const char *line, __u32 *parent);

/** proc_zombie - the same of the process @pid. Return: as above, or -ESRCH, or -errno. */
int proc_zombie(__u32 pid, __u32 *parent);

/** proc_name - the name of the process that is @pid now. Return: 0; -errno with @comm unchanged. */
int proc_name(__u32 pid, char comm[PROC_NAME_LEN]);

#endif /* AUTOKILL_USER_PROC_H */
