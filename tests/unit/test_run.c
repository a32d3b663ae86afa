// SPDX-License-Identifier: GPL-2.0-only
/* test_run.c - autokill run: exit statuses, and which signals are passed on (the rest: guests) */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call.h"
#include "verbs/run_child.h"
#include "verbs/run_end.h"
#include "verbs/run_signals.h"

static void wait_of_siginfo(void **state)
{
	siginfo_t info = { .si_code = CLD_EXITED };

	(void)state;
	assert_int_equal(run_wait_of_siginfo(&info), 0);
	info.si_status = 255;
	assert_int_equal(run_wait_of_siginfo(&info), 255 << 8);
	info.si_code = CLD_KILLED;
	info.si_status = SIGKILL;
	assert_int_equal(run_wait_of_siginfo(&info), SIGKILL);
	info.si_code = CLD_DUMPED;
	info.si_status = SIGSEGV;
	assert_int_equal(run_wait_of_siginfo(&info), SIGSEGV);
	info.si_status = SIGRTMAX;
	assert_int_equal(run_wait_of_siginfo(&info), 64);
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

static void signals_to_us_alone_pass(void **state)
{
	struct run_signal s = { .number = SIGTERM };

	(void)state;
	assert_true(run_signal_passes(&s));
	s.from_command = true;
	assert_false(run_signal_passes(&s));
}

static void signals_to_the_group_do_not(void **state)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGHUP, SIGCONT };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct run_signal s = { .number = numbers[i] };

		assert_true(run_signal_passes(&s));
		s.to_group = true;
		assert_false(run_signal_passes(&s));
	}
}

static void sigcont_that_has_done_its_work_does_not(void **state)
{
	struct run_signal s = { .number = SIGCONT };

	(void)state;
	assert_true(run_signal_passes(&s));
	s.undone = true;
	assert_false(run_signal_passes(&s));
	s.undone = false;
	s.has_continued = true; /* sent to both, one by one */
	assert_false(run_signal_passes(&s));
	s.number = SIGTERM;
	assert_true(run_signal_passes(&s));
}

static void who_is_asked_to_end_is_woken(void **state)
{
	(void)state;
	assert_true(run_signal_wakes(SIGTERM));
	assert_true(run_signal_wakes(SIGHUP));
	assert_false(run_signal_wakes(SIGUSR1));
	assert_false(run_signal_wakes(SIGTSTP));
	assert_false(run_signal_wakes(SIGCONT));
}

static void sigchld_never_passes(void **state)
{
	struct run_signal s = { .number = SIGCHLD };

	(void)state;
	assert_false(run_signal_passes(&s));
	s.to_group = true;
	assert_false(run_signal_passes(&s));
}

/* A handler must not be left to find out: the descriptor receives what is sent to us. */
static int take_and_pass(int argc, char **argv)
{
	struct run_signals signals;
	struct run_child child = { .pid = getpid(), .pidfd = -1 };
	struct sigaction now;
	sigset_t mask;

	(void)argc;
	signal(SIGCHLD, SIG_IGN);
	if (run_signals_take(&signals, argv))
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
	run_signals_pass(&signals, &child); /* we are "the command": nothing is passed on */
	sigpending(&mask);
	run_signals_end(&signals);
	return sigismember(&mask, SIGTERM) || sigismember(&mask, SIGUSR1) ? 4 : 0;
}

static bool group_had(struct run_group *g, int received, int sig)
{
	sigset_t set, had;

	sigemptyset(&set);
	sigaddset(&set, received);
	return run_group_had(g, &set, &had) && sigismember(&had, sig) == 1;
}

static void receive(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	while (sigwaitinfo(&set, NULL) < 0)
		;
}

/* The witnesses: signals to the group, to us alone, while one is stopped; one undone; the end. */
static int group(int argc, char **argv)
{
	struct run_group g;
	siginfo_t info;
	sigset_t taken, had;

	(void)argc;
	sigemptyset(&taken);
	sigaddset(&taken, SIGTERM);
	sigaddset(&taken, SIGTSTP);
	sigaddset(&taken, SIGCONT);
	sigprocmask(SIG_BLOCK, &taken, NULL);
	if (setpgid(0, 0) || run_group_start(&g, &taken, argv))
		return 1;
	for (int i = 0; i < 200; i++) {
		kill(0, SIGTERM);
		receive(SIGTERM);
		if (!group_had(&g, SIGTERM, SIGTERM))
			return 2;
		kill(getpid(), SIGTERM);
		receive(SIGTERM);
		if (group_had(&g, SIGTERM, SIGTERM))
			return 3;
	}
	kill(0, SIGTERM); /* not received yet when another is asked for: it is kept */
	if (group_had(&g, SIGCONT, SIGTERM) || !sigismember(&g.seen, SIGTERM))
		return 4;
	receive(SIGTERM);
	if (!group_had(&g, SIGTERM, SIGTERM))
		return 5;
	/* to all that are named as we are: not to the command */
	kill(g.inside.pid, SIGTERM);
	kill(g.outside.pid, SIGTERM);
	kill(getpid(), SIGTERM);
	receive(SIGTERM);
	if (group_had(&g, SIGTERM, SIGTERM))
		return 14;
	kill(0, SIGTSTP);
	kill(getpid(), SIGCONT); /* undoes it for us, not for the witness */
	receive(SIGCONT);
	if (group_had(&g, SIGCONT, SIGTSTP) || group_had(&g, SIGCONT, SIGCONT))
		return 6;
	kill(getpid(), SIGTSTP);
	receive(SIGTSTP);
	if (group_had(&g, SIGTSTP, SIGTSTP))
		return 7;
	kill(0, SIGTERM);
	run_group_forget(&g);
	receive(SIGTERM);
	if (group_had(&g, SIGTERM, SIGTERM))
		return 8;
	kill(g.inside.pid, SIGSTOP);
	if (waitid(P_PID, g.inside.pid, &info, WSTOPPED | WNOWAIT | __WCLONE))
		return 9;
	kill(0, SIGTERM);
	receive(SIGTERM);
	if (!group_had(&g, SIGTERM, SIGTERM) || group_had(&g, SIGCONT, SIGCONT))
		return 10;
	if (waitid(P_ALL, 0, NULL, WEXITED | WNOHANG) != -1 || errno != ECHILD)
		return 11; /* the witness is seen */
	kill(g.inside.pid, SIGKILL);
	if (run_group_had(&g, &taken, &had) || g.inside.socket != -1)
		return 12;
	run_group_end(&g);
	return waitid(P_ALL, 0, NULL, WEXITED | __WALL) == -1 && errno == ECHILD ? 0 : 13;
}

static void group_is_known(void **state)
{
	struct called *c = call_words(group, "run");

	(void)state;
	assert_string_equal(c->err, "");
	assert_int_equal(c->status, 0);
}

static int die_by(int argc, char **argv)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int sig = atoi(argv[1]), status;
	pid_t pid;

	(void)argc;
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &unlimited);
		signal(sig, SIG_IGN);
		_exit(run_die(sig));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFSIGNALED(status) && WTERMSIG(status) == sig && !WCOREDUMP(status) ? 0 : 2;
}

static void death_is_by_the_same_signal(void **state)
{
	static const char *const signals[] = { "run 2", "run 15", "run 9", "run 11",
					       "run 6", "run 13", "run 64" };

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		assert_int_equal(call_words(die_by, signals[i])->status, 0);
	assert_int_equal(run_die(7 << 8), 7);
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
		cmocka_unit_test(wait_of_siginfo),
		cmocka_unit_test(status_of_wait),
		cmocka_unit_test(status_of_exec),
		cmocka_unit_test(signals_to_us_alone_pass),
		cmocka_unit_test(signals_to_the_group_do_not),
		cmocka_unit_test(sigcont_that_has_done_its_work_does_not),
		cmocka_unit_test(who_is_asked_to_end_is_woken),
		cmocka_unit_test(group_is_known),
		cmocka_unit_test(death_is_by_the_same_signal),
		cmocka_unit_test(sigchld_never_passes),
		cmocka_unit_test(signals_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
