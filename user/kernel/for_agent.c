// SPDX-License-Identifier: GPL-2.0-only
/* for_agent.c - what only the agent uses of the kernel side */
#include "kernel/for_agent.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"

#define FOUND_SIZE (AUTOKILL_SWEEP_SLOTS * sizeof(struct autokill_identity))

struct autokill_identity *found_map(const struct kernel_side *k)
{
	void *found = mmap(NULL, FOUND_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, k->found, 0);

	return found == MAP_FAILED ? NULL : found;
}

void found_unmap(struct autokill_identity *found)
{
	if (found)
		munmap(found, FOUND_SIZE);
}

/*
 * Run @prog with @ctx, where the kernel also writes what @prog has changed in it. (It refuses a
 * ctx_out: net/bpf/test_run.c.) Return: what @prog returns, or -errno.
 */
static int ask_program(int prog, void *ctx, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx, .ctx_size_in = size);

	if (bpf_prog_test_run_opts(prog, &opts))
		return -errno;
	return (int)opts.retval;
}

int victims_identify(const struct kernel_side *k, __u32 n)
{
	struct autokill_identify ask = { .count = n };

	return ask_program(k->identity, &ask, sizeof(ask));
}

int agent_say(const struct kernel_side *k, __u64 id, enum autokill_agent_word word,
	      enum autokill_what what, int err)
{
	struct autokill_agent_says says = { .id = id, .word = word, .what = what, .err = err };

	return ask_program(k->says, &says, sizeof(says));
}

int agent_swept(const struct kernel_side *k, __u64 id, __u32 count)
{
	struct autokill_agent_says says = { .id = id, .word = AGENT_SWEPT, .count = count };

	return ask_program(k->says, &says, sizeof(says));
}

int sweep_ask(const struct kernel_side *k, struct autokill_sweep *ask)
{
	return ask_program(k->sweep, ask, sizeof(*ask));
}

struct ring_buffer *ring_open(const struct kernel_side *k,
			      int (*take)(void *ctx, void *record, size_t size), void *ctx)
{
	return ring_buffer__new(k->releases, take, ctx, NULL);
}

void ring_take(struct ring_buffer *ring)
{
	ring_buffer__consume(ring);
}

void ring_close(struct ring_buffer *ring)
{
	ring_buffer__free(ring);
}

int tether_walk_open(const struct kernel_side *k, struct tether_walk *walk)
{
	int err = kernel_side_value_size(k->tethers, &walk->value_size);

	if (err)
		return err;
	walk->keys = calloc(TETHERS_AT_ONCE, sizeof(__u64));
	walk->values = calloc(TETHERS_AT_ONCE, walk->value_size);
	return walk->keys && walk->values ? 0 : -ENOMEM;
}

void tether_walk_close(struct tether_walk *walk)
{
	cleanup_free(&walk->keys);
	cleanup_free(&walk->values);
}

int tether_walk_next(const struct kernel_side *k, struct tether_walk *walk, bool first, __u32 *n)
{
	__u32 count = TETHERS_AT_ONCE;
	int err = 0;

	if (bpf_map_lookup_batch(k->tethers, first ? NULL : &walk->at, &walk->at, walk->keys,
				 walk->values, &count, NULL))
		err = -errno;
	*n = err && err != -ENOENT ? 0 : count;
	return err;
}

const struct autokill_tether *tether_walk_at(const struct tether_walk *walk, __u32 i)
{
	return (const void *)((const char *)walk->values + (size_t)i * walk->value_size);
}

int tether_read(const struct kernel_side *k, __u64 id, void *value)
{
	return bpf_map_lookup_elem(k->tethers, &id, value) ? -errno : 0;
}
