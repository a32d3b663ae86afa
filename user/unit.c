// SPDX-License-Identifier: GPL-2.0-only
/*
 * unit.c - tell systemd that autokill was unloaded
 *
 * By systemctl and not by sd-bus: it reaches systemd without a D-Bus daemon, too, as early and late in the life
 * of a machine, and it waits until the unit has stopped.
 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "msg.h"

#define UNIT "autokill.service"
#define SYSTEMCTL "/usr/bin/systemctl"

/* Exit status of systemctl with @verb for the unit, or -errno. */
static int systemctl(const char *verb)
{
	char *const argv[] = { "systemctl", "--quiet", (char *)verb, UNIT, NULL };
	posix_spawnattr_t attr;
	int err, status;
	sigset_t none;
	pid_t pid;

	err = posix_spawnattr_init(&attr);
	if (err)
		return -err;
	sigemptyset(&none); /* unload has blocked all */
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawn(&pid, SYSTEMCTL, NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool in_the_unit(void)
{
	char *unit = NULL;
	bool in = sd_pid_get_unit(0, &unit) >= 0 && !strcmp(unit, UNIT);

	free(unit);
	return in;
}

void unit_unloaded(void)
{
	int status;

	if (sd_booted() <= 0 || in_the_unit() || systemctl("is-active"))
		return;
	status = systemctl("stop");
	if (status)
		msg_warn("unload: unloaded, but systemd still takes " UNIT
			 " for active: systemctl stop failed (%s "
			 "%d); before the next start, run: systemctl stop autokill",
			 status < 0 ? "errno" : "status", status < 0 ? -status : status);
}
