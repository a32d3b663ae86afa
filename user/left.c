// SPDX-License-Identifier: GPL-2.0-only
/* left.c - who depends on what is loaded */
#include "left.h"

#include <stdlib.h>

int left_read(const struct maps *m, struct left *out)
{
	int err;

	*out = (struct left){};
	err = maps_tethers(m, &out->tethers, &out->n);
	if (!err)
		err = maps_tasks(m, &out->armed, &out->guarded);
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
	free(l->tethers);
	*l = (struct left){};
}
