/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * for_agent.h - what only the agent uses of the kernel side
 *
 * That is: the programs that it calls (BPF_PROG_TEST_RUN), the ring by which a release wakes it,
 * and a walk over all tethers that misses none. The layouts are in autokill_state.h.
 */
#ifndef AUTOKILL_USER_FOR_AGENT_H
#define AUTOKILL_USER_FOR_AGENT_H

#include <stdbool.h>
#include <stddef.h>

#include "autokill_state.h"
#include "kernel/kernel_side.h"

struct ring_buffer;

/**
 * found_map - maps/found, by which the programs are asked which process a pidfd stands for
 *
 * Return: AUTOKILL_SWEEP_SLOTS elements, for found_unmap(), which takes NULL, too; NULL with
 * errno.
 */
struct autokill_identity *found_map(const struct kernel_side *k);
void found_unmap(struct autokill_identity *found);

static inline void found_cleanup(struct autokill_identity **found)
{
	found_unmap(*found);
}

#define _cleanup_found_ __attribute__((cleanup(found_cleanup)))

/**
 * victims_identify - which processes the pidfds in the first @n elements of maps/found stand for
 *
 * The elements have a pidfd and nothing else. They get tgid and start_time of its process, unless
 * that is reaped. Those with a negative pidfd are skipped.
 * Return: 0; -EBADF if one is not a pidfd; -EAGAIN, -errno: it cannot be found out now. After a
 * failure no element may be relied on.
 */
int victims_identify(const struct kernel_side *k, __u32 n);

/**
 * agent_say - tell the kernel side about the tether @id
 * @what, @err: with AGENT_FAILED: what failed, and the errno (positive); else 0
 *
 * Return: 0; -ENOENT if there is no such tether any more; other -errno.
 */
int agent_say(const struct kernel_side *k, __u64 id, enum autokill_agent_word word,
	      enum autokill_what what, int err);

/**
 * agent_swept - tell it that a walk over the tree @id is done, and that @count groups were
 * signalled
 *
 * Return: as agent_say().
 */
int agent_swept(const struct kernel_side *k, __u64 id, __u32 count);

/**
 * sweep_ask - which members of a released tree are still to be signalled? maps/found has the
 * answer.
 * @ask: see struct autokill_sweep; each call goes on where the one before has ended
 *
 * Return: 0; -ENOENT if there is no such tether any more; other -errno.
 */
int sweep_ask(const struct kernel_side *k, struct autokill_sweep *ask);

/**
 * ring_open - the ring of releases, whose descriptor (k->releases) is readable when one has come
 * @take: called by ring_take() for each record, with @ctx; a value below 0 ends ring_take()
 *
 * Return: it, for ring_close(), which takes NULL, too; NULL with errno.
 */
struct ring_buffer *ring_open(const struct kernel_side *k,
			      int (*take)(void *ctx, void *record, size_t size), void *ctx);
void ring_take(struct ring_buffer *ring);
void ring_close(struct ring_buffer *ring);

#define TETHERS_AT_ONCE 128

/* A walk over maps/tethers. The values there are longer than struct autokill_tether. */
struct tether_walk {
	__u32 value_size;
	void *keys, *values; /* TETHERS_AT_ONCE of them */
	__u32 at;
};

/** tether_walk_open - make room for a walk. Return: 0 or -errno; tether_walk_close() either way. */
int tether_walk_open(const struct kernel_side *k, struct tether_walk *walk);
void tether_walk_close(struct tether_walk *walk);

/**
 * tether_walk_next - copy the next ones
 * @first: begin at the beginning
 * @n: receives how many they are, for tether_walk_at()
 *
 * In batches of whole buckets, under their locks, so that what is there throughout the walk is seen
 * exactly once, whatever is added or deleted meanwhile.
 * Return: 0; -ENOENT: these are the last; other -errno, with nothing copied.
 */
int tether_walk_next(const struct kernel_side *k, struct tether_walk *walk, bool first, __u32 *n);

/** tether_walk_at - number @i of those that were copied last */
const struct autokill_tether *tether_walk_at(const struct tether_walk *walk, __u32 i);

/**
 * tether_read - copy one tether
 * @value: the room of a whole value (tether_walk.value_size)
 *
 * The kernel copies without a lock. The copy of an element that is deleted meanwhile may be half
 * of another element.
 * Return: 0; -ENOENT; other -errno.
 */
int tether_read(const struct kernel_side *k, __u64 id, void *value);

#endif /* AUTOKILL_USER_FOR_AGENT_H */
