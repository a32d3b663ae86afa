/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proof.h - does a SIGKILL of the agent's reach a process of another uid?
 *
 * Capabilities do not tell. A user namespace has a CAP_KILL of its own that counts for no process
 * outside. A seccomp filter or a security module can forbid what the capability allows.
 */
#ifndef AUTOKILL_USER_PROOF_H
#define AUTOKILL_USER_PROOF_H

#include <sys/types.h>

#include "kernel/kernel_side.h"

struct proof {
	pid_t pid;
	int end; /* the process ends when this is closed, if it has not been killed */
};

/**
 * proof_make - a child of another uid, while we still have CAP_SETUID
 *
 * Return: 0; -EPERM if it cannot get that uid; -ETIMEDOUT if it does not get to run; other
 * -errno. On failure there is no child.
 */
int proof_make(struct proof *p);

/**
 * proof_kill - kill it as a victim is killed: by a pidfd, after it was identified
 *
 * Return: 0 if it died of it; -EPERM if we may not; -ETIMEDOUT if it lives; other -errno.
 */
int proof_kill(struct proof *p, const struct kernel_side *k);

/** proof_end - end it if it is still there, and reap it, within 5 s; may be called twice */
void proof_end(struct proof *p);

#endif /* AUTOKILL_USER_PROOF_H */
