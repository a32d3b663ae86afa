/* SPDX-License-Identifier: GPL-2.0-only */
/* privileges.h - what the agent secures for itself, and what it gives up */
#ifndef AUTOKILL_USER_PRIVILEGES_H
#define AUTOKILL_USER_PRIVILEGES_H

/**
 * privileges_secure - room for descriptors, off the OOM killer's list, before busy processes
 *
 * What is not allowed is left as it is. Only the OOM killer is worth a warning.
 * Return: 0; -errno if the OOM killer may take us.
 */
int privileges_secure(void);

/**
 * privileges_drop - keep CAP_KILL, of all capabilities; no core dumps, nothing gained by exec
 *
 * Return: 0; -EPERM if CAP_KILL is not there; other -errno.
 */
int privileges_drop(void);

#endif /* AUTOKILL_USER_PRIVILEGES_H */
