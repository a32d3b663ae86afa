// SPDX-License-Identifier: GPL-2.0-only
/* pins.c - the pin directory: what may be in it, and who may change it */
#include "pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const struct pin pins_table[] = {
	{ "links", "autokill_prctl" },
	{ "links", "autokill_prctl2" },
	{ "links", "autokill_prctl3" },
	{ "links", "autokill_prctl4" },
	{ "links", "autokill_prctl5" },
	{ "links", "autokill_prctl6" },
	{ "links", "autokill_prctl7" },
	{ "links", "autokill_prctl8" },
	{ "links", "autokill_prctl9" },
	{ "links", "autokill_prctl10" },
	{ "links", "autokill_prctl11" },
	{ "links", "autokill_prctl12" },
	{ "links", "autokill_rlimit" },
	{ "links", "autokill_native_in" },
	{ "links", "autokill_native_in_kp" },
	{ "links", "autokill_native_out" },
	{ "links", "autokill_native_info" },
	{ "links", "autokill_native_info2" },
	{ "links", "autokill_birth" },
	{ "links", "autokill_birth_fn" },
	{ "links", "autokill_birth2_fn" },
	{ "links", "autokill_birth_late_fn" },
	{ "links", "autokill_tie" },
	{ "links", "autokill_tie2" },
	{ "links", "autokill_tie_anon" },
	{ "links", "autokill_tie_anon2" },
	{ "links", "autokill_born" },
	{ "links", "autokill_born2" },
	{ "links", "autokill_guard" },
	{ "links", "autokill_guard_fn" },
	{ "links", "autokill_guard2_fn" },
	{ "links", "autokill_commit_fn" },
	{ "links", "autokill_commit2_fn" },
	{ "links", "autokill_unbirth" },
	{ "links", "autokill_unbirth_fn" },
	{ "links", "autokill_unbirth2_fn" },
	{ "links", "autokill_exit" },
	{ "links", "autokill_exit2" },
	{ "links", "autokill_release" },
	{ "links", "autokill_release_fn" },
	{ "links", "autokill_release_pidfd" },
	{ "links", "autokill_release_pidfd2" },
	{ "links", "autokill_release_kp" },
	{ "links", "autokill_release_pidfd_kp" },
	{ "progs", "autokill_prctl" },
	{ "progs", "autokill_prctl2" },
	{ "progs", "autokill_prctl3" },
	{ "progs", "autokill_prctl4" },
	{ "progs", "autokill_prctl5" },
	{ "progs", "autokill_prctl6" },
	{ "progs", "autokill_prctl7" },
	{ "progs", "autokill_prctl8" },
	{ "progs", "autokill_prctl9" },
	{ "progs", "autokill_prctl10" },
	{ "progs", "autokill_prctl11" },
	{ "progs", "autokill_prctl12" },
	{ "progs", "autokill_rlimit" },
	{ "progs", "autokill_native_in" },
	{ "progs", "autokill_native_in_kp" },
	{ "progs", "autokill_native_out" },
	{ "progs", "autokill_native_info" },
	{ "progs", "autokill_native_info2" },
	{ "progs", "autokill_birth" },
	{ "progs", "autokill_birth_fn" },
	{ "progs", "autokill_birth2_fn" },
	{ "progs", "autokill_birth_late_fn" },
	{ "progs", "autokill_tie" },
	{ "progs", "autokill_tie2" },
	{ "progs", "autokill_tie_anon" },
	{ "progs", "autokill_tie_anon2" },
	{ "progs", "autokill_born" },
	{ "progs", "autokill_born2" },
	{ "progs", "autokill_guard" },
	{ "progs", "autokill_guard_fn" },
	{ "progs", "autokill_guard2_fn" },
	{ "progs", "autokill_commit_fn" },
	{ "progs", "autokill_commit2_fn" },
	{ "progs", "autokill_unbirth" },
	{ "progs", "autokill_unbirth_fn" },
	{ "progs", "autokill_unbirth2_fn" },
	{ "progs", "autokill_exit" },
	{ "progs", "autokill_exit2" },
	{ "progs", "autokill_release" },
	{ "progs", "autokill_release_fn" },
	{ "progs", "autokill_release_pidfd" },
	{ "progs", "autokill_release_pidfd2" },
	{ "progs", "autokill_release_kp" },
	{ "progs", "autokill_release_pidfd_kp" },
	{ "progs", "autokill_agent" },
	{ "progs", "autokill_identity" },
	{ "progs", "autokill_sweep" },
	{ "progs", "members" },
	{ "maps", "releases" },
	{ "maps", "found" },
	{ "maps", "waiting" },
	{ "maps", "agent" },
	{ "maps", "works" },
	{ "maps", "members" },
	{ "maps", "watch" },
	{ "maps", "gone" },
	{ "maps", "left_out" },
	{ "maps", "later" },
	{ "maps", "later_timer" },
	{ "maps", "files" },
	{ "maps", "tethers" },
	{ "maps", "tasks" },
	{ "maps", "users" },
	{ "maps", "failures" },
	{ "maps", "events" },
	{ "maps", "stats" },
	{ "maps", "globals" },
	{ "maps", "config" },
	{ NULL, NULL },
};

static const char *const pin_dirs[] = { "links", "progs", "maps" };

#define N_PIN_DIRS (sizeof(pin_dirs) / sizeof(*pin_dirs))

int pins_path(char path[PINS_PATH_MAX], const char *base, const char *dir, const char *name)
{
	int n = snprintf(path, PINS_PATH_MAX, "%s/%s%s%s", base, dir, *name ? "/" : "", name);

	return n < 0 || n >= PINS_PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool is_pin(const char *dir, const char *name)
{
	for (const struct pin *pin = pins_table; pin->name; pin++)
		if (!strcmp(pin->dir, dir) && !strcmp(pin->name, name))
			return true;
	return false;
}

static bool is_pin_dir(const char *name)
{
	for (size_t i = 0; i < N_PIN_DIRS; i++)
		if (!strcmp(pin_dirs[i], name))
			return true;
	return false;
}

/* Look at @path, which is the base if @dir is NULL, else its folder @dir. */
static int scan_dir(const char *path, const char *dir, struct pins_scan *out)
{
	struct dirent *e;
	DIR *d = opendir(path);
	bool known;

	if (!d)
		return -errno;
	for (errno = 0; (e = readdir(d)); errno = 0) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		known = dir ? is_pin(dir, e->d_name) : is_pin_dir(e->d_name);
		if (known && dir)
			out->found++;
		else if (!known && !*out->foreign)
			snprintf(out->foreign, sizeof(out->foreign), "%s%s%s", dir ? dir : "",
				 dir ? "/" : "", e->d_name);
	}
	closedir(d);
	return 0;
}

int pins_scan(const char *base, struct pins_scan *out)
{
	struct pins_scan scan = {};
	char path[PINS_PATH_MAX];
	int err;

	err = scan_dir(base, NULL, &scan);
	if (err == -ENOENT) {
		*out = scan;
		return 0;
	}
	if (err)
		return err;
	scan.exists = true;
	for (size_t i = 0; i < N_PIN_DIRS; i++) {
		err = pins_path(path, base, pin_dirs[i], "");
		if (!err)
			err = scan_dir(path, pin_dirs[i], &scan);
		if (err && err != -ENOENT)
			return err;
	}
	*out = scan;
	return 0;
}

bool pins_whole(const struct autokill_config *config, const struct pins_scan *scan)
{
	return config->pins && scan->found >= config->pins;
}

bool pins_missing(const struct autokill_config *config, const struct pins_scan *scan)
{
	return config->ready == AUTOKILL_READY && scan->found < config->pins;
}

static const char *type_text(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "folder";
	case S_IFLNK:
		return "symbolic link";
	case S_IFREG:
		return "file";
	default:
		return "file of another kind";
	}
}

static int folder_check(const char *path, char found[PINS_FOUND_MAX])
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	/* Whoever can only read there gets nothing: pins are 0600. */
	if (S_ISDIR(st.st_mode) && !st.st_uid && !(st.st_mode & 022))
		return 0;
	/* Not by rm where it is root's: what is pinned there may be in use, and all would end with it. */
	snprintf(
		found, PINS_FOUND_MAX,
		"%s is a %s of uid %u, mode %04o, and not a folder of root's alone (0700), so that others "
		"can take the programs away; %s %s",
		path, type_text(st.st_mode), st.st_uid, st.st_mode & 07777,
		S_ISDIR(st.st_mode) && !st.st_uid ? "run: chmod 0700"
						  : "see who has made it, and remove it: rm -r",
		path);
	return 1;
}

/* Who may rename or remove what is in the folder above, if not root alone? Its owner may, sticky or not. */
static int above_check(const char *base, char found[PINS_FOUND_MAX])
{
	char path[PINS_PATH_MAX];
	char *end;
	struct stat st;

	if (snprintf(path, sizeof(path), "%s", base) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	end = strrchr(path, '/');
	if (!end || end == path)
		return 0;
	*end = '\0';
	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode) && !st.st_uid && (!(st.st_mode & 022) || st.st_mode & S_ISVTX))
		return 0;
	snprintf(
		found, PINS_FOUND_MAX,
		"%s is a %s of uid %u, mode %04o, where others can move away what is root's; run: chown "
		"root: %s && chmod 0700 %s",
		path, type_text(st.st_mode), st.st_uid, st.st_mode & 07777, path, path);
	return 1;
}

int pins_check(const char *base, char found[PINS_FOUND_MAX])
{
	char path[PINS_PATH_MAX];
	struct stat st;
	int ret;

	*found = '\0';
	if (lstat(base, &st) && errno == ENOENT)
		return 0;
	ret = above_check(base, found);
	if (!ret)
		ret = folder_check(base, found);
	for (size_t i = 0; i < N_PIN_DIRS && !ret; i++) {
		ret = pins_path(path, base, pin_dirs[i], "");
		if (!ret)
			ret = folder_check(path, found);
	}
	return ret;
}

/* Is @fd what the path @base leads to? */
static bool is_at(int fd, const char *base)
{
	struct stat a, b;

	return !fstat(fd, &a) && !lstat(base, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

int pins_lock_existing(const char *base)
{
	int err, fd = open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		err = -errno;
	else
		err = is_at(fd, base) ? 0 : -EWOULDBLOCK; /* an unload removed it under us */
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static int dir_make(const char *path)
{
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

int pins_lock(const char *base)
{
	char path[PINS_PATH_MAX];
	int fd, err;

	err = dir_make(base);
	if (err)
		return err;
	fd = pins_lock_existing(base);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < N_PIN_DIRS && !err; i++) {
		err = pins_path(path, base, pin_dirs[i], "");
		if (!err)
			err = dir_make(path);
	}
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int pins_remove(const char *base)
{
	char path[PINS_PATH_MAX];
	int err, first = 0;

	for (const struct pin *pin = pins_table; pin->name; pin++) {
		err = pins_path(path, base, pin->dir, pin->name);
		if (!err && unlink(path) && errno != ENOENT)
			err = -errno;
		first = first ? first : err;
	}
	return first;
}

void pins_remove_empty(const char *base)
{
	char path[PINS_PATH_MAX];

	/* What fails here is a folder that is not empty, or not there: both are as they should be. */
	for (size_t i = 0; i < N_PIN_DIRS; i++)
		if (!pins_path(path, base, pin_dirs[i], ""))
			rmdir(path);
	rmdir(base);
}
