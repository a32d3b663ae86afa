/* SPDX-License-Identifier: GPL-2.0-only */
/* left.h - what depends on what is loaded */
#ifndef AUTOKILL_USER_LEFT_H
#define AUTOKILL_USER_LEFT_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/kernel_side.h"

/*
 * Children that are tethered; threads whose next child will be; processes that may gain
 * privileges as soon as no program guards them.
 */
struct left {
	struct autokill_tether *tethers;
	size_t n, armed, guarded;
};

/**
 * left_read - what is in the maps now. Return: 0, with @out for left_free(); -errno, and it is
 * empty.
 */
int left_read(const struct kernel_side *k, struct left *out);

/** left_any - does anything depend on it? */
bool left_any(const struct left *l);

/** left_free - may be called twice */
void left_free(struct left *l);

#endif /* AUTOKILL_USER_LEFT_H */
