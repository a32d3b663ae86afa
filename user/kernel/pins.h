/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pins.h - the pin directory: what may be in it, and who may change it
 *
 * Every name that this version pins stands in a table: maps here, programs in bpf/programs.h. Of
 * another version, the names of programs begin with autokill_. Nothing else is ever removed, so a
 * foreign file survives everything that we do.
 */
#ifndef AUTOKILL_USER_PINS_H
#define AUTOKILL_USER_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "autokill_state.h"

#define PINS_PATH_MAX 256
#define PINS_FOUND_MAX 1024

/*
 * What is pinned, in this order: maps/, as listed here; progs/, as in bpf/programs.h, with names
 * of program_pin(); links/, as in bpf/programs.h, of those that hang on a function of the kernel.
 * Pins are removed in the reverse order: the link of prctl goes first, so that nobody can arm what
 * is half taken away, and that of the release goes last of the links. Ends with NULL.
 *
 * progs/members is the link of an iterator, for only a link can be read as a file.
 */
extern const char *const pins_maps[];

struct pins_scan {
	size_t found;	   /* pins of ours that are there */
	bool exists;	   /* the directory is there */
	char foreign[264]; /* the first name that is none of ours, or "" */
};

/** pins_path - "@base/@dir/@name" into @path. Return: 0 or -ENAMETOOLONG. */
int pins_path(char path[PINS_PATH_MAX], const char *base, const char *dir, const char *name);

/**
 * pins_scan - look what is in @base, without changing anything
 *
 * Return: 0, also if @base does not exist; -errno if it cannot be read. @out is set on success.
 */
int pins_scan(const char *base, struct pins_scan *out);

/**
 * pins_whole - is all there that load has pinned?
 * @scan: made before @config was read, so that an unload that begins in between is no loss
 *
 * Return: also false if load has not come to its end, or did not count.
 */
bool pins_whole(const struct autokill_config *config, const struct pins_scan *scan);

/**
 * pins_missing - are pins gone that load has counted, and is this no unload?
 *
 * @scan: as for pins_whole()
 */
bool pins_missing(const struct autokill_config *config, const struct pins_scan *scan);

/**
 * pins_check - do @base and its folders belong to root, which alone may write there?
 * @found: receives what is wrong with which, for the middle of a message; else ""
 *
 * The folder above must be such that it stays so. A user that may write to one of them can take
 * our pins away, and the programs with them. Follows no symbolic link. What is not there is
 * right. Without
 * @base, the folder above does not matter.
 * Return: 0 if they are right; 1 if not, and @found is set; -errno if it cannot be looked at.
 */
int pins_check(const char *base, char found[PINS_FOUND_MAX]);

/**
 * pins_lock - make @base and its folders where they are missing, mode 0700, and lock it
 *
 * The lock is a flock() on the directory: it ends with the process, however that ends. Folders
 * that were there may belong to anybody: call pins_check() afterwards.
 * Return: a descriptor to close when done; -EWOULDBLOCK if another process holds the lock, or has
 * just removed the directory; -errno.
 */
int pins_lock(const char *base);

/** pins_lock_existing - as pins_lock(), but -ENOENT where @base is missing */
int pins_lock_existing(const char *base);

/**
 * pins_remove - remove every pin of ours that is there, in order; folders stay
 *
 * Programs that another version of autokill has pinned here under other names are ours, too.
 * Return: 0; or the first -errno, after trying the rest.
 */
int pins_remove(const char *base);

/** pins_remove_empty - remove the folders and @base where they are empty; pins and others stay */
void pins_remove_empty(const char *base);

#endif /* AUTOKILL_USER_PINS_H */
