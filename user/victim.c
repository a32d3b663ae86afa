// SPDX-License-Identifier: GPL-2.0-only
/*
 * victim.c - what the agent does with one victim: open, verify, kill
 *
 * Why the pidfd that is signalled is the victim's, and never a stranger's: a pidfd stays with one process for
 * good. We open the number first, whoever has it, and then let a program say whom the pidfd stands for, exactly
 * (tgid and start time in ns, which no two processes share). If that is not the victim, the victim was
 * reaped, since a number is bound to one process from its birth until then, and we signal nobody.
 *
 * /proc/PID/stat cannot decide that: it has the start time in clock ticks, 10 ms, and a number can
 * come back within one.
 */
#include "victim.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOUND_SIZE (AUTOKILL_SWEEP_SLOTS * sizeof(struct autokill_identity))

int victim_open(__u32 tgid)
{
	int fd = syscall(SYS_pidfd_open, tgid, 0);

	if (fd >= 0)
		return fd;
	/*
	 * EINVAL, ENOENT from v6.16 on: the number is that of a thread, or its process is just being
	 * reaped. The number of a process that is not reaped always leads to a thread group, also while
	 * another thread takes it over by exec (transfer_pid() in kernel/pid.c replaces in one step).
	 */
	return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
}

int victim_kill(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) ? -errno : 0;
}

struct autokill_identity *found_map(const struct maps *m)
{
	void *found = mmap(NULL, FOUND_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, m->found, 0);

	return found == MAP_FAILED ? NULL : found;
}

void found_unmap(struct autokill_identity *found)
{
	if (found)
		munmap(found, FOUND_SIZE);
}

/*
 * Run @prog with @ctx, to which the kernel writes back what it has changed there (a ctx_out it refuses,
 * net/bpf/test_run.c). What @prog returns, or -errno.
 */
static int ask_program(int prog, void *ctx, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx, .ctx_size_in = size);

	if (bpf_prog_test_run_opts(prog, &opts))
		return -errno;
	return (int)opts.retval;
}

int victims_identify(const struct maps *m, __u32 n)
{
	struct autokill_identify ask = { .count = n };

	return ask_program(m->identity, &ask, sizeof(ask));
}

bool victim_is(const struct autokill_identity *who, const struct autokill_identity *now)
{
#ifdef MUTATE_AGENT_NO_IDENTITY
	return true;
#endif
	return now->tgid == who->tgid && now->start_time == who->start_time;
}

int agent_say(const struct maps *m, __u64 id, enum autokill_agent_word word,
	      enum autokill_what what, int err)
{
	struct autokill_agent_says says = { .id = id, .word = word, .what = what, .err = err };

	return ask_program(m->says, &says, sizeof(says));
}

int agent_swept(const struct maps *m, __u64 id, __u32 count)
{
	struct autokill_agent_says says = { .id = id, .word = AGENT_SWEPT, .count = count };

	return ask_program(m->says, &says, sizeof(says));
}

int sweep_ask(const struct maps *m, struct autokill_sweep *ask)
{
	return ask_program(m->sweep, ask, sizeof(*ask));
}
