// SPDX-License-Identifier: GPL-2.0-only
/*
 * victim.c - what the agent does with one victim: open, verify, kill
 *
 * Why the pidfd that is signalled is the victim's, and never a stranger's: a number is bound to one
 * process from its birth until it is reaped. We open the number first, and then let the kernel say who
 * has it, exactly (tgid and start time in ns, which no two processes share). If that is the victim, it
 * was not reaped by then, so the number led to it at the open, too; and a pidfd stays with its process
 * for good. If it is not, the victim was reaped, and we signal nobody.
 *
 * /proc/PID/stat cannot decide that: it has the start time in clock ticks, 10 ms, and a number can
 * come back within one.
 */
#include "victim.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"

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

int victim_identity(const struct maps *m, int pidfd, struct autokill_identity *out)
{
	/* v6.1: f0d74c4da1f0 ("bpf: Parameterize task iterators.") */
	union bpf_iter_link_info which = { .task.pid_fd = pidfd };
	LIBBPF_OPTS(bpf_link_create_opts, opts, .iter_info = &which,
		    .iter_info_len = sizeof(which));
	_cleanup_close_ int link = -1, iter = -1;
	ssize_t n;

	link = bpf_link_create(m->identity, 0, BPF_TRACE_ITER, &opts);
	if (link < 0)
		return -errno;
	iter = bpf_iter_create(link);
	if (iter < 0)
		return -errno;
	/* One record for each thread, all the same; the kernel makes no more than are asked for. */
	n = read(iter, out, sizeof(*out));
	if (n < 0)
		return -errno;
	if (!n)
		return -ESRCH;
	return n == sizeof(*out) ? 0 : -EPROTO;
}

int victim_verify(const struct maps *m, int pidfd, __u32 tgid, __u64 start_time)
{
	struct autokill_identity who;
	int err;

#ifdef MUTATE_AGENT_NO_IDENTITY
	return 0;
#endif
	err = victim_identity(m, pidfd, &who);
	if (err)
		return err;
	return who.tgid == tgid && who.start_time == start_time ? 0 : -ESRCH;
}

int victim_kill(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) ? -errno : 0;
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
