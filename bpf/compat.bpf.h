/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.bpf.h - what differs between kernels, and the constants that no BTF carries
 *
 * Each entry is dated by the kernel that brought the symbol, so that it can go when that kernel is
 * the oldest one supported.
 */
#ifndef AUTOKILL_COMPAT_BPF_H
#define AUTOKILL_COMPAT_BPF_H

/* asm-generic/errno-base.h; there is no libc for the BPF target, but the header stands alone */
#include <asm-generic/errno.h>

/* uapi/asm-generic/signal.h, uapi/linux/sched.h, uapi/linux/capability.h, uapi/linux/time.h */
#define SIGKILL 9
#define CLONE_PIDFD 0x00001000
#define CLONE_PARENT 0x00008000
#define CLONE_THREAD 0x00010000
#define CAP_SYS_ADMIN 21
#define CLOCK_MONOTONIC 1
#define NR_CLONE3 435 /* uapi/asm-generic/unistd.h, and the same for 32-bit callers */
#define X32_SYSCALL_BIT 0x40000000UL /* uapi/asm/unistd.h of x86 */

/* include/linux/sched.h, include/linux/sched/signal.h: macros, thus not in BTF */
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define PFA_NO_NEW_PRIVS 0
#define TASK_RUNNING 0x0
#define TASK_INTERRUPTIBLE 0x1
#define SIGNAL_GROUP_EXIT 0x00000004

/* include/linux/err.h; `(long)p < 0` would be true of every kernel pointer */
#define IS_ERR_VALUE(p) ((unsigned long)(p) >= -4095UL)

#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* BPF has no barrier of its own, but its exchange is a full one (the kernel's xchg()). */
static __always_inline void smp_mb(void)
{
	u64 here = 0;

	__sync_lock_test_and_set(&here, 1);
}

/*
 * A set of capabilities. v6.3: f122a08b197d ("capability: just use a 'u64' instead of a 'u32[2]' array").
 * A failed read gives the empty set, by which nobody gains a right.
 */
static __always_inline u64 caps(const kernel_cap_t *set)
{
	u32 words[2] = {};
	u64 all;

	if (bpf_probe_read_kernel(words, sizeof(words), set))
		return 0;
	if (!bpf_core_field_exists(set->val))
		return words[0] | (u64)words[1] << 32;
	__builtin_memcpy(&all, words, sizeof(all));
	return all;
}

/*
 * The objects, by what they need:
 *   AGENT              no kfunc at all: 6.1 and newer
 *   AGENT, SIGNAL_HERE bpf_send_signal_task: 6.13 and newer
 *   neither            task work, too: 6.18 and newer (TASK_WORK_IMPL: spelt with _impl)
 */
#if !defined(AGENT) || defined(SIGNAL_HERE)
#define HAS_SEND_SIGNAL
#endif

#ifdef HAS_SEND_SIGNAL

/* v6.1 to v6.3: bpf_task_acquire, bpf_task_release, bpf_task_from_pid, bpf_rcu_read_lock */
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

/* v6.7: c68a78ffe2cb ("bpf: Introduce task open coded iterator kfuncs") */
#define BPF_TASK_ITER_PROC_THREADS 2
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task,
			     unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;

/* v6.13: 6280cf718db0 ("bpf: implement bpf_send_signal_task() kfunc") */
extern int bpf_send_signal_task(struct task_struct *task, int sig, enum pid_type type,
				u64 value) __ksym;
#endif /* HAS_SEND_SIGNAL */

#ifndef AGENT
/*
 * v6.18: 38aa7003e369 ("bpf: task work scheduling kfuncs"), spelt _impl with a fifth argument that
 * the verifier fills in. v7.0 has the short spelling and a typed fifth argument in the long one;
 * libbpf 1.1 refuses an extern whose prototype differs from the kernel's, weak or not. So the
 * object is built for each, and the loader takes the one that fits.
 */
typedef int (*task_work_fn)(struct bpf_map *map, void *key, void *value);
#ifdef TASK_WORK_IMPL
extern int bpf_task_work_schedule_signal_impl(struct task_struct *task, struct bpf_task_work *tw,
					      void *map, task_work_fn callback, void *aux) __ksym;
#define task_work_schedule(task, tw, map, fn)                                                      \
	bpf_task_work_schedule_signal_impl(task, tw, map, fn, NULL)
#else
extern int bpf_task_work_schedule_signal(struct task_struct *task, struct bpf_task_work *tw,
					 void *map, task_work_fn callback) __ksym;
#define task_work_schedule(task, tw, map, fn) bpf_task_work_schedule_signal(task, tw, map, fn)
#endif

#endif /* AGENT */

#endif /* AUTOKILL_COMPAT_BPF_H */
