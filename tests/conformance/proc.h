/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proc.h - processes seen from outside: deadlines, pidfds, /proc, cgroups
 *
 * Nothing here asserts: usable in every process of the suite. A deadline is only ever the bound
 * of a failure; what is waited for announces itself on a descriptor, or is a state in /proc that
 * has no descriptor (stopped, frozen, in vfork) and is looked at until it is there.
 */
#ifndef CONFORMANCE_PROC_H
#define CONFORMANCE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Generous, 20 s: an emulated guest on a busy machine, not a measure of the kill's latency. */
extern int the_deadline_ms;

#define ALICE 1000
#define BOB 1001

int64_t now_ms(void);

/* Call @ready(@arg) until it is true. Return: false when @ms have passed. */
bool wait_until(bool (*ready)(void *arg), void *arg, int ms);

int pidfd_of(pid_t pid);
int pidfd_signal(int pidfd, int sig);
int pidfd_steal(int pidfd, int fd);

/* Has every thread behind @pidfd exited; waits up to @ms. */
bool pidfd_dead(int pidfd, int ms);

/* The letter in /proc/<pid>/stat, or 0 if there is no such process. */
char proc_state(pid_t pid);
bool proc_state_wait(pid_t pid, char state);
bool proc_gone_wait(pid_t pid);

/**
 * proc_status - how a dead process died, in wait(2)'s format
 *
 * From /proc/<pid>/stat (zombies) or from PIDFD_GET_INFO (Linux 6.15, reaped processes).
 * Return: false if neither can tell.
 */
bool proc_status(pid_t pid, int pidfd, int *status);

/* The same from PIDFD_GET_INFO alone. Return: false if it does not say that the process is dead. */
bool pidfd_status(int pidfd, int *status);

/* Write @text to a file in one write(). Return: 0 or -errno. */
int file_write(const char *path, const char *text);
int file_write_long(const char *path, long value);
/* Return: bytes read into @buf, which is NUL-terminated, or -errno. */
int file_read(const char *path, char *buf, int size);
long file_read_long(const char *path);

/* A cgroup made by this run; all are removed by cgroups_drop(). Return: 0 or -errno. */
int cgroup_make(const char *name, const char *controller);
const char *cgroup_path(const char *name);
int cgroup_set(const char *name, const char *file, const char *value);
int cgroup_enter(const char *name, pid_t pid);
bool cgroup_freeze(const char *name);
bool cgroup_has(const char *controller);
/* Thaw and remove; returns the number that would not go. */
int cgroups_drop(void);

#endif
