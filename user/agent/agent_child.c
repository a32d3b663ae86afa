// SPDX-License-Identifier: GPL-2.0-only
/* agent_child.c - an agent of our own for a while, in a child process */
#include "agent/agent_child.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/cleanup.h"
#include "base/fds.h"

struct pipes {
	int end[2];  /* to the agent: nothing is written; it ends when we do */
	int told[2]; /* from the agent: a byte when it is ready */
};

static void tell_ready(void *ctx)
{
	int *fd = ctx;

	if (write(*fd, "", 1) != 1)
		_exit(1);
	cleanup_close(fd);
}

/* The lock on the pin directory, and above all the links, must end with our parent, not with us. */
static void others_close(const struct kernel_side *k, const struct pipes *p)
{
	const int kept[] = { k->agent, k->releases, k->found,	k->says,   k->identity,
			     k->sweep, k->stats,    k->tethers, p->end[0], p->told[1] };

	fds_close_from(STDERR_FILENO + 1, kept, sizeof(kept) / sizeof(*kept));
}

static void agent_main(const struct kernel_side *k, struct pipes *p, pid_t parent)
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
	others_close(k, p);
	_exit(agent_run(k, &hooks) ? 1 : 0);
}

int agent_child_start(const struct kernel_side *k, struct agent_child *child)
{
	_cleanup_pair_ int end[2] = { -1, -1 };
	_cleanup_pair_ int told[2] = { -1, -1 };
	pid_t parent = getpid();
	int err = 0;
	char byte;

	*child = (struct agent_child){ .pid = -1, .end = -1 };
	if (pipe(end) || pipe(told))
		return -errno;
	child->pid = fork();
	if (child->pid < 0)
		return -errno;
	if (!child->pid)
		agent_main(k, &(struct pipes){ { end[0], end[1] }, { told[0], told[1] } }, parent);
	cleanup_close(&end[0]);
	cleanup_close(&told[1]);
	child->end = TAKE_FD(end[1]);
	setpgid(child->pid, child->pid); /* parent or child, whichever is first */
	if (TEMP_FAILURE_RETRY(read(told[0], &byte, 1)) != 1) {
		err = -EPIPE;
		agent_child_stop(child);
	}
	return err;
}

void agent_child_stop(struct agent_child *child)
{
	cleanup_close(&child->end);
	if (child->pid > 0)
		TEMP_FAILURE_RETRY(waitpid(child->pid, NULL, 0));
	child->pid = -1;
}
