// SPDX-License-Identifier: GPL-2.0-only
/*
 * acts_fd.c - what an actor can be told to do with descriptors
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "acts.h"
#include "proc.h"

int act_mail(int sock)
{
	struct note note = { .act = ACT_REPLY };
	int ret = note_send(sock, &note, self.held);

	close(sock);
	return ret;
}

int act_mail_cycle(void)
{
	int pair[2], ret, cargo[2];
	char control[CMSG_SPACE(sizeof(cargo))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	/* in flight to pair[1], inside pair[1]: only the collector of unix sockets frees it */
	cargo[0] = pair[1];
	cargo[1] = self.held;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(cargo));
	memcpy(CMSG_DATA(cmsg), cargo, sizeof(cargo));
	ret = sendmsg(pair[0], &msg, 0) < 0 ? -errno : 0;
	close(pair[0]);
	close(pair[1]);
	return ret;
}

int act_steal(pid_t pid, int fd)
{
	int pidfd = pidfd_of(pid), got;

	if (pidfd < 0)
		return pidfd;
	got = pidfd_steal(pidfd, fd);
	close(pidfd);
	if (got >= 0)
		self.held = got;
	return got;
}

int act_dup2_over(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), ret;

	if (null < 0)
		return -errno;
	ret = result(dup2(null, self.held));
	close(null);
	return ret;
}

int act_lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return result(fd);
}

int act_churn(pid_t pid, int count)
{
	int fds[256], i, ret = 0;

	for (i = 0; i < count && i < 256 && ret == 0; i++) {
		fds[i] = pidfd_of(pid);
		if (fds[i] < 0)
			ret = fds[i--];
	}
	while (--i >= 0)
		close(fds[i]);
	return ret;
}

static void *close_later(void *arg)
{
	char byte;

	if (read((int)(intptr_t)arg, &byte, 1) == 1)
		close(self_new_pidfd());
	return NULL;
}

int act_close_later(int fd)
{
	pthread_t thread;

	return -pthread_create(&thread, NULL, close_later, (void *)(intptr_t)fd);
}

int act_drop(int *fd)
{
	int ret = result(close(*fd));

	*fd = -1;
	return ret;
}

int act_uring_file(void)
{
	int ring = uring_hold(self.held);

	if (ring >= 0)
		act_drop(&self.held);
	return ring;
}
