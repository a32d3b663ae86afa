// SPDX-License-Identifier: GPL-2.0-only
/* left.c - what depends on what is loaded */
#include "kernel/left.h"

#include "base/cleanup.h"

int left_read(const struct kernel_side *k, struct left *out)
{
	int err;

	*out = (struct left){};
	err = kernel_side_tethers(k, &out->tethers, &out->n);
	if (!err)
		err = kernel_side_tasks(k, &out->armed, &out->guarded);
	if (err)
		left_free(out);
	return err;
}

bool left_any(const struct left *l)
{
	return l->n || l->armed || l->guarded;
}

void left_free(struct left *l)
{
	cleanup_free(&l->tethers);
	*l = (struct left){};
}
