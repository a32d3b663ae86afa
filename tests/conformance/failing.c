// SPDX-License-Identifier: GPL-2.0-only
/*
 * failing.c - X17 and X26: a clone that fails leaves nothing behind that could kill
 *
 * After each failure the same thread opens and closes pidfds of strangers, one of whom has the pid
 * that the child would have had, and makes a child with a pidfd that is not to be tethered.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "cases.h"
#include "deviations.h"

struct failure {
	struct actor *holder;
	struct actor *sibling; /* under the holder, as the child would have been */
	struct spawn ask;      /* of the clone that is to fail */
	int ret;	       /* of it */
};

static void failure_set(struct failure *failure, uint32_t how)
{
	*failure = (struct failure){ .ask.how = SPAWN_TETHER | how };
	failure->holder = actor_start("holder");
	failure->sibling = spawn_plain(failure->holder, "sibling", 0);
}

/* A pid that was somebody's and is nobody's. */
static pid_t pid_to_use(void)
{
	struct actor *past = actor_start("one who makes way");
	pid_t pid = past->pid;

	actor_end(past);
	actor_reap(past);
	return pid;
}

/* The pid chosen may still be with the kernel for a moment: that failure is one more. */
static bool failed_as_asked(void *arg)
{
	struct failure *failure = arg;
	struct actor *victim;

	failure->ret = actor_try_spawn(failure->holder, "victim", &failure->ask, false, &victim);
	return failure->ret != -EEXIST;
}

static void failure_try(struct failure *failure, int err)
{
	int ret;

	wait_until(failed_as_asked, failure, err == EEXIST ? 0 : the_deadline_ms);
	ret = failure->ret;
	if (ret != -err)
		fail_msg("clone: %s, should be %s", ret < 0 ? strerror(-ret) : "success",
			 strerror(err));
}

static void nothing_is_pending(struct failure *failure)
{
	struct actor *holder = failure->holder, *stranger, *unarmed, *victim;
	struct spawn plant = { .how = SPAWN_PIDFD,
			       .exit_signal = SIGCHLD,
			       .set_tid = failure->ask.set_tid };

	/* where the child's pid was chosen and is free, the stranger gets it */
	if (plant.set_tid && plant.set_tid != failure->sibling->pid) {
		stranger = actor_start("planter");
		stranger = actor_plant(stranger, "stranger with the child's pid", &plant);
	} else {
		stranger = actor_start("stranger");
	}
	assert_int_equal(actor_do(holder, ACT_PIDFD_CHURN, stranger->pid, 1), 0);
	assert_int_equal(actor_do(holder, ACT_PIDFD_CHURN, failure->sibling->pid, 3), 0);
	unarmed = spawn_plain(holder, "child after the failure", SPAWN_PIDFD);
	actor_must(holder, ACT_CLOSE_PLAIN, 0);
	fence();
	assert_alive(stranger);
	assert_alive(failure->sibling);
	assert_alive(unarmed);

	/* and the next request is as good as ever */
	victim = spawn_tethered(holder, "victim after the failure", failure->ask.how & SPAWN_GUARD);
	assert_alive(victim);
	actor_end(holder);
	assert_killed(victim);
	fence();
	assert_alive(stranger);
	assert_alive(failure->sibling);
	assert_alive(unarmed);
}

static void bad_pidfd(void)
{
	struct failure failure;

	failure_set(&failure, SPAWN_BAD_PIDFD);
	failure.ask.set_tid = pid_to_use();
	failure_try(&failure, EFAULT);
	nothing_is_pending(&failure);
}

static void pids_max(void)
{
	struct failure failure;

	failure_set(&failure, 0);
	failure.ask.set_tid = pid_to_use();
	assert_int_equal(cgroup_make("pids", "pids"), 0);
	assert_int_equal(cgroup_enter("pids", failure.holder->pid), 0);
	assert_int_equal(cgroup_set("pids", "pids.max", "1"), 0);
	failure_try(&failure, EAGAIN);
	assert_int_equal(cgroup_set("pids", "pids.max", "max"), 0);
	nothing_is_pending(&failure);
}

CASE(X17_bad_pidfd_pointer, WAY_BOTH, 0, "EFAULT after the file was made: no stranger dies", NULL)
{
	bad_pidfd();
}

CASE(X17_pids_max, WAY_BOTH, NEED_CGROUP | NEED_PIDS, "EAGAIN after it: no stranger dies", NULL)
{
	pids_max();
}

/* The same as X17, and again after each other in one process: a request may not pile up. */
CASE(X26_twice_over, WAY_BOTH, 0, "twenty failures in a row", NULL)
{
	struct failure failure;
	int i;

	failure_set(&failure, SPAWN_BAD_PIDFD);
	for (i = 0; i < 20; i++)
		failure_try(&failure, EFAULT);
	nothing_is_pending(&failure);
}

CASE(X26_emfile, WAY_BOTH, 0, "EMFILE", NULL)
{
	struct failure failure;
	int lowest;

	failure_set(&failure, 0);
	lowest = actor_do(failure.holder, ACT_LOWEST_FD, 0, 0);
	/* one is taken by the socket that comes with the note */
	assert_int_equal(actor_do(failure.holder, ACT_RLIMIT, RLIMIT_NOFILE, lowest + 1), 0);
	failure_try(&failure, EMFILE);
	assert_int_equal(actor_do(failure.holder, ACT_RLIMIT, RLIMIT_NOFILE, 1024), 0);
	nothing_is_pending(&failure);
}

CASE(X26_rlimit_nproc, WAY_BOTH, 0, "EAGAIN by RLIMIT_NPROC", NULL)
{
	struct failure failure;

	failure_set(&failure, SPAWN_GUARD);
	actor_must(failure.holder, ACT_BECOME, ALICE);
	assert_int_equal(actor_do(failure.holder, ACT_RLIMIT, RLIMIT_NPROC, 0), 0);
	failure_try(&failure, EAGAIN);
	assert_int_equal(actor_do(failure.holder, ACT_RLIMIT, RLIMIT_NPROC, 1024), 0);
	nothing_is_pending(&failure);
}

CASE(X26_set_tid_in_use, WAY_BOTH, 0, "EEXIST by set_tid", NULL)
{
	struct failure failure;

	failure_set(&failure, 0);
	failure.ask.set_tid = failure.sibling->pid;
	failure_try(&failure, EEXIST);
	nothing_is_pending(&failure);
}

CASE(X26_set_tid_without_right, WAY_BOTH, 0, "EPERM by set_tid", NULL)
{
	struct failure failure;

	failure_set(&failure, SPAWN_GUARD);
	failure.ask.set_tid = pid_to_use();
	actor_must(failure.holder, ACT_BECOME, ALICE);
	failure_try(&failure, EPERM);
	nothing_is_pending(&failure);
}

#define PID_MAX "/proc/sys/kernel/pid_max"
#define PID_MAX_SMALL "400"

CASE(X26_no_pids_left, WAY_BOTH, 0, "EAGAIN by pid_max", NULL)
{
	struct spawn fill = { .exit_signal = SIGCHLD };
	struct failure failure;
	struct actor *filler, *child;
	int ret, made = 0;

	failure_set(&failure, 0);
	filler = actor_start("filler");
	assert_int_equal(sysctl_set(PID_MAX, PID_MAX_SMALL), 0);
	do {
		ret = actor_try_spawn(filler, "one of many", &fill, false, &child);
	} while (ret == 0 && ++made < 1000);
	assert_int_equal(ret, -EAGAIN);
	failure_try(&failure, EAGAIN);
	sysctl_restore();
	nothing_is_pending(&failure);
}

CASE(X26_no_pid_namespaces_left, WAY_BOTH, 0, "ENOSPC by max_pid_namespaces", NULL)
{
	struct failure failure;

	failure_set(&failure, 0);
	failure.ask.clone_flags = CLONE_NEWPID;
	assert_int_equal(sysctl_set("/proc/sys/user/max_pid_namespaces", "0"), 0);
	failure_try(&failure, ENOSPC);
	sysctl_restore();
	nothing_is_pending(&failure);
}

CASE(X26_no_user_namespaces_left, WAY_BOTH, NEED_USERNS, "ENOSPC by max_user_namespaces", NULL)
{
	struct failure failure;

	failure_set(&failure, 0);
	failure.ask.clone_flags = CLONE_NEWUSER;
	assert_int_equal(sysctl_set("/proc/sys/user/max_user_namespaces", "0"), 0);
	failure_try(&failure, ENOSPC);
	sysctl_restore();
	nothing_is_pending(&failure);
}

/* A cgroup that hands a domain controller on takes no processes. */
CASE(X26_into_busy_cgroup, WAY_BOTH, NEED_CGROUP | NEED_MEMORY, "EBUSY by CLONE_INTO_CGROUP", NULL)
{
	struct failure failure;

	failure_set(&failure, 0);
	failure.ask.set_tid = pid_to_use();
	failure.ask.clone_flags = CLONE_INTO_CGROUP;
	assert_int_equal(cgroup_make("inner", "memory"), 0);
	assert_int_equal(cgroup_set("inner", "cgroup.subtree_control", "+memory"), 0);
	strncpy(failure.ask.cgroup, cgroup_path("inner"), sizeof(failure.ask.cgroup) - 1);
	failure_try(&failure, EBUSY);
	nothing_is_pending(&failure);
}

/* @veto refuses the holder's clones. */
static void vetoed(const struct veto *veto)
{
	struct failure failure;

	failure_set(&failure, 0);
	failure.ask.set_tid = pid_to_use();
	veto_set(veto, failure.holder->pid);
	failure_try(&failure, EPERM);
	/* one after the other, as in X26_twice_over */
	failure_try(&failure, EPERM);
	veto_set(veto, 0);
	nothing_is_pending(&failure);
	stage_clear();
}

/*
 * By a security module that is asked at task_alloc before the kernel side, and by one that is asked
 * later on, when the pidfd's file is opened (dentry_open() in pidfs_alloc_file(), since 6.9; an
 * anonymous inode's file is not opened, but allocated).
 */
CASE(X26_veto, WAY_BOTH, NEED_VETO, "EPERM by another LSM, at task_alloc and at the file", NULL)
{
	const char *const hooks[] = { "task_alloc", kernel_before(KERNEL_VERSION(6, 9, 0))
							    ? "file_alloc_security"
							    : "file_open" };
	struct veto veto;
	unsigned int i;

	for (i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		step("at %s", hooks[i]);
		assert_int_equal(veto_open(&veto, hooks[i]), 0);
		vetoed(&veto);
		veto_close(&veto);
	}
}

CASE(X26_veto_after_us, WAY_BOTH, NEED_VETO,
     "EPERM at task_alloc by an LSM that was there before load, and is asked last", NULL)
{
	struct veto veto;

	if (veto_planted(&veto))
		fail_msg("no program was planted: conformance --plant-veto, before load");
	vetoed(&veto);
	veto_close(&veto);
}
