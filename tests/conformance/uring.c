// SPDX-License-Identifier: GPL-2.0-only
/*
 * uring.c - the two ways in which io_uring drops the last reference to a file
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actor.h"

#define ENTRIES 4

static int ring_setup(struct io_uring_params *params)
{
	int ring;

	memset(params, 0, sizeof(*params));
	ring = syscall(SYS_io_uring_setup, ENTRIES, params);
	return ring < 0 ? -errno : ring;
}

static void *ring_map(int ring, size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);

	return p == MAP_FAILED ? NULL : p;
}

static unsigned int *word(void *base, unsigned int offset)
{
	return (unsigned int *)((char *)base + offset);
}

int uring_close(int fd, unsigned int sqe_flags)
{
	struct io_uring_params params;
	int ring = ring_setup(&params), ret = -ENOMEM;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqe;
	void *sq, *cq;

	if (ring < 0)
		return ring;
	sq = ring_map(ring, params.sq_off.array + params.sq_entries * sizeof(unsigned int),
		      IORING_OFF_SQ_RING);
	cq = ring_map(ring, params.cq_off.cqes + params.cq_entries * sizeof(*cqe),
		      IORING_OFF_CQ_RING);
	sqes = ring_map(ring, params.sq_entries * sizeof(*sqes), IORING_OFF_SQES);
	if (!sq || !cq || !sqes)
		goto out;
	memset(sqes, 0, sizeof(*sqes));
	sqes[0].opcode = IORING_OP_CLOSE;
	sqes[0].fd = fd;
	sqes[0].flags = sqe_flags;
	*word(sq, params.sq_off.array) = 0;
	__atomic_store_n(word(sq, params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0) {
		ret = -errno;
		goto out;
	}
	cqe = (struct io_uring_cqe *)((char *)cq + params.cq_off.cqes);
	ret = cqe->res;
out:
	close(ring);
	return ret;
}

int uring_hold(int fd)
{
	struct io_uring_params params;
	int ring = ring_setup(&params), ret;

	if (ring < 0)
		return ring;
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1) < 0) {
		ret = -errno;
		close(ring);
		return ret;
	}
	return ring;
}
