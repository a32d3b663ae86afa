// SPDX-License-Identifier: GPL-2.0-only
/* rungs.c - which of several ways to do a thing, by what the running kernel has */
#include "kernel/rungs.h"

#include <stddef.h>
#include <string.h>

#include "bpf/mutant.bpf.h"
#include "kernel/programs.h"

/* The program of a row; a mutant does without one, or has another. */
static const char *program_name(const struct program *p)
{
	if ((MUTANT(NATIVE_ONE_IN) && !strcmp(p->name, "autokill_clone3_in_kprobe")) ||
	    (MUTANT(BIRTH_ONCE) && !strcmp(p->name, "autokill_birth_second_tracing")))
		return NULL;
	if (MUTANT(RELEASE_ON_FENTRY) && !strcmp(p->name, "autokill_release"))
		return "autokill_release_tracing";
	return p->name;
}

static void programs_choose(struct rungs *r)
{
	int n = 0, n_services = 0;

	for (size_t i = 0; i < N_PROGRAMS; i++) {
		const char *name = program_name(&programs[i]);

		if (!name || !programs[i].when(r))
			continue;
		if (program_is_service(&programs[i]))
			r->services[n_services++] = name;
		else
			r->programs[n++] = name;
	}
	r->programs[n] = NULL;
	r->services[n_services] = NULL;
}

void rungs_native_off(struct rungs *r)
{
	if (r->native != NATIVE_FLAGS_ON)
		return;
	r->native = NATIVE_FLAGS_OPTION;
	programs_choose(r);
}

/* The native flags of clone3, which v7.1 has itself. None of it is needed to tether by prctl(). */
static enum autokill_native native_choose(const struct features *f)
{
	if (f->native)
		return NATIVE_FLAGS_KERNEL;
	if (f->refused & FELL_NATIVE)
		return NATIVE_FLAGS_REFUSED;
	/* v5.14: 51e1bb9eeaf7 ("bpf: Add lockdown check for probe_write_user helper") */
	if (!strcmp(f->lockdown, "integrity") || !strcmp(f->lockdown, "confidentiality"))
		return NATIVE_FLAGS_LOCKDOWN;
	return f->fn_copy_clone_args && f->fn_clone3 && f->kprobes ? NATIVE_FLAGS_ON
								   : NATIVE_FLAGS_NO_HOOK;
}

static enum rung_object object_choose(const struct features *f)
{
	bool signal = f->kfunc_send_signal && f->kfunc_iter_task;

	if (signal && f->kfunc_task_work && !(f->refused & FELL_TASK_WORK))
		return OBJECT_TASK_WORK;
	if (signal && f->kfunc_task_work_impl && !(f->refused & FELL_TASK_WORK_IMPL))
		return OBJECT_TASK_WORK_IMPL;
	return signal && !(f->refused & FELL_SIGNAL) ? OBJECT_AGENT_SIGNAL : OBJECT_AGENT;
}

struct lacks_list {
	struct lack *items;
	int n;
};

static void need(struct lacks_list *l, bool there, const char *what, const char *mend)
{
	if (there || l->n == LACKS_MAX)
		return;
	l->items[l->n].what = what;
	l->items[l->n].mend = mend;
	l->n++;
}

int rungs_choose(const struct features *f, struct rungs *r, struct lack lacks[LACKS_MAX])
{
	struct lacks_list l = { .items = lacks };

	need(&l, f->can_bpf, "the right to load programs (CAP_SYS_ADMIN)", "run it as root");
	need(&l, f->bpffs, "a bpffs on /sys/fs/bpf",
	     "run: mount -t bpf -o mode=0700 bpf /sys/fs/bpf (and add it to /etc/fstab)");
	/*
	 * Not known is not "no": on fentry a program can be skipped, for as long as this load
	 * stays.
	 */
	need(&l, f->lsm_known, "a way to find out whether BPF LSM is active",
	     "run: mount -t securityfs securityfs /sys/kernel/security");
	need(&l, f->btf, "the kernel's BTF (/sys/kernel/btf/vmlinux)",
	     "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are");
	if (!f->btf)
		return l.n; /* what follows was read from it */

	/*
	 * The release and the tie. v6.9: cb12fd8e0dab ("pidfd: add pidfs"), and
	 * security_file_release. Before, pidfds have a release function of their own, which no
	 * other file pays for.
	 */
	r->pidfs = f->fn_pidfs_alloc_file && f->fn_file_release;
	need(&l, r->pidfs || (f->fn_pidfd_release && f->fn_anon_inode_getfile),
	     "a function that sees a pidfd go (pidfd_release, or security_file_release and pidfs)",
	     "use Linux 6.1 or newer, whose compiler did not inline it, as distributions' are");
	need(&l, f->fn_copy_process, "copy_process as a function of its own",
	     "use a kernel whose compiler did not inline it, as distributions' are");

	/*
	 * The kill. v6.18: 38aa7003e369 ("bpf: task work scheduling kfuncs"): the programs do it
	 * all. v7.0 renamed the five-argument form; the plain name is preferred where both exist.
	 * It goes with bpf_send_signal_task (v6.13) and bpf_iter_task_new (v6.7). Before, no
	 * program can wake a sleeping child, and the agent kills.
	 */
	r->object = object_choose(f);
	r->agent = r->object == OBJECT_AGENT || r->object == OBJECT_AGENT_SIGNAL;
	/*
	 * v6.1: fba1a1c6c912 ("bpf: Convert hash map to bpf_mem_alloc."): our maps grow in any
	 * program.
	 */
	need(&l, !r->agent || f->bpf_mem_alloc,
	     "hash maps that allocate their elements in any program (Linux 6.1)",
	     "use Linux 6.1 or newer");

	/* v5.7: fc611f47f218 ("bpf: Introduce BPF_PROG_TYPE_LSM"); active only if listed in lsm= */
	r->lsm = f->lsm_bpf && !(f->refused & FELL_LSM);
	r->watch = f->kprobes && !(f->refused & FELL_KPROBE) && !(r->lsm && r->pidfs) &&
		   (!r->pidfs || f->fn_fput);
	r->native = native_choose(f);
	/* v6.15: 7477d7dce48a ("pidfs: allow to retrieve exit information") */
	r->info = f->fn_pidfd_ioctl && f->pidfd_info_exit && !(f->refused & FELL_NATIVE_INFO);
	r->fell = f->refused;
	programs_choose(r);
	return l.n;
}

/* What @culprit belongs to that one can do without, by what is in use now; else 0. */
static unsigned int fell_of(const struct rungs *r, const char *culprit)
{
	const struct program *p = program_find(culprit);
	struct rungs less = *r;

	if (!p || !p->when(r))
		return 0;
	less.info = false;
	if (!p->when(&less))
		return FELL_NATIVE_INFO;
	less.native = NATIVE_FLAGS_REFUSED;
	if (!p->when(&less))
		return FELL_NATIVE;
	less.watch = false;
	if (!p->when(&less))
		return FELL_KPROBE;
	less.fell |= FELL_RLIMIT;
	return p->when(&less) ? 0 : FELL_RLIMIT;
}

/*
 * The way to kill first: the agent kills as surely. BPF LSM last, since what hangs on fmod_ret and
 * fentry instead can be skipped; and then the way to kill is tried from the top again.
 */
static unsigned int fell_of_all(const struct rungs *r)
{
	switch (r->object) {
	case OBJECT_TASK_WORK:
		return FELL_TASK_WORK;
	case OBJECT_TASK_WORK_IMPL:
		return FELL_TASK_WORK_IMPL;
	case OBJECT_AGENT_SIGNAL:
		return FELL_SIGNAL;
	case OBJECT_AGENT:
		break;
	}
	return r->lsm ? FELL_LSM : 0;
}

unsigned int rungs_lower(struct rungs *r, struct features *f, const char *culprit)
{
	unsigned int fell = fell_of(r, culprit) ?: fell_of_all(r);
	struct features lower = *f;
	struct lack lacks[LACKS_MAX];
	struct rungs next;

	if (!fell)
		return 0;
	if (fell == FELL_LSM)
		lower.refused &= ~(FELL_TASK_WORK | FELL_TASK_WORK_IMPL | FELL_SIGNAL);
	lower.refused |= fell;
	if (rungs_choose(&lower, &next, lacks))
		return 0;
	if (r->native == NATIVE_FLAGS_OPTION)
		rungs_native_off(&next);
	*f = lower;
	*r = next;
	return fell;
}
