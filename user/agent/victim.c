// SPDX-License-Identifier: GPL-2.0-only
/*
 * victim.c - what the agent does with one victim: open, verify, kill
 *
 * Why we never signal a process that is not the victim: a pidfd stays with one process for good.
 * We open the number first, whichever process has it. Then a program says which process the pidfd
 * stands for, exactly: its tgid and its start time in ns, which no two processes share. If that
 * is not the victim, the victim was reaped, since a number belongs to one process from its birth
 * until then. Then we signal nothing.
 *
 * /proc/PID/stat cannot decide that: it has the start time in clock ticks, 10 ms, and a number
 * can come back within one.
 */
#include "agent/victim.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bpf/mutant.bpf.h"

int victim_open(__u32 tgid)
{
	_cleanup_close_ int fd = syscall(SYS_pidfd_open, tgid, 0);

	if (fd >= 0)
		return TAKE_FD(fd);
	/*
	 * EINVAL, ENOENT from v6.16 on: the number is that of a thread, or its process is just
	 * being reaped. The number of a process that is not reaped always leads to a thread
	 * group, also while another thread takes it over by exec (transfer_pid() in kernel/pid.c
	 * replaces it in one step).
	 */
	return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
}

int victim_kill(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) ? -errno : 0;
}

bool victim_is(const struct autokill_identity *who, const struct autokill_identity *now)
{
	if (MUTANT(AGENT_NO_IDENTITY))
		return true;
	return now->tgid == who->tgid && now->start_time == who->start_time;
}
