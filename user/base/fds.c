// SPDX-License-Identifier: GPL-2.0-only
/* fds.c - descriptors by the dozen */
#include "base/fds.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS_AT_MOST 65536

/* From @first to @last, both included. */
static void range_close(unsigned int first, unsigned int last)
{
	if (first > last || !syscall(SYS_close_range, first, last, 0U))
		return;
	/* A seccomp filter does not know it (v5.9: 278a5fbaed89, "open: add close_range()"). */
	for (unsigned int fd = first; fd <= last && fd < FDS_AT_MOST; fd++)
		close((int)fd);
}

static int compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

void fds_close_from(int first, const int *kept, size_t n)
{
	int sorted[FDS_KEPT_MOST] = {};

	if (n > FDS_KEPT_MOST)
		n = FDS_KEPT_MOST;
	for (size_t i = 0; i < n; i++)
		sorted[i] = kept[i];
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] < first)
			continue;
		range_close(first, sorted[i] - 1);
		first = sorted[i] + 1;
	}
	range_close(first, ~0U);
}
