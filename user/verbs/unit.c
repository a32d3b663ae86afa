// SPDX-License-Identifier: GPL-2.0-only
/*
 * unit.c - tell systemd that autokill was unloaded
 *
 * By systemctl and not by sd-bus. systemctl reaches systemd without a D-Bus daemon, too, as early
 * and late in the life of a machine, and it waits until the unit has stopped.
 */
#include "verbs/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/msg.h"

#define UNIT "autokill.service"
#define SYSTEMCTL "/usr/bin/systemctl"

/* Exit status of systemctl with @argv, whose stdout is @out if that is not -1; or -errno. */
static int systemctl_run(char *const argv[], int out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int err, status;
	sigset_t none;
	pid_t pid;

	err = posix_spawnattr_init(&attr);
	if (err)
		return -err;
	err = posix_spawn_file_actions_init(&actions);
	if (!err && out >= 0)
		err = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (err) {
		posix_spawnattr_destroy(&attr);
		return -err;
	}
	sigemptyset(&none); /* unload has blocked all */
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawn(&pid, SYSTEMCTL, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Exit status of systemctl with @verb for the unit, or -errno. */
static int systemctl(const char *verb)
{
	char *const argv[] = { "systemctl", "--quiet", (char *)verb, UNIT, NULL };

	return systemctl_run(argv, -1);
}

/*
 * Does the machine go down? Then the unit's own stop is queued, maybe behind the unit that has
 * called us in its ExecStop=. A stop that joins that job would wait for itself.
 */
static bool going_down(void)
{
	char *const argv[] = { "systemctl", "is-system-running", NULL };
	char said[32] = "";
	_cleanup_pair_ int out[2] = { -1, -1 };
	ssize_t n;

	if (pipe2(out, O_CLOEXEC))
		return false;
	systemctl_run(argv, out[1]); /* its status is that of a degraded system, too */
	cleanup_close(&out[1]);
	n = read(out[0], said, sizeof(said) - 1); /* one word, which the pipe holds */
	return n > 0 && !strcmp(said, "stopping\n");
}

static bool in_the_unit(void)
{
	_cleanup_free_ char *unit = NULL;

	return sd_pid_get_unit(0, &unit) >= 0 && !strcmp(unit, UNIT);
}

void unit_unloaded(void)
{
	int status;

	if (sd_booted() <= 0 || in_the_unit() || systemctl("is-active") || going_down())
		return;
	status = systemctl("stop");
	if (status)
		msg_warn("unload: unloaded, but systemd still takes " UNIT
			 " for active: systemctl stop failed (%s "
			 "%d); before the next start, run: systemctl stop autokill",
			 status < 0 ? "errno" : "status", status < 0 ? -status : status);
}
