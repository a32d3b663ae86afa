/* SPDX-License-Identifier: GPL-2.0-only */
/* rungs.h - which of several ways to do a thing, by what the running kernel has */
#ifndef AUTOKILL_USER_RUNGS_H
#define AUTOKILL_USER_RUNGS_H

#include "probe.h"

enum rung_object {
	OBJECT_TASK_WORK_IMPL, /* 6.18 and 6.19 */
	OBJECT_TASK_WORK,      /* 7.0 and newer */
};

struct rungs {
	enum rung_object object;
	bool lsm;		     /* BPF LSM; else fmod_ret and fentry on security_* */
	const char *const *programs; /* to load and attach, in order; NULL at the end */
};

/* Something that is missing: what, and what to do about it. Both are constant strings. */
struct lack {
	const char *what;
	const char *mend;
};

#define LACKS_MAX 12

/**
 * rungs_choose - choose every rung for a kernel with the features @f
 * @lacks: receives what is missing, most basic first; at most LACKS_MAX
 *
 * Loads nothing: a choice is proved only by load, attach and trigger.
 * Return: how many are missing; 0 means that @r is set.
 */
int rungs_choose(const struct features *f, struct rungs *r, struct lack lacks[LACKS_MAX]);

#endif /* AUTOKILL_USER_RUNGS_H */
