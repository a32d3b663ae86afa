/* SPDX-License-Identifier: GPL-2.0-only */
/* probe.h - what the running kernel has of what the programs need */
#ifndef AUTOKILL_USER_PROBE_H
#define AUTOKILL_USER_PROBE_H

#include <stdbool.h>

struct features {
	char release[65];   /* uname -r */
	char lsm_list[256]; /* as /sys/kernel/security/lsm has it; "" if it cannot be found out */
	/* "none", "integrity", "confidentiality"; "" if there is none, or it is not known */
	char lockdown[32];
	bool can_bpf;	/* CAP_SYS_ADMIN in effect: to load programs and use the pins */
	bool bpffs;	/* a bpffs is mounted at /sys/fs/bpf */
	bool btf;	/* the kernel has BTF of its own */
	bool lsm_known; /* the list of active LSMs was found out */
	bool lsm_bpf;	/* `bpf` is in it */
	bool fn_copy_process;
	bool fn_pidfs_alloc_file;   /* v6.9: pidfds are files of pidfs */
	bool fn_fput;		    /* __fput() as a function of its own */
	bool fn_file_release;	    /* v6.9: security_file_release() and its LSM hook */
	bool fn_pidfd_release;	    /* up to v6.8: a pidfd's own release function */
	bool fn_anon_inode_getfile; /* up to v6.8 it makes the files of pidfds */
	bool bpf_mem_alloc;	    /* v6.1: hash maps allocate in any program */
	bool kfunc_iter_task;	    /* v6.7 */
	bool kfunc_send_signal;	    /* v6.13 */
	bool kfunc_task_work_impl;  /* v6.18: bpf_task_work_schedule_signal_impl(), 5 arguments */
	bool kfunc_task_work;	    /* v7.0: bpf_task_work_schedule_signal(), 4 arguments */
	bool fn_copy_clone_args;    /* copy_clone_args_from_user(), noinline since v5.5 */
	bool kprobes;		    /* CONFIG_KPROBE_EVENTS */
	bool fn_clone3;		    /* the entry of the system call, x86-64 */
	bool fn_pidfd_ioctl;
	bool pidfd_info_exit; /* PIDFD_INFO_EXIT, v6.15 */
	bool native;	      /* v7.1: clone3() knows CLONE_PIDFD_AUTOKILL */
	unsigned int refused; /* enum autokill_fell: found out by loading, rungs_lower() */
};

/**
 * features_probe - look at the running kernel; loads nothing. What cannot be read is false or "".
 */
void features_probe(struct features *f);

#endif /* AUTOKILL_USER_PROBE_H */
