/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acts.h - inside an actor: its state, and what actor_self.c and acts.c share
 */
#ifndef CONFORMANCE_ACTS_H
#define CONFORMANCE_ACTS_H

#include <errno.h>

#include "actor.h"

struct self {
	int sock;
	int held;  /* pidfd of the tether, -1 if none */
	int plain; /* pidfd of the last child that got one without a request, -1 if none */
};

extern struct self self;

void act(struct note *note, int fd);
void act_in_thread(struct note *note, int fd);

/* What a call returned, as a reply. */
static inline int result(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

/* acts_fd.c: the ACT_ of the same name. Return: as ACT_ replies, or -errno. */
int act_mail(int sock);
int act_mail_cycle(void);
int act_steal(pid_t pid, int fd);
int act_dup2_over(void);
int act_lowest_fd(void);
int act_churn(pid_t pid, int count);
int act_close_later(int fd);
int act_uring_file(void);
/* Close *@fd and forget it. */
int act_drop(int *fd);

/* acts_many.c: the ACT_ of the same name. Return: as ACT_ replies, or -errno. */
int act_chain(int links, int life);
int act_bomb(int life);
int act_crowd(int count, int life);
int act_crowd_count(void);
int act_crowd_end(int count);

void self_loop(void) __attribute__((noreturn));
void self_reply(int value, int64_t wide);

/* Create a child actor on @child_sock. Return: its pid, or -errno. */
int self_spawn(const struct spawn *spawn, int child_sock);
int self_new_pidfd(void);
/* The address where self_spawn() has the pidfd of each child stored. */
uintptr_t self_new_pidfd_place(void);

/*
 * A tethered child by a struct clone_args in memory of this kind, and its death by close. Return:
 * 0; the -errno of clone3(); -EBADMSG if the struct is not afterwards what it was before.
 */
int struct_clone3(enum memory memory);

/* Does clone3() take these flags? The child ends at once. Return: 0 or -errno. */
int self_try_clone3(uint64_t flags, int exit_signal);

#endif
