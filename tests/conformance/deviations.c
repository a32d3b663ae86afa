// SPDX-License-Identifier: GPL-2.0-only
/*
 * deviations.c - in what autokill differs from the kernel's own flag, and whether that is tested here
 */
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "deviations.h"
#include "ways.h"

#define NATIVE_LINK "/sys/fs/bpf/autokill/links/autokill_clone3_in"

static const struct {
	unsigned int ways;
	unsigned int before;
	const char *what, *why;
} deviations[] = {
#define DEVIATION(name, ways, before, what, why) { ways, before, what, why },
	DEVIATIONS
#undef DEVIATION
};

static bool native_served;
static unsigned int kernel;

void deviations_find(void)
{
	unsigned int version = 0, patchlevel = 0;
	struct utsname uts;

	if (uname(&uts) == 0)
		sscanf(uts.release, "%u.%u", &version, &patchlevel);
	kernel = KERNEL_VERSION(version, patchlevel, 0);
	native_served = access(NATIVE_LINK, F_OK) == 0;
}

bool kernel_before(unsigned int version)
{
	return kernel < version;
}

bool served_by_autokill(void)
{
	return the_way == WAY_PRCTL || native_served;
}

bool deviates(enum deviation deviation)
{
	if (deviations[deviation].before && !kernel_before(deviations[deviation].before))
		return false;
	return served_by_autokill() && deviations[deviation].ways & the_way;
}

void deviations_print(void)
{
	enum deviation i;

	for (i = 0; i < DEVIATIONS_COUNT; i++)
		if (deviates(i))
			printf("deviates from the kernel's own: %s: %s\n", deviations[i].what,
			       deviations[i].why);
}
