// SPDX-License-Identifier: GPL-2.0-only
/* test_pins.c - reconciliation of the pin directory, on ordinary files in a temporary one */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/pins.h"
#include "kernel/programs.h"

struct fixture {
	char top[64];
	char base[80];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->top, "/tmp/autokill-pins.XXXXXX");
	if (!mkdtemp(f->top))
		return -1;
	snprintf(f->base, sizeof(f->base), "%s/autokill", f->top);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];
	int ret;

	snprintf(command, sizeof(command), "rm -rf '%s'", f->top);
	ret = system(command);
	free(f);
	return ret;
}

static void touch(const char *base, const char *dir, const char *name)
{
	char path[PINS_PATH_MAX];
	int fd;

	assert_int_equal(pins_path(path, base, dir, name), 0);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static bool exists(const char *base, const char *dir, const char *name)
{
	char path[PINS_PATH_MAX];

	assert_int_equal(pins_path(path, base, dir, name), 0);
	return access(path, F_OK) == 0;
}

static void fill(const char *base)
{
	for (const char *const *map = pins_maps; *map; map++)
		touch(base, "maps", *map);
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		touch(base, "progs", program_pin(&programs[i]));
		if (program_hangs(&programs[i]))
			touch(base, "links", programs[i].name);
	}
}

static void missing_is_empty(void **state)
{
	struct fixture *f = *state;
	struct pins_scan scan;

	assert_int_equal(pins_scan(f->base, &scan), 0);
	assert_false(scan.exists);
	assert_int_equal(scan.found, 0);
	assert_int_equal(pins_lock_existing(f->base), -ENOENT);
	assert_int_equal(pins_remove(f->base), 0);
}

static void counts_what_is_ours(void **state)
{
	struct fixture *f = *state;
	struct pins_scan scan;
	int lock = pins_lock(f->base);

	assert_true(lock >= 0);
	touch(f->base, "maps", "config");
	touch(f->base, "links", "autokill_prctl");
	touch(f->base, "links", "autokill_of_another_version2");
	assert_int_equal(pins_scan(f->base, &scan), 0);
	assert_true(scan.exists);
	assert_int_equal(scan.found, 3);
	assert_string_equal(scan.foreign, "");
	close(lock);
}

static void is_for_root_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	int lock = pins_lock(f->base);

	assert_true(lock >= 0);
	assert_int_equal(stat(f->base, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	close(lock);
}

/* A name of ours in the wrong folder is not ours. */
static void sees_foreign_files(void **state)
{
	static const char *const where[][2] = { { "maps", "other" },
						{ "progs", "config" },
						{ "maps", "autokill_prctl" },
						{ "links", "autokill_prctl~" } };
	struct fixture *f = *state;
	struct pins_scan scan;

	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++) {
		char path[PINS_PATH_MAX], name[64];
		int lock = pins_lock(f->base);

		assert_true(lock >= 0);
		touch(f->base, where[i][0], where[i][1]);
		assert_int_equal(pins_scan(f->base, &scan), 0);
		snprintf(name, sizeof(name), "%s/%s", where[i][0], where[i][1]);
		assert_string_equal(scan.foreign, name);
		assert_int_equal(pins_path(path, f->base, where[i][0], where[i][1]), 0);
		assert_int_equal(unlink(path), 0);
		close(lock);
	}
	assert_int_equal(mkdir(strcat(f->base, "/strange"), 0700), 0);
	*strrchr(f->base, '/') = '\0';
	assert_int_equal(pins_scan(f->base, &scan), 0);
	assert_string_equal(scan.foreign, "strange");
}

static void removes_every_pin_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct pins_scan scan;
	int lock = pins_lock(f->base);

	assert_true(lock >= 0);
	fill(f->base);
	touch(f->base, "links", "autokill_of_another_version2");
	touch(f->base, "progs", "autokill_of_another_version2");
	touch(f->base, "maps", "foreign");
	assert_int_equal(pins_remove(f->base), 0);
	pins_remove_empty(f->base);
	assert_int_equal(pins_scan(f->base, &scan), 0);
	assert_int_equal(scan.found, 0);
	assert_true(exists(f->base, "maps", "foreign"));
	assert_false(exists(f->base, "links", ""));
	close(lock);
}

static void leaves_nothing_when_empty(void **state)
{
	struct fixture *f = *state;
	struct pins_scan scan;
	int lock = pins_lock(f->base);

	assert_true(lock >= 0);
	fill(f->base);
	assert_int_equal(pins_remove(f->base), 0);
	pins_remove_empty(f->base);
	assert_int_equal(pins_scan(f->base, &scan), 0);
	assert_false(scan.exists);
	close(lock);
}

static void assert_refused(const struct fixture *f, const char *path, const char *why)
{
	char found[PINS_FOUND_MAX];

	assert_int_equal(pins_check(f->base, found), 1);
	assert_memory_equal(found, path, strlen(path));
	assert_non_null(strstr(found, why));
}

static void assert_right(const struct fixture *f)
{
	char found[PINS_FOUND_MAX];

	assert_int_equal(pins_check(f->base, found), 0);
	assert_string_equal(found, "");
}

/* Each of the four folders: with another owner or mode, as a link to a right one, as a file. */
static void refuses_folders_of_others(void **state)
{
	static const char *const dirs[] = { "", "/links", "/progs", "/maps" };
	struct fixture *f = *state;
	char path[PINS_PATH_MAX], moved[PINS_PATH_MAX];

	assert_right(f); /* nothing there */
	close(pins_lock(f->base));
	assert_right(f);
	snprintf(moved, sizeof(moved), "%s/moved", f->top);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", f->base, dirs[i]);
		assert_int_equal(chown(path, 1000, 0), 0);
		assert_refused(f, path, " is a folder of uid 1000, mode 0700, and not ");
		assert_refused(f, path, " remove it: rm -r ");
		assert_int_equal(chown(path, 0, 1000), 0);
		assert_right(f); /* 0700: the group has nothing */
		for (mode_t bit = 1; bit < 0100; bit <<= 1) {
			assert_int_equal(chmod(path, 0700 | bit), 0);
			if (bit & 022)
				assert_refused(f, path, "; run: chmod 0700 /");
			else
				assert_right(f);
		}
		assert_int_equal(chmod(path, 0700), 0);
		assert_int_equal(rename(path, moved), 0);
		assert_int_equal(symlink(moved, path), 0);
		assert_refused(f, path, " is a symbolic link of uid 0, ");
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
		assert_refused(f, path, " is a file of uid 0, mode 0600, ");
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkfifo(path, 0600), 0);
		assert_refused(f, path, " is a file of another kind of uid 0, mode 0600, ");
		assert_int_equal(unlink(path), 0);
		if (i)
			assert_right(f);
		assert_int_equal(rename(moved, path), 0);
		assert_right(f);
	}
}

/* In a sticky folder nobody moves what is root's; but the folder's owner does. */
static void refuses_a_bpffs_of_others(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->top, 0777), 0);
	assert_right(f); /* nothing there that could be moved */
	close(pins_lock(f->base));
	assert_int_equal(chmod(f->top, 01777), 0);
	assert_right(f);
	assert_int_equal(chmod(f->top, 0777), 0);
	assert_refused(f, f->top, " mode 0777, where others can move away what is root's; ");
	assert_int_equal(chmod(f->top, 0770), 0);
	assert_refused(f, f->top, " mode 0770, ");
	assert_refused(f, f->top, "; run: chown root: ");
	assert_int_equal(chmod(f->top, 0755), 0);
	assert_right(f);
	assert_int_equal(chmod(f->top, 01777), 0);
	assert_int_equal(chown(f->top, 1000, 1000), 0);
	assert_refused(f, f->top, " of uid 1000, ");
	assert_int_equal(chown(f->top, 0, 0), 0);
}

/* Counted by load, as the last thing before everybody may arm. */
static void misses_what_was_counted(void **state)
{
	const struct pins_scan all = { .found = 5 }, fewer = { .found = 4 };
	struct autokill_config c = { .ready = AUTOKILL_READY, .pins = 5 };

	(void)state;
	assert_true(pins_whole(&c, &all) && !pins_missing(&c, &all));
	assert_true(!pins_whole(&c, &fewer) && pins_missing(&c, &fewer));
	c.ready = AUTOKILL_NOT_READY; /* an unload */
	assert_true(!pins_whole(&c, &fewer) && !pins_missing(&c, &fewer));
	c.pins = 0; /* load has not come so far, or did not count */
	assert_false(pins_whole(&c, &all));
	c.ready = AUTOKILL_READY;
	assert_false(pins_missing(&c, &all));
}

static void locks_no_link(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlink(f->top, f->base), 0);
	assert_true(pins_lock(f->base) < 0);
	assert_true(pins_lock_existing(f->base) < 0);
	assert_int_equal(unlink(f->base), 0);
}

static void one_at_a_time(void **state)
{
	struct fixture *f = *state;
	int lock = pins_lock(f->base);

	assert_true(lock >= 0);
	assert_int_equal(pins_lock(f->base), -EWOULDBLOCK);
	close(lock);
	lock = pins_lock(f->base);
	assert_true(lock >= 0);
	close(lock);
}

/* The lock ends with the process, however that ends. */
static void lock_dies_with_its_holder(void **state)
{
	struct fixture *f = *state;
	int lock, told[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (!pid) {
		lock = pins_lock(f->base);
		if (lock < 0 || write(told[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(told[1]);
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_equal(pins_lock(f->base), -EWOULDBLOCK);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	lock = pins_lock(f->base);
	assert_true(lock >= 0);
	close(lock);
	close(told[0]);
}

static void too_long_a_path_is_refused(void **state)
{
	char path[PINS_PATH_MAX], base[PINS_PATH_MAX];

	(void)state;
	memset(base, 'x', sizeof(base) - 1);
	base[sizeof(base) - 1] = '\0';
	assert_int_equal(pins_path(path, base, "maps", "config"), -ENAMETOOLONG);
}

static int number_of(const char *name)
{
	const struct program *p = program_find(name);

	assert_non_null(p);
	return (int)(p - programs);
}

/*
 * Pins are removed in the reverse order of the table. What undoes stays longer than what arms, and
 * the release stays longest: nothing that is armed is ever without it.
 */
static void table_is_in_order(void **state)
{
	bool release = true;

	(void)state;
	assert_int_equal(number_of("autokill_prctl"), N_PROGRAMS - 1);
	assert_true(number_of("autokill_guard") < number_of("autokill_birth"));
	assert_true(number_of("autokill_born") < number_of("autokill_birth"));
	assert_true(number_of("autokill_tie") < number_of("autokill_birth"));
	assert_true(number_of("autokill_birth") < number_of("autokill_rlimit"));
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		bool is = strstr(programs[i].name, "release");

		if (!program_hangs(&programs[i]))
			continue;
		assert_true(release || !is); /* all of them come before any other that hangs */
		release = is;
	}
}

/* A service and an iterator have no pin in links/; the iterator has a name for people. */
static void names_what_is_pinned(void **state)
{
	struct fixture *f = *state;
	struct pins_scan scan;
	int lock = pins_lock(f->base);

	assert_true(lock >= 0);
	touch(f->base, "progs", "members");
	touch(f->base, "progs", "autokill_agent");
	assert_int_equal(pins_scan(f->base, &scan), 0);
	assert_int_equal(scan.found, 2);
	assert_string_equal(scan.foreign, "");
	touch(f->base, "links", "members"); /* a program that hangs on nothing */
	assert_int_equal(pins_scan(f->base, &scan), 0);
	assert_int_equal(scan.found, 2);
	assert_string_equal(scan.foreign, "links/members");
	close(lock);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(missing_is_empty),
		CASE(counts_what_is_ours),
		CASE(is_for_root_alone),
		CASE(sees_foreign_files),
		CASE(removes_every_pin_and_nothing_else),
		CASE(leaves_nothing_when_empty),
		CASE(refuses_folders_of_others),
		CASE(refuses_a_bpffs_of_others),
		CASE(misses_what_was_counted),
		CASE(locks_no_link),
		CASE(one_at_a_time),
		CASE(lock_dies_with_its_holder),
		CASE(too_long_a_path_is_refused),
		CASE(table_is_in_order),
		CASE(names_what_is_pinned),
	};

	return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
