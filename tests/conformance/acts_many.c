// SPDX-License-Identifier: GPL-2.0-only
/*
 * acts_many.c - acts by which an actor becomes many processes, which main knows by a pipe only
 *
 * No C library between clone and exit: these processes are many, and some share their memory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acts.h"
#include "ways.h"

static long fork_raw(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	return raw_clone3(&args, NULL, NULL);
}

/* A byte to @life; if the pipe is full, main has had enough of them. */
static void tell(int life)
{
	if (write(life, "", 1) < 0 && errno != EAGAIN)
		syscall(SYS_exit_group, 4);
}

static void __attribute__((noreturn)) sleep_for_ever(void)
{
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

#define ENDLESS_NEWS 50 /* the link that tells that the chain is on its way */

static void __attribute__((noreturn)) chain_life(int links, int life)
{
	int link;

	for (link = 1; links < 0 || link < links; link++) {
		long pid = fork_raw();

		if (pid > 0)
			syscall(SYS_exit_group, 0);
		if (pid < 0)
			link--;
		else if (links < 0 && link == ENDLESS_NEWS)
			tell(life);
	}
	tell(life);
	sleep_for_ever();
}

/* A first child of this process, which is told of no more. */
static long begin(int life)
{
	fcntl(life, F_SETFL, O_NONBLOCK);
	return fork_raw();
}

int act_chain(int links, int life)
{
	long pid = begin(life);

	if (pid == 0)
		chain_life(links ? links : -1, life);
	close(life);
	return pid < 0 ? (int)pid : 0;
}

static void __attribute__((noreturn)) bomb_life(int life)
{
	for (;;)
		if (fork_raw() < 0)
			tell(life);
}

int act_bomb(int life)
{
	long pid = begin(life);

	if (pid == 0)
		bomb_life(life);
	close(life);
	return pid < 0 ? (int)pid : 0;
}

#define CROWD_STACK 4096

#define CROWD_MOST 16384
static char *crowd_stacks; /* of a page each; its lowest word has the pid */
static int crowd_size;

static pid_t *crowd_pid(int i)
{
	return (pid_t *)(crowd_stacks + (size_t)i * CROWD_STACK);
}

static int crowd_life(void *arg)
{
	(void)arg;
	sleep_for_ever();
}

/* In one memory and with one table of descriptors, so that they are cheap. */
int act_crowd(int count, int life)
{
	int before = crowd_size;

	if (!crowd_stacks)
		crowd_stacks = mmap(NULL, (size_t)CROWD_MOST * CROWD_STACK, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	(void)life; /* in the table: it ends with the last of us */
	if (crowd_stacks == MAP_FAILED)
		return -errno;
	for (; crowd_size < before + count && crowd_size < CROWD_MOST; crowd_size++) {
		struct clone_args args = {
			.flags = CLONE_VM | CLONE_FILES | CLONE_FS,
			.exit_signal = SIGCHLD,
			.stack = (uintptr_t)crowd_pid(crowd_size),
			.stack_size = CROWD_STACK,
		};

		long pid = raw_clone3(&args, crowd_life, NULL);

		if (pid < 0)
			return pid;
		*crowd_pid(crowd_size) = pid;
	}
	return crowd_size - before;
}

int act_crowd_count(void)
{
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		crowd_size--;
	return crowd_size;
}

int act_crowd_end(int count)
{
	int i, ended = 0;

	for (i = 0; i < count && crowd_size > 0; i++)
		kill(*crowd_pid(--crowd_size), SIGKILL);
	while (ended < i && waitpid(-1, NULL, __WALL) > 0)
		ended++;
	return ended;
}
