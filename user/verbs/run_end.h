/* SPDX-License-Identifier: GPL-2.0-only */
/* run_end.h - autokill run: other children than the command; the end of them, and ours */
#ifndef AUTOKILL_USER_RUN_END_H
#define AUTOKILL_USER_RUN_END_H

#include <stdbool.h>
#include <sys/types.h>

/** run_has_children - has this process children, from before its exec? */
bool run_has_children(void);

/** run_reap - reap the children that have died and are not @command; does not wait */
void run_reap(pid_t command);

/**
 * run_wait_for_all - after the release: wait until this process has no child that is alive
 * @signal_fd: a signalfd that has SIGCHLD; what else it has is lost
 *
 * All members are descendants of our children. When the parent of one dies, the next subreaper
 * above becomes its parent, and the last of these are we. So no member is left when we have no
 * child.
 * Return: true; false, after a message that names them, if some live on.
 */
bool run_wait_for_all(int signal_fd);

/**
 * run_die - end as the command did: by the same signal, without a core of our own
 *
 * Return: the exit status, if it has exited, or we cannot die by that signal (init of a pid
 * namespace).
 */
int run_die(int wait_status);

#endif /* AUTOKILL_USER_RUN_END_H */
