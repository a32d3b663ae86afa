// SPDX-License-Identifier: GPL-2.0-only
/* rungs.c - which of several ways to do a thing, by what the running kernel has */
#include "rungs.h"

#include <stddef.h>

/*
 * In the order in which they are attached: what undoes and kills first, what lets arm last. So there
 * is never a moment in which somebody can arm what would not be kept.
 */
static const char *const programs_lsm[] = {
#ifdef MUTATE_RELEASE_ON_FENTRY
	"autokill_release_fn",
#else
	"autokill_release",
#endif
	"autokill_unbirth",    "autokill_guard", "autokill_born2",
	"autokill_born",       "autokill_tie2",	 "autokill_tie",
	"autokill_birth",      "autokill_prctl", NULL,
};

static const char *const programs_fn[] = {
	"autokill_release_fn",
	"autokill_unbirth_fn",
	"autokill_guard2_fn",
	"autokill_guard_fn",
	"autokill_born2",
	"autokill_born",
	"autokill_tie2",
	"autokill_tie",
	"autokill_birth_fn",
	"autokill_prctl",
	NULL,
};

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
	     "run: mount -t bpf bpf /sys/fs/bpf (and add it to /etc/fstab)");
	need(&l, f->btf, "the kernel's BTF (/sys/kernel/btf/vmlinux)",
	     "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are");
	if (!f->btf)
		return l.n; /* what follows was read from it */

	/* The release. v6.9: cb12fd8e0dab ("pidfd: add pidfs"); security_file_release of the same */
	need(&l, f->fn_pidfs_alloc_file && f->fn_file_release,
	     "pidfs and the file_release hook (Linux 6.9)", "use Linux 6.18 or newer");
	need(&l, f->fn_copy_process, "copy_process as a function of its own",
	     "use a kernel whose compiler did not inline it, as distributions' are");
	/* v6.7: c68a78ffe2cb ("bpf: Introduce task open coded iterator kfuncs") */
	need(&l, f->kfunc_iter_task, "the kfunc bpf_iter_task_new (Linux 6.7)",
	     "use Linux 6.18 or newer");
	/* v6.13: 6280cf718db0 ("bpf: implement bpf_send_signal_task() kfunc") */
	need(&l, f->kfunc_send_signal, "the kfunc bpf_send_signal_task (Linux 6.13)",
	     "use Linux 6.18 or newer");
	/* v6.18: 38aa7003e369 ("bpf: task work scheduling kfuncs") */
	need(&l, f->kfunc_task_work || f->kfunc_task_work_impl,
	     "BPF task work (Linux 6.18), without which no program can wake a sleeping child",
	     "use Linux 6.18 or newer");

	/* v7.0 renamed the five-argument form; the plain name is preferred where both exist. */
	r->object = f->kfunc_task_work ? OBJECT_TASK_WORK : OBJECT_TASK_WORK_IMPL;
	/* v5.7: fc611f47f218 ("bpf: Introduce BPF_PROG_TYPE_LSM"); active only if listed in lsm= */
	r->lsm = f->lsm_bpf;
	r->programs = r->lsm ? programs_lsm : programs_fn;
	return l.n;
}
