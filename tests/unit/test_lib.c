// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_lib.c - libautokill: what it asks of the kernel, in which order, and what it leaves behind
 *
 * The library's source is compiled here against a made-up kernel. That the calls do what they
 * promise is for the conformance suite.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "call.h"

static struct {
	int loaded;	  /* autokill is */
	int native;	  /* the kernel has the flags */
	int arm_errno;	  /* of ARM */
	int clone_errno;  /* of clone3, when its flags are known */
	int native_errno; /* ... when the flags are among them */
	int skip;	  /* so many prctl()s meet a skipped program */
	int skip_unarm;	  /* so many UNARMs do */
	int armed;	  /* a request is pending */
	int yields, clones;
	unsigned int arm_flags;
	size_t size;
	unsigned char args[4096]; /* of the last clone3 */
} kernel;

static int kernel_fail(int err)
{
	errno = err;
	return -1;
}

static int kernel_prctl(int option, ...)
{
	unsigned long a[4];
	va_list args;

	va_start(args, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(args, unsigned long);
	va_end(args);
	assert_int_equal(option, 0x414b494c);
	assert_int_equal(a[2], 0);
	assert_int_equal(a[3], 0);
	if (!kernel.loaded || kernel.skip-- > 0)
		return kernel_fail(EINVAL);
	if (a[0] == 2 && kernel.skip_unarm-- > 0)
		return kernel_fail(EINVAL);
	if (a[0] == 1 && kernel.arm_errno)
		return kernel_fail(kernel.arm_errno);
	if (a[0] == 1)
		kernel.arm_flags = a[1];
	else
		assert_int_equal(a[1], 0);
	kernel.armed = a[0] == 1 ? 1 : a[0] == 2 ? 0 : kernel.armed;
	return 1;
}

static long kernel_syscall(long number, ...)
{
	uint64_t flags;
	va_list args;

	assert_int_equal(number, SYS_clone3);
	va_start(args, number);
	const void *from = va_arg(args, void *);

	kernel.size = va_arg(args, size_t);
	va_end(args);
	memcpy(kernel.args, from, kernel.size);
	memcpy(&flags, from, sizeof(flags));
	kernel.clones++;
	if (flags >> 34 && !kernel.native)
		return kernel_fail(EINVAL);
	if (flags >> 34 && kernel.native_errno)
		return kernel_fail(kernel.native_errno);
	if (kernel.clone_errno)
		return kernel_fail(kernel.clone_errno);
	kernel.armed = 0;
	return 4711;
}

static int kernel_yield(void)
{
	kernel.yields++;
	return 0;
}

#define autokill_query autokill_query_made_up
#define autokill_clone3 autokill_clone3_made_up
#define prctl kernel_prctl
#define syscall kernel_syscall
#define sched_yield kernel_yield
#include "lib/autokill.c"

static int fd;

static struct clone_args args_of(int exit_signal)
{
	return (struct clone_args){ .pidfd = (uintptr_t)&fd, .exit_signal = exit_signal };
}

static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

/* *args stays as it is, and no request stays behind, whatever else happens. */
static void assert_clone(const struct clone_args *args, size_t size, unsigned int flags,
			 int want_pid, int want_errno)
{
	struct clone_args before = *args;
	pid_t pid;

	errno = ENOTTY;
	pid = autokill_clone3(args, size, flags);
	assert_int_equal(pid, want_pid);
	assert_int_equal(errno, want_errno);
	assert_memory_equal(args, &before, sizeof(before));
	assert_int_equal(kernel.armed, 0);
}

static void assert_refused(const struct clone_args *args, size_t size, unsigned int flags, int err)
{
	kernel.loaded = kernel.native = 1;
	assert_clone(args, size, flags, -1, err);
	assert_int_equal(kernel.clones, 0);
}

static uint64_t flags_seen(void)
{
	uint64_t flags;

	memcpy(&flags, kernel.args, sizeof(flags));
	return flags;
}

static void refuses_what_cannot_work(void **state)
{
	struct clone_args good = args_of(SIGCHLD), args;

	(void)state;
	assert_refused(&good, 63, 0, EINVAL);
	assert_refused(&good, 0, 0, EINVAL);
	assert_refused(&good, 4097, 0, E2BIG);
	assert_refused(&good, sizeof(good), AUTOKILL_NNP | AUTOKILL_TREE | 4, EINVAL);
	args = good, args.pidfd = 0;
	assert_refused(&args, sizeof(args), 0, EINVAL);
	args = good, args.stack = 4096;
	assert_refused(&args, sizeof(args), 0, EINVAL);
	args = good, args.stack_size = 4096;
	assert_refused(&args, sizeof(args), 0, EINVAL);
	args = good, args.flags = CLONE_VM | CLONE_VFORK;
	assert_refused(&args, sizeof(args), 0, EINVAL);
	args = good, args.flags = CLONE_SETTLS;
	assert_refused(&args, sizeof(args), 0, EINVAL);
	errno = 0;
	assert_int_equal(autokill_clone3(NULL, sizeof(args), 0), -1);
	assert_int_equal(errno, EINVAL);
}

static void query(void **state)
{
	(void)state;
	errno = ENOTTY;
	assert_int_equal(autokill_query(), 0);
	kernel.loaded = 1;
	assert_int_equal(autokill_query(), 1);
	kernel.skip = 3;
	assert_int_equal(autokill_query(), 1);
	assert_int_equal(errno, ENOTTY);
}

static void arms_for_a_child_with_a_signal(void **state)
{
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	kernel.loaded = kernel.native = 1;
	args.flags = CLONE_NEWPID;
	assert_clone(&args, sizeof(args), 0, 4711, ENOTTY);
	assert_int_equal(kernel.clones, 1);
	assert_int_equal(flags_seen(), CLONE_NEWPID | CLONE_PIDFD);
	assert_int_equal(kernel.arm_flags, 0);
	assert_clone(&args, sizeof(args), AUTOKILL_NNP, 4711, ENOTTY);
	assert_int_equal(kernel.arm_flags, AUTOKILL_NNP);
	assert_int_equal(flags_seen(), CLONE_NEWPID | CLONE_PIDFD);
}

static void never_asks_the_kernels_own_flag_for_a_tree(void **state)
{
	struct clone_args args = args_of(0);

	(void)state;
	kernel.loaded = kernel.native = 1;
	assert_clone(&args, sizeof(args), AUTOKILL_TREE | AUTOKILL_NNP, 4711, ENOTTY);
	assert_int_equal(kernel.clones, 1);
	assert_int_equal(flags_seen(), CLONE_PIDFD);
	assert_int_equal(kernel.arm_flags, AUTOKILL_TREE | AUTOKILL_NNP);
	kernel.loaded = 0;
	assert_clone(&args, sizeof(args), AUTOKILL_TREE, -1, EINVAL);
	assert_int_equal(kernel.clones, 1); /* never the child alone in place of its tree */
}

static void prefers_the_kernels_own_flag(void **state)
{
	const uint64_t own = CLONE_PIDFD | CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL;
	struct clone_args args = args_of(0);

	(void)state;
	kernel.loaded = kernel.native = 1;
	assert_clone(&args, sizeof(args), 0, 4711, ENOTTY);
	assert_int_equal(flags_seen(), own);
	assert_clone(&args, sizeof(args), AUTOKILL_NNP, 4711, ENOTTY);
	assert_int_equal(flags_seen(), own | CLONE_NNP);
	assert_int_equal(kernel.clones, 2);
	kernel.loaded = 0;
	assert_clone(&args, sizeof(args), 0, 4711, ENOTTY);
}

static void falls_back_where_the_kernel_has_no_flag(void **state)
{
	struct clone_args args = args_of(0);

	(void)state;
	kernel.loaded = 1;
	assert_clone(&args, sizeof(args), AUTOKILL_NNP, 4711,
		     EINVAL); /* errno: as after any success */
	assert_int_equal(kernel.clones, 2);
	assert_int_equal(flags_seen(), CLONE_PIDFD);
	assert_int_equal(kernel.arm_flags, AUTOKILL_NNP);
}

static void only_einval_means_that_there_is_no_flag(void **state)
{
	struct clone_args args = args_of(0);

	(void)state;
	kernel.loaded = kernel.native = 1;
	kernel.clone_errno = EAGAIN;
	assert_clone(&args, sizeof(args), 0, -1, EAGAIN);
	assert_int_equal(kernel.clones, 1);
}

/* The right to arm is wider: no_new_privs of the caller, a guard on the caller. */
static void without_the_right_to_the_flag_it_arms(void **state)
{
	struct clone_args args = args_of(0);

	(void)state;
	kernel.native = 1;
	kernel.native_errno = EPERM;
	assert_clone(&args, sizeof(args), 0, -1, EPERM); /* nothing is loaded */
	assert_int_equal(kernel.clones, 1);
	kernel.loaded = 1;
	assert_clone(&args, sizeof(args), 0, 4711, EPERM);
	assert_int_equal(flags_seen(), CLONE_PIDFD);
	kernel.arm_errno = EPERM;
	assert_clone(&args, sizeof(args), 0, -1, EPERM);
}

static void nothing_there(void **state)
{
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	assert_clone(&args, sizeof(args), 0, -1, EINVAL);
	assert_int_equal(kernel.clones, 0); /* never an unguarded child */
	args = args_of(0);
	assert_clone(&args, sizeof(args), 0, -1, EINVAL);
	assert_int_equal(kernel.clones, 1); /* with the kernel's flags, which it refused */
}

static void errors_of_arm_and_clone(void **state)
{
	static const int errnos[] = { EPERM, EAGAIN, ENOMEM };
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	for (size_t i = 0; i < sizeof(errnos) / sizeof(*errnos); i++) {
		setup(NULL);
		kernel.loaded = 1;
		kernel.arm_errno = errnos[i];
		assert_clone(&args, sizeof(args), 0, -1, errnos[i]);
		assert_int_equal(kernel.clones, 0);
		kernel.arm_errno = 0;
		kernel.clone_errno = errnos[i];
		assert_clone(&args, sizeof(args), 0, -1, errnos[i]);
	}
}

static void a_skipped_program_is_asked_again(void **state)
{
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	kernel.loaded = 1;
	kernel.skip = 5;
	assert_clone(&args, sizeof(args), 0, 4711, ENOTTY);
	assert_int_equal(kernel.yields, 5);
}

static void a_request_is_taken_back_in_spite_of_skips(void **state)
{
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	kernel.loaded = 1;
	kernel.clone_errno = EINVAL;
	kernel.skip_unarm = 20;
	assert_clone(&args, sizeof(args), 0, -1, EINVAL);
}

static void sizes(void **state)
{
	struct {
		struct clone_args args;
		uint64_t more[4];
	} longer = { .args = args_of(SIGCHLD) };
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	kernel.loaded = 1;
	assert_clone(&args, 64, 0, 4711, ENOTTY); /* CLONE_ARGS_SIZE_VER0 */
	assert_int_equal(kernel.size, 64);
	longer.more[3] = 0x1122334455667788;
	assert_clone(&longer.args, sizeof(longer), 0, 4711, ENOTTY);
	assert_int_equal(kernel.size, sizeof(longer));
	assert_memory_equal(kernel.args + 8, (char *)&longer + 8, sizeof(longer) - 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses_what_cannot_work, setup),
		cmocka_unit_test_setup(query, setup),
		cmocka_unit_test_setup(arms_for_a_child_with_a_signal, setup),
		cmocka_unit_test_setup(never_asks_the_kernels_own_flag_for_a_tree, setup),
		cmocka_unit_test_setup(prefers_the_kernels_own_flag, setup),
		cmocka_unit_test_setup(falls_back_where_the_kernel_has_no_flag, setup),
		cmocka_unit_test_setup(only_einval_means_that_there_is_no_flag, setup),
		cmocka_unit_test_setup(without_the_right_to_the_flag_it_arms, setup),
		cmocka_unit_test_setup(nothing_there, setup),
		cmocka_unit_test_setup(errors_of_arm_and_clone, setup),
		cmocka_unit_test_setup(a_skipped_program_is_asked_again, setup),
		cmocka_unit_test_setup(a_request_is_taken_back_in_spite_of_skips, setup),
		cmocka_unit_test_setup(sizes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
