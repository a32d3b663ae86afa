/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cleanup.h - variables that clean up after themselves when they go out of scope
 *
 * Every descriptor and every allocation that a function makes stands in such a variable. TAKE_FD()
 * and TAKE_PTR() take it out, for a caller or for a struct that outlives the function. To end one
 * sooner, call the cleanup function: it leaves -1 or NULL behind, so that a second call does
 * nothing. tests/lint_rooms looks that nothing else calls close() and free().
 */
#ifndef AUTOKILL_USER_CLEANUP_H
#define AUTOKILL_USER_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/** cleanup_free - free what the pointer at @p points to; @p is the address of any pointer */
static inline void cleanup_free(void *p)
{
	void *old;

	memcpy(&old, p, sizeof(old));
	free(old);
	memset(p, 0, sizeof(old));
}

/** cleanup_close - close *@fd unless it is negative. errno stays. */
static inline void cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

/** cleanup_pair - close both ends of a pipe, or of a pair of sockets */
static inline void cleanup_pair(int (*ends)[2])
{
	cleanup_close(&(*ends)[0]);
	cleanup_close(&(*ends)[1]);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
	*f = NULL;
}

static inline void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
	*dir = NULL;
}

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_pair_ _cleanup_(cleanup_pair)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

/** TAKE_FD, TAKE_PTR - the value of a variable, which is -1 or NULL from now on */
#define TAKE_FD(fd) take_fd(&(fd))
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif /* AUTOKILL_USER_CLEANUP_H */
