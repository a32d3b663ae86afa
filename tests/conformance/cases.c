// SPDX-License-Identifier: GPL-2.0-only
/*
 * cases.c - the cases of all files, in order
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "cases.h"

/* Where the linker puts the section `cases` together, it names the beginning and the end. */
extern const struct conf_case *const __start_cases[];
extern const struct conf_case *const __stop_cases[];

static const char kinds[] = "NXTPR";

static int by_name(const void *one, const void *other)
{
	const char *a = (*(const struct conf_case *const *)one)->name;
	const char *b = (*(const struct conf_case *const *)other)->name;

	if (a[0] != b[0])
		return strchr(kinds, a[0]) < strchr(kinds, b[0]) ? -1 : 1;
	return strverscmp(a, b);
}

const struct conf_case **cases_sorted(bool stress, unsigned int *count)
{
	const struct conf_case *const *one;
	const struct conf_case **sorted = calloc(__stop_cases - __start_cases, sizeof(*sorted));

	*count = 0;
	if (!sorted)
		return NULL;
	for (one = __start_cases; one < __stop_cases; one++) {
		if (((*one)->name[0] == 'R') == stress)
			sorted[(*count)++] = *one;
	}
	qsort(sorted, *count, sizeof(*sorted), by_name);
	return sorted;
}
