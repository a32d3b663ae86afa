/* SPDX-License-Identifier: GPL-2.0-only */
/* loader.h - open, load, attach and pin the kernel side */
#ifndef AUTOKILL_USER_LOADER_H
#define AUTOKILL_USER_LOADER_H

#include "maps.h"
#include "rungs.h"

struct bpf_object;
struct bpf_link;

#define LOADER_LINKS_MAX RUNG_PROGRAMS_MAX
#define LOADER_RING_BYTES 65536

struct loader_options {
	__u32 room;	  /* tethers in all; the share of a uid is a quarter */
	__u32 ring_bytes; /* of maps/releases: a power of two, a page or more; 0: LOADER_RING_BYTES */
	bool verbose;	  /* print what libbpf and the verifier say */
	/* For tests: a program that the kernel is made to refuse, in objects from this one on; or NULL. */
	const char *spoiled;
	enum rung_object spoiled_from;
};

struct loader {
	struct bpf_object *object;
	struct bpf_link *links[LOADER_LINKS_MAX];
	const char *link_names[LOADER_LINKS_MAX]; /* of the programs */
	int n_links;
	struct maps maps; /* descriptors of the object's own; closed with it */
	char why[512];	  /* after a failure: what failed and why */
	const char *mend; /* after a failure: what to do; constant string */
	char culprit[64]; /* after a failure: the program that it failed on, or "" */
	bool lower;	  /* after a failure: it can be another on a lower rung */
};

/**
 * loader_start - load the programs and attach them, with nobody allowed to arm yet
 *
 * Nothing is pinned: everything ends with loader_stop() or with the process.
 * Return: 0; -errno with @l->why and @l->mend set, and nothing left attached.
 */
int loader_start(struct loader *l, const struct rungs *rungs, const struct loader_options *options);

/**
 * loader_climb_down - loader_start(), and if the kernel refuses a rung, the next one below
 * @said: called for each rung that is given up, with the loader that failed and what is done without
 *
 * @rungs and @features say what is in use in the end.
 * Return: as loader_start(), of the last rung that was tried.
 */
int loader_climb_down(struct loader *l, struct rungs *rungs, struct features *features,
		      const struct loader_options *options,
		      void (*said)(void *ctx, const struct loader *l, enum autokill_fell fell),
		      void *ctx);

/** loader_stop - detach what is not pinned and free everything; may be called twice */
void loader_stop(struct loader *l);

/**
 * loader_pin - pin maps, programs and links below @base, in the reverse order of pins_table
 *
 * Return: 0; -errno with @l->why set, and what was pinned already removed again.
 */
int loader_pin(struct loader *l, const char *base);

#endif /* AUTOKILL_USER_LOADER_H */
