/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * programs.h - the table of programs: when each is in use, on which hook it hangs, what it is for
 *
 * The only list. Who reads it:
 *   user/kernel/programs.c  which programs to load and attach, in this order, and what to pin
 *   tests/stress/stress.h   of which programs to print what the kernel skipped
 *   tests/lint_programs     holds the SEC() lines of bpf/ against it
 *   tests/lint_docs         prints it into doc/
 *
 * A row: P(name, when, hook, what for). A new hook is one row here, and one function of the name
 * autokill_NAME with SEC(hook) in bpf/.
 *
 * name  without autokill_. _tracing: it stands in for an LSM program; _second, or a number: a copy
 * when  a condition on struct rungs (user/kernel/rungs.h), whose members rungs_choose() sets
 * hook  as in SEC(). `syscall`: it hangs on nothing; the agent calls it by BPF_PROG_TEST_RUN
 *
 * The order is that in which programs are attached and pinned. Pins are removed in the reverse
 * order. What undoes and kills comes first, and what lets arm comes last: so nobody can ever arm
 * what would not be kept. Of two programs on one hook the kernel first calls the one that was
 * attached last.
 *
 * Without `bpf` in the kernel's list of active LSMs an LSM program attaches and is never called.
 * Then the same functions hang on fmod_ret and fentry of security_*. These attach to any kernel,
 * but the kernel can skip them under preemption. So birth, unbirth and guard are there twice,
 * birth_late makes up for a skipped birth, and commit kills where guard cannot see what an exec
 * gains. `autokill status` says so, and counts what was skipped.
 *
 * On 6.1 to 6.8 the release hangs on pidfd_release, which sees pidfds only, and the tie on
 * anon_inode_getfile.
 *
 * What runs besides programs: the timer of a tether, which looks again until the group is gone;
 * the timer of the watch, which makes up for a release that was skipped; and task work, which
 * kills from a context that has an mm.
 */
/* clang-format off */

/* What the agent calls, up to 6.17 */
P(agent, r->agent, "syscall", "the agent says: killed, swept, gone, stuck")
P(identity, r->agent, "syscall", "the agent asks: which tasks do its pidfds stand for, exactly?")
P(sweep, r->agent, "syscall", "the agent asks: who is in a released tree?")

/*
 * release: where the last reference to a pidfd is seen to go. kprobes are never skipped for a
 * preempted peer.
 */
P(release_kprobe, r->watch && r->pidfs, "kprobe/__fput",
  "note a release, in case the kernel skips the program for it")
P(release, r->lsm && r->pidfs, "lsm/file_release", "see the last reference go: kill")
P(release_tracing, !r->lsm && r->pidfs, "fentry/security_file_release",
  "see the last reference go: kill")
P(release_pidfd_kprobe, r->watch && !r->pidfs, "kprobe/pidfd_release",
  "note a release, in case the kernel skips the program for it")
P(release_pidfd, !r->pidfs, "fentry/pidfd_release", "see the last reference go: kill")
P(release_pidfd_second, !r->watch && !r->pidfs, "fentry/pidfd_release",
  "a second copy, where there are no kprobes")

/* guard and unbirth */
P(unbirth, r->lsm, "lsm/task_free", "clone failed late: take the tether back; forget the task")
P(guard, r->lsm, "lsm/bprm_creds_from_file", "refuse an exec that gains privileges")
P(unbirth_second_tracing, !r->lsm, "fentry/security_task_free", "a second copy")
P(unbirth_tracing, !r->lsm, "fentry/security_task_free",
  "clone failed late: take the tether back; forget the task")
P(commit_second_tracing, !r->lsm, "fentry/security_bprm_committing_creds", "a second copy")
P(commit_tracing, !r->lsm, "fentry/security_bprm_committing_creds",
  "kill at an exec that gains file capabilities")
P(guard_second_tracing, !r->lsm, "fmod_ret/security_bprm_creds_from_file", "a second copy")
P(guard_tracing, !r->lsm, "fmod_ret/security_bprm_creds_from_file",
  "refuse an exec that gains privileges")

/* trees */
P(members, true, "iter/task", "print who is in a tree, for whoever reads the pin")
P(exit_second, true, "tp_btf/sched_process_exit", "a second copy")
P(exit, true, "tp_btf/sched_process_exit", "a member of a tree exits")

/* born and tie */
P(born_second, true, "fexit/copy_process", "a second copy")
P(born, true, "fexit/copy_process", "clone done or failed; make up for a missing tie")
P(tie_second, r->pidfs, "fexit/pidfs_alloc_file", "a second copy")
P(tie, r->pidfs, "fexit/pidfs_alloc_file", "join the pidfd's struct file and the tether")
P(tie_anon_second, !r->pidfs, "fexit/anon_inode_getfile", "a second copy")
P(tie_anon, !r->pidfs, "fexit/anon_inode_getfile", "join the pidfd's struct file and the tether")

/* birth. birth_late is attached after born, on the same hook: so it is called before that */
P(birth, r->lsm, "lsm/task_alloc", "make the tether, or refuse the clone")
P(birth_late_tracing, !r->lsm, "fexit/copy_process",
  "make up for a skipped birth, before the child runs")
P(birth_second_tracing, !r->lsm, "fmod_ret/security_task_alloc", "a second copy")
P(birth_tracing, !r->lsm, "fmod_ret/security_task_alloc", "make the tether, or refuse the clone")

/*
 * clone3's own flags, before v7.1. What puts the caller's struct back is there before what
 * changes it. All of it goes before birth: a call whose flags were taken out, and no birth, would
 * give a child without a tether, and no error.
 */
P(clone3_info_second, r->native == NATIVE_FLAGS_ON && r->info, "fexit/pidfd_ioctl", "a second copy")
P(clone3_info, r->native == NATIVE_FLAGS_ON && r->info, "fexit/pidfd_ioctl",
  "PIDFD_INFO_EXIT of a child made by the flags")
P(clone3_out, r->native == NATIVE_FLAGS_ON, "fexit/copy_clone_args_from_user", "put the flags back")
P(clone3_in_kprobe, r->native == NATIVE_FLAGS_ON, "kprobe/__x64_sys_clone3",
  "as clone3_in; it is hardly ever skipped")
P(clone3_in, r->native == NATIVE_FLAGS_ON, "fentry/copy_clone_args_from_user",
  "take the flags out of the caller's struct")

/*
 * What lets arm. An LSM program could not serve prctl: it may return no positive value. The order
 * of the copies is of no matter.
 */
P(rlimit, !(r->fell & FELL_RLIMIT), "fmod_ret/security_task_setrlimit",
  "the same requests, where no program is ever skipped")
P(prctl12, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl11, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl10, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl9, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl8, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl7, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl6, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl5, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl4, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl3, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl2, true, "fmod_ret/security_task_prctl", "a further copy")
P(prctl, true, "fmod_ret/security_task_prctl", "arm, unarm, ask, query")
/* clang-format on */
