// SPDX-License-Identifier: GPL-2.0-only
/*
 * flags.c - clone3 with the native flags, very often: nothing refused, no struct changed, no child
 * left
 *
 * On kernels before 7.1 the flags are hidden in the caller's struct while the kernel copies it, by
 * programs that the kernel may skip. A skipped way in is an EINVAL that the caller does not
 * deserve; a skipped way out leaves his struct without the flags, and his next child without a
 * tether.
 *
 *   flags                    processes, each calls for itself; the child is a copy of the process
 *   flags --threads          threads of one process; the child shares its memory (CLONE_VM)
 *   flags --threads --fork   ... is a copy: so each call write-protects the structs of all the others,
 *                            and some are refused for it (EINVAL, EAGAIN); counted, not judged
 *   flags --race             threads write into the struct, protect it, fork, while others call: what these
 *                            get is their own affair, but every child that they do get for unspoilt
 *                            flags dies with its pidfd, and nobody else is hurt
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "stress.h"

#define PAGE 4096
#define CHILD_STACK 4096
#define DEADLINE_NS                                                                                \
	120000000000ULL /* a starved guest is slow; a child that nobody kills lives for ever */
#define NATIVE (CLONE_PIDFD | CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL)
#define BYSTANDERS 20

struct shared {
	atomic_long tickets, calls, made, einval, eagain, other, last_other, changed, survivors,
		untethered;
	atomic_bool stop;
};

static struct shared *sh;
static long calls = 100000, workers = 200;
static bool threads, fork_like, racing;

/* clone3 whose child runs on args->stack in our memory, and sleeps for ever without a library. */
static long clone3_sharing(struct clone_args *args)
{
	long ret;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "2: mov %[pause], %%eax\n\t"
			 "syscall\n\t"
			 "jmp 2b\n\t"
			 "1:"
			 : "=a"(ret)
			 : "0"((long)SYS_clone3), "D"(args),
			   "S"(sizeof(*args)), [pause] "i"(SYS_pause)
			 : "rcx", "r11", "memory");
	return ret;
}

static long clone3_copying(struct clone_args *args)
{
	long ret = syscall(SYS_clone3, args, sizeof(*args));

	if (!ret) {
		close_range(3, ~0U, 0); /* pidfds that other threads had open */
		sleep_for_ever();
	}
	return ret < 0 ? -errno : ret;
}

/*
 * Close the pidfd, and see the child die. Return: did it. Nobody but us has its number, which stays
 * until we wait. (pidfd_open() to poll would be a second file: where the kernel skips every program
 * that ties, which of the two is the tether's cannot be told, and the child is killed early.)
 */
static bool dies(pid_t pid, int pidfd)
{
	uint64_t end = now_ns() + DEADLINE_NS;
	pid_t got;

	close(pidfd);
	while ((got = waitpid(pid, NULL, WNOHANG | __WALL)) == 0 && now_ns() < end)
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	if (got)
		return true;
	kill(pid, SIGKILL);
	TEMP_FAILURE_RETRY(waitpid(pid, NULL, __WALL));
	return false;
}

struct caller {
	struct clone_args *args; /* on a page of its own */
	struct clone_args want;
	int pidfd;
};

static void caller_make(struct caller *c)
{
	char *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		die("mmap");
	memset(c, 0, sizeof(*c));
	c->args = (void *)pages;
	c->want.flags = NATIVE;
	c->want.pidfd = (uintptr_t)&c->pidfd;
	if (threads && !fork_like) {
		/*
		 * The table, too: or else each child held the pidfds of the others that are open
		 * now.
		 */
		c->want.flags |= CLONE_VM | CLONE_FILES;
		c->want.stack = (uintptr_t)pages + PAGE;
		c->want.stack_size = CHILD_STACK;
	}
	*c->args = c->want;
}

static void result_count(long ret)
{
	sh->calls++;
	if (ret > 0) {
		sh->made++;
	} else if (ret == -EINVAL) {
		sh->einval++;
	} else if (ret == -EAGAIN) {
		sh->eagain++;
	} else {
		sh->other++;
		sh->last_other = -ret;
	}
}

static void call_once(struct caller *c)
{
	long ret;

	/*
	 * As a program does that has it on its stack; where nothing write-protects it, once is
	 * enough.
	 */
	if (fork_like || !threads)
		*c->args = c->want;
	ret = threads && !fork_like ? clone3_sharing(c->args) : clone3_copying(c->args);
	result_count(ret);
	if (memcmp(c->args, &c->want, sizeof(c->want))) {
		sh->changed++;
		*c->args = c->want;
	}
	if (ret > 0 && !dies(ret, c->pidfd))
		sh->survivors++;
}

static void *caller_main(void *arg)
{
	struct caller c;

	(void)arg;
	caller_make(&c);
	while (!sh->stop && sh->tickets++ < calls)
		call_once(&c);
	return NULL;
}

static void threads_run(long n)
{
	pthread_t thread[n];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (long i = 0; i < n; i++)
		if (pthread_create(&thread[i], &attr, caller_main, NULL))
			die("pthread_create");
	for (long i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
}

static void processes_run(long n)
{
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid)
			continue;
		setpriority(PRIO_PROCESS, 0, i % 3 * 5);
		caller_main(NULL);
		_exit(0);
	}
	while (TEMP_FAILURE_RETRY(waitpid(-1, NULL, 0)) > 0)
		;
}

/* --- --race */

/* What the racers do to the struct at @args, until told to stop. */
struct racer {
	struct clone_args *args;
	int kind;
};

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

static void *racer_main(void *arg)
{
	static const uint64_t flags[] = { NATIVE,
					  NATIVE | CLONE_FS,
					  CLONE_PIDFD,
					  NATIVE | CLONE_NNP,
					  NATIVE | CLONE_THREAD,
					  CLONE_PIDFD_AUTOKILL };
	struct racer *r = arg;
	volatile struct clone_args *args = r->args;
	uint64_t seed = r->kind + 1;

	while (!sh->stop) {
		switch (r->kind) {
		case 0: /* spoils what it says */
			args->flags = flags[random_next(&seed) % 6];
			args->exit_signal = random_next(&seed) % 4 ? 0 : SIGCHLD;
			break;
		case 1: /* only takes away the right to write to it */
			mprotect(r->args, PAGE, PROT_READ);
			mprotect(r->args, PAGE, PROT_READ | PROT_WRITE);
			break;
		case 2: { /* write-protects everything, by fork */
			pid_t pid = fork();

			if (!pid)
				_exit(0);
			if (pid > 0)
				TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
			break;
		}
		}
	}
	return NULL;
}

/*
 * One caller, and one racer of @kind. Unspoilt, every child must be tethered, also after a call
 * that has found the struct unwritable half way.
 */
static void *race_main(void *arg)
{
	struct racer r = { .kind = (long)arg };
	pthread_t thread;
	struct caller c;
	long ret;

	caller_make(&c);
	r.args = c.args;
	if (pthread_create(&thread, NULL, racer_main, &r))
		die("pthread_create");
	while (!sh->stop && sh->tickets++ < calls) {
		if (r.kind == 2)
			c.args->flags =
				c.want.flags; /* so that it can be written, until the next fork */
		ret = clone3_sharing(c.args);
		result_count(ret);
		if (ret <= 0)
			continue;
		if (r.kind == 0) {
			kill(ret, SIGKILL);
			close(c.pidfd);
			TEMP_FAILURE_RETRY(waitpid(ret, NULL, __WALL));
		} else if (!dies(ret, c.pidfd)) {
			sh->untethered++;
		}
	}
	sh->stop = true;
	pthread_join(thread, NULL);
	return NULL;
}

/* Whoever is not in the race: does nothing, and has memory that looks like structs. */
static void bystander_main(int told)
{
	static uint64_t words[PAGE];

	for (size_t i = 0; i < PAGE; i++)
		words[i] = i % 2 ? CLONE_PIDFD | CLONE_VM : CLONE_PIDFD;
	while (read(told, &(char){ 0 }, 1) > 0)
		;
	for (size_t i = 0; i < PAGE; i++)
		if (words[i] != (i % 2 ? CLONE_PIDFD | CLONE_VM : CLONE_PIDFD))
			_exit(1);
	_exit(0);
}

static void race_run(void)
{
	pid_t bystander[BYSTANDERS];
	int told[2], bad = 0, status;

	threads = true;
	if (pipe(told))
		die("pipe");
	for (int i = 0; i < BYSTANDERS; i++) {
		bystander[i] = fork();
		if (bystander[i])
			continue;
		close(told[1]);
		bystander_main(told[0]);
	}
	for (long kind = 0; kind < 3; kind++) {
		long einval = sh->einval, eagain = sh->eagain, made = sh->made, other = sh->other;
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		sh->stop = false;
		sh->tickets = 0;
		if (!pid) {
			race_main((void *)kind);
			_exit(0);
		}
		if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) != pid || status)
			bad++;
		printf("race %ld: made %ld, EINVAL %ld, EAGAIN %ld, other %ld\n", kind,
		       sh->made - made, sh->einval - einval, sh->eagain - eagain,
		       sh->other - other);
	}
	check(!bad, "racing processes that did not end well: %d", bad);
	check(sh->eagain > 0, "structs that could not be put back at once: %ld", sh->eagain);
	check(!sh->untethered, "children with unspoilt flags that outlived their pidfd: %ld",
	      sh->untethered);
	close(told[1]);
	bad = 0;
	for (int i = 0; i < BYSTANDERS; i++)
		if (waitpid(bystander[i], &status, 0) != bystander[i] || status)
			bad++;
	check(!bad, "bystanders hurt: %d of %d", bad, BYSTANDERS);
}

static void options_parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "calls", required_argument, NULL, 'c' },
		{ "workers", required_argument, NULL, 'w' },
		{ "threads", no_argument, NULL, 't' },
		{ "fork", no_argument, NULL, 'f' },
		{ "race", no_argument, NULL, 'r' },
		{},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		char *end = "";

		if (c == 'c')
			calls = strtol(optarg, &end, 10);
		else if (c == 'w')
			workers = strtol(optarg, &end, 10);
		else if (c == 't')
			threads = true;
		else if (c == 'f')
			fork_like = true;
		else if (c == 'r')
			racing = true;
		if (c == '?' || *end) {
			fprintf(stderr,
				"usage: flags [--calls N] [--workers N] [--threads [--fork]]\n"
				"       flags [--calls N] --race\n");
			exit(2);
		}
	}
}

static void calls_check(double seconds)
{
	bool judged = !(threads && fork_like);

	printf("%ld calls by %ld %s in %.1f s\n", sh->calls, workers,
	       threads ? "threads" : "processes", seconds);
	if (!judged)
		printf("refused: EINVAL %ld, EAGAIN %ld; changed: %ld\n", sh->einval, sh->eagain,
		       sh->changed);
	check(sh->calls == calls, "calls: %ld of %ld", sh->calls, calls);
	check(sh->other == 0, "refused otherwise: %ld (the last with errno %ld)", sh->other,
	      sh->last_other);
	check(!sh->survivors, "children that outlived their pidfd: %ld", sh->survivors);
	if (!judged)
		return;
	check(!sh->einval, "refused with EINVAL: %ld", sh->einval);
	check(!sh->eagain, "refused with EAGAIN: %ld", sh->eagain);
	check(!sh->changed, "structs left changed: %ld", sh->changed);
}

int main(int argc, char **argv)
{
	static const char *const maps[] = { "tethers", "files", "tasks", "works" };
	uint64_t begin = now_ns();

	options_parse(argc, argv);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		die("mmap");
	if (racing) {
		race_run();
	} else {
		pid_t pid = threads ? fork() : 0;

		if (!pid) {
			if (threads)
				threads_run(workers);
			else
				processes_run(workers);
			if (threads)
				_exit(0);
		} else {
			TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
		}
		calls_check((now_ns() - begin) / 1e9);
	}
	/* Records of tasks go an RCU grace period after their last thread. */
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		long n = map_count(maps[i]) < 0 ? 0 : map_wait(maps[i], 0, 20000000000ULL);

		check(n <= 0, "left in maps/%s: %ld", maps[i], n < 0 ? 0 : n);
	}
	misses_print();
	return checks_end();
}
