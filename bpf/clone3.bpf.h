/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clone3.bpf.h - the kernel's own clone3 flags, on kernels that do not know them
 *
 * Linux 7.1 has CLONE_AUTOREAP, CLONE_NNP and CLONE_PIDFD_AUTOKILL. An older kernel answers EINVAL
 * to them (clone3_args_valid(), kernel/fork.c), before any hook that could serve the call. So they
 * are taken out of the caller's struct for just as long as the kernel copies it:
 *
 *   clone3_in   clone3, and copy_clone_args_from_user, are entered: if the three bits are there,
 *               and are right by the native rules, note the request in the thread's record, and
 *               clear them
 *   clone3_out  the latter returned: the kernel has its copy; put the struct back
 *   birth       task_alloc, before a child exists: put it back, if that has not been done. Then the
 *               request is used, or refused (clone3_request(), called by birth_asked())
 *   born        copy_process returned: put it back, if it could not be done before. A request that
 *               came to nothing ends
 *
 * Where the bits are not right, nothing is touched, and the kernel says EINVAL as it would.
 *
 * bpf_probe_write_user() does not wait for a page: it fails where the page is not there, or could
 * not be written without a fault (a fork by another thread write-protects every page that it
 * shares). Before the copy that costs the caller an EINVAL. After it, with the bits cleared, the
 * clone is refused (EAGAIN), and the record keeps what is owed: the thread's next clone3 with the
 * same struct is served as if the bits were there, so that it never makes a child without its
 * tether.
 *
 * All three bits lie in one byte, and only that byte is written. Thus a struct that straddles two
 * pages is either changed or not, and a racing write to another byte of it is not undone.
 *
 * In, out and born are tracing programs, which the kernel may skip (birth.bpf.h). So in is there
 * twice: the second is a kprobe, which it hardly ever skips. Where both are skipped, the caller
 * gets an EINVAL. Three programs put the struct back: out; birth, which no kernel skips (v6.2, BPF
 * LSM); and the two copies of born.
 *
 * A request belongs to the call that made it: to its thread, the system call, the address of the
 * struct, and the flags that stand in there when the kernel asks for a verdict. One that was left
 * behind, by a call that the kernel refused before copy_process(), serves no other clone of the
 * thread, and ends with its next clone3.
 */
#ifndef AUTOKILL_CLONE3_BPF_H
#define AUTOKILL_CLONE3_BPF_H

#include "arch.bpf.h"
#include "arm.bpf.h"
#include "events.bpf.h"
#include "mutant.bpf.h"
#include "pid.bpf.h"
#include "record.bpf.h"

/*
 * 1: the programs named clone3_* are loaded. Set by the loader before load, so that the verifier
 * drops what is off from birth and born: under lockdown they may not even contain the call of
 * bpf_probe_write_user(). A section, and so a map, of its own: the loader writes it whole.
 */
const volatile u32 clone3_on SEC(".rodata.clone3") = 0;

/*
 * Records with CLONE3_ASKED or CLONE3_OWED, that is, calls that are just being served, and structs
 * that could not be put back. Atomic adds. While it is 0, no clone3 has anything to look for.
 */
u64 n_clone3s;

/* uapi/linux/sched.h of v7.1; 35 and 36 were the other way round on the mailing list */
#define CLONE_AUTOREAP (1ULL << 34)
#define CLONE_NNP (1ULL << 35)
#define CLONE_PIDFD_AUTOKILL (1ULL << 36)
#define CLONE3_BITS (CLONE_AUTOREAP | CLONE_NNP | CLONE_PIDFD_AUTOKILL)
#define CLONE3_BYTE 4 /* where they are in the 8 bytes of flags; BPF here is little-endian */

#define CLONE_ARGS_SIZE_VER0 64
#define CLONE_ARGS_EXIT_SIGNAL 32 /* offset of exit_signal in struct clone_args */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "CLONE3_BYTE");
_Static_assert((0xffULL << 8 * CLONE3_BYTE & CLONE3_BITS) == CLONE3_BITS, "CLONE3_BYTE");

/* Write the byte of @flags that has the bits into the struct at @args: 0 or a negative errno. */
static __always_inline int clone3_write(u64 args, u64 flags)
{
	u8 byte = flags >> 8 * CLONE3_BYTE;

	return bpf_probe_write_user((void *)(args + CLONE3_BYTE), &byte, sizeof(byte));
}

static __always_inline int clone3_read(u64 args, u64 *flags)
{
	return bpf_probe_read_user(flags, sizeof(*flags), (void *)args);
}

/*
 * @rec is to have @state, of CLONE3_ASKED and CLONE3_OWED. Its owner is the current thread, or
 * dead.
 */
static __always_inline void clone3_state(struct autokill_task *rec, u32 state)
{
	u32 old = rec->clone3 & CLONE3_OPEN;

	rec->clone3 = (rec->clone3 & ~CLONE3_OPEN) | state;
	if (!old && state)
		__sync_fetch_and_add(&n_clone3s, 1);
	else if (old && !state)
		__sync_fetch_and_sub(&n_clone3s, 1);
}

static __always_inline void clone3_settled(struct autokill_task *rec)
{
	clone3_state(rec, rec->clone3 & CLONE3_ASKED);
}

/*
 * Put the struct of the current thread back as its caller wrote it, if that is owed. 0: nothing is
 * owed any more; else a negative errno, and it is still owed.
 *
 * A program that was exec'ed since has another memory, and what lies at the address there is none
 * of ours: a caller must not be able to choose a byte that is written into a setuid program.
 */
static __noinline int clone3_restore(struct autokill_task *rec)
{
	u64 flags;
	int err;

	if (!rec || !(rec->clone3 & CLONE3_OWED))
		return 0;
	if (rec->clone3_exec_id != bpf_get_current_task_btf()->self_exec_id) {
		clone3_settled(rec);
		return 0;
	}
	err = clone3_read(rec->clone3_args, &flags);
	if (!err && flags != (rec->clone3_flags & ~CLONE3_BITS)) {
		clone3_settled(rec); /* written anew meanwhile: leave it */
		return 0;
	}
	if (!err)
		err = clone3_write(rec->clone3_args, rec->clone3_flags);
	if (err) {
		failure_count(FAIL_NATIVE_RESTORE, err);
		return err;
	}
	clone3_settled(rec);
	return 0;
}

/*
 * The native rules but for the right (kernel/fork.c, copy_process() of v7.1), which give EINVAL one
 * and all, so that their order does not show. Only the flags that the kernel does not know matter
 * here: what else is wrong, it finds out itself.
 */
static __always_inline bool clone3_rules(u64 flags, u64 exit_signal)
{
	return flags & CLONE_AUTOREAP && flags & CLONE_PIDFD && !(flags & CLONE_THREAD) &&
	       !(flags & CLONE_PARENT) && !exit_signal;
}

/* The record of the current thread; made if there is none. NULL: counted. */
static __always_inline struct autokill_task *clone3_record(struct task_struct *cur)
{
	int err;

	return task_record(cur) ?: task_record_own(cur, &err);
}

/* The struct at @args asks with @flags: take the request, or leave it to the kernel's EINVAL. */
static __noinline int clone3_take(u64 args, u64 flags)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct autokill_task *rec;
	u64 exit_signal;
	int err;

	if (bpf_probe_read_user(&exit_signal, sizeof(exit_signal),
				(void *)(args + CLONE_ARGS_EXIT_SIGNAL)))
		return 0; /* the kernel will read it, and then see the bits */
	if (!clone3_rules(flags, exit_signal) || !ready_for_current())
		return 0;
	rec = clone3_record(cur);
	if (!rec)
		return 0; /* no room: counted */
	/* Of another struct, from an earlier call; if it fails again, it is forgotten. */
	clone3_restore(rec);
	rec->clone3_args = args;
	rec->clone3_flags = flags;
	rec->clone3_exec_id = cur->self_exec_id;
	clone3_state(rec, CLONE3_ASKED | CLONE3_OWED);
	err = clone3_write(args, flags & ~CLONE3_BITS);
	if (err) {
		clone3_state(rec, 0);
		failure_count(FAIL_NATIVE_CLEAR, err);
		return 0;
	}
	COUNT(natives);
	return 0;
}

/* A clone3 without the bits, while some struct somewhere may lack them: this one? */
static __noinline int clone3_owed(u64 args, u64 flags)
{
	struct autokill_task *rec = task_record(bpf_get_current_task_btf());

	if (!rec)
		return 0;
	if (!(rec->clone3 & CLONE3_OWED)) {
		clone3_state(rec, 0); /* of a call that the kernel refused */
		return 0;
	}
	if (rec->clone3_args != args ||
	    rec->clone3_exec_id != bpf_get_current_task_btf()->self_exec_id)
		return clone3_restore(rec);
	/* Equal also where an earlier copy has just cleared them. Else it was written anew. */
	if (flags == (rec->clone3_flags & ~CLONE3_BITS))
		clone3_state(rec, CLONE3_ASKED | CLONE3_OWED);
	else
		clone3_state(rec, 0);
	return 0;
}

/*
 * clone3, or copy_clone_args_from_user(), is entered, in the caller. Every clone3 comes through
 * here twice, so the way out of one without the bits is short.
 */
static __always_inline void clone3_enter(u64 args, u64 size)
{
	u64 flags;

	if (clone3_read(args, &flags))
		return;
	if (flags & CLONE_PIDFD_AUTOKILL) {
		if (size >= CLONE_ARGS_SIZE_VER0)
			clone3_take(args, flags);
	} else if (READ_ONCE(n_clone3s)) {
		clone3_owed(args, flags);
	}
}

/* The kernel has its copy; or, with @end, the call is over, and so is its request. */
static __always_inline void clone3_leave(bool end)
{
	struct autokill_task *rec;

	if (!READ_ONCE(n_clone3s))
		return;
	rec = task_record(bpf_get_current_task_btf());
	if (!rec || !(rec->clone3 & CLONE3_OPEN))
		return;
	clone3_restore(rec);
	if (end)
		clone3_state(rec, rec->clone3 & CLONE3_OWED);
}

/*
 * The kernel has its copy, @kargs: are the bits in there after all, where they should be served?
 * Then every copy of the way in was skipped, or could not write to the struct; the caller will see
 * EINVAL.
 */
static __always_inline void clone3_missed(const struct kernel_clone_args *kargs, int ret)
{
	u64 flags = kargs->flags;

	if (!ret && flags & CLONE_PIDFD_AUTOKILL && clone3_rules(flags, kargs->exit_signal))
		COUNT(natives_missed);
}

/*
 * Is the system call that the current thread is in the clone3 that the request was made by? The end
 * of a call may leave its request behind, and it then stands when the same thread calls fork() or
 * clone().
 */
static __always_inline bool clone3_same_call(u64 args)
{
	const struct pt_regs *call = call_regs();

	return call && call_is_clone3(call) && call_arg1_is(call, args);
}

/*
 * At task_alloc of a clone with @flags by the current thread, whose record is @rec: has it been
 * asked for by clone3's flags? 0: no; else CLONE3_ASKED, with CLONE_NNP CLONE3_NNP, too; or the
 * negative errno by which it is refused.
 */
static __noinline int clone3_request(struct autokill_task *rec, u64 flags)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	u64 asked, now;
	int err;

	if (!rec)
		return 0;
	if (MUTANT(NATIVE_ONE_OUT) && rec->clone3 & CLONE3_ASKED) {
		clone3_state(rec, 0);
		return CLONE3_ASKED;
	}
	err = clone3_restore(rec);
	if (!(rec->clone3 & CLONE3_ASKED))
		return 0;
	clone3_state(rec, rec->clone3 & CLONE3_OWED); /* used up, however this ends */
	if (!clone3_same_call(rec->clone3_args)) {
		COUNT(arms_lapsed);
		return 0;
	}
	asked = rec->clone3_flags;
	if (!err)
		err = clone3_read(rec->clone3_args, &now);
	if (err) {
		COUNT(natives_unrestored);
		event_current(EVENT_REFUSED, EAGAIN);
		return -EAGAIN;
	}
	/* Another thread writes into the struct. What the kernel has copied, nobody knows. */
	if (now != asked || !(flags & CLONE_PIDFD) || flags & (CLONE_THREAD | CLONE_PARENT))
		return -EINVAL;
	/*
	 * The native right: the caller's own no_new_privs does not count, nor does a new namespace.
	 */
	if (!(asked & CLONE_NNP) && !(caps(&cur->cred->cap_effective) & 1ULL << CAP_SYS_ADMIN))
		return -EPERM;
	return asked & CLONE_NNP ? CLONE3_ASKED | CLONE3_NNP : CLONE3_ASKED;
}

/*
 * Is @task one that the kernel would reap by itself? Then it may have no siblings made
 * (CLONE_PARENT, EINVAL). The flag is the leader's: it is lost if another thread of the child
 * execs.
 */
static __always_inline bool clone3_autoreap(struct task_struct *task)
{
	struct autokill_task *rec = task_record(task->group_leader);

	return rec && rec->clone3 & CLONE3_CHILD;
}

/* uapi/linux/pidfd.h: struct pidfd_info as v6.13 has it, whose tail v6.15 made exit_code */
#define PIDFS_IOCTL_MAGIC 0xff
#define PIDFD_GET_INFO_NR 11
#define PIDFD_INFO_SIZE_VER0 64
#define PIDFD_INFO_EXIT_CODE 60
#define PIDFD_INFO_EXIT 8 /* of mask, which comes first */

static __always_inline bool is_get_info(u32 cmd)
{
	return (cmd & 0xff) == PIDFD_GET_INFO_NR && (cmd >> 8 & 0xff) == PIDFS_IOCTL_MAGIC &&
	       (cmd >> 16 & 0x3fff) >= PIDFD_INFO_SIZE_VER0;
}

/*
 * PIDFD_GET_INFO has been served for @file, into the struct at @arg. Who made a child with
 * CLONE_AUTOREAP cannot wait for it, and learns its status by PIDFD_INFO_EXIT. The kernel has that
 * from when a process is reaped (v6.15, pidfs_exit()), and ours is a zombie still: so tell what the
 * kernel would. Like the kernel's own fields, it is there whether asked for or not.
 */
static __noinline int clone3_info(const struct file *file, u32 cmd, u64 arg)
{
	struct task_struct *leader;
	struct autokill_task *rec;
	u64 mask;
	u8 byte;
	int err, code;

	if (!is_get_info(cmd))
		return 0;
	leader = pid_task(file_pid(file), PIDTYPE_TGID);
	if (!leader || !BPF_CORE_READ(leader, exit_state) ||
	    BPF_CORE_READ(leader, signal, nr_threads) > 1)
		return 0;
	rec = task_record(leader);
	if (!rec || !(rec->clone3 & CLONE3_CHILD))
		return 0;
	code = BPF_CORE_READ(leader, exit_code);
	err = clone3_read(arg, &mask);
	if (!err && mask & PIDFD_INFO_EXIT)
		return 0;
	if (!err)
		err = bpf_probe_write_user((void *)(arg + PIDFD_INFO_EXIT_CODE), &code,
					   sizeof(code));
	byte = mask | PIDFD_INFO_EXIT;
	if (!err)
		err = bpf_probe_write_user((void *)arg, &byte, sizeof(byte));
	if (err)
		failure_count(FAIL_NATIVE_INFO, err);
	return 0;
}

#endif /* AUTOKILL_CLONE3_BPF_H */
