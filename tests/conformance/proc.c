// SPDX-License-Identifier: GPL-2.0-only
/*
 * proc.c - processes seen from outside: deadlines, pidfds, /proc, cgroups
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "proc.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUPS_MAX 8

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

bool wait_until(bool (*ready)(void *arg), void *arg, int ms)
{
	int64_t end = now_ms() + ms;
	const struct timespec pause = { .tv_nsec = 500000 };

	while (!ready(arg)) {
		if (now_ms() > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

int pidfd_of(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int pidfd_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int pidfd_steal(int pidfd, int fd)
{
	int got = syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	return got < 0 ? -errno : got;
}

bool pidfd_dead(int pidfd, int ms)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int64_t end = now_ms() + ms;
	int ret;

	do {
		int64_t left = end - now_ms();

		ret = poll(&pfd, 1, left > 0 ? left : 0);
	} while (ret < 0 && errno == EINTR);
	return ret == 1;
}

/* Fields of /proc/<pid>/stat from the third on, that is, after "pid (comm) ". */
static char *stat_fields(pid_t pid, char *buf, int size)
{
	char path[64], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(path, buf, size) <= 0)
		return NULL;
	end = strrchr(buf, ')');
	return end && end[1] == ' ' ? end + 2 : NULL;
}

char proc_state(pid_t pid)
{
	char buf[1024], *fields = stat_fields(pid, buf, sizeof(buf));

	return fields ? *fields : 0;
}

struct state_wanted {
	pid_t pid;
	char state;
};

static bool state_reached(void *arg)
{
	const struct state_wanted *wanted = arg;

	return proc_state(wanted->pid) == wanted->state;
}

bool proc_state_wait(pid_t pid, char state)
{
	struct state_wanted wanted = { pid, state };

	return wait_until(state_reached, &wanted, the_deadline_ms);
}

bool proc_gone_wait(pid_t pid)
{
	return proc_state_wait(pid, 0);
}

/* <linux/pidfd.h> of 6.15 and later; the suite builds with older headers. */
struct pidfd_exit_info {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t ids[11];
	int32_t exit_code;
};

#define PIDFD_GET_EXIT_INFO _IOWR(0xFF, 11, struct pidfd_exit_info)
#define PIDFD_MASK_EXIT (1ULL << 3)

bool pidfd_status(int pidfd, int *status)
{
	struct pidfd_exit_info info = { .mask = PIDFD_MASK_EXIT };

	_Static_assert(sizeof(struct pidfd_exit_info) == 64, "PIDFD_INFO_SIZE_VER0");
	if (ioctl(pidfd, PIDFD_GET_EXIT_INFO, &info) || !(info.mask & PIDFD_MASK_EXIT))
		return false;
	*status = info.exit_code;
	return true;
}

bool proc_status(pid_t pid, int pidfd, int *status)
{
	char buf[1024], *field;

	/*
	 * A zombie is looked at in /proc: 6.16 leaks the task_struct of a process that is asked for
	 * by PIDFD_GET_INFO before it is reaped, and with it what is kept of the task until it is
	 * freed (0b2d71a7c826 ("pidfs: Fix memory leak in pidfd_info()")).
	 */
	field = stat_fields(pid, buf, sizeof(buf));
	if (field && (*field == 'Z' || *field == 'X')) {
		/* exit_code is the last field, the 52nd */
		field = strrchr(field, ' ');
		*status = atoi(field + 1);
		return true;
	}
	return pidfd_status(pidfd, status);
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int file_write_long(const char *path, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	return file_write(path, text);
}

int file_read(const char *path, char *buf, int size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = read(fd, buf, size - 1);
	if (ret < 0)
		ret = -errno;
	close(fd);
	buf[ret < 0 ? 0 : ret] = '\0';
	return ret;
}

long file_read_long(const char *path)
{
	char buf[64];

	return file_read(path, buf, sizeof(buf)) < 0 ? -1 : atol(buf);
}

static char cgroup_names[CGROUPS_MAX][32];
static int cgroup_count;

const char *cgroup_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), CGROUP_ROOT "/conformance-%d-%s", getpid(), name);
	return path;
}

bool cgroup_has(const char *controller)
{
	char buf[256], *word, *rest = buf;

	if (file_read(CGROUP_ROOT "/cgroup.controllers", buf, sizeof(buf)) < 0)
		return false;
	while ((word = strsep(&rest, " \n")))
		if (strcmp(word, controller) == 0)
			return true;
	return false;
}

int cgroup_make(const char *name, const char *controller)
{
	char text[32];
	int ret;

	if (cgroup_count == CGROUPS_MAX)
		return -ENOSPC;
	if (controller) {
		snprintf(text, sizeof(text), "+%s", controller);
		ret = file_write(CGROUP_ROOT "/cgroup.subtree_control", text);
		if (ret)
			return ret;
	}
	if (mkdir(cgroup_path(name), 0755) < 0)
		return -errno;
	snprintf(cgroup_names[cgroup_count++], sizeof(cgroup_names[0]), "%s", name);
	return 0;
}

int cgroup_set(const char *name, const char *file, const char *value)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", cgroup_path(name), file);
	return file_write(path, value);
}

int cgroup_enter(const char *name, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return cgroup_set(name, "cgroup.procs", text);
}

static bool cgroup_frozen(void *name)
{
	char path[192], buf[128];

	snprintf(path, sizeof(path), "%s/cgroup.events", cgroup_path(name));
	return file_read(path, buf, sizeof(buf)) > 0 && strstr(buf, "frozen 1");
}

bool cgroup_freeze(const char *name)
{
	return cgroup_set(name, "cgroup.freeze", "1") == 0 &&
	       wait_until(cgroup_frozen, (void *)name, the_deadline_ms);
}

/* The last process leaves its cgroup a little after it can be waited for. */
static bool cgroup_removed(void *name)
{
	return rmdir(cgroup_path(name)) == 0 || errno == ENOENT;
}

int cgroups_drop(void)
{
	int left = 0;

	while (cgroup_count > 0) {
		char *name = cgroup_names[--cgroup_count];

		cgroup_set(name, "cgroup.freeze", "0");
		left += !wait_until(cgroup_removed, name, the_deadline_ms);
	}
	return left;
}
