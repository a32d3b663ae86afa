/* SPDX-License-Identifier: GPL-2.0-only */
/* caps.h - sets of capabilities that go with their variable */
#ifndef AUTOKILL_USER_CAPS_H
#define AUTOKILL_USER_CAPS_H

#include <stddef.h>
#include <sys/capability.h>

static inline void cleanup_caps(cap_t *caps)
{
	if (*caps)
		cap_free(*caps);
	*caps = NULL;
}

#define _cleanup_caps_ __attribute__((cleanup(cleanup_caps)))

#endif /* AUTOKILL_USER_CAPS_H */
