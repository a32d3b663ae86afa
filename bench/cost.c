// SPDX-License-Identifier: GPL-2.0-only
/*
 * cost.c - what system calls cost
 *
 *   cost WAY ROUND UNIT [RUNS]   all calls, in turn, RUNS times; WAY (what is loaded, and so on) goes into the data
 *   cost hold N                  hold N tethered processes until SIGTERM; says "held" when they are there
 *
 * Under `tests/vm/run --icount` the guest's clock counts executed instructions, 1 ns each: UNIT is
 * `instructions`. A run is a batch of calls, short enough for most to see no timer interrupt. The
 * lower quartile of the runs is the same in each boot, within some instructions in 1,000; the
 * minimum is not, since a rare run finds by luck what others have to allocate. What ends a memory
 * (fork+exit, exec, child) goes by the phase of the page allocator as well: the same in each boot,
 * but 3 % more or less after any small change of this program.
 */
#include <pthread.h>
#include <spawn.h>
#include <sys/socket.h>

#include "bench.h"

static bool loaded, native;

static void must(bool ok, const char *what)
{
	if (!ok)
		die("%s", what);
}

static void call_getppid(void)
{
	syscall(SYS_getppid);
}

static void call_open(void)
{
	must(!close(open("/dev/null", O_RDONLY)), "open+close");
}

static void call_pipe(void)
{
	int ends[2];

	must(!pipe(ends) && !close(ends[0]) && !close(ends[1]), "pipe+close");
}

static void call_socket(void)
{
	must(!close(socket(AF_UNIX, SOCK_STREAM, 0)), "socket+close");
}

static void *thread_main(void *arg)
{
	return arg;
}

static void call_thread(void)
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, thread_main, NULL) && !pthread_join(thread, NULL),
	     "thread");
}

static void wait_for(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, __WALL) == pid && !status, "waiting for a child");
}

static void call_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	must(pid > 0, "fork");
	wait_for(pid);
}

/* The life of a task, without a memory of its own: what is added to it shows, see above. */
static void call_vfork(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	must(pid > 0, "vfork");
	wait_for(pid);
}

extern char **environ;

static void call_exec(void)
{
	char *const argv[] = { "cost", NULL };
	pid_t pid;

	must(!posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), "exec");
	wait_for(pid);
}

/* A flag that no kernel knows: as far as the programs on clone3's entry, and no farther. */
static void call_refused(void)
{
	struct clone_args args = { .flags = 1ULL << 61 };

	must(syscall(SYS_clone3, &args, sizeof(args)) < 0, "clone3");
}

static void arm_first(void)
{
	must(prctl(PR_AUTOKILL, AUTOKILL_ARM, 0, 0, 0) > 0, "arm");
}

/* clone3 like fork, exit, close of the pidfd, wait. */
static void child_fork(uint64_t flags)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD | flags,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = flags ? 0 : SIGCHLD,
	};
	struct pollfd p = { .events = POLLIN };
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		_exit(0);
	must(pid > 0, "clone3");
	/* It has ended before we let go of it: what is measured is no kill. */
	p.fd = pidfd;
	must(poll(&p, 1, 10000) == 1 && !close(pidfd), "close");
	if (!flags || !native)
		wait_for(pid);
}

/*
 * The same like vfork, where the child has no memory of its own: little of it depends on the state
 * of the allocators.
 */
static void child_vfork(uint64_t flags)
{
	static char stack[STACK];
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_VM | CLONE_VFORK | flags,
		.pidfd = (uintptr_t)&pidfd,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	long ret;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %[exit], %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "1:"
			 : "=a"(ret)
			 : "0"((long)SYS_clone3), "D"(&args),
			   "S"(sizeof(args)), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	must(ret > 0 && !close(pidfd), "clone3 like vfork");
	if (!flags || !native)
		wait_for(ret);
}

static void call_child(void)
{
	child_fork(0);
}

static void call_child_prctl(void)
{
	arm_first();
	child_fork(0);
}

static void call_child_flags(void)
{
	child_fork(NATIVE);
}

static void call_vchild(void)
{
	child_vfork(0);
}

static void call_vchild_prctl(void)
{
	arm_first();
	child_vfork(0);
}

static void call_vchild_flags(void)
{
	child_vfork(NATIVE);
}

enum needs { NOTHING, PRCTL, FLAGS };

static const struct call {
	const char *name;
	void (*call)(void);
	int batch;
	enum needs needs;
} calls[] = {
	{ "getppid", call_getppid, 500, NOTHING },
	{ "open+close", call_open, 50, NOTHING },
	{ "pipe+close", call_pipe, 30, NOTHING },
	{ "socket+close", call_socket, 20, NOTHING },
	{ "thread", call_thread, 5, NOTHING },
	{ "clone3-refused", call_refused, 200, NOTHING },
	{ "fork+exit", call_fork, 1, NOTHING },
	{ "vfork+exit", call_vfork, 1, NOTHING },
	{ "exec", call_exec, 1, NOTHING },
	{ "child", call_child, 1, NOTHING },
	{ "child-by-prctl", call_child_prctl, 1, PRCTL },
	{ "child-by-flags", call_child_flags, 1, FLAGS },
	{ "vchild", call_vchild, 1, NOTHING },
	{ "vchild-by-prctl", call_vchild_prctl, 1, PRCTL },
	{ "vchild-by-flags", call_vchild_flags, 1, FLAGS },
};

static bool can(const struct call *c)
{
	return c->needs == NOTHING || (c->needs == PRCTL ? loaded : loaded || native);
}

#define CALLS (sizeof(calls) / sizeof(*calls))
#define RUNS_MOST 1000

static double values[CALLS][RUNS_MOST];

/*
 * Before a call that makes a process: RCU has time to give back what the last one had. Else it is a
 * matter of phase whether a call finds a kernel stack in the cache of two a CPU, or maps a new one,
 * for 20,000 instructions more. Where instructions are counted, sleeping costs nothing: the clock
 * jumps.
 */
static void rest(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

static void measure(const char *way, int round, const char *unit, int runs)
{
	bool counted = !strcmp(unit, "instructions");

	/* Once more than is counted: the first warms the caches of the allocators. */
	for (int run = -1; run < runs; run++)
		for (size_t i = 0; i < CALLS; i++) {
			uint64_t start;

			if (!can(&calls[i]))
				continue;
			if (calls[i].batch == 1)
				calls[i].call(); /* so that each finds what its like has left, and not another call */
			if (calls[i].batch == 1 && counted)
				rest();
			start = now_ns();
			for (int n = 0; n < calls[i].batch; n++)
				calls[i].call();
			if (run >= 0)
				values[i][run] = (double)(now_ns() - start) / calls[i].batch;
		}
	for (size_t i = 0; i < CALLS; i++)
		for (int run = 0; can(&calls[i]) && run < runs; run++)
			raw(calls[i].name, way, 0, 0, round * RUNS_MOST + run, values[i][run],
			    unit);
}

static void hold(int n)
{
	char *stacks = stacks_make(n);
	sigset_t term;
	int signal;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	must(!sigprocmask(SIG_BLOCK, &term, NULL), "sigprocmask");
	room_for_fds(n);
	reap_nobody();
	for (int i = 0; i < n; i++)
		crowd_one(stacks + (size_t)i * STACK, true);
	printf("held\n");
	fflush(stdout);
	/* They share our descriptors, and so hold themselves, too, until we close. */
	sigwait(&term, &signal);
	must(!close_range(3, ~0U, 0), "close_range");
	crowd_wait(stacks, n);
}

/* Does this kernel serve the flags itself? Before 7.1 it refuses them when nothing is loaded. */
static bool kernel_native(void)
{
	struct autokill_config config = {};
	int pidfd = -1;
	struct clone_args args = { .flags = NATIVE | CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd };
	pid_t pid;

	if (loaded) {
		array_read("config", &config);
		return config.native == NATIVE_FLAGS_KERNEL;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid)
		_exit(0);
	if (pid > 0)
		close(pidfd);
	return pid > 0;
}

int main(int argc, char **argv)
{
	int runs = argc == 5 ? atoi(argv[4]) : 20;

	if (argc == 1) /* call_exec() */
		return 0;
	if (argc == 3 && !strcmp(argv[1], "hold")) {
		hold(atoi(argv[2]));
		return 0;
	}
	if (argc < 4 || runs < 1 || runs > RUNS_MOST) {
		fprintf(stderr, "usage: cost WAY ROUND UNIT [RUNS]; cost hold N\n");
		return 2;
	}
	loaded = prctl(PR_AUTOKILL, AUTOKILL_QUERY, 0, 0, 0) > 0;
	native = kernel_native();
	measure(argv[1], atoi(argv[2]), argv[3], runs);
	return 0;
}
