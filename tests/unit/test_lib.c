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
	int version_1;	  /* what is loaded is */
	int no_limit;	  /* setrlimit() is barred */
	int no_clone3;	  /* clone3() is hidden: ENOSYS */
	int untethered;	  /* the clone does not use the request */
	int served;	  /* the number of the child that the last request served, 0 if none */
	int blocked;	  /* all signals are */
	int killed, reaped, closed;
	uint64_t limit[2]; /* of RLIMIT_LOCKS, current and hard */
	unsigned long arm_addr;
	unsigned long clone[5]; /* arguments of the last clone() */
	int armed;		/* a request is pending */
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

static long kernel_request(unsigned long command, unsigned long flags, unsigned long addr)
{
	if (command > 6 || (command == 6 && kernel.version_1))
		return kernel_fail(EINVAL);
	if (command == 6)
		return flags ? 1 : kernel.served ? 1 << 30 | kernel.served : 1;
	if (command == 1 && kernel.arm_errno)
		return kernel_fail(kernel.arm_errno);
	if (command == 1) {
		assert_true(kernel.blocked);
		kernel.arm_flags = flags;
		kernel.arm_addr = addr;
		kernel.served = 0;
	} else {
		assert_int_equal(flags, 0);
		assert_int_equal(addr, 0);
	}
	kernel.armed = command == 1 ? 1 : command == 2 ? 0 : kernel.armed;
	return command || kernel.version_1 ? 1 : 2;
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
	assert_int_equal(a[3], 0);
	if (!kernel.loaded || kernel.skip-- > 0)
		return kernel_fail(EINVAL);
	return kernel_request(a[0], a[1], a[2]);
}

static long kernel_limit(const uint64_t *new, uint64_t *old)
{
	if (kernel.no_limit)
		return kernel_fail(EPERM);
	if (old)
		memcpy(old, kernel.limit, sizeof(kernel.limit));
	if (!new)
		return 0;
	if (new[0] > new[1])
		return kernel_fail(EINVAL);
	if (new[1] > kernel.limit[1])
		return kernel_fail(EPERM);
	if (kernel.loaded && !kernel.version_1 && new[0] >> 32 == 0x414b494c)
		return kernel_request(new[0] & 0xff, new[0] >> 8 & 0xffffff,
				      new[1] >> 57 == 0x40 ? new[1] << 7 >> 7 : 0);
	memcpy(kernel.limit, new, sizeof(kernel.limit));
	return 0;
}

static long kernel_cloned(void)
{
	kernel.clones++;
	if (kernel.clone_errno)
		return kernel_fail(kernel.clone_errno);
	if (kernel.armed && !kernel.untethered) {
		kernel.armed = 0;
		kernel.served = 4711;
	}
	return 4711;
}

static long kernel_clone3(const void *from, size_t size)
{
	uint64_t flags;

	if (kernel.no_clone3)
		return kernel_fail(ENOSYS);
	kernel.size = size;
	memcpy(kernel.args, from, size);
	memcpy(&flags, from, sizeof(flags));
	if (flags >> 34 && !kernel.native)
		return kernel.clones++, kernel_fail(EINVAL);
	if (flags >> 34 && kernel.native_errno)
		return kernel.clones++, kernel_fail(kernel.native_errno);
	return kernel_cloned();
}

static long kernel_syscall(long number, ...)
{
	unsigned long a[6] = { 0 };
	va_list args;

	va_start(args, number);
	for (int i = 0; i < (number == SYS_clone3 ? 2 : number == SYS_clone ? 5 : 4); i++)
		a[i] = va_arg(args, unsigned long);
	va_end(args);
	switch (number) {
	case SYS_prlimit64:
		assert_int_equal(a[0], 0);
		assert_int_equal(a[1], 10); /* RLIMIT_LOCKS */
		return kernel_limit((const uint64_t *)a[2], (uint64_t *)a[3]);
	case SYS_rt_sigprocmask:
		assert_int_equal(a[0], SIG_SETMASK);
		assert_int_equal(a[3], 8);
		kernel.blocked = *(const uint64_t *)a[1] == ~0ULL;
		if (a[2])
			*(uint64_t *)a[2] = 0;
		return 0;
	case SYS_pidfd_send_signal:
		kernel.killed++;
		return 0;
	case SYS_wait4:
		assert_int_equal(a[2], __WALL);
		assert_int_equal(kernel.closed,
				 1); /* or a child that lives would be waited for for ever */
		kernel.reaped = a[0];
		return a[0];
	case SYS_close:
		kernel.closed++;
		return 0;
	case SYS_clone:
		memcpy(kernel.clone, a, sizeof(kernel.clone));
		return kernel_cloned();
	default:
		assert_int_equal(number, SYS_clone3);
		return kernel_clone3((const void *)a[0], a[1]);
	}
}

static int kernel_yield(void)
{
	kernel.yields++;
	return 0;
}

#define autokill_query autokill_query_made_up
#define autokill_clone3 autokill_clone3_made_up
#define autokill_request autokill_request_made_up
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
	kernel.limit[0] = kernel.limit[1] = ~0ULL;
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
	assert_int_equal(kernel.blocked, 0);
	assert_true(kernel.limit[0] == ~0ULL && kernel.limit[1] == ~0ULL);
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
	assert_true(kernel.limit[0] == ~0ULL && kernel.limit[1] == ~0ULL);
	kernel.loaded = 1;
	assert_int_equal(autokill_query(), 2);
	kernel.skip = 3;
	assert_int_equal(autokill_query(), 2);
	kernel.skip = 1 << 30; /* for ever */
	assert_int_equal(autokill_query(), 2);
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

static void a_skipped_program_is_done_without(void **state)
{
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	kernel.loaded = 1;
	kernel.skip = 1 << 30;
	assert_clone(&args, sizeof(args), AUTOKILL_TREE, 4711, ENOTTY);
	assert_int_equal(kernel.yields, 0);
	assert_int_equal(kernel.arm_flags, AUTOKILL_TREE);
	assert_int_equal(kernel.arm_addr, 0); /* so that no hard limit can stay lowered */
	kernel.clone_errno = EINVAL;	      /* the request is taken back */
	assert_clone(&args, sizeof(args), 0, -1, EINVAL);
	kernel.arm_errno = EPERM; /* a refusal is one, and not asked again */
	assert_clone(&args, sizeof(args), 0, -1, EPERM);
}

static void where_limits_are_barred_it_asks_again(void **state)
{
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	kernel.loaded = 1;
	kernel.skip = 5;
	kernel.no_limit = 1;
	assert_clone(&args, sizeof(args), 0, 4711, ENOTTY);
	assert_true(kernel.yields > 0);
	/* a hard limit that is too low bars it as well, and is left alone */
	setup(NULL);
	kernel.loaded = 1;
	kernel.skip = 5;
	kernel.limit[0] = kernel.limit[1] = 100;
	assert_int_equal(autokill_query(), 2);
	assert_true(kernel.yields > 0);
	assert_true(kernel.limit[0] == 100 && kernel.limit[1] == 100);
}

/* An older kernel side has neither the way by limits nor AUTOKILL_ASK. */
static void version_1_is_served(void **state)
{
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	kernel.loaded = kernel.version_1 = 1;
	assert_clone(&args, sizeof(args), 0, 4711, ENOTTY);
	assert_int_equal(kernel.killed, 0);
	assert_int_equal(autokill_query(), 1);
}

static void a_request_by_itself(void **state)
{
	(void)state;
	assert_int_equal(autokill_request(0x101, 0, 0), -1); /* no command and flags in one */
	assert_int_equal(errno, EINVAL);
	errno = ENOTTY;
	assert_int_equal(autokill_request(AUTOKILL_ASK, 0, 0), -1);
	assert_int_equal(errno, EINVAL);
	kernel.loaded = 1;
	errno = ENOTTY;
	assert_int_equal(autokill_request(AUTOKILL_ASK, 0, 0), AUTOKILL_ASK_NONE);
	assert_int_equal(errno, ENOTTY);
	kernel.served = 77;
	assert_int_equal(AUTOKILL_SERVED_PID(autokill_request(AUTOKILL_ASK, 0, 0)), 77);
}

static void no_child_that_is_not_tethered(void **state)
{
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	kernel.loaded = 1;
	kernel.untethered = 1;
	assert_clone(&args, sizeof(args), 0, -1, EAGAIN);
	assert_int_equal(kernel.killed, 1);
	assert_int_equal(kernel.reaped, 4711);
	assert_int_equal(kernel.closed, 1);
}

static void clone_where_clone3_is_hidden(void **state)
{
	struct clone_args args = args_of(SIGCHLD);

	(void)state;
	kernel.loaded = 1;
	kernel.no_clone3 = 1;
	args.flags = CLONE_NEWPID;
	assert_clone(&args, sizeof(args), 0, 4711, ENOTTY);
	assert_int_equal(kernel.clone[0], CLONE_NEWPID | CLONE_PIDFD | SIGCHLD);
	assert_int_equal(kernel.clone[1], 0);
	assert_int_equal(kernel.clone[2], (uintptr_t)&fd);
	args.exit_signal = 0;
	args.flags = 0;
	assert_clone(&args, sizeof(args), 0, 4711, ENOSYS); /* errno: as after any success */
	args.exit_signal = SIGCHLD;
	kernel.clones = 0;
	args.set_tid = 4096, args.set_tid_size = 1;
	assert_clone(&args, sizeof(args), 0, -1, ENOSYS);
	args = args_of(SIGCHLD), args.flags = CLONE_INTO_CGROUP;
	assert_clone(&args, sizeof(args), 0, -1, ENOSYS);
	args = args_of(SIGCHLD), args.flags = CLONE_PARENT_SETTID;
	assert_clone(&args, sizeof(args), 0, -1, ENOSYS);
	assert_int_equal(kernel.clones, 0);
	args = args_of(0);
	kernel.loaded = 0;
	assert_clone(&args, sizeof(args), 0, -1, ENOSYS);
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
		cmocka_unit_test_setup(a_skipped_program_is_done_without, setup),
		cmocka_unit_test_setup(where_limits_are_barred_it_asks_again, setup),
		cmocka_unit_test_setup(version_1_is_served, setup),
		cmocka_unit_test_setup(a_request_by_itself, setup),
		cmocka_unit_test_setup(no_child_that_is_not_tethered, setup),
		cmocka_unit_test_setup(clone_where_clone3_is_hidden, setup),
		cmocka_unit_test_setup(sizes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
