/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ways.h - the ways in: how a child comes to be tethered
 *
 * Usable in any process of the suite, also between vfork and exec: nothing here asserts.
 */
#ifndef CONFORMANCE_WAYS_H
#define CONFORMANCE_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/sched.h>

#include "autokill.h"

enum way {
	WAY_NATIVE = 1 << 0, /* clone3() with CLONE_PIDFD_AUTOKILL */
	WAY_PRCTL = 1 << 1,  /* prctl(PR_AUTOKILL, AUTOKILL_ARM), then clone3() with CLONE_PIDFD */
};

#define WAY_BOTH (WAY_NATIVE | WAY_PRCTL)

/* The way of this run. Set once by main(), and from argv by a process that was exec'ed. */
extern enum way the_way;

const char *way_name(enum way way);

/* Return: true and *@way set, or false if @name is no way. */
bool way_parse(const char *name, enum way *way);

/**
 * way_works - can this kernel tether by the_way at all
 * @why: receives one line for the user when it cannot
 */
bool way_works(const char **why);

/* prctl(PR_AUTOKILL, ...): the value, 1 or more, or -errno. */
long way_prctl(unsigned long command, unsigned long flags, unsigned long arg4, unsigned long arg5);

/* The clone3() flags that ask for a tether by the_way, CLONE_PIDFD included. */
uint64_t way_clone_flags(bool guard);

/* Arm the calling thread with AUTOKILL_* @flags, if the_way needs it. Return: 0 or -errno. */
int way_arm(unsigned int flags);

/**
 * raw_clone3 - clone3() without the C library, fork-like unless args->stack is set
 *
 * Return: the pid, 0 in the child, or -errno. With args->stack the child calls fn(arg) on that
 * stack and exits, as a thread does, with what fn returns; -ENOSYS where this is not written for
 * the architecture.
 */
long raw_clone3(struct clone_args *args, int (*fn)(void *), void *arg);

#endif
