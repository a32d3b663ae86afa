// SPDX-License-Identifier: GPL-2.0-only
/* place.c - where in the system we are: namespaces and limits, and what we may do there */
#include "base/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"

#define DESCRIPTORS_MOST 256
#define MEMORY_LEAST (64UL << 20)

/* include/linux/proc_ns.h, and since v6.18 the UAPI. The initial ones have numbers of their own. */
static const struct namespace
{
	const char *path;
	ino_t initial;
	const char *text;
}
namespaces[] = {
	{ "/proc/self/ns/user", 0xEFFFFFFD,
	  "it is in a user namespace, whose root and capabilities have no power outside" },
	{ "/proc/self/ns/pid", 0xEFFFFFFC,
	  "it is in a pid namespace, where processes have other numbers" },
	{ "/proc/self/ns/pid_for_children", 0xEFFFFFFC,
	  "its children would be in a pid namespace, where processes have other numbers" },
	{ "/proc/self/ns/time", 0xEFFFFFFA,
	  "it is in a time namespace, where the kernel's times have another meaning" },
	{ "/proc/self/ns/time_for_children", 0xEFFFFFFA,
	  "its children would be in a time namespace, where the kernel's times have another meaning" },
};

#define N_NAMESPACES (sizeof(namespaces) / sizeof(*namespaces))

/* 0; 1: another than the initial one; -errno. A kind that the kernel does not have is right. */
static int namespace_look(const struct namespace *ns)
{
	struct stat st;

	if (!stat(ns->path, &st))
		return st.st_ino != ns->initial;
	if (errno != ENOENT || access("/proc/self/ns/mnt", F_OK))
		return -errno;
	/* pid_for_children is empty between unshare() and the first fork. */
	return !lstat(ns->path, &st);
}

bool place_wrong(char why[PLACE_TEXT_MAX])
{
	*why = '\0';
	for (size_t i = 0; i < N_NAMESPACES; i++) {
		int is = namespace_look(&namespaces[i]);

		if (is > 0)
			snprintf(why, PLACE_TEXT_MAX, "%s: run it outside", namespaces[i].text);
		else if (is < 0)
			snprintf(
				why, PLACE_TEXT_MAX,
				"cannot find out in which namespaces it is: %s: %s; mount proc on /proc",
				namespaces[i].path, strerror(-is));
		if (is)
			return true;
	}
	return false;
}

bool place_in_user_namespace(void)
{
	return namespace_look(&namespaces[0]) > 0;
}

bool has_sys_admin(void)
{
	_cleanup_caps_ cap_t caps = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	return caps && !cap_get_flag(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE, &value) &&
	       value == CAP_SET;
}

bool is_administrator(void)
{
	return has_sys_admin() && !place_in_user_namespace();
}

struct many {
	int fds[DESCRIPTORS_MOST];
	int n;
};

static void many_close(struct many *m)
{
	while (m->n)
		cleanup_close(&m->fds[--m->n]);
}

static int descriptors_try(int n)
{
	_cleanup_(many_close) struct many m = {};

	for (; m.n < n && m.n < DESCRIPTORS_MOST; m.n++) {
		m.fds[m.n] = eventfd(0, EFD_CLOEXEC);
		if (m.fds[m.n] < 0)
			return -errno;
	}
	return 0;
}

static void soft_raise(int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}

int place_descriptors(int n)
{
	int err = descriptors_try(n);

	if (err != -EMFILE)
		return err;
	soft_raise(RLIMIT_NOFILE);
	return descriptors_try(n);
}

static bool memory_has(int resource)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit limit;

	if (setrlimit(resource, &none))
		soft_raise(resource);
	/*
	 * A filter may forbid the question (getrlimit() is prlimit64()). Then take it for no
	 * limit.
	 */
	return getrlimit(resource, &limit) || limit.rlim_cur >= MEMORY_LEAST;
}

bool place_memory(void)
{
	return memory_has(RLIMIT_AS) && memory_has(RLIMIT_DATA);
}
