// SPDX-License-Identifier: GPL-2.0-only
/* place.c - where in the system we are: namespaces and limits in which nothing can be relied on */
#include "place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS_MOST 256
#define MEMORY_LEAST (64UL << 20)

/* include/linux/proc_ns.h, and since v6.18 in the UAPI: the initial ones are not numbered like others. */
static const struct namespace
{
	const char *path;
	ino_t initial;
	const char *text;
}
namespaces[] = {
	{ "/proc/self/ns/user", 0xEFFFFFFD,
	  "it is in a user namespace, whose root and capabilities count for nobody outside" },
	{ "/proc/self/ns/pid", 0xEFFFFFFC,
	  "it is in a pid namespace, where processes have other numbers" },
	{ "/proc/self/ns/pid_for_children", 0xEFFFFFFC,
	  "its children would be in a pid namespace, where processes have other numbers" },
	{ "/proc/self/ns/time", 0xEFFFFFFA,
	  "it is in a time namespace, where the kernel's times mean others" },
	{ "/proc/self/ns/time_for_children", 0xEFFFFFFA,
	  "its children would be in a time namespace, where the kernel's times mean others" },
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

static int descriptors_try(int n)
{
	int fds[DESCRIPTORS_MOST], got = 0, err = 0;

	while (got < n && got < DESCRIPTORS_MOST && !err) {
		fds[got] = eventfd(0, EFD_CLOEXEC);
		if (fds[got] < 0)
			err = -errno;
		else
			got++;
	}
	while (got)
		close(fds[--got]);
	return err;
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
	/* A filter may forbid to ask (getrlimit() is prlimit64()): that is no limit. */
	return getrlimit(resource, &limit) || limit.rlim_cur >= MEMORY_LEAST;
}

bool place_memory(void)
{
	return memory_has(RLIMIT_AS) && memory_has(RLIMIT_DATA);
}
