// SPDX-License-Identifier: GPL-2.0-only
/* unreaped.c - dead children that nobody has waited for, made by clone3's native flags */
#include "kernel/unreaped.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/proc.h"

void unreaped_add(struct unreaped *list, size_t *n, __u32 creator)
{
	size_t i = 0;

	while (i < *n && list[i].creator != creator)
		i++;
	if (i == *n)
		list[(*n)++] = (struct unreaped){ .creator = creator };
	list[i].children++;
}

static int compare_children(const void *a, const void *b)
{
	const struct unreaped *x = a, *y = b;

	if (x->children != y->children)
		return x->children > y->children ? -1 : 1;
	return x->creator < y->creator ? -1 : x->creator > y->creator;
}

int unreaped_read(const struct kernel_side *k, struct unreaped **out, size_t *n)
{
	_cleanup_free_ __u64 *pids = NULL;
	_cleanup_free_ struct unreaped *list = NULL;
	size_t n_pids;
	__u32 parent;
	int err;

	*out = NULL;
	*n = 0;
	err = kernel_side_native_children(k, &pids, &n_pids);
	if (err)
		return err;
	list = calloc(n_pids + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n_pids; i++)
		if (proc_zombie(pids[i], &parent) > 0)
			unreaped_add(list, n, parent);
	for (size_t i = 0; i < *n; i++)
		if (proc_name(list[i].creator, list[i].comm))
			list[i].comm[0] = '\0';
	qsort(list, *n, sizeof(*list), compare_children);
	*out = TAKE_PTR(list);
	return 0;
}
