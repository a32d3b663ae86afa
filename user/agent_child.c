// SPDX-License-Identifier: GPL-2.0-only
/* agent_child.c - an agent of our own for a while, in a child process */
#include "agent_child.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

struct pipes {
	int end[2];  /* to the agent: nothing is written; it ends when we do */
	int told[2]; /* from the agent: a byte when it is ready */
};

static void tell_ready(void *ctx)
{
	const int *fd = ctx;

	if (write(*fd, "", 1) != 1)
		_exit(1);
	close(*fd);
}

/* The lock on the pin directory, and the links above all, must end with our parent, not with us. */
static void close_others(const struct maps *m, const struct pipes *p)
{
	const int kept[] = { m->agent, m->releases, m->found,	m->says,   m->identity,
			     m->sweep, m->stats,    m->tethers, p->end[0], p->told[1] };

	for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
		size_t i = 0;

		while (i < sizeof(kept) / sizeof(*kept) && kept[i] != fd)
			i++;
		if (i == sizeof(kept) / sizeof(*kept))
			close(fd);
	}
}

static void agent_main(const struct maps *m, struct pipes *p, pid_t parent)
{
	struct agent_hooks hooks = {
		.stop_fd = p->end[0],
		.ready = tell_ready,
		.ctx = &p->told[1],
	};

	/* The pipe does the same, but not while we are stopped. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setpgid(0, 0);
	close_others(m, p);
	_exit(agent_run(m, &hooks) ? 1 : 0);
}

int agent_child_start(const struct maps *m, struct agent_child *child)
{
	struct pipes p = { { -1, -1 }, { -1, -1 } };
	pid_t parent = getpid();
	int err = 0;
	char byte;

	*child = (struct agent_child){ .pid = -1, .end = -1 };
	if (pipe(p.end) || pipe(p.told))
		err = -errno;
	if (!err) {
		child->pid = fork();
		if (!child->pid)
			agent_main(m, &p, parent);
		err = child->pid < 0 ? -errno : 0;
	}
	close(p.end[0]);
	close(p.told[1]);
	child->end = p.end[1];
	if (!err)
		setpgid(child->pid, child->pid); /* whoever is first */
	if (!err && TEMP_FAILURE_RETRY(read(p.told[0], &byte, 1)) != 1)
		err = -EPIPE;
	close(p.told[0]);
	if (err)
		agent_child_stop(child);
	return err;
}

void agent_child_stop(struct agent_child *child)
{
	if (child->end >= 0)
		close(child->end);
	if (child->pid > 0)
		TEMP_FAILURE_RETRY(waitpid(child->pid, NULL, 0));
	*child = (struct agent_child){ .pid = -1, .end = -1 };
}
