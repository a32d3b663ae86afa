// SPDX-License-Identifier: GPL-2.0-only
/* members.c - who is in a tree: what the pinned iterator progs/members prints */
#include "members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "maps.h"
#include "pins.h"

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

/* Lines of threads become processes: the first thread, which is the leader if it is there, stands. */
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

static int lines_read(FILE *f, struct member **out, size_t *n)
{
	_cleanup_free_ struct member *members = NULL;
	size_t count = 0, room = 0;
	char line[160];
	int err;

	while (fgets(line, sizeof(line), f)) {
		if (count == room) {
			struct member *more;

			room = room ? 2 * room : 64;
			more = reallocarray(members, room, sizeof(*members));
			if (!more)
				return -ENOMEM;
			members = more;
		}
		err = members_parse(line, &members[count]);
		if (err)
			return err;
		count++;
	}
	if (ferror(f))
		return -EIO;
	*n = processes_of(members, count);
	*out = members;
	members = NULL;
	return 0;
}

int members_read(struct member **out, size_t *n)
{
	char path[PINS_PATH_MAX];
	int err;
	FILE *f;

	*out = NULL;
	*n = 0;
	err = pins_path(path, AUTOKILL_PIN_DIR, "progs", "members");
	if (err)
		return err;
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	err = lines_read(f, out, n);
	fclose(f);
	return err;
}
