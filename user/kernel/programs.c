// SPDX-License-Identifier: GPL-2.0-only
/* programs.c - the table bpf/programs.h, for what loads, attaches, pins and reads programs */
#include "kernel/programs.h"

#include <string.h>

#include "kernel/rungs.h"

#define PREFIX "autokill_"

#define P(name, condition, hook, what)                                                             \
	static bool when_##name(const struct rungs *r)                                             \
	{                                                                                          \
		(void)r;                                                                           \
		return condition;                                                                  \
	}
#include "bpf/programs.h"
#undef P

#define P(name, when, hook, what) { PREFIX #name, hook, when_##name },
const struct program programs[N_PROGRAMS] = {
#include "bpf/programs.h"
};
#undef P

const struct program *program_find(const char *name)
{
	for (size_t i = 0; i < N_PROGRAMS; i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	return NULL;
}

bool program_hangs(const struct program *p)
{
	return !program_is_iterator(p) && !program_is_service(p);
}

bool program_is_iterator(const struct program *p)
{
	return !strncmp(p->hook, "iter/", strlen("iter/"));
}

bool program_is_service(const struct program *p)
{
	return !strcmp(p->hook, "syscall");
}

const char *program_pin(const struct program *p)
{
	return program_is_iterator(p) ? p->name + strlen(PREFIX) : p->name;
}
