/* SPDX-License-Identifier: GPL-2.0-only */
/* cleanup.h - variables that clean up after themselves when they go out of scope */
#ifndef AUTOKILL_USER_CLEANUP_H
#define AUTOKILL_USER_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_maps_ _cleanup_(maps_close) /* wants maps.h */

#endif /* AUTOKILL_USER_CLEANUP_H */
