// SPDX-License-Identifier: GPL-2.0-only
/* times.c - from the kernel side's clock to what people read */
#include <stdio.h>
#include <time.h>

#include "base/times.h"

static __s64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (__s64)ts.tv_sec * (__s64)NS_PER_S + ts.tv_nsec;
}

__u64 time_boot(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

__u64 time_monotonic(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

__s64 time_offset(void)
{
	return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
}

/* Local time into @tm; returns the ns within the second. */
static long local_split(__u64 boot, __s64 offset, struct tm *tm)
{
	__s64 wall = (__s64)boot + offset;
	time_t s = wall / (__s64)NS_PER_S;
	long ns = wall % (__s64)NS_PER_S;

	if (ns < 0) { /* before 1970: a machine whose clock was never set */
		ns += NS_PER_S;
		s--;
	}
	localtime_r(&s, tm);
	return ns;
}

char *time_local(char *buf, size_t size, __u64 boot, __s64 offset)
{
	struct tm tm;
	long ns = local_split(boot, offset, &tm);
	size_t n = strftime(buf, size, "%F %T", &tm);

	snprintf(buf + n, size - n, ".%03ld", ns / 1000000);
	return buf;
}

char *time_json(char *buf, size_t size, __u64 boot, __s64 offset)
{
	struct tm tm;
	long ns = local_split(boot, offset, &tm);
	long east = tm.tm_gmtoff / 60, away = east < 0 ? -east : east;
	size_t n = strftime(buf, size, "%FT%T", &tm);

	snprintf(buf + n, size - n, ".%06ld%c%02ld:%02ld", ns / 1000, east < 0 ? '-' : '+',
		 away / 60, away % 60);
	return buf;
}

char *time_span(char *buf, size_t size, __u64 ns)
{
	__u64 s = ns / NS_PER_S;

	if (ns < 1000000)
		snprintf(buf, size, "%llu us", (unsigned long long)ns / 1000);
	else if (s < 1)
		snprintf(buf, size, "%.1f ms", (double)(ns / 100000) / 10);
	else if (s < 60)
		snprintf(buf, size, "%.1f s", (double)(ns / 100000000) / 10);
	else if (s < 3600)
		snprintf(buf, size, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%llud%02lluh", s / 86400, s / 3600 % 24);
	return buf;
}
