/* SPDX-License-Identifier: GPL-2.0-only */
/* programs.h - the table bpf/programs.h, for what loads, attaches, pins and reads programs */
#ifndef AUTOKILL_USER_PROGRAMS_H
#define AUTOKILL_USER_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

struct rungs;

struct program {
	const char *name;		     /* "autokill_birth" */
	const char *hook;		     /* as in SEC() */
	bool (*when)(const struct rungs *r); /* is it in use on these rungs? */
};

/* As in bpf/programs.h: in the order in which they are attached and pinned. */
#define P(name, when, hook, what) +1
enum {
	N_PROGRAMS =
#include "bpf/programs.h"
};
#undef P
extern const struct program programs[N_PROGRAMS];

/** program_find - the row of @name, "autokill_" included; NULL if there is none */
const struct program *program_find(const char *name);

/** program_hangs - is it attached to a function of the kernel? Others are iterators or services. */
bool program_hangs(const struct program *p);

/** program_is_iterator - is it run by a read of its pin? Its link is what progs/ has. */
bool program_is_iterator(const struct program *p);

/** program_is_service - is it run by the agent alone? It has no link. */
bool program_is_service(const struct program *p);

/**
 * program_pin - its name in progs/
 *
 * That of a program, but for the iterator: people read it, so it has the shorter name.
 */
const char *program_pin(const struct program *p);

#endif /* AUTOKILL_USER_PROGRAMS_H */
