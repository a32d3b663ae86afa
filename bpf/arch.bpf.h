/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch.bpf.h - what differs between machines: registers, and how a system call gets its arguments
 *
 * No other file names a register, or a macro that stands for one.
 */
#ifndef AUTOKILL_ARCH_BPF_H
#define AUTOKILL_ARCH_BPF_H

#include "compat.bpf.h"

#define __VMLINUX_H__ /* bpf_tracing.h: registers have the kernel's names for them */
#include <bpf/bpf_tracing.h>

#define TS_COMPAT 0x0002	     /* asm/thread_info.h of x86: within a 32-bit system call */
#define X32_SYSCALL_BIT 0x40000000UL /* uapi/asm/unistd.h of x86 */
#define NR_CLONE3 435 /* uapi/asm-generic/unistd.h, and the same for 32-bit callers */

/* The first two arguments of the function that a kprobe has met, by its context. */
static __always_inline u64 probe_arg1(struct pt_regs *regs)
{
	return PT_REGS_PARM1(regs);
}

static __always_inline u64 probe_arg2(struct pt_regs *regs)
{
	return PT_REGS_PARM2(regs);
}

/* The first two arguments of a system call, from the registers of its caller. */
static __always_inline u64 call_arg1(const struct pt_regs *call)
{
	return PT_REGS_PARM1_CORE(call);
}

static __always_inline u64 call_arg2(const struct pt_regs *call)
{
	return PT_REGS_PARM2_CORE(call);
}

/* The registers with which the current thread entered the kernel. */
static __always_inline struct pt_regs *call_regs(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* Is the system call of @call clone3(), of whichever width? */
static __always_inline bool call_is_clone3(const struct pt_regs *call)
{
	return (BPF_CORE_READ(call, orig_ax) & ~X32_SYSCALL_BIT) == NR_CLONE3;
}

#define CLONE_ARGS_PIDFD 8 /* offset of pidfd in struct clone_args */

/*
 * The address at which the clone that the current thread is in will store its pidfd: the third
 * argument of clone() (parent_tid), and the second member of clone3()'s struct. 0; or -EFAULT: the
 * struct is not there any more.
 */
static __always_inline int call_pidfd_addr(u64 *addr)
{
	bool compat = bpf_get_current_task_btf()->thread_info.status & TS_COMPAT;
	const struct pt_regs *call = call_regs();
	u64 args;

	if (!call)
		return -EFAULT;
	if (!call_is_clone3(call)) {
		args = BPF_CORE_READ(call, dx);
		*addr = compat ? (u32)args : args;
		return 0;
	}
	/* A 32-bit call has the same number, and its first argument elsewhere. */
	args = compat ? (u32)BPF_CORE_READ(call, bx) : BPF_CORE_READ(call, di);
	return bpf_probe_read_user(addr, sizeof(*addr), (void *)(args + CLONE_ARGS_PIDFD)) ? -EFAULT
											   : 0;
}

/*
 * Was the first argument of @call @arg? Of a 64-bit call, or of a 32-bit one with the same number.
 */
static __always_inline bool call_arg1_is(const struct pt_regs *call, u64 arg)
{
	return BPF_CORE_READ(call, di) == arg || (u32)BPF_CORE_READ(call, bx) == arg;
}

#endif /* AUTOKILL_ARCH_BPF_H */
