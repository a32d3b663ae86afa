/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - every case: CASE(name, ways, needs, what it shows, why not by the other way)
 *
 * No guard against being included twice: cases.c does, with different CASEs.
 *
 * Names: N follow the kernel's own selftest, X are what it leaves out, T are of the tree (but for
 * T16, which is of both scopes), P are of PR_AUTOKILL alone, R are --stress.
 */
/* clang-format off */
#define FLAG_CHECK "clone3() checks its flag; a request by prctl() has no such flag"
#define REQUEST_ONLY "the kernel's flag is part of the clone: there is no request before it"

CASE(N1_autokill_basic, WAY_BOTH, 0, "closing the clone's pidfd kills the child", NULL)
CASE(N2_requires_pidfd, WAY_NATIVE, NEED_STACK_CLONE, "without CLONE_PIDFD: EINVAL", FLAG_CHECK)
CASE(N3_requires_autoreap, WAY_NATIVE, NEED_STACK_CLONE, "without CLONE_AUTOREAP: EINVAL",
     FLAG_CHECK)
CASE(N4_rejects_thread, WAY_NATIVE, NEED_STACK_CLONE, "with CLONE_THREAD: EINVAL", FLAG_CHECK)
CASE(N5_pidfd_open_no_effect, WAY_BOTH, 0, "a pidfd from pidfd_open() does not trigger", NULL)
CASE(N6_requires_cap_sys_admin, WAY_BOTH, 0,
     "without CAP_SYS_ADMIN and without the guard: EPERM; with the guard: allowed", NULL)
CASE(N7_without_nnp_with_cap, WAY_BOTH, 0, "root needs no guard; child ends by itself", NULL)
CASE(N8_status_by_pidfd, WAY_NATIVE, NEED_EXIT_INFO,
     "PIDFD_INFO_EXIT has the status of who cannot be waited for",
     "such a child has an exit signal, and a creator who waits")

CASE(X1_dup, WAY_BOTH, 0, "a duplicate keeps the child; closing the last one kills", NULL)
CASE(X2_forked_holder, WAY_BOTH, 0, "a forked holder, and its child, keep it", NULL)
CASE(X3_scm_rights, WAY_BOTH, 0, "queued in a socket it keeps; the receiver's close kills", NULL)
CASE(X4_never_received, WAY_BOTH, 0, "queued, both sockets closed: killed", NULL)
CASE(X4_scm_cycle, WAY_BOTH, 0, "in a cycle of sockets: killed by the collector's put", NULL)
CASE(X5_pidfd_getfd, WAY_BOTH, 0, "pidfd_getfd() by a third process extends", NULL)
CASE(X6_holder_dies, WAY_BOTH, 0,
     "exit, SIGKILL, abort, SIGSEGV; parent reads, waits, is stopped, is gone", NULL)
CASE(X6_holder_oom_killed, WAY_BOTH, NEED_CGROUP | NEED_MEMORY, "holder is OOM-killed", NULL)
CASE(X7_holder_execs, WAY_BOTH, 0, "close-on-exec kills; the same four parents", NULL)
CASE(X7_holder_execs_keeping_it, WAY_BOTH, 0, "with FD_CLOEXEC cleared: alive until exit", NULL)
CASE(X7_holder_execs_by_thread, WAY_BOTH, 0, "exec by a thread that is not the leader", NULL)
CASE(X8_close_range_and_dup2, WAY_BOTH, 0, "close_range(), dup2() over it", NULL)
CASE(X9_guarded_child_execs_setuid, WAY_BOTH, NEED_PROGRAMS, "not raised, and still dies", NULL)
CASE(X10_victim_changes_uid, WAY_BOTH, 0, "setresuid, setuid exec: still dies", NULL)
CASE(X10_from_a_foreign_uid, WAY_BOTH, 0, "closed by bob: alice, and root again, die", NULL)
CASE(X11_namespace_init, WAY_BOTH, 0, "init of a pid namespace: all of it dies", NULL)
CASE(X12_deaf_to_signals, WAY_BOTH, 0, "blocks and ignores every signal", NULL)
CASE(X13_leader_gone, WAY_BOTH, 0, "the leader has left, threads go on; also stopped", NULL)
CASE(X14_exec_by_thread, WAY_BOTH, 0, "exec by a non-leader thread before the release", NULL)
CASE(X14_exec_storm, WAY_BOTH, 0, "the same again and again, during the release", NULL)
CASE(X15_stopped, WAY_BOTH, 0, "SIGSTOPped", NULL)
CASE(X15_traced, WAY_BOTH, 0, "in a ptrace stop", NULL)
CASE(X15_frozen, WAY_BOTH, NEED_CGROUP, "in a frozen cgroup", NULL)
CASE(X16_dumping_core, WAY_BOTH, NEED_COREDUMP, "dumping core to one who does not read", NULL)
CASE(X17_bad_pidfd_pointer, WAY_BOTH, 0, "EFAULT after the file was made: no stranger dies", NULL)
CASE(X17_pids_max, WAY_BOTH, NEED_CGROUP | NEED_PIDS, "EAGAIN after it: no stranger dies", NULL)
CASE(X18_zombie, WAY_BOTH, 0, "child dead before the release", NULL)
CASE(X18_pid_planted, WAY_BOTH, 0, "dead and reaped, a stranger has its pid: lives", NULL)
CASE(X18_pid_tethered_again, WAY_BOTH, 0, "its pid is another victim's: dies for its own", NULL)
CASE(X18_pids_wrapped, WAY_BOTH, 0, "the same by wrapping a small pid_max", NULL)
CASE(X19_shared_table, WAY_BOTH, 0, "a CLONE_FILES child closes its own: dies", NULL)
CASE(X20_own_nnp_is_not_the_flag, WAY_NATIVE, 0, "caller under no_new_privs, no flag: EPERM",
     "prctl() takes the caller's own no_new_privs as the right (P9)")
CASE(X21_root_of_user_namespace, WAY_BOTH, NEED_USERNS,
     "allowed in one's own user namespace, but not by making it in the same call", NULL)
CASE(X22_all_flag_combinations, WAY_NATIVE, NEED_STACK_CLONE, "2^6 flags: errno by the rules",
     FLAG_CHECK)
CASE(X23_io_uring_close, WAY_BOTH, NEED_URING, "IORING_OP_CLOSE, inline and by a worker", NULL)
CASE(X23_io_uring_registered, WAY_BOTH, NEED_URING, "put by a kthread's delayed fput", NULL)
CASE(X24_address_reuse, WAY_BOTH, 0, "many pidfds on the freed address: no second kill", NULL)
CASE(X25_in_vfork_holder_killed, WAY_BOTH, NEED_STACK_CLONE, "child in vfork, creator dies", NULL)
CASE(X25_in_vfork_closed_by_thread, WAY_BOTH, NEED_STACK_CLONE,
     "child in vfork, another thread of the creator closes", NULL)
CASE(X26_twice_over, WAY_BOTH, 0, "twenty failures in a row", NULL)
CASE(X26_emfile, WAY_BOTH, 0, "EMFILE", NULL)
CASE(X26_rlimit_nproc, WAY_BOTH, 0, "EAGAIN by RLIMIT_NPROC", NULL)
CASE(X26_set_tid_in_use, WAY_BOTH, 0, "EEXIST by set_tid", NULL)
CASE(X26_set_tid_without_right, WAY_BOTH, 0, "EPERM by set_tid", NULL)
CASE(X26_no_pids_left, WAY_BOTH, 0, "EAGAIN by pid_max", NULL)
CASE(X26_no_pid_namespaces_left, WAY_BOTH, 0, "ENOSPC by max_pid_namespaces", NULL)
CASE(X26_no_user_namespaces_left, WAY_BOTH, NEED_USERNS, "ENOSPC by max_user_namespaces", NULL)
CASE(X26_into_busy_cgroup, WAY_BOTH, NEED_CGROUP | NEED_MEMORY, "EBUSY by CLONE_INTO_CGROUP",
     NULL)
CASE(X26_veto, WAY_BOTH, NEED_VETO, "EPERM by another LSM, at task_alloc and at the file", NULL)
CASE(X26_veto_after_us, WAY_BOTH, NEED_VETO,
     "EPERM at task_alloc by an LSM that was there before load, and is asked last", NULL)
CASE(X27_exec_disarms, WAY_PRCTL, 0, "arm, exec: the request is gone", REQUEST_ONLY)
CASE(X27_setuid_exec_disarms, WAY_PRCTL, NEED_PROGRAMS, "arm, exec with privileges: gone",
     REQUEST_ONLY)
CASE(X27_new_credentials_disarm, WAY_PRCTL, 0, "arm, setresuid, setresgid, capset: gone",
     REQUEST_ONLY)
CASE(X28_guard_holds, WAY_BOTH, NEED_PROGRAMS,
     "setuid, setgid, file capabilities; child, grandchild, after the release", NULL)
CASE(X28_guard_survives_orphaning, WAY_BOTH, NEED_PROGRAMS, "orphans, leaders gone", NULL)
CASE(X28_guard_of_others, WAY_BOTH, NEED_PROGRAMS, "creator and siblings are not guarded", NULL)
CASE(X28_guard_by_root, WAY_BOTH, NEED_PROGRAMS, "root's guarded child becomes alice", NULL)
CASE(X28_guard_and_exec_by_thread, WAY_BOTH, NEED_PROGRAMS, "exec by a non-leader thread", NULL)
CASE(X28_guard_and_binfmt_misc, WAY_BOTH, NEED_PROGRAMS | NEED_BINFMT,
     "a setuid file whose interpreter gets its credentials", NULL)
CASE(X29_struct_wherever_it_is, WAY_NATIVE, NEED_STACK_CLONE,
     "unchanged; on two pages, read-only, absent, shared with the child", REQUEST_ONLY)
CASE(X30_entry_of_32bit_callers, WAY_NATIVE, NEED_INT80, "by int $0x80", REQUEST_ONLY)

CASE(T16_closers_parent_stopped, WAY_BOTH, 0, "victim sleeping, victim stopped", NULL)
CASE(T16_closers_parent_traced, WAY_BOTH, 0, "the same", NULL)
CASE(T16_closers_parent_frozen, WAY_BOTH, NEED_CGROUP, "the same", NULL)
CASE(T16_closers_parent_in_vfork, WAY_BOTH, 0, "the same", NULL)

#define TREE_ONLY "the kernel's flag kills a process, not a tree"
CASE(T1_three_levels, WAY_PRCTL, 0, "grandchildren, three levels", TREE_ONLY)
CASE(T2_setsid_and_double_fork, WAY_PRCTL, 0, "sessions of their own, orphans", TREE_ONLY)
CASE(T3_chain, WAY_PRCTL, 0, "400 links, each forks the next and exits", TREE_ONLY)
CASE(T3_endless_chain, WAY_PRCTL, 0, "the same while it goes on", TREE_ONLY)
CASE(T4_fork_bomb, WAY_PRCTL, NEED_CGROUP | NEED_PIDS, "under pids.max", TREE_ONLY)
CASE(T5_namespaces, WAY_PRCTL, NEED_CGROUP | NEED_USERNS,
     "members in pid, user, mount, cgroup namespaces of their own", TREE_ONLY)
CASE(T6_other_uids, WAY_PRCTL, NEED_PROGRAMS, "setresuid, setuid exec; closed by bob",
     TREE_ONLY)
CASE(T7_nested, WAY_PRCTL, 0, "inner kills the inner only, outer kills all", TREE_ONLY)
CASE(T7_depth, WAY_PRCTL, 0, "16 deep; the 17th is refused with EAGAIN", TREE_ONLY)
CASE(T8_member_holds_a_sibling, WAY_PRCTL, 0, "whose tree dies with it", TREE_ONLY)
CASE(T9_first_child_gone, WAY_PRCTL, 0, "long before the release; the rest dies", TREE_ONLY)
CASE(T9_first_gone_then_failed_fork, WAY_PRCTL, 0,
     "first child reaped, its creator's next clone fails early: the others die", TREE_ONLY)
CASE(T9_empty, WAY_PRCTL, 0, "all gone before, and a pid planted: it lives", TREE_ONLY)
CASE(T10_exec, WAY_PRCTL, 0, "by the leader, by threads; leaders gone", TREE_ONLY)
CASE(T10_exec_storm, WAY_PRCTL, 0, "by threads again and again, in the release", TREE_ONLY)
CASE(T11_stopped_traced_frozen, WAY_PRCTL, NEED_CGROUP, "and deaf members", TREE_ONLY)
CASE(T12_many, WAY_PRCTL, NEED_STACK_CLONE,
     "1,000 members die, 10,000 bystanders live", TREE_ONLY)
CASE(T13_process_scope, WAY_BOTH, 0, "without the flag, descendants live on", NULL)
CASE(T14_other_ways_to_fork, WAY_PRCTL, NEED_STACK_CLONE,
     "posix_spawn, vfork, clone, CLONE_PARENT, shared files", TREE_ONLY)
CASE(T15_failed_forks, WAY_PRCTL, NEED_CGROUP | NEED_PIDS,
     "forks that fail, RCU, fork again: still a member", TREE_ONLY)
CASE(T16_tree, WAY_PRCTL, NEED_CGROUP,
     "closer's parent stopped, traced, frozen, in vfork", TREE_ONLY)
CASE(T17_guard, WAY_PRCTL, NEED_PROGRAMS, "goes down the tree", TREE_ONLY)
CASE(T18_all_releases, WAY_PRCTL, 0, "X6, X7, X8 with a tree", TREE_ONLY)

CASE(P1_misuse, WAY_PRCTL, 0, "EINVAL, EPERM; no trace left", REQUEST_ONLY)
CASE(P2_query, WAY_PRCTL, 0, "QUERY gives 1 or more, to everybody", REQUEST_ONLY)
CASE(P3_unarm, WAY_PRCTL, 0, "UNARM takes it back; arming twice is once", REQUEST_ONLY)
CASE(P4_per_thread_and_not_inherited, WAY_PRCTL, 0, "by thread; not for a forked child",
     REQUEST_ONLY)
CASE(P5_legacy_clone, WAY_PRCTL, 0, "clone() with CLONE_PIDFD", REQUEST_ONLY)
CASE(P6_used_up_by_one_child, WAY_PRCTL, 0, "the second child is not tethered", REQUEST_ONLY)
CASE(P7_children_without_pidfd_leave_it, WAY_PRCTL, 0, "fork and threads leave it",
     REQUEST_ONLY)
CASE(P8_exit_signal, WAY_PRCTL, 0, "SIGCHLD: waited for as usual",
     "the kernel's flag takes no exit signal")
CASE(P9_own_no_new_privs, WAY_PRCTL, 0, "the caller's own no_new_privs gives the right",
     "the kernel's flag refuses it (X20)")
CASE(P10_einval_leaves_it, WAY_PRCTL, 0, "clone3's own EINVAL, then UNARM", REQUEST_ONLY)
CASE(P11_under_guard, WAY_PRCTL, 0, "who is under a guard may tether without asking for one",
     "the kernel's flag asks for CLONE_NNP again")
CASE(P12_beside_the_flags, WAY_PRCTL, NEED_STACK_CLONE,
     "a request, and a clone by clone3's flags: used up by it, and no right for it",
     "it is about both ways at once")
CASE(P13_for_one_clone, WAY_PRCTL, 0, "ARM names the address of the pidfd: no probe takes it",
     REQUEST_ONLY)
CASE(P14_what_became_of_it, WAY_PRCTL, 0, "ASK: pending, served, failed, lapsed", REQUEST_ONLY)
CASE(P15_am_i_tethered, WAY_PRCTL, 0, "ASK by the child itself", REQUEST_ONLY)
CASE(P16_by_setrlimit, WAY_PRCTL, 0, "the same requests by setrlimit()", REQUEST_ONLY)
CASE(P17_number_in_a_pid_namespace, WAY_PRCTL, 0, "ASK by the init of a pid namespace",
     REQUEST_ONLY)

#undef FLAG_CHECK
#undef REQUEST_ONLY
#undef TREE_ONLY
