/* SPDX-License-Identifier: GPL-2.0-only */
/* fds.h - descriptors by the dozen, for a child that is to keep few of them */
#ifndef AUTOKILL_USER_FDS_H
#define AUTOKILL_USER_FDS_H

#include <stddef.h>

#define FDS_KEPT_MOST 16

/**
 * fds_close_from - close every descriptor from @first on that is not one of the @n at @kept
 * @kept: at most FDS_KEPT_MOST; negative ones are skipped
 */
void fds_close_from(int first, const int *kept, size_t n);

#endif /* AUTOKILL_USER_FDS_H */
