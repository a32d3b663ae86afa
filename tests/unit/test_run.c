// SPDX-License-Identifier: GPL-2.0-only
/* test_run.c - autokill run: exit statuses, and which signals are passed on; the rest needs guests */
#include <errno.h>
#include <signal.h>

#include "call.h"
#include "run_child.h"
#include "run_signals.h"

static void status_of_siginfo(void **state)
{
	siginfo_t info = { .si_code = CLD_EXITED };

	(void)state;
	assert_int_equal(run_status_of_siginfo(&info), 0);
	info.si_status = 255;
	assert_int_equal(run_status_of_siginfo(&info), 255);
	info.si_code = CLD_KILLED;
	info.si_status = SIGKILL;
	assert_int_equal(run_status_of_siginfo(&info), 137);
	info.si_code = CLD_DUMPED;
	info.si_status = SIGSEGV;
	assert_int_equal(run_status_of_siginfo(&info), 139);
	info.si_status = SIGRTMAX;
	assert_int_equal(run_status_of_siginfo(&info), 128 + 64);
}

static void status_of_wait(void **state)
{
	(void)state;
	assert_int_equal(run_status_of_wait(0), 0);
	assert_int_equal(run_status_of_wait(7 << 8), 7);
	assert_int_equal(run_status_of_wait(255 << 8), 255);
	assert_int_equal(run_status_of_wait(SIGTERM), 143);
	assert_int_equal(run_status_of_wait(SIGSEGV | 0x80), 139);
}

static void status_of_exec(void **state)
{
	(void)state;
	assert_int_equal(run_status_of_exec(ENOENT), 127);
	assert_int_equal(run_status_of_exec(EACCES), 126);
	assert_int_equal(run_status_of_exec(EPERM), 126);
	assert_int_equal(run_status_of_exec(ENOEXEC), 126);
	assert_int_equal(run_status_of_exec(E2BIG), 126);
}

static void signals_of_processes_pass(void **state)
{
	struct run_signal s = { .number = SIGTERM, .same_group = true };

	(void)state;
	assert_true(run_signal_passes(&s));
	s.same_group = false;
	assert_true(run_signal_passes(&s));
	s.from_command = true;
	assert_false(run_signal_passes(&s));
}

static void signals_of_the_terminal_do_not(void **state)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGHUP, SIGCONT };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct run_signal s = { .number = numbers[i], .from_kernel = true };

		assert_true(run_signal_passes(&s)); /* the command has left our group */
		s.same_group = true;
		assert_false(run_signal_passes(&s));
	}
}

static void hangup_is_told_to_the_session_leader_alone(void **state)
{
	struct run_signal s = { .number = SIGHUP, .from_kernel = true, .same_group = true };

	(void)state;
	s.session_leader = true;
	assert_true(run_signal_passes(&s));
	s.number = SIGINT;
	assert_false(run_signal_passes(&s));
}

static void sigcont_that_has_done_its_work_does_not(void **state)
{
	struct run_signal s = { .number = SIGCONT, .same_group = true };

	(void)state;
	assert_true(run_signal_passes(&s));
	s.has_continued = true;
	assert_false(run_signal_passes(&s));
	s.same_group = false; /* sent to both, one by one */
	assert_false(run_signal_passes(&s));
	s.number = SIGTERM;
	assert_true(run_signal_passes(&s));
}

static void sigchld_never_passes(void **state)
{
	struct run_signal s = { .number = SIGCHLD };

	(void)state;
	assert_false(run_signal_passes(&s));
	s.from_kernel = true;
	assert_false(run_signal_passes(&s));
}

/* A handler must not be left to find out: the descriptor receives what is sent to us. */
static int take_and_pass(int argc, char **argv)
{
	struct run_signals signals;
	struct sigaction now;
	sigset_t mask;

	(void)argc;
	(void)argv;
	signal(SIGCHLD, SIG_IGN);
	if (run_signals_take(&signals))
		return 1;
	if (signals.sigchld.sa_handler != SIG_IGN || sigismember(&signals.mask, SIGTERM))
		return 2;
	sigaction(SIGCHLD, NULL, &now);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	if (now.sa_handler != SIG_DFL || !sigismember(&mask, SIGTERM) ||
	    sigismember(&mask, SIGTTIN))
		return 3;
	raise(SIGTERM);
	raise(SIGUSR1);
	run_signals_pass(&signals, getpid(), -1); /* we are "the command": nothing is passed on */
	sigpending(&mask);
	return sigismember(&mask, SIGTERM) || sigismember(&mask, SIGUSR1) ? 4 : 0;
}

static void signals_are_taken(void **state)
{
	struct called *c = call_words(take_and_pass, "run");

	(void)state;
	assert_string_equal(c->err, "");
	assert_int_equal(c->status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_of_siginfo),
		cmocka_unit_test(status_of_wait),
		cmocka_unit_test(status_of_exec),
		cmocka_unit_test(signals_of_processes_pass),
		cmocka_unit_test(signals_of_the_terminal_do_not),
		cmocka_unit_test(hangup_is_told_to_the_session_leader_alone),
		cmocka_unit_test(sigcont_that_has_done_its_work_does_not),
		cmocka_unit_test(sigchld_never_passes),
		cmocka_unit_test(signals_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
