// SPDX-License-Identifier: GPL-2.0-only
/* test_rungs.c - the choice of rungs from made-up kernels */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rungs.h"

/* Linux 6.18 as Debian builds it. */
static struct features kernel_618(void)
{
	return (struct features){
		.release = "6.18.0",
		.can_bpf = true,
		.bpffs = true,
		.btf = true,
		.lsm_bpf = true,
		.fn_copy_process = true,
		.fn_pidfs_alloc_file = true,
		.fn_file_release = true,
		.kfunc_iter_task = true,
		.kfunc_send_signal = true,
		.kfunc_task_work_impl = true,
	};
}

static bool has_program(const struct rungs *r, const char *name)
{
	for (const char *const *p = r->programs; *p; p++)
		if (!strcmp(*p, name))
			return true;
	return false;
}

static void chooses_by_kernel(void **state)
{
	struct lack lacks[LACKS_MAX];
	struct features f = kernel_618();
	struct rungs r;

	(void)state;
	assert_int_equal(rungs_choose(&f, &r, lacks), 0);
	assert_int_equal(r.object, OBJECT_TASK_WORK_IMPL);
	assert_true(r.lsm);

	f.kfunc_task_work = true; /* 7.0: both spellings */
	assert_int_equal(rungs_choose(&f, &r, lacks), 0);
	assert_int_equal(r.object, OBJECT_TASK_WORK);

	f.kfunc_task_work_impl = false;
	assert_int_equal(rungs_choose(&f, &r, lacks), 0);
	assert_int_equal(r.object, OBJECT_TASK_WORK);
}

static void hangs_on_lsm_only_where_it_is_active(void **state)
{
	struct lack lacks[LACKS_MAX];
	struct features f = kernel_618();
	struct rungs r;

	(void)state;
	assert_int_equal(rungs_choose(&f, &r, lacks), 0);
	assert_true(has_program(&r, "autokill_release"));
	assert_true(has_program(&r, "autokill_guard"));
	assert_false(has_program(&r, "autokill_release_fn"));

	f.lsm_bpf = false;
	assert_int_equal(rungs_choose(&f, &r, lacks), 0);
	assert_false(r.lsm);
	assert_true(has_program(&r, "autokill_release_fn"));
	assert_true(has_program(&r, "autokill_guard2_fn"));
	assert_false(has_program(&r, "autokill_release"));
}

/* Whoever can arm must find everything else in place: prctl is attached last. */
static void attaches_prctl_last(void **state)
{
	struct lack lacks[LACKS_MAX];
	struct features f = kernel_618();
	struct rungs r;

	(void)state;
	for (int lsm = 0; lsm < 2; lsm++) {
		const char *last = NULL;

		f.lsm_bpf = lsm;
		assert_int_equal(rungs_choose(&f, &r, lacks), 0);
		for (const char *const *p = r.programs; *p; p++)
			last = *p;
		assert_string_equal(last, "autokill_prctl");
		assert_non_null(strstr(r.programs[0], "release"));
	}
}

static void names_each_lack(void **state)
{
	static const size_t needed[] = {
		offsetof(struct features, can_bpf),
		offsetof(struct features, bpffs),
		offsetof(struct features, btf),
		offsetof(struct features, fn_copy_process),
		offsetof(struct features, fn_pidfs_alloc_file),
		offsetof(struct features, fn_file_release),
		offsetof(struct features, kfunc_iter_task),
		offsetof(struct features, kfunc_send_signal),
		offsetof(struct features, kfunc_task_work_impl),
	};
	struct lack lacks[LACKS_MAX];
	struct rungs r;

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		struct features f = kernel_618();

		*(bool *)((char *)&f + needed[i]) = false;
		assert_int_equal(rungs_choose(&f, &r, lacks), 1);
		assert_true(strlen(lacks[0].what) > 0);
		assert_true(strlen(lacks[0].mend) > 0);
	}
}

static void old_kernels_lack_task_work(void **state)
{
	struct lack lacks[LACKS_MAX];
	struct features f = kernel_618();
	struct rungs r;

	(void)state;
	f.kfunc_task_work_impl = false; /* 6.17 */
	assert_int_equal(rungs_choose(&f, &r, lacks), 1);
	assert_non_null(strstr(lacks[0].what, "task work"));

	f.fn_pidfs_alloc_file = f.fn_file_release = false; /* 6.1 */
	f.kfunc_iter_task = f.kfunc_send_signal = false;
	assert_int_equal(rungs_choose(&f, &r, lacks), 4);
}

static void nothing_at_all_overflows_nothing(void **state)
{
	struct lack lacks[LACKS_MAX];
	struct features f = {};
	struct rungs r;
	int n;

	(void)state;
	n = rungs_choose(&f, &r, lacks);
	assert_in_range(n, 3, LACKS_MAX);
	f.btf = true;
	n = rungs_choose(&f, &r, lacks);
	assert_in_range(n, 6, LACKS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_by_kernel),
		cmocka_unit_test(hangs_on_lsm_only_where_it_is_active),
		cmocka_unit_test(attaches_prctl_last),
		cmocka_unit_test(names_each_lack),
		cmocka_unit_test(old_kernels_lack_task_work),
		cmocka_unit_test(nothing_at_all_overflows_nothing),
	};

	return cmocka_run_group_tests_name("rungs", tests, NULL, NULL);
}
