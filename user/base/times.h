/* SPDX-License-Identifier: GPL-2.0-only */
/* times.h - from the kernel side's clock (CLOCK_BOOTTIME, ns) to what people read */
#ifndef AUTOKILL_USER_TIMES_H
#define AUTOKILL_USER_TIMES_H

#include <linux/types.h>
#include <stddef.h>

#define NS_PER_S 1000000000ULL

/** time_boot - now, in ns of CLOCK_BOOTTIME */
__u64 time_boot(void);

/** time_monotonic - now, in ns of CLOCK_MONOTONIC */
__u64 time_monotonic(void);

/**
 * time_offset - what to add to CLOCK_BOOTTIME to get CLOCK_REALTIME, in ns
 *
 * It changes when the wall clock is set, so an old event is shown as of today's wall clock.
 */
__s64 time_offset(void);

/** time_local - "2026-04-12 14:03:22.123", local time. @size 32 is enough. Returns @buf. */
char *time_local(char *buf, size_t size, __u64 boot, __s64 offset);

/** time_json - "2026-04-12T14:03:22.123456+02:00" (RFC 3339). @size 48 is enough. Returns @buf. */
char *time_json(char *buf, size_t size, __u64 boot, __s64 offset);

/** time_span - a length of time: "85 us", "1.2 ms", "3.4 s", "1m30s", "2h05m", "3d04h" */
char *time_span(char *buf, size_t size, __u64 ns);

#endif /* AUTOKILL_USER_TIMES_H */
