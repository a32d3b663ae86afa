// SPDX-License-Identifier: GPL-2.0-only
/* view.c - what the verbs that only look have in common */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "kernel/pins.h"
#include "base/place.h"
#include "verbs/explain.h"
#include "verbs/view.h"

static void open_explain(const char *verb, int err)
{
	char command[32];

	switch (err) {
	case -ENOENT:
		msg_error("%s: autokill is not loaded; %s", verb, advice_for_root("autokill load"));
		break;
	case -EACCES:
	case -EPERM:
		snprintf(command, sizeof(command), "autokill %s", verb);
		msg_error("%s: cannot open the maps in %s, which are for root: %s; %s", verb,
			  AUTOKILL_PIN_DIR, strerror(-err), advice_for_root(command));
		break;
	case -EMFILE:
	case -ENFILE:
		msg_error(
			"%s: cannot open the maps in %s: %s; allow more descriptors: ulimit -n 128",
			verb, AUTOKILL_PIN_DIR, strerror(-err));
		break;
	case -EPROTO:
		msg_error("%s: what is loaded is of another version of autokill; use that version, "
			  "or unload and load again",
			  verb);
		break;
	default:
		msg_error("%s: cannot open the maps in %s: %s; see autokill doctor", verb,
			  AUTOKILL_PIN_DIR, strerror(-err));
	}
}

int view_pins_check(const char *verb)
{
	char found[PINS_FOUND_MAX], command[32];
	int err;

	snprintf(command, sizeof(command), "autokill %s", verb);
	if (place_in_user_namespace()) {
		msg_error(
			"%s: it is in a user namespace, where root is not root of this machine: run it "
			"outside",
			verb);
		return -EPERM;
	}
	err = pins_check(AUTOKILL_PIN_DIR, found);
	if (err > 0)
		msg_error("%s: %s%s", verb, found,
			  is_administrator() ? "" : " (this is for the administrator to do)");
	else if (err < 0)
		msg_error("%s: cannot find out who owns %s: %s; %s", verb, AUTOKILL_PIN_DIR,
			  strerror(-err), err == -EACCES ? advice_for_root(command) : "repeat it");
	return err;
}

int view_open(const char *verb, struct kernel_side *k, struct autokill_config *config)
{
	int err;

	*k = KERNEL_SIDE_CLOSED;
	if (view_pins_check(verb))
		return -EUCLEAN;
	err = kernel_side_open(k);
	if (err) {
		open_explain(verb, err);
		return err;
	}
	err = kernel_side_config(k, config);
	if (err) {
		open_explain(verb, err);
		kernel_side_close(k);
	}
	return err;
}

int view_failed(const char *verb, const char *what, int err)
{
	msg_error("%s: cannot read %s: %s; repeat it", verb, what, strerror(-err));
	return 1;
}
