/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - the words for the numbers in the maps
 *
 * They are part of the JSON output: a word, once released, stays. A number that this version does
 * not know gives "unknown". All return constant strings.
 */
#ifndef AUTOKILL_USER_NAMES_H
#define AUTOKILL_USER_NAMES_H

#include "autokill_state.h"

const char *name_ready(enum autokill_ready ready);
const char *name_native(enum autokill_native native);
const char *name_tether_state(enum autokill_tether_state state);
const char *name_scope(enum autokill_scope scope);
const char *name_event(enum autokill_event_type type);
const char *name_killer(enum autokill_killer killer);
const char *name_what(enum autokill_what what);

/** name_killer_long - the same for a sentence: "by task work in init" */
const char *name_killer_long(enum autokill_killer killer);

/** name_native_long - are the native flags served, and if not, why, for a sentence */
const char *name_native_long(enum autokill_native native);

/** name_fell - one bit of config.fell */
const char *name_fell(enum autokill_fell bit);

/** name_fell_what, name_fell_instead - what the kernel refused, and what is done instead */
const char *name_fell_what(enum autokill_fell bit);
const char *name_fell_instead(enum autokill_fell bit);

/** name_what_long - what was tried when it failed, as an administrator would say it */
const char *name_what_long(enum autokill_what what);

/** name_errno - "EPERM" for 1; "unknown" for a number that the C library does not know */
const char *name_errno(int err);

#endif /* AUTOKILL_USER_NAMES_H */
