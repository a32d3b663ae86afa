/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * out.h - what goes to stdout: tables for people, one JSON object a line for programs
 *
 * A command cannot go on without memory for a line of output. So without memory these functions
 * do not return: they print a message and exit with status 1.
 */
#ifndef AUTOKILL_USER_OUT_H
#define AUTOKILL_USER_OUT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct libscols_line;
struct libscols_table;

struct out_column {
	const char *name;
	bool right; /* numbers stand at the right */
};

/** out_table - a new table; out_table_print() prints and frees it */
struct libscols_table *out_table(const struct out_column *columns, size_t n);

/** out_table_tree - the same; the first column is drawn as a tree */
struct libscols_table *out_table_tree(const struct out_column *columns, size_t n);

/** out_row_below - add a row below @above, NULL for the root. Return: the row, the table's own. */
struct libscols_line *out_row_below(struct libscols_table *table, struct libscols_line *above,
				    const char *const *cells, size_t n);

/** out_row - add a row; @cells are copied, one for each column */
void out_row(struct libscols_table *table, const char *const *cells, size_t n);
void out_table_print(struct libscols_table *table);

/** out_json_new, out_json_array - an empty object or array, to be passed to out_json() at last */
struct json_object *out_json_new(void);
struct json_object *out_json_array(void);

/* Set one member. out_add takes over @value; out_add_text wants valid UTF-8 (out_text). */
void out_add(struct json_object *o, const char *name, struct json_object *value);
void out_add_u64(struct json_object *o, const char *name, __u64 value);
void out_add_bool(struct json_object *o, const char *name, bool value);
void out_add_text(struct json_object *o, const char *name, const char *value);

/** out_append - add @value, which is taken over, to an array */
void out_append(struct json_object *array, struct json_object *value);

/** out_json - print @o as one line, flush, and free it */
void out_json(struct json_object *o);

#define OUT_TEXT(n) (4 * (n) + 1) /* size that out_text needs for @n bytes */

/**
 * out_text - make bytes that any user can choose (a process's name) fit to print
 * @dst: receives valid UTF-8 without control characters, NUL-terminated; OUT_TEXT(n) bytes
 * @src: at most @n bytes, ending at the first NUL
 *
 * Each invalid byte, and the backslash, becomes \xNN. Returns @dst.
 */
char *out_text(char *dst, const char *src, size_t n);

/** out_flush - flush stdout. Return: true as long as nothing has ever failed. */
bool out_flush(void);

/** out_end - flush stdout. Return: 0, or 1 after a message; a reader that left is no failure. */
int out_end(void);

#endif /* AUTOKILL_USER_OUT_H */
