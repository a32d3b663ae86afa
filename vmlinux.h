/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmlinux.h - the kernel types that the BPF programs use, each cut down to the fields in use
 *
 * preserve_access_index makes every access a CO-RE relocation: offsets come from the BTF of the
 * kernel that the programs are loaded on, so this file is the same for every architecture.
 * Types that the kernel treats by name (bpf_timer, bpf_task_work, bpf_iter_task) have the sizes of
 * the UAPI and no relocation.
 */
#ifndef AUTOKILL_VMLINUX_H
#define AUTOKILL_VMLINUX_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

/* uapi/linux/bpf.h, the part in use */
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};

enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1024,
};

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_RINGBUF = 27,
};

struct bpf_timer {
	__u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_task_work {
	__u64 __opaque;
} __attribute__((aligned(8)));

struct bpf_iter_task {
	__u64 __opaque[3];
} __attribute__((aligned(8)));

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,
	PIDTYPE_PGID,
	PIDTYPE_SID,
	PIDTYPE_MAX,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

typedef struct {
	u64 val;
} kernel_cap_t; /* two u32 before v6.3; see caps() */

struct uid_gid_extent {
	u32 lower_first; /* as the initial namespace counts */
};

struct uid_gid_map {
	u32 nr_extents;
	struct uid_gid_extent extent[5]; /* UID_GID_MAP_MAX_BASE_EXTENTS; if there are more: */
	struct uid_gid_extent *forward;
};

struct user_namespace {
	struct uid_gid_map uid_map;
	struct user_namespace *parent;
	int level;
	kuid_t owner;
};

struct cred {
	kuid_t uid;
	kuid_t euid;
	kgid_t egid;
	kernel_cap_t cap_permitted;
	kernel_cap_t cap_effective;
	struct user_namespace *user_ns;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[PIDTYPE_MAX];
	struct upid numbers[1];
};

struct inode {
	void *i_private;
};

struct file_operations;

struct file {
	const struct file_operations *f_op;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct;

struct core_state;

struct signal_struct {
	atomic_t live;
	int nr_threads;
	struct pid *pids[PIDTYPE_MAX];
	unsigned int flags;
	struct core_state *core_state; /* v5.16: 0258b5fd7c71 ("coredump: Limit coredumps to ...") */
};

/* x86-64's; what is not built for that does not read it */
struct thread_info {
	u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	int exit_state;
	int exit_code;
	int pid;
	int tgid;
	unsigned long atomic_flags;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct hlist_node pid_links[PIDTYPE_MAX];
	u64 start_boottime;
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
	struct mm_struct *mm;
	struct files_struct *files;
	struct signal_struct *signal;
	u64 self_exec_id;
};

struct linux_binprm {
	struct cred *cred;
};

struct kernel_clone_args {
	u64 flags;
	int *pidfd;
	int exit_signal;
};

struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
};

/* x86-64's; what is not built for that reads none of it */
struct pt_regs {
	unsigned long bx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

/* A kfunc's prototype must have a struct here: libbpf takes a forward declaration for another kind. */
struct bpf_map {
	u32 id;
};

#pragma clang attribute pop

#endif /* AUTOKILL_VMLINUX_H */
