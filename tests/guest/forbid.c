// SPDX-License-Identifier: GPL-2.0-only
/*
 * forbid.c - forbid ERRNO COMMAND [ARG...]: run it under a seccomp filter that answers
 * pidfd_send_signal() with this errno, 0 being a success that does nothing
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned int answer = argc > 2 ? strtoul(argv[1], NULL, 10) & SECCOMP_RET_DATA : 0;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_send_signal, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { .len = sizeof(code) / sizeof(*code), .filter = code };

	if (argc < 3) {
		fprintf(stderr, "usage: forbid ERRNO COMMAND [ARG...]\n");
		return 2;
	}
	/* Without no_new_privs: that takes CAP_SYS_ADMIN, which root has here. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
		fprintf(stderr, "forbid: seccomp: %s\n", strerror(errno));
		return 125;
	}
	execvp(argv[2], argv + 2);
	fprintf(stderr, "forbid: %s: %s\n", argv[2], strerror(errno));
	return 127;
}
