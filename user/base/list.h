/* SPDX-License-Identifier: GPL-2.0-only */
/* list.h - an array that grows */
#ifndef AUTOKILL_USER_LIST_H
#define AUTOKILL_USER_LIST_H

#include <stddef.h>

struct list {
	size_t size; /* of one item, in bytes; the rest is 0 at first */
	size_t n, room;
	void *items; /* malloc()ed; TAKE_PTR() when they are complete */
};

/** list_add - append a copy of @item. Return: 0; -ENOMEM, and the list is as it was. */
int list_add(struct list *l, const void *item);

/** list_at - item number @i */
void *list_at(const struct list *l, size_t i);

/** list_free - may be called twice */
void list_free(struct list *l);

#define _cleanup_list_ _cleanup_(list_free) /* wants base/cleanup.h */

#endif /* AUTOKILL_USER_LIST_H */
