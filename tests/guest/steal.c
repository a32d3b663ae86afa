// SPDX-License-Identifier: GPL-2.0-only
/*
 * steal.c - as a command of `autokill run': get at its descriptors, in every way that there is
 *
 * usage: steal           print "ready PID", then what has succeeded on the parent, on one line,
 *                        then "end"; exit 0 if nothing has, else 3
 *        steal traceme   let the parent be the tracer, print "ready PID", and stop by a signal
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 64

static int found;

static void succeeded(const char *what)
{
	printf(" %s", what);
	found++;
}

static void by_pidfd(pid_t pid)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0), any = 0;
	struct iovec range = { (void *)0x400000, 4096 };

	if (pidfd < 0)
		return;
	for (int fd = 0; fd < FDS; fd++)
		any |= syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0;
	if (any)
		succeeded("pidfd_getfd");
	/* The look at our rights comes before the one at the range: mm_access() */
	if (syscall(SYS_process_madvise, pidfd, &range, 1, MADV_COLD, 0) >= 0 ||
	    (errno != EPERM && errno != EACCES))
		succeeded("process_madvise");
	close(pidfd);
}

static void by_proc(pid_t pid)
{
	static const char *const names[] = { "mem", "environ", "maps", "fd", "fdinfo", "map_files" };
	char path[64], byte;
	int fd;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && (i > 2 || read(fd, &byte, 1) > 0 || i == 0))
			succeeded(names[i]);
		if (fd >= 0)
			close(fd);
	}
	for (fd = 0; fd < FDS; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		if (readlink(path, &byte, 1) > 0)
			succeeded("readlink");
	}
}

static void by_ptrace(pid_t pid)
{
	struct iovec local = { &(char){ 0 }, 1 }, remote = { (void *)0x400000, 1 };

	if (syscall(SYS_kcmp, pid, getpid(), KCMP_FILES, 0, 0) >= 0)
		succeeded("kcmp");
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno != EPERM)
		succeeded("process_vm_readv");
	if (!ptrace(PTRACE_SEIZE, pid, 0, 0)) {
		succeeded("ptrace");
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	}
}

int main(int argc, char **argv)
{
	pid_t parent = getppid();

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && !strcmp(argv[1], "traceme")) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			return 1;
		printf("ready %d\n", getpid());
		raise(SIGUSR1);
		pause();
		return 1;
	}
	printf("ready %d\nsucceeded:", getpid());
	by_pidfd(parent);
	by_proc(parent);
	by_ptrace(parent);
	printf("\nend\n");
	return found ? 3 : 0;
}
