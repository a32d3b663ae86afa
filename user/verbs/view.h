/* SPDX-License-Identifier: GPL-2.0-only */
/* view.h - what the verbs that look at what is loaded have in common */
#ifndef AUTOKILL_USER_VIEW_H
#define AUTOKILL_USER_VIEW_H

#include "autokill_state.h"
#include "kernel/kernel_side.h"

/**
 * view_pins_check - are the pin folders root's alone?
 *
 * Return: 0; 1 if not, or -errno if that cannot be looked at, after a message.
 */
int view_pins_check(const char *verb);

/**
 * view_open - open the maps and read the configuration, or say why not
 * @verb: for the message
 *
 * Return: 0. After a message: -EUCLEAN if the pin folders are not root's alone; -errno of
 * kernel_side_open() or kernel_side_config(). On failure @k is closed.
 */
int view_open(const char *verb, struct kernel_side *k, struct autokill_config *config);

/** view_failed - say that reading @what failed. Return: 1, for an exit status. */
int view_failed(const char *verb, const char *what, int err);

#endif /* AUTOKILL_USER_VIEW_H */
