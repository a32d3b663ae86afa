/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * others.h - programs of autokill that are attached and not pinned where we look
 *
 * A load in another mount namespace, with a bpffs of its own, is called before ours, since the
 * program attached last is called first. When that namespace goes, its tethers go. So there may
 * be one load only.
 */
#ifndef AUTOKILL_USER_OTHERS_H
#define AUTOKILL_USER_OTHERS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define OTHERS_MAX 64 /* links; one load has fewer */

struct other {
	__u32 link, program; /* ids */
	char name[16];	     /* of the program, as the kernel has it: cut */
};

struct others {
	struct other links[OTHERS_MAX];
	size_t n;
	/* of a process that has them, or whose mount namespace has their pins; 0: none */
	__u32 pid;
	bool by_mount; /* the latter */
	bool by_agent; /* and that is autokill-agent.service */
};

/** link_id - the id of the link behind the descriptor @fd. Return: 0, -errno. */
int link_id(int fd, __u32 *id);

/**
 * others_read - the links to programs called autokill_* that are pinned nowhere in @base
 * @own: ids of links that are ours, too; @n_own of them
 *
 * It also looks for a process that has them. Needs CAP_SYS_ADMIN.
 * Return: 0; -errno, and @out is empty.
 */
int others_read(const char *base, const __u32 *own, size_t n_own, struct others *out);

/**
 * others_wait - others_read(), again until there are none: what is detached goes a little later
 *
 * For at most 10 s. Return: as others_read().
 */
int others_wait(const char *base, const __u32 *own, size_t n_own, struct others *out);

/**
 * others_settled - others_wait(), and none if a load, an unload or a doctor is at work in @base
 *
 * For a caller that only looks and has no lock: what these attach is not pinned yet, or not any
 * more.
 * Return: as others_read().
 */
int others_settled(const char *base, struct others *out);

/**
 * answers_now - does anything answer prctl(PR_AUTOKILL)? Only a load that is ready for all does.
 */
bool answers_now(void);

/** answers_still - the same, when what has just been detached has had 10 s to go */
bool answers_still(void);

#endif /* AUTOKILL_USER_OTHERS_H */
