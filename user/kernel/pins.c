// SPDX-License-Identifier: GPL-2.0-only
/* pins.c - the pin directory: what may be in it, and who may change it */
#include "kernel/pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/programs.h"

const char *const pins_maps[] = {
	"config",  "globals", "stats",	     "events",	"failures", "users",	"tasks",
	"tethers", "files",   "later_timer", "later",	"left_out", "gone",	"watch",
	"members", "works",   "agent",	     "waiting", "found",    "releases", NULL,
};

static const char *const pin_dirs[] = { "links", "progs", "maps" }; /* as they are removed */

#define N_MAPS (sizeof(pins_maps) / sizeof(*pins_maps) - 1)
#define N_PIN_DIRS (sizeof(pin_dirs) / sizeof(*pin_dirs))

int pins_path(char path[PINS_PATH_MAX], const char *base, const char *dir, const char *name)
{
	int n = snprintf(path, PINS_PATH_MAX, "%s/%s%s%s", base, dir, *name ? "/" : "", name);

	return n < 0 || n >= PINS_PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool is_map(const char *name)
{
	for (const char *const *map = pins_maps; *map; map++)
		if (!strcmp(*map, name))
			return true;
	return false;
}

static bool is_pin(const char *dir, const char *name)
{
	if (!strcmp(dir, "maps"))
		return is_map(name);
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		const struct program *p = &programs[i];

		if (!strcmp(dir, "progs") ? !strcmp(program_pin(p), name)
					  : program_hangs(p) && !strcmp(p->name, name))
			return true;
	}
	return false;
}

/*
 * A program of another version of autokill, which has other names: nobody but root can have pinned
 * it here (pins_check()).
 */
static bool is_pin_of_another_version(const char *dir, const char *name)
{
	static const char prefix[] = "autokill_";
	const char *rest = name + sizeof(prefix) - 1;

	return strcmp(dir, "maps") && !strncmp(name, prefix, sizeof(prefix) - 1) && *rest &&
	       !rest[strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789_")] && !is_pin(dir, name);
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
	_cleanup_closedir_ DIR *d = opendir(path);
	struct dirent *e;
	bool known;

	if (!d)
		return -errno;
	for (errno = 0; (e = readdir(d)); errno = 0) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		known = dir ? is_pin(dir, e->d_name) || is_pin_of_another_version(dir, e->d_name)
			    : is_pin_dir(e->d_name);
		if (known && dir)
			out->found++;
		else if (!known && !*out->foreign)
			snprintf(out->foreign, sizeof(out->foreign), "%s%s%s", dir ? dir : "",
				 dir ? "/" : "", e->d_name);
	}
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
	/* Reading there is no use to others: pins are 0600. */
	if (S_ISDIR(st.st_mode) && !st.st_uid && !(st.st_mode & 022))
		return 0;
	/*
	 * Advise no rm where it is root's: what is pinned there may be in use, and would end with
	 * it.
	 */
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

/*
 * May anybody but root rename or remove what is in the folder above? Its owner may, sticky or
 * not.
 */
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
	_cleanup_close_ int fd = open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB))
		return -errno;
	if (!is_at(fd, base))
		return -EWOULDBLOCK; /* an unload removed it under us */
	return TAKE_FD(fd);
}

static int dir_make(const char *path)
{
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

int pins_lock(const char *base)
{
	_cleanup_close_ int fd = -1;
	char path[PINS_PATH_MAX];
	int err;

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
	return err ? err : TAKE_FD(fd);
}

/* Remove the pin, if it is there. @err: of those before it, which is returned if it is not 0. */
static int pin_remove(int err, const char *base, const char *dir, const char *name)
{
	char path[PINS_PATH_MAX];
	int now = pins_path(path, base, dir, name);

	if (!now && unlink(path) && errno != ENOENT)
		now = -errno;
	return err ? err : now;
}

/* Those of another version that are left in the folder, in no order. @err: as in pin_remove(). */
static int others_remove(int err, const char *base, const char *dir)
{
	_cleanup_closedir_ DIR *d = NULL;
	char path[PINS_PATH_MAX];
	struct dirent *e;
	int now = pins_path(path, base, dir, "");

	if (!now) {
		d = opendir(path);
		now = d || errno == ENOENT ? 0 : -errno;
	}
	err = err ?: now;
	while (d && (e = readdir(d)))
		if (is_pin_of_another_version(dir, e->d_name))
			err = pin_remove(err, base, dir, e->d_name);
	return err;
}

int pins_remove(const char *base)
{
	int err = 0;

	for (size_t i = N_PROGRAMS; i--;)
		if (program_hangs(&programs[i]))
			err = pin_remove(err, base, "links", programs[i].name);
	err = others_remove(err, base, "links");
	for (size_t i = N_PROGRAMS; i--;)
		err = pin_remove(err, base, "progs", program_pin(&programs[i]));
	err = others_remove(err, base, "progs");
	for (size_t i = N_MAPS; i--;)
		err = pin_remove(err, base, "maps", pins_maps[i]);
	return err;
}

void pins_remove_empty(const char *base)
{
	char path[PINS_PATH_MAX];

	/* A folder that is not empty, or not there, makes this fail, and is as it should be. */
	for (size_t i = 0; i < N_PIN_DIRS; i++)
		if (!pins_path(path, base, pin_dirs[i], ""))
			rmdir(path);
	rmdir(base);
}
