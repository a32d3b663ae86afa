// SPDX-License-Identifier: GPL-2.0-only
/* explain.c - words that several verbs say of what the rooms below have found */
#include "verbs/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/place.h"

const char *advice_for_root(const char *command)
{
	static char advice[128];

	snprintf(advice, sizeof(advice), "%srun: %s",
		 is_administrator() ? "" : "ask the administrator to ", command);
	return advice;
}

const char *explain_others(char text[EXPLAIN_MAX], const struct others *o)
{
	const size_t size = EXPLAIN_MAX;
	const struct other *first = &o->links[0];
	int n = snprintf(text, size, "link %u (program %u, %s)", first->link, first->program,
			 first->name);

	for (size_t i = 1; i < o->n && i < 3 && n > 0 && (size_t)n < size; i++)
		n += snprintf(text + n, size - n, ", link %u (program %u)", o->links[i].link,
			      o->links[i].program);
	if (o->n > 3 && n > 0 && (size_t)n < size)
		n += snprintf(text + n, size - n, " and %zu more", o->n - 3);
	if (n < 0 || (size_t)n >= size)
		return text;
	if (o->by_agent)
		snprintf(
			text + n, size - n,
			", pinned in the mount namespace of the agent, process %u; run: systemctl kill "
			"autokill-agent",
			o->pid);
	else if (o->by_mount)
		snprintf(
			text + n, size - n,
			", pinned in the mount namespace of process %u; run: nsenter -m -t %u autokill unload",
			o->pid, o->pid);
	else if (o->pid)
		snprintf(text + n, size - n, ", held by process %u; end it, or wait for its end",
			 o->pid);
	else
		snprintf(text + n, size - n,
			 "; no process that has them can be found from here: find the bpffs with "
			 "their pins and unload there, or restart this machine");
	return text;
}

const char *explain_loader(char text[EXPLAIN_MAX], const struct loader_failure *f)
{
	static const char *const steps[] = {
		[LOADER_OPEN] = "cannot open the BPF object",
		[LOADER_SIZES] = "cannot set the size of a map",
		[LOADER_PROGRAM] = "",
		[LOADER_SWITCHES] = "cannot set a switch",
		[LOADER_LOAD] = "the kernel does not load the programs",
		[LOADER_CONFIG] = "cannot write the configuration",
		[LOADER_ATTACH] = "cannot attach ",
		[LOADER_PIN] = "cannot pin",
	};

	snprintf(text, EXPLAIN_MAX, "%s%s: %s%s%s%s", steps[f->step], f->program ?: "",
		 strerror(-f->err), *f->said ? " (" : "", f->said, *f->said ? ")" : "");
	return text;
}

const char *mend_loader(const struct loader_failure *f)
{
	switch (f->cause) {
	case LOADER_POLICY:
		return "this host's policy forbids BPF programs on fentry or LSM hooks (EPERM "
		       "and no verifier log): allow them, or run on another host or in a guest";
	case LOADER_TAKEN:
		return "another tool hangs on this hook: find it (bpftool link) and "
		       "end it, then load again";
	case LOADER_UNKNOWN:
		break;
	}
	return "run with --verbose to see what libbpf and the verifier say";
}

int print_verbose(const char *format, va_list args)
{
	return vfprintf(stderr, format, args);
}
