// SPDX-License-Identifier: GPL-2.0-only
/*
 * veto.c - another security module of one's own, which says no to one process
 *
 * A few instructions on an LSM hook; on fmod_ret of the function that calls the hooks where BPF LSM
 * is off. Whom to refuse stands in a map, so that the program can be attached long before.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"

#define VETO_DIR "/sys/fs/bpf/conformance_veto"
#define NOBODY (~0U)

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* if (tgid of current == *(u32 *)map's value) return -EPERM; return 0 */
static int program_load(const char *hook, int map)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_current_pid_tgid),
		INSN(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 32),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_VALUE, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_1, 0, 0),
		INSN(BPF_JMP | BPF_JNE | BPF_X, BPF_REG_0, BPF_REG_1, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, -EPERM),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	const bool lsm = bpf_lsm_on();
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = lsm ? BPF_LSM_MAC : BPF_MODIFY_RETURN);
	char name[64];
	int type;

	/* The function has the hook's name, but for this one. */
	if (!lsm && !strcmp(hook, "file_alloc_security"))
		hook = "file_alloc";
	snprintf(name, sizeof(name), "%s%s", lsm ? "" : "security_", hook);
	type = libbpf_find_vmlinux_btf_id(name, opts.expected_attach_type);
	if (type < 0)
		return type;
	opts.attach_btf_id = type;
	return bpf_prog_load(lsm ? BPF_PROG_TYPE_LSM : BPF_PROG_TYPE_TRACING, "veto", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), &opts);
}

int veto_open(struct veto *veto, const char *hook)
{
	int prog;

	*veto = (struct veto){ .link = -1 };
	veto->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "veto", sizeof(uint32_t), sizeof(uint32_t),
				   1, NULL);
	if (veto->map < 0)
		return veto->map;
	veto_set(veto, 0);
	prog = program_load(hook, veto->map);
	if (prog >= 0) {
		veto->link = bpf_raw_tracepoint_open(NULL, prog);
		close(prog);
	}
	if (prog >= 0 && veto->link >= 0)
		return 0;
	close(veto->map);
	return prog < 0 ? prog : veto->link;
}

void veto_set(const struct veto *veto, pid_t tgid)
{
	const uint32_t zero = 0, whom = tgid ? (uint32_t)tgid : NOBODY;

	bpf_map_update_elem(veto->map, &zero, &whom, BPF_ANY);
}

void veto_close(struct veto *veto)
{
	veto_set(veto, 0);
	close(veto->map);
	if (veto->link >= 0)
		close(veto->link);
}

int veto_plant(void)
{
	struct veto veto;
	int err = veto_open(&veto, "task_alloc");

	if (err)
		return err;
	if (mkdir(VETO_DIR, 0700) < 0 || bpf_obj_pin(veto.map, VETO_DIR "/map") < 0 ||
	    bpf_obj_pin(veto.link, VETO_DIR "/link") < 0) {
		err = -errno;
		veto_uproot();
	}
	veto_close(&veto);
	return err;
}

int veto_planted(struct veto *veto)
{
	*veto = (struct veto){ .map = bpf_obj_get(VETO_DIR "/map"), .link = -1 };
	return veto->map < 0 ? veto->map : 0;
}

void veto_uproot(void)
{
	unlink(VETO_DIR "/map");
	unlink(VETO_DIR "/link");
	rmdir(VETO_DIR);
}
