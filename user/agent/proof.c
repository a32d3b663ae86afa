// SPDX-License-Identifier: GPL-2.0-only
/* proof.c - does a SIGKILL of the agent's reach a process of another uid? */
#include "agent/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "agent/victim.h"
#include "kernel/for_agent.h"

#define OTHER_UID 65534 /* nobody; if it is ours, too, any other */
#define DEADLINE_MS 5000
#define LOOK_MS 20

/*
 * By no PDEATHSIG: the kernel would ask whether the parent may signal us, which is the question
 * here.
 */
static void child_main(int told, int end)
{
	const struct sched_param rt = { .sched_priority = 1 };
	uid_t uid = getuid() == OTHER_UID ? OTHER_UID - 1 : OTHER_UID;
	int err;
	char byte;

	/*
	 * As the agent, whose policy a child does not inherit (SCHED_RESET_ON_FORK). The agent's
	 * unit does not allow it. There, on a machine full of real-time tasks, the deadlines end
	 * the wait for us.
	 */
	sched_setscheduler(0, SCHED_RR, &rt);
	err = setresuid(uid, uid, uid) ? -errno : 0;

	if (write(told, &err, sizeof(err)) != sizeof(err) || err)
		_exit(1);
	while (read(end, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/*
 * What the child says of itself: 0; its own -errno; -ETIMEDOUT: nothing came; -EPIPE: it has
 * died.
 */
static int told_read(int fd)
{
	struct pollfd said = { .fd = fd, .events = POLLIN };
	int err, n = TEMP_FAILURE_RETRY(poll(&said, 1, DEADLINE_MS));

	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	return TEMP_FAILURE_RETRY(read(fd, &err, sizeof(err))) == sizeof(err) ? err : -EPIPE;
}

int proof_make(struct proof *p)
{
	_cleanup_pair_ int told[2] = { -1, -1 };
	_cleanup_pair_ int end[2] = { -1, -1 };
	int err;

	*p = (struct proof){ .pid = -1, .end = -1 };
	if (pipe2(told, O_CLOEXEC) || pipe2(end, O_CLOEXEC))
		return -errno;
	p->pid = fork();
	if (p->pid < 0)
		return -errno;
	if (!p->pid) {
		cleanup_close(&end[1]);
		child_main(told[1], end[0]);
	}
	cleanup_close(&told[1]);
	p->end = TAKE_FD(end[1]);
	err = told_read(told[0]);
	if (err)
		proof_end(p);
	return err;
}

/* Is the process behind @pidfd the one that we have made? As for a victim, by its tgid. */
static int identify(const struct kernel_side *k, int pidfd, pid_t pid)
{
	_cleanup_found_ struct autokill_identity *found = found_map(k);
	int err;

	if (!found)
		return -errno;
	*found = (struct autokill_identity){ .pidfd = pidfd };
	err = victims_identify(k, 1);
	if (!err && found->tgid != (__u32)pid)
		err = -ESRCH;
	return err;
}

int proof_kill(struct proof *p, const struct kernel_side *k)
{
	_cleanup_close_ int pidfd = victim_open(p->pid);
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };
	int status = 0, err = pidfd < 0 ? pidfd : identify(k, pidfd, p->pid);

	if (!err)
		err = victim_kill(pidfd);
	if (!err && TEMP_FAILURE_RETRY(poll(&gone, 1, DEADLINE_MS)) != 1)
		err = -ETIMEDOUT;
	if (err)
		return err;
	if (TEMP_FAILURE_RETRY(waitpid(p->pid, &status, 0)) != p->pid)
		return -errno;
	p->pid = -1;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : -ETIMEDOUT;
}

void proof_end(struct proof *p)
{
	cleanup_close(&p->end);
	/* It ends as soon as it runs. If it does not get to, it is left to init: we end, too. */
	for (int i = 0; p->pid > 0 && i < DEADLINE_MS / LOOK_MS; i++) {
		pid_t got = TEMP_FAILURE_RETRY(waitpid(p->pid, NULL, WNOHANG));

		if (got)
			break;
		poll(NULL, 0, LOOK_MS);
	}
	p->pid = -1;
}
