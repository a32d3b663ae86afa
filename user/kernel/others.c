// SPDX-License-Identifier: GPL-2.0-only
/* others.c - programs of autokill that are attached and not pinned where we look */
#include "kernel/others.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "autokill.h"
#include "base/cleanup.h"
#include "kernel/pins.h"
#include "kernel/programs.h"

#define USER_NAMESPACE_INITIAL 0xEFFFFFFDU /* include/linux/proc_ns.h: PROC_USER_INIT_INO */
#define WAIT_MS 10000
#define LOOK_MS 20
#define NAMESPACES_MAX 256

int link_id(int fd, __u32 *id)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*id = info.id;
	return 0;
}

static int link_pinned(const char *path, __u32 *id)
{
	_cleanup_close_ int fd = bpf_obj_get(path);

	return fd < 0 ? -errno : link_id(fd, id);
}

/* The ids of what is pinned in @base/links, at most @max. Their number, or -errno. */
static int pinned_read(const char *base, __u32 *ids, size_t max)
{
	char path[PINS_PATH_MAX];
	size_t n = 0;
	int err;

	for (size_t i = 0; i < N_PROGRAMS && n < max; i++) {
		err = pins_path(path, base, "links", programs[i].name);
		if (!err)
			err = link_pinned(path, &ids[n]);
		if (!err)
			n++;
		else if (err != -ENOENT)
			return err;
	}
	return (int)n;
}

/* Is the link @fd one to a program of autokill? 1 with @out set, 0, or -errno. */
static int is_of_autokill(int fd, struct other *out)
{
	struct bpf_prog_info prog = {};
	struct bpf_link_info link = {};
	__u32 len = sizeof(link), prog_len = sizeof(prog);
	_cleanup_close_ int prog_fd = -1;

	if (bpf_obj_get_info_by_fd(fd, &link, &len))
		return -errno;
	if (link.type == BPF_LINK_TYPE_ITER) /* it hangs on nothing: it is read */
		return 0;
	prog_fd = bpf_prog_get_fd_by_id(link.prog_id);
	if (prog_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (bpf_obj_get_info_by_fd(prog_fd, &prog, &prog_len))
		return -errno;
	*out = (struct other){ .link = link.id, .program = link.prog_id };
	memcpy(out->name, prog.name, sizeof(out->name) - 1);
	return !strncmp(out->name, "autokill_", strlen("autokill_"));
}

static bool is_in(__u32 id, const __u32 *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static int links_read(const char *base, const __u32 *own, size_t n_own, struct others *out)
{
	__u32 pinned[OTHERS_MAX] = {}, id = 0;
	int n = pinned_read(base, pinned, OTHERS_MAX);
	bool pending = false;

	*out = (struct others){};
	if (n < 0)
		return n;
	while (out->n < OTHERS_MAX && !bpf_link_get_next_id(id, &id)) {
		_cleanup_close_ int fd = -1;
		int is;

		if (is_in(id, pinned, n) || is_in(id, own, n_own))
			continue;
		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0 && errno == ENOENT) /* it went */
			continue;
		if (fd < 0 && errno == EAGAIN) { /* it is just being made: bpf_link_by_id() */
			pending = true;
			continue;
		}
		is = fd < 0 ? -errno : is_of_autokill(fd, &out->links[out->n]);
		if (is < 0) {
			out->n = 0;
			return is;
		}
		out->n += is;
	}
	if (out->n < OTHERS_MAX && errno != ENOENT) {
		out->n = 0;
		return -errno;
	}
	return pending && !out->n ? -EAGAIN : 0;
}

/*
 * Is a bpffs mounted where load pins, in the mount namespace of @pid? Look at nothing else there.
 */
static bool has_bpffs(unsigned int pid)
{
	char path[64], line[1024], at[256];
	_cleanup_fclose_ FILE *f = NULL;
	bool has = false;

	snprintf(path, sizeof(path), "/proc/%u/mountinfo", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %255s", at) == 1 && !strcmp(at, "/sys/fs/bpf"))
			has = strstr(line, " - bpf ") != NULL; /* the last one is on top */
	return has;
}

/*
 * Is it in a user namespace of its own? There any user can mount a bpffs: a pin there need not be
 * of an administrator, and no administrator is to be sent there.
 */
static bool in_user_namespace(unsigned int pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/ns/user", pid);
	if (stat(path, &st))
		return errno != ENOENT; /* a kernel without any; or it has ended */
	return st.st_ino != USER_NAMESPACE_INITIAL;
}

/*
 * The folder of links below @base as @pid sees it. By no symbolic link: one could lead back to
 * ours.
 */
static int links_open(unsigned int pid, const char *base)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS };
	char path[PINS_PATH_MAX];
	_cleanup_close_ int root = -1;

	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || pins_path(path, base, "links", ""))
		return -1;
	return (int)syscall(SYS_openat2, root, path + strspn(path, "/"), &how, sizeof(how));
}

/* Is @link pinned there? A name that is a symbolic link is none. */
static bool links_have(unsigned int pid, const char *base, __u32 link)
{
	_cleanup_close_ int dir = links_open(pid, base);
	char path[PINS_PATH_MAX];
	struct stat st;
	__u32 id = 0;

	for (size_t i = 0; i < N_PROGRAMS && dir >= 0; i++) {
		const char *name = programs[i].name;

		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) || S_ISLNK(st.st_mode))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
		if (!link_pinned(path, &id) && id == link)
			return true;
	}
	return false;
}

/* Has the mount namespace of @pid a pin of @link? Each namespace is looked at once. */
static bool pins_have(unsigned int pid, const char *base, __u32 link, ino_t *seen, size_t *n_seen)
{
	char path[PINS_PATH_MAX];
	struct stat st;

	/* Before its mount namespace counts as seen: other processes may be in that one, too. */
	if (in_user_namespace(pid))
		return false;
	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", pid);
	if (stat(path, &st) || *n_seen == NAMESPACES_MAX)
		return false;
	for (size_t i = 0; i < *n_seen; i++)
		if (seen[i] == st.st_ino)
			return false;
	seen[(*n_seen)++] = st.st_ino;
	return has_bpffs(pid) && links_have(pid, base, link);
}

static bool fd_is(unsigned int pid, unsigned int fd, __u32 link)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[128];
	unsigned int id = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/fd/%u", pid, fd);
	n = readlink(path, line, sizeof(line) - 1);
	if (n < 0)
		return false;
	line[n] = '\0';
	if (strncmp(line, "anon_inode:bpf", strlen("anon_inode:bpf")))
		return false;
	snprintf(path, sizeof(path), "/proc/%u/fdinfo/%u", pid, fd);
	f = fopen(path, "re");
	while (f && !id && fgets(line, sizeof(line), f))
		if (sscanf(line, "link_id: %u", &id) != 1)
			id = 0;
	return id == link;
}

static bool fds_have(unsigned int pid, __u32 link)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	bool has = false;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	d = opendir(path);
	while (d && !has && (e = readdir(d)))
		has = isdigit(*e->d_name) && fd_is(pid, strtoul(e->d_name, NULL, 10), link);
	return has;
}

/*
 * Is @pid the agent? Its unit has a read-only mount namespace, where bpffs stays when it is
 * unmounted outside.
 */
static bool is_agent_unit(unsigned int pid)
{
	_cleanup_free_ char *unit = NULL;

	return sd_pid_get_unit((pid_t)pid, &unit) >= 0 && !strcmp(unit, "autokill-agent.service");
}

/* Find a process that has the first of them. Leave out what cannot be looked at. */
static void holder_find(const char *base, struct others *o)
{
	ino_t seen[NAMESPACES_MAX];
	size_t n_seen = 0;
	struct dirent *e;
	_cleanup_closedir_ DIR *proc = opendir("/proc");

	while (proc && !o->pid && (e = readdir(proc))) {
		unsigned int pid = strtoul(e->d_name, NULL, 10);

		if (!pid)
			continue;
		o->by_mount = pins_have(pid, base, o->links[0].link, seen, &n_seen);
		if (o->by_mount || fds_have(pid, o->links[0].link))
			o->pid = pid;
		o->by_agent = o->by_mount && is_agent_unit(pid);
	}
}

int others_read(const char *base, const __u32 *own, size_t n_own, struct others *out)
{
	int err = links_read(base, own, n_own, out);

	if (!err && out->n)
		holder_find(base, out);
	return err;
}

int others_wait(const char *base, const __u32 *own, size_t n_own, struct others *out)
{
	const int tries = WAIT_MS / LOOK_MS;
	int err;

	for (int i = 0;; i++) {
		err = links_read(base, own, n_own, out);
		/* A link that is being made can be looked at when it is made. */
		if (err == -EAGAIN && i < tries) {
			poll(NULL, 0, LOOK_MS);
			continue;
		}
		if (err || !out->n)
			return err;
		/* What is pinned elsewhere does not go by itself. */
		if (i % 10 == 9 || i >= tries)
			holder_find(base, out);
		if (out->by_mount || i >= tries)
			return 0;
		poll(NULL, 0, LOOK_MS);
	}
}

int others_settled(const char *base, struct others *out)
{
	int err = others_wait(base, NULL, 0, out);
	_cleanup_close_ int lock = -1;

	if (err || !out->n)
		return err;
	lock = pins_lock_existing(base);
	if (lock == -EWOULDBLOCK)
		*out = (struct others){};
	return 0;
}

bool answers_now(void)
{
	return autokill_query() > 0;
}

bool answers_still(void)
{
	for (int i = 0; i < WAIT_MS / LOOK_MS && answers_now(); i++)
		poll(NULL, 0, LOOK_MS);
	return answers_now();
}
