/* SPDX-License-Identifier: GPL-2.0-only */
/* by_id.h - the order, for tsearch(3), of structs whose first member is the id of a tether */
#ifndef AUTOKILL_USER_BY_ID_H
#define AUTOKILL_USER_BY_ID_H

#include <linux/types.h>

static inline int by_id(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

#endif /* AUTOKILL_USER_BY_ID_H */
