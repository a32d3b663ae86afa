/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * deviations.h - in what autokill differs from the kernel's own CLONE_PIDFD_AUTOKILL, and why
 *
 * The one list. A case asks deviates(), and then asserts what is so here, exactly; so when a
 * deviation stops being true, its cases fail, and its line here goes.
 */
#ifndef CONFORMANCE_DEVIATIONS_H
#define CONFORMANCE_DEVIATIONS_H

#include <linux/version.h>
#include <stdbool.h>

/* DEVIATION(name, ways in which it is, kernels before which it is or 0, what is so here, reason) */
/* clang-format off */
#define DEVIATIONS \
	DEVIATION(NOT_REAPED, WAY_BOTH, 0, \
		  "a dead child stays until its creator waits (with __WALL) or ends", \
		  "BPF cannot make a task reap itself") \
	DEVIATION(GUARD_REFUSES, WAY_BOTH, 0, \
		  "an exec that would gain privileges fails with EPERM", \
		  "a BPF program can refuse an exec, but not take the gain out of it") \
	DEVIATION(BITS_ALONE, WAY_NATIVE, 0, \
		  "CLONE_AUTOREAP and CLONE_NNP without CLONE_PIDFD_AUTOKILL: EINVAL", \
		  "no tether, so none of our business; the kernel does not know them") \
	DEVIATION(THREAD_PIDFD, WAY_NATIVE, KERNEL_VERSION(6, 9, 0), \
		  "CLONE_PIDFD with CLONE_THREAD: EINVAL", \
		  "the kernel has pidfds of threads since 6.9 only") \
	DEVIATION(UNWRITABLE, WAY_NATIVE, 0, \
		  "a struct clone_args that cannot be written without a fault: EINVAL", \
		  "the flags are hidden from the kernel by writing to the struct, without waiting")
/* clang-format on */

enum deviation {
#define DEVIATION(name, ways, before, what, why) DEVIATES_##name,
	DEVIATIONS DEVIATIONS_COUNT
#undef DEVIATION
};

/*
 * Find out whether the flags of clone3 are served by autokill. To be called once, by main, as root.
 */
void deviations_find(void);

/* Is the running kernel older than KERNEL_VERSION(...) @version. */
bool kernel_before(unsigned int version);

/* Is it autokill that makes tethers by the_way: true, or the kernel itself: false. */
bool served_by_autokill(void);

/* Does what makes tethers by the_way differ so. */
bool deviates(enum deviation deviation);

void deviations_print(void);

#endif
