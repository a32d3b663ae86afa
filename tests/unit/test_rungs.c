// SPDX-License-Identifier: GPL-2.0-only
/* test_rungs.c - the choice of rungs from made-up kernels */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernel/rungs.h"

/* Linux 6.18 as Debian builds it. */
static struct features kernel_618(void)
{
	return (struct features){
		.release = "6.18.0",
		.can_bpf = true,
		.bpffs = true,
		.btf = true,
		.lsm_known = true,
		.lsm_bpf = true,
		.fn_copy_process = true,
		.fn_copy_clone_args = true,
		.fn_clone3 = true,
		.kprobes = true,
		.fn_pidfd_ioctl = true,
		.pidfd_info_exit = true,
		.fn_pidfs_alloc_file = true,
		.fn_file_release = true,
		.fn_fput = true,
		.bpf_mem_alloc = true,
		.kfunc_iter_task = true,
		.kfunc_send_signal = true,
		.kfunc_task_work_impl = true,
	};
}

/* Linux 6.1 as Debian builds it: no pidfs, no kfunc that we use. */
static struct features kernel_61(void)
{
	return (struct features){
		.release = "6.1.0",
		.can_bpf = true,
		.bpffs = true,
		.btf = true,
		.lsm_known = true,
		.lsm_bpf = true,
		.fn_copy_process = true,
		.fn_pidfd_release = true,
		.fn_anon_inode_getfile = true,
		.bpf_mem_alloc = true,
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
	assert_false(has_program(&r, "autokill_release_tracing"));

	f.lsm_bpf = false;
	assert_int_equal(rungs_choose(&f, &r, lacks), 0);
	assert_false(r.lsm);
	assert_true(has_program(&r, "autokill_release_tracing"));
	assert_true(has_program(&r, "autokill_birth_second_tracing"));
	assert_true(has_program(&r, "autokill_birth_late_tracing"));
	assert_true(has_program(&r, "autokill_unbirth_second_tracing"));
	assert_true(has_program(&r, "autokill_guard_second_tracing"));
	assert_true(has_program(&r, "autokill_commit_second_tracing"));
	assert_false(has_program(&r, "autokill_release"));
}

/* Where the release can be skipped, a kprobe notes it first, if there are kprobes. */
static void notes_by_kprobe_what_can_be_skipped(void **state)
{
	struct lack lacks[LACKS_MAX];
	struct features f;
	struct rungs r;

	(void)state;
	for (int old = 0; old < 2; old++)
		for (int lsm = 0; lsm < 2; lsm++)
			for (int kprobes = 0; kprobes < 2; kprobes++) {
				bool watch = kprobes && (old || !lsm);

				f = old ? kernel_61() : kernel_618();
				f.lsm_bpf = lsm;
				f.kprobes = kprobes;
				assert_int_equal(rungs_choose(&f, &r, lacks), 0);
				assert_int_equal(r.watch, watch);
				assert_int_equal(has_program(&r, "autokill_release_kprobe"),
						 watch && !old);
				assert_int_equal(has_program(&r, "autokill_release_pidfd_kprobe"),
						 watch && old);
				assert_int_equal(has_program(&r, "autokill_release_tracing"),
						 !old && !lsm);
				assert_int_equal(has_program(&r, "autokill_release_pidfd"), old);
				assert_int_equal(has_program(&r, "autokill_release_pidfd_second"),
						 old && !watch);
				assert_non_null(strstr(r.programs[0], "release"));
			}
}

/* The real ones of Debian: of 6.1 and 6.12, with the kprobes that they have. */
static struct features kernel_61_debian(void)
{
	struct features f = kernel_61();

	f.fn_fput = f.fn_copy_clone_args = f.fn_clone3 = f.kprobes = true;
	return f;
}

static struct features kernel_612(void)
{
	struct features f = kernel_618();

	f.pidfd_info_exit = f.kfunc_send_signal = f.kfunc_task_work_impl = false;
	return f;
}

static struct features kernel_618_without_lsm(void)
{
	struct features f = kernel_618();

	f.lsm_bpf = false;
	return f;
}

static struct features kernel_73(void)
{
	struct features f = kernel_618();

	f.native = f.kfunc_task_work = true;
	f.kfunc_task_work_impl = false;
	return f;
}

/*
 * The whole list for each line of kernels, in order, without "autokill_"; then the services. It
 * shows what a change of the table changes where.
 */
#define ASK                                                                                        \
	"rlimit prctl12 prctl11 prctl10 prctl9 prctl8 prctl7 prctl6 prctl5 prctl4 prctl3 prctl2 "  \
	"prctl "
#define FLAGS "clone3_out clone3_in_kprobe clone3_in "
#define INFO "clone3_info_second clone3_info "
#define TREES "members exit_second exit born_second born "
#define AGENT ": agent identity sweep"
static const struct golden {
	struct features (*make)(void);
	const char *list;
} golden[] = {
	{ kernel_61_debian,
	  "release_pidfd_kprobe release_pidfd unbirth guard " TREES "tie_anon_second tie_anon "
	  "birth " FLAGS ASK AGENT },
	{ kernel_612, "release unbirth guard " TREES "tie_second tie "
		      "birth " FLAGS ASK AGENT },
	{ kernel_618, "release unbirth guard " TREES "tie_second tie birth " INFO FLAGS ASK ":" },
	{ kernel_618_without_lsm,
	  "release_kprobe release_tracing unbirth_second_tracing unbirth_tracing "
	  "commit_second_tracing commit_tracing guard_second_tracing "
	  "guard_tracing " TREES "tie_second tie "
	  "birth_late_tracing birth_second_tracing birth_tracing " INFO FLAGS ASK ":" },
	{ kernel_73, "release unbirth guard " TREES "tie_second tie birth " ASK ":" },
};

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += n)
		if ((at == text || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

/* A program that is in none of the lists is not compared: a new one works before it is there. */
static bool is_listed(const char *name)
{
	for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++)
		if (has_word(golden[i].list, name))
			return true;
	return false;
}

static void listed(const struct rungs *r, char text[2048])
{
	size_t n = 0;

	for (const char *const *p = r->programs; *p; p++)
		if (is_listed(*p + strlen("autokill_")))
			n += snprintf(text + n, 2048 - n, "%s ", *p + strlen("autokill_"));
	n += snprintf(text + n, 2048 - n, ":");
	for (const char *const *p = r->services; *p; p++)
		n += snprintf(text + n, 2048 - n, " %s", *p + strlen("autokill_"));
	assert_true(n < 2048);
}

static void lists_by_kernel(void **state)
{
	struct lack lacks[LACKS_MAX];
	struct features f;
	struct rungs r;
	char text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(*golden); i++) {
		f = golden[i].make();
		assert_int_equal(rungs_choose(&f, &r, lacks), 0);
		listed(&r, text);
		assert_string_equal(text, golden[i].list);
	}
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

/* Without any of @needed, the kernel that @make makes lacks something, and says what to do. */
static void each_is_needed(struct features (*make)(void), const size_t *needed, size_t n)
{
	struct lack lacks[LACKS_MAX];
	struct rungs r;

	for (size_t i = 0; i < n; i++) {
		struct features f = make();

		*(bool *)((char *)&f + needed[i]) = false;
		assert_int_equal(rungs_choose(&f, &r, lacks), 1);
		assert_true(strlen(lacks[0].what) > 0);
		assert_true(strlen(lacks[0].mend) > 0);
	}
}

static void names_each_lack(void **state)
{
	static const size_t by_all[] = {
		offsetof(struct features, can_bpf),
		offsetof(struct features, bpffs),
		offsetof(struct features, btf),
		offsetof(struct features, lsm_known),
		offsetof(struct features, fn_copy_process),
	};
	static const size_t by_618[] = {
		offsetof(struct features, fn_pidfs_alloc_file),
		offsetof(struct features, fn_file_release),
	};
	static const size_t by_61[] = {
		offsetof(struct features, fn_pidfd_release),
		offsetof(struct features, fn_anon_inode_getfile),
		offsetof(struct features, bpf_mem_alloc),
	};

	(void)state;
	each_is_needed(kernel_618, by_all, sizeof(by_all) / sizeof(*by_all));
	each_is_needed(kernel_61, by_all, sizeof(by_all) / sizeof(*by_all));
	each_is_needed(kernel_618, by_618, sizeof(by_618) / sizeof(*by_618));
	each_is_needed(kernel_61, by_61, sizeof(by_61) / sizeof(*by_61));
}

/* Without task work no program can wake a sleeping child, however much else there is. */
static void old_kernels_take_the_agent(void **state)
{
	static const size_t without[] = {
		offsetof(struct features, kfunc_task_work_impl), /* 6.17 */
		offsetof(struct features, kfunc_send_signal),	 /* 6.12 */
		offsetof(struct features, kfunc_iter_task),	 /* 6.6 */
	};
	struct lack lacks[LACKS_MAX];
	struct features f;
	struct rungs r;

	(void)state;
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		f = kernel_618();
		assert_int_equal(rungs_choose(&f, &r, lacks), 0);
		assert_null(r.services[0]);
		assert_false(r.agent);
		*(bool *)((char *)&f + without[i]) = false;
		assert_int_equal(rungs_choose(&f, &r, lacks), 0);
		assert_true(r.agent);
		assert_int_equal(r.object, f.kfunc_send_signal && f.kfunc_iter_task
						   ? OBJECT_AGENT_SIGNAL
						   : OBJECT_AGENT);
		assert_non_null(r.services[0]);
		assert_true(has_program(&r, "autokill_release"));
		assert_true(has_program(&r, "autokill_tie"));
		assert_true(has_program(&r, "autokill_exit")); /* trees are killed there, too */
		assert_true(has_program(&r, "autokill_members"));
	}
}

static void before_pidfs_hangs_on_the_pidfds_own_functions(void **state)
{
	struct features f = kernel_61();
	struct lack lacks[LACKS_MAX];
	struct rungs r;

	(void)state;
	for (int lsm = 0; lsm < 2; lsm++) {
		f.lsm_bpf = lsm;
		assert_int_equal(rungs_choose(&f, &r, lacks), 0);
		assert_int_equal(r.object, OBJECT_AGENT);
		assert_true(has_program(&r, "autokill_release_pidfd"));
		assert_true(has_program(&r, "autokill_tie_anon"));
		assert_false(has_program(&r, "autokill_release"));
		assert_false(has_program(&r, "autokill_release_tracing"));
		assert_false(has_program(&r, "autokill_tie"));
		assert_int_equal(has_program(&r, "autokill_birth"), lsm);
	}
}

static void native_is(const struct features *f, enum autokill_native native)
{
	struct lack lacks[LACKS_MAX];
	bool on = native == NATIVE_FLAGS_ON;
	struct rungs r;

	/* it is never a lack: prctl() is a way in everywhere */
	assert_int_equal(rungs_choose(f, &r, lacks), 0);
	assert_int_equal(r.native, native);
	assert_int_equal(has_program(&r, "autokill_clone3_in"), on);
	assert_int_equal(has_program(&r, "autokill_clone3_in_kprobe"), on);
	assert_int_equal(has_program(&r, "autokill_clone3_out"), on);
	assert_int_equal(has_program(&r, "autokill_clone3_info"), on && f->pidfd_info_exit);
	rungs_native_off(&r);
	assert_int_equal(r.native, on ? NATIVE_FLAGS_OPTION : native);
	assert_false(has_program(&r, "autokill_clone3_in"));
	assert_false(has_program(&r, "autokill_clone3_out"));
	assert_true(has_program(&r, "autokill_prctl"));
}

static void serves_the_native_flags_where_it_can(void **state)
{
	struct features f = kernel_618();

	(void)state;
	native_is(&f, NATIVE_FLAGS_ON);
	f.pidfd_info_exit = false; /* before 6.15 */
	native_is(&f, NATIVE_FLAGS_ON);
	f.fn_clone3 = false; /* not x86-64 */
	native_is(&f, NATIVE_FLAGS_NO_HOOK);
	f.fn_clone3 = true;
	f.fn_copy_clone_args = false;
	native_is(&f, NATIVE_FLAGS_NO_HOOK);
	f.fn_copy_clone_args = true;
	f.kprobes = false;
	native_is(&f, NATIVE_FLAGS_NO_HOOK);

	f = kernel_618();
	strcpy(f.lockdown, "none");
	native_is(&f, NATIVE_FLAGS_ON);
	strcpy(f.lockdown, "integrity");
	native_is(&f, NATIVE_FLAGS_LOCKDOWN);
	f.native = true; /* 7.1 */
	native_is(&f, NATIVE_FLAGS_KERNEL);
}

/* What puts a struct back is attached before what changes it. */
static void native_programs_come_in_order(void **state)
{
	static const char *const order[] = { "autokill_clone3_out", "autokill_clone3_in_kprobe",
					     "autokill_clone3_in" };
	struct lack lacks[LACKS_MAX];
	struct features f = kernel_618();
	struct rungs r;
	size_t next = 0;

	(void)state;
	assert_int_equal(rungs_choose(&f, &r, lacks), 0);
	for (const char *const *p = r.programs; *p && next < 3; p++)
		next += !strcmp(*p, order[next]);
	assert_int_equal(next, 3);
}

/* The bits, one after the other, by which @f goes down while @culprit is refused; ends with 0. */
static void goes_down(struct features *f, struct rungs *r, const char *culprit,
		      const unsigned int *bits)
{
	struct lack lacks[LACKS_MAX];
	unsigned int so_far = 0;

	assert_int_equal(rungs_choose(f, r, lacks), 0);
	assert_int_equal(r->fell, 0);
	for (; *bits; bits++) {
		assert_int_equal(rungs_lower(r, f, culprit), *bits);
		if (*bits == FELL_LSM)
			so_far &= ~(FELL_TASK_WORK | FELL_TASK_WORK_IMPL | FELL_SIGNAL);
		so_far |= *bits;
		assert_int_equal(r->fell, so_far);
		assert_int_equal(f->refused, so_far);
	}
}

static void does_without_what_makes_it_better(void **state)
{
	static const struct {
		const char *culprit;
		unsigned int bits[2];
	} all[] = {
		{ "autokill_clone3_info", { FELL_NATIVE_INFO } },
		{ "autokill_clone3_info_second", { FELL_NATIVE_INFO } },
		{ "autokill_clone3_in", { FELL_NATIVE } },
		{ "autokill_clone3_in_kprobe", { FELL_NATIVE } },
		{ "autokill_clone3_out", { FELL_NATIVE } },
	};
	static const unsigned int kprobe[] = { FELL_KPROBE, 0 }, rlimit[] = { FELL_RLIMIT, 0 };
	struct features f;
	struct rungs r;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		f = kernel_618();
		goes_down(&f, &r, all[i].culprit, all[i].bits);
		assert_false(has_program(&r, all[i].culprit));
		assert_true(has_program(&r, "autokill_release"));
		assert_int_equal(r.object, OBJECT_TASK_WORK_IMPL);
		assert_int_equal(r.native, all[i].bits[0] == FELL_NATIVE ? NATIVE_FLAGS_REFUSED
									 : NATIVE_FLAGS_ON);
	}
	f = kernel_618();
	goes_down(&f, &r, "autokill_rlimit", rlimit);
	assert_false(has_program(&r, "autokill_rlimit"));
	assert_true(has_program(&r, "autokill_prctl"));
	assert_true(has_program(&r, "autokill_prctl12"));
	f = kernel_61();
	f.kprobes = true;
	goes_down(&f, &r, "autokill_release_pidfd_kprobe", kprobe);
	assert_false(r.watch);
	assert_true(has_program(&r, "autokill_release_pidfd"));
	assert_true(has_program(&r, "autokill_release_pidfd_second"));
	f = kernel_618();
	f.lsm_bpf = false;
	goes_down(&f, &r, "autokill_release_kprobe", kprobe);
	assert_true(has_program(&r, "autokill_release_tracing"));
}

/* Each way to kill on BPF LSM, then each without, and then no more: from every kernel it ends. */
static void goes_down_to_the_last_rung(void **state)
{
	static const unsigned int from_70[] = { FELL_TASK_WORK, FELL_TASK_WORK_IMPL,
						FELL_SIGNAL,	FELL_LSM,
						FELL_TASK_WORK, FELL_TASK_WORK_IMPL,
						FELL_SIGNAL,	0 };
	static const unsigned int from_61[] = { FELL_LSM, 0 };
	static const char *const culprits[] = { "", "autokill_born", "autokill_prctl" };
	struct features f;
	struct rungs r;

	(void)state;
	for (size_t i = 0; i < sizeof(culprits) / sizeof(*culprits); i++) {
		struct rungs before;

		f = kernel_618();
		f.kfunc_task_work = true;
		goes_down(&f, &r, culprits[i], from_70);
		assert_int_equal(r.object, OBJECT_AGENT);
		assert_true(r.agent);
		assert_true(has_program(&r, "autokill_birth_tracing"));
		before = r;
		assert_int_equal(rungs_lower(&r, &f, culprits[i]), 0);
		assert_memory_equal(&before, &r, sizeof(r));
		f = kernel_61();
		goes_down(&f, &r, culprits[i], from_61);
		assert_int_equal(rungs_lower(&r, &f, culprits[i]), 0);
	}
}

static void goes_down_as_it_was_told_to_load(void **state)
{
	struct lack lacks[LACKS_MAX];
	struct features f = kernel_618();
	struct rungs r;

	(void)state;
	assert_int_equal(rungs_choose(&f, &r, lacks), 0);
	rungs_native_off(&r);
	assert_int_equal(rungs_lower(&r, &f, "autokill_born"), FELL_TASK_WORK_IMPL);
	assert_int_equal(r.native, NATIVE_FLAGS_OPTION);
	assert_false(has_program(&r, "autokill_clone3_in"));
	f = kernel_618();
	f.bpf_mem_alloc = false; /* there is no agent to fall back on */
	assert_int_equal(rungs_choose(&f, &r, lacks), 0);
	assert_int_equal(rungs_lower(&r, &f, "autokill_born"), 0);
	assert_int_equal(r.object, OBJECT_TASK_WORK_IMPL);
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
	assert_in_range(n, 5, LACKS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_by_kernel),
		cmocka_unit_test(hangs_on_lsm_only_where_it_is_active),
		cmocka_unit_test(notes_by_kprobe_what_can_be_skipped),
		cmocka_unit_test(lists_by_kernel),
		cmocka_unit_test(attaches_prctl_last),
		cmocka_unit_test(names_each_lack),
		cmocka_unit_test(old_kernels_take_the_agent),
		cmocka_unit_test(before_pidfs_hangs_on_the_pidfds_own_functions),
		cmocka_unit_test(serves_the_native_flags_where_it_can),
		cmocka_unit_test(native_programs_come_in_order),
		cmocka_unit_test(does_without_what_makes_it_better),
		cmocka_unit_test(goes_down_to_the_last_rung),
		cmocka_unit_test(goes_down_as_it_was_told_to_load),
		cmocka_unit_test(nothing_at_all_overflows_nothing),
	};

	return cmocka_run_group_tests_name("rungs", tests, NULL, NULL);
}
