// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct.c - X29 and X30: struct clone_args itself, which the caller finds as it was, wherever it
 * is
 *
 * What serves the flags of clone3 on kernels that do not know them, hides them in the caller's
 * struct for a moment. Nobody may see that: not the caller, not a child that shares its memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acts.h"
#include "cases.h"
#include "deviations.h"

#define PAGE 4096
#define STACK (64 * 1024)

struct trial {
	char *pages; /* two of them */
	struct clone_args *args;
	struct clone_args want; /* what is in *args */
	int pidfd;
	int memory; /* a memfd that backs the pages, or -1 */
	bool by_int80;
	int seen; /* by a child that shares our memory: 1 whole, -1 not */
};

static size_t offset_in_pages(enum memory memory)
{
	switch (memory) {
	case MEMORY_FLAGS_STRADDLE:
		return PAGE - 4;
	case MEMORY_STRADDLES:
	case MEMORY_SECOND_ABSENT:
		return PAGE - 8;
	default:
		return 64;
	}
}

/*
 * The pages, private, of a file that has @trial->want at @at: a page that is not touched is absent.
 */
static int pages_make(struct trial *trial, size_t at)
{
	trial->memory = memfd_create("clone_args", MFD_CLOEXEC);
	if (trial->memory < 0 || ftruncate(trial->memory, 2 * PAGE) ||
	    pwrite(trial->memory, &trial->want, sizeof(trial->want), at) != sizeof(trial->want))
		return -errno;
	trial->pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | (trial->by_int80 ? MAP_32BIT : 0), trial->memory, 0);
	if (trial->pages == MAP_FAILED)
		return -errno;
	/* The struct may be unaligned, and the kernel does not mind. */
	trial->args = (void *)(trial->pages + at);
	return 0;
}

/*
 * By writing to a byte that is 0: to read it first would map the page's neighbours, too
 * (fault-around). The last one is 0 also where it is in flags.
 */
static void touch(struct trial *trial, int page)
{
	*(volatile char *)(trial->pages + page * PAGE + PAGE - 1) = 0;
}

static int memory_make(struct trial *trial, enum memory memory)
{
	int ret = pages_make(trial, offset_in_pages(memory));

	if (ret)
		return ret;
	if (memory != MEMORY_ABSENT)
		touch(trial, 0);
	if (memory != MEMORY_ABSENT && memory != MEMORY_SECOND_ABSENT)
		touch(trial, 1);
	if (memory == MEMORY_READ_ONLY && mprotect(trial->pages, 2 * PAGE, PROT_READ))
		return -errno;
	return 0;
}

static bool is_whole(const struct trial *trial)
{
	return memcmp(trial->args, &trial->want, sizeof(trial->want)) == 0;
}

/* The child, on a stack of its own in our memory. */
static int child_looks(void *arg)
{
	struct trial *trial = arg;

	__atomic_store_n(&trial->seen, is_whole(trial) ? 1 : -1, __ATOMIC_RELEASE);
	while (!(trial->want.flags & CLONE_VFORK))
		pause();
	return 0;
}

/* A child whose last reference we have closed: gone, by its own or reaped by us. */
static void wait_gone(pid_t pid)
{
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

#if defined(__x86_64__)
static long clone3_by_int80(struct clone_args *args)
{
	long ret;

	/* the number is the same for 32-bit callers; so is the struct */
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "0"((long)SYS_clone3), "b"(args), "c"(sizeof(*args))
			 : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

bool has_int80(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		long ret;

		signal(SIGSEGV, SIG_DFL);
		/* getpid() of 32-bit callers; without IA32 emulation the kernel sends SIGSEGV */
		__asm__ volatile("int $0x80"
				 : "=a"(ret)
				 : "0"(20L)
				 : "r8", "r9", "r10", "r11", "memory");
		_exit(ret == getpid() ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}
#else
static long clone3_by_int80(struct clone_args *args)
{
	(void)args;
	return -ENOSYS;
}

bool has_int80(void)
{
	return false;
}
#endif

/* raw_clone3() would look into the struct, and so map its page. */
static long clone3_untouched(struct trial *trial)
{
	long ret;

	if (trial->by_int80)
		return clone3_by_int80(trial->args);
	if (trial->want.stack)
		return raw_clone3(trial->args, child_looks, trial);
	ret = syscall(SYS_clone3, trial->args, sizeof(*trial->args));
	return ret < 0 ? -errno : ret;
}

static int trial_run(struct trial *trial, enum memory memory)
{
	long pid;
	int ret;

	ret = memory_make(trial, memory);
	if (ret)
		return ret;
	pid = clone3_untouched(trial);
	if (pid == 0)
		for (;;)
			pause();
	if (!is_whole(trial))
		ret = -EBADMSG;
	if (pid < 0)
		return ret ? ret : pid;
	while (trial->want.flags & CLONE_VM && !__atomic_load_n(&trial->seen, __ATOMIC_ACQUIRE))
		sched_yield();
	if (trial->seen < 0)
		ret = -EBADMSG;
	close(trial->pidfd);
	wait_gone(pid);
	return ret;
}

int struct_clone3(enum memory memory)
{
	struct trial trial = { .pidfd = -1, .memory = -1, .pages = MAP_FAILED };
	int ret;

	trial.by_int80 = memory == MEMORY_BY_INT80;
	trial.want.flags = way_clone_flags(false);
	trial.want.pidfd = (uintptr_t)&trial.pidfd;
	if (memory == MEMORY_VM || memory == MEMORY_VFORK) {
		trial.want.flags |= memory == MEMORY_VM ? CLONE_VM : CLONE_VM | CLONE_VFORK;
		trial.want.stack = (uintptr_t)mmap(NULL, STACK, PROT_READ | PROT_WRITE,
						   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		trial.want.stack_size = STACK;
	}
	ret = trial_run(&trial, memory);
	if (trial.pages != MAP_FAILED)
		munmap(trial.pages, 2 * PAGE);
	if (trial.memory >= 0)
		close(trial.memory);
	return ret;
}

CASE(X29_struct_wherever_it_is, WAY_NATIVE, NEED_STACK_CLONE,
     "unchanged; on two pages, read-only, absent, shared with the child", REQUEST_ONLY)
{
	static const char *const names[MEMORY_KINDS] = {
		"plain",     "shared with the child",
		"in vfork",  "flags straddle",
		"straddles", "read-only",
		"absent",    "second page absent",
	};
	struct actor *holder = actor_start("holder");
	enum memory memory;

	for (memory = 0; memory < MEMORY_KINDS; memory++) {
		int want = deviates(DEVIATES_UNWRITABLE) && memory >= MEMORY_READ_ONLY ? -EINVAL
										       : 0;

		step("%s", names[memory]);
		assert_int_equal(actor_do(holder, ACT_STRUCT, memory, 0), want);
	}
	/* a thread does it, too: the request is the thread's */
	for (memory = 0; memory < MEMORY_READ_ONLY; memory++) {
		struct note note = { .act = ACT_STRUCT, .value = memory, .in_thread = true };

		step("in a thread, %s", names[memory]);
		assert_int_equal(actor_do_note(holder, &note, -1), 0);
	}
}

CASE(X30_entry_of_32bit_callers, WAY_NATIVE, NEED_INT80, "by int $0x80", REQUEST_ONLY)
{
	struct actor *holder = actor_start("holder");

	assert_int_equal(actor_do(holder, ACT_STRUCT, MEMORY_BY_INT80, 0), 0);
}
