/* SPDX-License-Identifier: GPL-2.0-only */
/* loader.h - open, load, attach and pin the kernel side */
#ifndef AUTOKILL_USER_LOADER_H
#define AUTOKILL_USER_LOADER_H

#include "kernel/kernel_side.h"
#include "kernel/rungs.h"

#include <stdarg.h>
#include <stdbool.h>

struct bpf_object;
struct bpf_link;

#define LOADER_LINKS_MAX N_PROGRAMS
#define LOADER_RING_BYTES 65536

struct loader_options {
	__u32 room; /* tethers in all; the share of a uid is a quarter */
	/* of maps/releases: a power of two, a page or more; 0: LOADER_RING_BYTES */
	__u32 ring_bytes;
	/* Called for all that libbpf and the verifier say, as vprintf() is; or NULL. */
	int (*listen)(const char *format, va_list args);
	/*
	 * For tests: a program that the kernel is made to refuse, in this object and later ones;
	 * or NULL.
	 */
	const char *spoiled;
	enum rung_object spoiled_from;
};

enum loader_step {
	LOADER_OPEN = 1, /* the object */
	LOADER_SIZES,	 /* of its maps */
	LOADER_PROGRAM,	 /* a program that the object does not have */
	LOADER_SWITCHES, /* by which the verifier drops what is off */
	LOADER_LOAD,
	LOADER_CONFIG, /* maps/config */
	LOADER_ATTACH,
	LOADER_PIN,
};

enum loader_cause {
	LOADER_UNKNOWN,
	LOADER_POLICY, /* EPERM or EACCES, and no word of the verifier */
	LOADER_TAKEN,  /* others hang on the hook, and it has no room */
};

struct loader_failure {
	enum loader_step step; /* 0: none */
	enum loader_cause cause;
	int err;	     /* negative */
	const char *program; /* with LOADER_PROGRAM and LOADER_ATTACH */
	char said[304];	     /* by libbpf, what is wrong; or "" */
};

struct loader {
	struct bpf_object *object;
	struct bpf_link *links[LOADER_LINKS_MAX];
	const char *link_names[LOADER_LINKS_MAX]; /* of the programs */
	int n_links;
	struct kernel_side kernel; /* descriptors of the object's own; closed with it */
	struct loader_failure failure;
	char culprit[64]; /* after a failure: the program that it failed on, or "" */
	bool lower;	  /* after a failure: it can be another on a lower rung */
};

/**
 * loader_start - load the programs and attach them, with nobody allowed to arm yet
 *
 * Nothing is pinned: everything ends with loader_stop() or with the process.
 * Return: 0; -errno with @l->failure set, and nothing left attached.
 */
int loader_start(struct loader *l, const struct rungs *rungs, const struct loader_options *options);

/**
 * loader_climb_down - loader_start(), and if the kernel refuses a rung, the next one below
 * @said: called for each rung that is given up, with the loader that failed and what is given up
 *
 * @rungs and @features say what is in use in the end.
 * Return: as loader_start(), of the last rung that was tried.
 */
int loader_climb_down(struct loader *l, struct rungs *rungs, struct features *features,
		      const struct loader_options *options,
		      void (*said)(void *ctx, const struct loader *l, enum autokill_fell fell),
		      void *ctx);

/** loader_link_ids - the ids of its links, l->n_links of them. Return: 0 or -errno. */
int loader_link_ids(const struct loader *l, __u32 ids[LOADER_LINKS_MAX]);

/** loader_stop - detach what is not pinned and free everything; may be called twice */
void loader_stop(struct loader *l);

/**
 * loader_pin - pin maps, programs and links below @base, in the order of pins.h
 *
 * Return: 0; -errno with @l->failure set, and what was pinned already removed again.
 */
int loader_pin(struct loader *l, const char *base);

#endif /* AUTOKILL_USER_LOADER_H */
