/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.bpf.h - what stands for no_new_privs, which BPF cannot set
 *
 * A guarded task, and all that descends from it, may exec anything that gains it nothing. An exec
 * that would gain an effective uid or gid, or a permitted capability, fails with EPERM. (Native
 * no_new_privs runs the program without the gain; that cannot be had from a hook that may
 * only refuse.)
 *
 * With BPF LSM one hook suffices: bprm_creds_from_file runs after commoncap's, so the new
 * credentials are complete. fmod_ret on security_bprm_creds_from_file runs before commoncap, and
 * sees set-id bits (bprm_fill_uid(), fs/exec.c) but not file capabilities. These are caught at
 * security_bprm_committing_creds, past the point of no return, where the only refusal left is
 * SIGKILL: the process dies before it runs an instruction of the new program.
 */
#ifndef AUTOKILL_GUARD_BPF_H
#define AUTOKILL_GUARD_BPF_H

static __always_inline bool guard_gains(const struct linux_binprm *bprm)
{
	const struct cred *old = bpf_get_current_task_btf()->cred;
	const struct cred *new = bprm->cred;

	return new->euid.val != old->euid.val || new->egid.val != old->egid.val ||
	       caps(&new->cap_permitted) & ~caps(&old->cap_permitted);
}

static __always_inline bool guard_applies(void)
{
	struct autokill_task *rec = task_record(bpf_get_current_task_btf());

	return rec && rec->guard;
}

static __always_inline int guard_exec(const struct linux_binprm *bprm)
{
#ifdef AGENT
	int err = waiting_die();

	if (err)
		return err;
	/* At fork a member looks by itself, see tree.bpf.h. */
	if (tree_marked((u64)bpf_get_current_task_btf())) {
		tree_kill_creator();
		return -EAGAIN;
	}
#endif
	if (!guard_applies() || !guard_gains(bprm))
		return 0;
	COUNT(guard_refused);
	event_current(EVENT_GUARD, EPERM);
	return -EPERM;
}

static __always_inline void guard_commit(const struct linux_binprm *bprm)
{
	int err;

	if (!guard_applies() || !guard_gains(bprm))
		return;
	/* The other copy has killed it, or somebody else. */
	if (BPF_CORE_READ(bpf_get_current_task_btf(), signal, flags) & SIGNAL_GROUP_EXIT)
		return;
	err = bpf_send_signal(SIGKILL);
	if (err)
		failure_count(FAIL_SIGNAL_HERE, err);
	else
		COUNT(guard_killed);
	event_current(EVENT_GUARD, EPERM);
}

#endif /* AUTOKILL_GUARD_BPF_H */
