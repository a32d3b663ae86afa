// SPDX-License-Identifier: GPL-2.0-only
/* list.c - an array that grows */
#include "base/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define ROOM_FIRST 64

void *list_at(const struct list *l, size_t i)
{
	return (char *)l->items + i * l->size;
}

int list_add(struct list *l, const void *item)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : ROOM_FIRST;
		void *items = reallocarray(l->items, room, l->size);

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->room = room;
	}
	memcpy(list_at(l, l->n++), item, l->size);
	return 0;
}

void list_free(struct list *l)
{
	cleanup_free(&l->items);
	l->n = l->room = 0;
}
