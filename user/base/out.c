// SPDX-License-Identifier: GPL-2.0-only
/* out.c - what goes to stdout: tables and JSON */
#include <errno.h>
#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "base/out.h"

static void *must(void *p)
{
	if (!p) {
		msg_error("output: %s; free some memory and repeat", strerror(ENOMEM));
		exit(1);
	}
	return p;
}

static void must_be_done(int ret)
{
	must(ret < 0 ? NULL : "");
}

static struct libscols_table *table_new(const struct out_column *columns, size_t n, int flags_first)
{
	struct libscols_table *table = must(scols_new_table());

	for (size_t i = 0; i < n; i++) {
		int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) | (i ? 0 : flags_first);
		struct libscols_column *column;

		column = must(scols_table_new_column(table, columns[i].name, 0, flags));
		/* or the \xNN of out_text() would become \x5cxNN */
		must_be_done(scols_column_set_safechars(column, "\\"));
	}
	return table;
}

struct libscols_table *out_table(const struct out_column *columns, size_t n)
{
	return table_new(columns, n, 0);
}

struct libscols_table *out_table_tree(const struct out_column *columns, size_t n)
{
	return table_new(columns, n, SCOLS_FL_TREE);
}

struct libscols_line *out_row_below(struct libscols_table *table, struct libscols_line *above,
				    const char *const *cells, size_t n)
{
	struct libscols_line *line = must(scols_table_new_line(table, above));

	for (size_t i = 0; i < n; i++)
		must_be_done(scols_line_set_data(line, i, cells[i]));
	return line;
}

void out_row(struct libscols_table *table, const char *const *cells, size_t n)
{
	out_row_below(table, NULL, cells, n);
}

void out_table_print(struct libscols_table *table)
{
	scols_print_table(table);
	scols_unref_table(table);
}

struct json_object *out_json_new(void)
{
	return must(json_object_new_object());
}

struct json_object *out_json_array(void)
{
	return must(json_object_new_array());
}

void out_add(struct json_object *o, const char *name, struct json_object *value)
{
	must_be_done(json_object_object_add(o, name, must(value)));
}

void out_add_u64(struct json_object *o, const char *name, __u64 value)
{
	out_add(o, name, json_object_new_uint64(value));
}

void out_add_bool(struct json_object *o, const char *name, bool value)
{
	out_add(o, name, json_object_new_boolean(value));
}

void out_add_text(struct json_object *o, const char *name, const char *value)
{
	out_add(o, name, json_object_new_string(value));
}

void out_append(struct json_object *array, struct json_object *value)
{
	must_be_done(json_object_array_add(array, must(value)));
}

void out_json(struct json_object *o)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

	puts(must((void *)json_object_to_json_string_ext(o, flags)));
	json_object_put(o);
	out_flush();
}

/*
 * Length of the character at @s if it is well-formed UTF-8 (The Unicode Standard, table 3-7) and
 * not a control character, else 0. @n bytes can be read.
 */
static size_t printable_length(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (s[0] < ' ' || s[0] == '\\' || s[0] == 0x7f)
		return 0;
	if (len == 1)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xc2 && s[1] < 0xa0) ||  /* U+0080 to U+009F: control characters, too */
	    (s[0] == 0xe0 && s[1] < 0xa0) ||  /* over-long */
	    (s[0] == 0xed && s[1] >= 0xa0) || /* surrogates */
	    (s[0] == 0xf0 && s[1] < 0x90) ||  /* over-long */
	    (s[0] == 0xf4 && s[1] >= 0x90))   /* above U+10FFFF */
		return 0;
	return len;
}

char *out_text(char *dst, const char *src, size_t n)
{
	const unsigned char *s = (const unsigned char *)src, *end = s + strnlen(src, n);
	char *d = dst;

	while (s < end) {
		size_t len = printable_length(s, end - s);

		if (len) {
			memcpy(d, s, len);
			d += len;
			s += len;
		} else {
			d += sprintf(d, "\\x%02x", *s++);
		}
	}
	*d = '\0';
	return dst;
}

static int write_error; /* the first errno of a flush that failed */

bool out_flush(void)
{
	if (fflush(stdout) && !write_error)
		write_error = errno;
	return !write_error && !ferror(stdout);
}

int out_end(void)
{
	if (out_flush() || write_error == EPIPE)
		return 0;
	msg_error("output: cannot write: %s; see where stdout goes",
		  strerror(write_error ? write_error : EIO));
	return 1;
}
