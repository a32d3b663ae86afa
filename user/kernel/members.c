// SPDX-License-Identifier: GPL-2.0-only
/* members.c - the members of trees: what the pinned iterator progs/members prints */
#include "kernel/members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "kernel/kernel_side.h"
#include "kernel/pins.h"

int members_parse(const char *line, struct member *out)
{
	struct member m = { .threads = 1 };
	__u32 tid;

	/* %15s: AUTOKILL_COMM_LEN less its NUL. A name may be empty. */
	if (sscanf(line, "%llu %u %u %u %u %llu %15s", &m.tether, &m.pid, &tid, &m.parent, &m.uid,
		   &m.start_time, m.comm) < 6)
		return -EPROTO;
	*out = m;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->start_time < y->start_time ? -1 : x->start_time > y->start_time;
}

/*
 * Make processes of the lines of threads. The first thread stands; it is the leader if that is
 * there.
 */
static size_t processes_of(struct member *m, size_t n)
{
	size_t kept = 0;

	if (!n)
		return 0;
	qsort(m, n, sizeof(*m), compare);
	for (size_t i = 1; i < n; i++) {
		if (m[i].pid == m[kept].pid)
			m[kept].threads++;
		else
			m[++kept] = m[i];
	}
	return kept + 1;
}

static int lines_read(FILE *f, struct list *members)
{
	struct member m;
	char line[160];
	int err;

	while (fgets(line, sizeof(line), f)) {
		err = members_parse(line, &m);
		if (!err)
			err = list_add(members, &m);
		if (err)
			return err;
	}
	return ferror(f) ? -EIO : 0;
}

int members_read(struct member **out, size_t *n)
{
	_cleanup_list_ struct list members = { .size = sizeof(**out) };
	_cleanup_fclose_ FILE *f = NULL;
	char path[PINS_PATH_MAX];
	int err;

	*out = NULL;
	*n = 0;
	err = pins_path(path, AUTOKILL_PIN_DIR, "progs", "members");
	if (err)
		return err;
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	err = lines_read(f, &members);
	if (err)
		return err;
	*n = processes_of(members.items, members.n);
	*out = TAKE_PTR(members.items);
	return 0;
}
