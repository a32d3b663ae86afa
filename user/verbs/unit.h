/* SPDX-License-Identifier: GPL-2.0-only */
/* unit.h - what systemd is told, so that the state of autokill.service is true */
#ifndef AUTOKILL_USER_UNIT_H
#define AUTOKILL_USER_UNIT_H

/**
 * unit_unloaded - autokill was unloaded by hand: have systemd take autokill.service for stopped
 *
 * Else the unit would stay active, and a later `systemctl start autokill` would do nothing and
 * report success. Returns when the unit has stopped, so that it does not unload a later load.
 * Does nothing where systemd does not run, where the unit is not active, and in the unit itself.
 * Prints a failure.
 */
void unit_unloaded(void);

#endif /* AUTOKILL_USER_UNIT_H */
