/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * left.h - what a case has left behind
 */
#ifndef CONFORMANCE_LEFT_H
#define CONFORMANCE_LEFT_H

#include <stdbool.h>

/**
 * left_processes - reap all dead children; main is the subreaper, so that is all there are
 * @kill: kill the living ones, too
 *
 * Prints each living one. Return: how many were alive.
 */
int left_processes(bool kill);

/*
 * Where autokill serves: how many entries more the pinned maps of tethers, files, tasks and lent
 * work have than at left_state_begin(), once they had time to go.
 */
void left_state_begin(void);
int left_state(void);

#endif
