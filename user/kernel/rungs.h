/* SPDX-License-Identifier: GPL-2.0-only */
/* rungs.h - which of several ways to do a thing, by what the running kernel has */
#ifndef AUTOKILL_USER_RUNGS_H
#define AUTOKILL_USER_RUNGS_H

#include "autokill_state.h"
#include "kernel/probe.h"
#include "kernel/programs.h"

enum rung_object {
	OBJECT_AGENT,	       /* 6.1 to 6.12: the agent kills */
	OBJECT_AGENT_SIGNAL,   /* 6.13 to 6.17: also a closer that lives, at once */
	OBJECT_TASK_WORK_IMPL, /* 6.18 and 6.19 */
	OBJECT_TASK_WORK,      /* 7.0 and newer */
};

struct rungs {
	enum rung_object object;
	bool lsm;		     /* BPF LSM; else fmod_ret and fentry on security_* */
	enum autokill_native native; /* are clone3's flags of Linux 7.1 served, or why not */
	bool info;		     /* they are, and PIDFD_GET_INFO tells of the dead */
	bool agent;		     /* the agent is needed: it kills */
	bool watch; /* the release can be skipped: a kprobe notes it, and a timer makes up for it */
	bool pidfs; /* a pidfd is a file of pidfs, and the file_release hook sees it */
	unsigned int fell; /* enum autokill_fell: what the kernel promises, and refused */
	/* To load and attach, in the order of bpf/programs.h; NULL at the end. */
	const char *programs[N_PROGRAMS + 1];
	const char
		*services[N_PROGRAMS + 1]; /* to load only: the agent calls them; NULL at the end */
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

/**
 * rungs_lower - @r did not load or attach: choose again, without what it failed on
 * @culprit: the program that failed, or "" if it is not known
 *
 * A program that only makes something better is done without; for any other, first the way to
 * kill goes one rung down, and last BPF LSM. Sets a bit in @f->refused, so it ends. The result is
 * proved by nothing yet, as that of rungs_choose().
 * Return: that bit (enum autokill_fell), and @r is set; 0 if there is no rung below, and @r is as
 * it was.
 */
unsigned int rungs_lower(struct rungs *r, struct features *f, const char *culprit);

/** rungs_native_off - do not serve clone3's flags of Linux 7.1, if @r does so far */
void rungs_native_off(struct rungs *r);

#endif /* AUTOKILL_USER_RUNGS_H */
