/* SPDX-License-Identifier: GPL-2.0-only */
/* proc.h - what /proc says about a process */
#ifndef AUTOKILL_USER_PROC_H
#define AUTOKILL_USER_PROC_H

#include <linux/types.h>

#include "autokill_state.h"

/**
 * proc_command - the name of the process @pid that started at @start_time
 * @start_time: task_struct.start_boottime, ns
 * @comm: receives the name, NUL-terminated
 *
 * Both are compared, so that a reused pid is not taken for the old process; /proc rounds the start
 * time down to clock ticks (10 ms).
 * Return: 0; -ESRCH if there is no such process (any more); -errno. On failure @comm is unchanged.
 */
int proc_command(__u32 pid, __u64 start_time, char comm[AUTOKILL_COMM_LEN]);

/**
 * proc_stat_parse - name, and start time in clock ticks, from a line of /proc/PID/stat
 *
 * Return: 0, or -EPROTO with the outputs unchanged.
 */
int proc_stat_parse(const char *line, char comm[AUTOKILL_COMM_LEN], __u64 *start_ticks);

#endif /* AUTOKILL_USER_PROC_H */
