/* SPDX-License-Identifier: GPL-2.0-only */
/* call.h - call a verb as main() would, in a process of its own, and catch what it prints */
#ifndef AUTOKILL_TEST_CALL_H
#define AUTOKILL_TEST_CALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct called {
	int status;	   /* exit status, or 1000 + the signal */
	char out[1 << 20]; /* stdout */
	char err[4096];	   /* stderr */
};

static inline void call_read(FILE *from, char *text, size_t size)
{
	size_t n;

	rewind(from);
	n = fread(text, 1, size - 1, from);
	assert_true(n < size - 1);
	text[n] = '\0';
	fclose(from);
}

/** call_words - call @fn with the words of @line, which are separated by blanks, as argv[0] to … */
static inline struct called *call_words(int (*fn)(int, char **), const char *line)
{
	static struct called called;
	FILE *out = tmpfile(), *err = tmpfile();
	char copy[256], *argv[16] = {};
	int argc = 0, status;
	pid_t pid;

	assert_non_null(out);
	assert_non_null(err);
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word && argc < 15; word = strtok(NULL, " "))
		argv[argc++] = word;
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		exit(fn(argc, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	called.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
	call_read(out, called.out, sizeof(called.out));
	call_read(err, called.err, sizeof(called.err));
	return &called;
}

#endif /* AUTOKILL_TEST_CALL_H */
