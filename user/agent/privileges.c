// SPDX-License-Identifier: GPL-2.0-only
/*
 * privileges.c - what the agent secures for itself, and what it gives up
 *
 * CAP_KILL is all that it needs, for victims under other uids. Everything else goes by
 * descriptors that it has opened before: maps, and programs, which any process that has them open
 * may run.
 */
#include "agent/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"

#define NOFILE_WANTED 1048576 /* fs.nr_open, unless it was changed; one for each dying victim */
#define OOM_NEVER "-1000"

static void nofile_raise(void)
{
	struct rlimit limit = { NOFILE_WANTED, NOFILE_WANTED };

	if (!setrlimit(RLIMIT_NOFILE, &limit) || getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int oom_never(void)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char now[16] = {};

	if (fd < 0)
		return -errno;
	/* systemd may have done it already, and left us without the right to. */
	if (read(fd, now, sizeof(now) - 1) > 0 && !strcmp(now, OOM_NEVER "\n"))
		return 0;
	return pwrite(fd, OOM_NEVER, strlen(OOM_NEVER), 0) < 0 ? -errno : 0;
}

int privileges_secure(void)
{
	const struct sched_param lowest = { .sched_priority = 1 };

	nofile_raise();
	/*
	 * A victim runs on for as long as we wait for a CPU, and without our heartbeat nobody can
	 * arm. With 200 processes on one CPU, some of them real-time, the heartbeat came 3 s late
	 * by niceness alone.
	 */
	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest))
		setpriority(PRIO_PROCESS, 0, -20);
	return oom_never();
}

/* A bounding set matters at exec, and we do none. So what cannot be dropped from it is no loss. */
static void bounding_drop(void)
{
	for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
		if (cap != CAP_KILL)
			cap_drop_bound(cap);
}

int privileges_drop(void)
{
	static const cap_value_t kept[] = { CAP_KILL };
	_cleanup_caps_ cap_t caps = cap_init(); /* none */

	if (!caps)
		return -errno;
	bounding_drop();
	cap_reset_ambient();
	if (cap_set_flag(caps, CAP_PERMITTED, 1, kept, CAP_SET) ||
	    cap_set_flag(caps, CAP_EFFECTIVE, 1, kept, CAP_SET) || cap_set_proc(caps) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}
