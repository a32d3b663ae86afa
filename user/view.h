/* SPDX-License-Identifier: GPL-2.0-only */
/* view.h - what the verbs that only look (status, ps, events) have in common */
#ifndef AUTOKILL_USER_VIEW_H
#define AUTOKILL_USER_VIEW_H

#include "autokill_state.h"
#include "maps.h"

/**
 * view_open - open the maps and read the configuration, or say why not
 * @verb: for the message
 *
 * Return: 0; -errno of maps_open() or maps_config() after a message. On failure @m is closed.
 */
int view_open(const char *verb, struct maps *m, struct autokill_config *config);

/** view_failed - say that reading @what failed. Return: 1, for an exit status. */
int view_failed(const char *verb, const char *what, int err);

#endif /* AUTOKILL_USER_VIEW_H */
