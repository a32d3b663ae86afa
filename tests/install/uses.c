// SPDX-License-Identifier: MIT
/*
 * uses.c - a program of a user's: built against the installed library, by pkg-config alone
 *
 * Prints what became of a child whose pidfd is closed: "killed", or why it could not be tethered.
 */
#include <autokill.h>
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int pidfd = -1, watch, status = 0;
	struct clone_args args = {
		.pidfd = (unsigned long)&pidfd,
		.exit_signal = SIGCHLD,
	};
	struct pollfd p = { .events = POLLIN };
	pid_t pid;

	printf("interface %d\n", autokill_query());
	pid = autokill_clone3(&args, sizeof(args), 0);
	if (pid < 0) {
		printf("not tethered: %s\n", strerror(errno));
		return errno == EINVAL && !autokill_query() ? 0 : 1;
	}
	if (!pid)
		for (;;)
			pause();
	watch = syscall(SYS_pidfd_open, pid, 0);
	close(pidfd);
	p.fd = watch;
	if (watch < 0 || poll(&p, 1, 10000) != 1 || waitpid(pid, &status, 0) != pid ||
	    !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		puts("alive");
		return 1;
	}
	puts("killed");
	return 0;
}
