// SPDX-License-Identifier: GPL-2.0-only
/* probe.c - what the running kernel has of what the programs need */
#include "kernel/probe.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "autokill.h"
#include "base/cleanup.h"
#include "base/place.h"

/*
 * The first line of the file @name in the folder @dir, without its newline; "" if it cannot be
 * read.
 */
static void line_read(int dir, const char *name, char *out, int size)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ',') && (!at[n] || at[n] == ','))
			return true;
	return false;
}

/* "none [integrity] confidentiality": the word in brackets is in force. */
static void lockdown_read(int dir, char *out, size_t size)
{
	char line[128], *from, *to;

	line_read(dir, "lockdown", line, sizeof(line));
	*out = '\0';
	from = strchr(line, '[');
	to = from ? strchr(from, ']') : NULL;
	if (to)
		snprintf(out, size, "%.*s", (int)(to - from - 1), from + 1);
}

/*
 * A securityfs of our own, attached nowhere, for machines where none is mounted (containers, an
 * initramfs), or where something else is. All mounts show the same securityfs. v5.2: 93766fbd2696
 * ("vfs: syscall: Add fsmount() to create a mount for a superblock"). Return: a descriptor of its
 * root, or -1.
 */
static int securityfs_open(void)
{
	_cleanup_close_ int fs = fsopen("securityfs", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

/*
 * v6.8: ad4aff9ec25f ("LSM: Create lsm_list_modules system call"), for everybody, without any
 * mount
 */
#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461
#endif
#define LSM_IDS_MOST 64

/* include/uapi/linux/lsm.h, which Debian 12's headers do not have */
static const struct {
	__u64 id;
	const char *name;
} lsm_names[] = {
	{ 100, "capability" }, { 101, "selinux" }, { 102, "smack" },	{ 103, "tomoyo" },
	{ 104, "apparmor" },   { 105, "yama" },	   { 106, "loadpin" },	{ 107, "safesetid" },
	{ 108, "lockdown" },   { 109, "bpf" },	   { 110, "landlock" }, { 111, "ima" },
	{ 112, "evm" },	       { 113, "ipe" },
};

static const char *lsm_name(__u64 id)
{
	for (size_t i = 0; i < sizeof(lsm_names) / sizeof(*lsm_names); i++)
		if (lsm_names[i].id == id)
			return lsm_names[i].name;
	return "unknown";
}

static void lsm_ids_read(char *out, size_t size)
{
	__u64 ids[LSM_IDS_MOST];
	__u32 bytes = sizeof(ids);
	long n = syscall(SYS_lsm_list_modules, ids, &bytes, 0);
	size_t at = 0;

	*out = '\0';
	for (long i = 0; i < n && at < size; i++)
		at += snprintf(out + at, size - at, "%s%s", i ? "," : "", lsm_name(ids[i]));
}

/* The list, by the first way that tells. It is never empty, since capability is in it. */
static void security_probe(struct features *f)
{
	_cleanup_close_ int dir = open("/sys/kernel/security", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (dir >= 0 && (fstatfs(dir, &fs) || fs.f_type != SECURITYFS_MAGIC))
		cleanup_close(&dir);
	if (dir < 0)
		dir = securityfs_open();
	if (dir >= 0) {
		line_read(dir, "lsm", f->lsm_list, sizeof(f->lsm_list));
		lockdown_read(dir, f->lockdown, sizeof(f->lockdown));
	}
	if (!*f->lsm_list)
		lsm_ids_read(f->lsm_list, sizeof(f->lsm_list));
	f->lsm_known = *f->lsm_list;
	f->lsm_bpf = list_has(f->lsm_list, "bpf");
}

/*
 * Does clone3() know CLONE_PIDFD_AUTOKILL?
 *
 * A kernel that knows the flag gets as far as its rules, which want CLONE_PIDFD, and answers
 * EINVAL, too. So ask with a valid set and a pidfd address that cannot be written. A kernel with
 * the flag says EFAULT (or EPERM), one without says EINVAL. No child is ever made: the descriptor
 * is stored before the child becomes visible (copy_process()).
 */
static bool native_probe(void)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_AUTOREAP | CLONE_PIDFD_AUTOKILL | CLONE_NNP,
		.pidfd = 8, /* never mapped: below vm.mmap_min_addr, or a fault all the same */
	};
	long ret = syscall(SYS_clone3, &args, sizeof(args));

	if (ret == 0)
		_exit(1);
	return ret > 0 || errno != EINVAL;
}

static bool btf_has_func(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

static bool btf_has_member(const struct btf *btf, const char *type, const char *member)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), member))
			return true;
	return false;
}

/* Kprobes as perf events, which is how a link to one is made (v4.17: e12f03d7031a). */
static bool kprobes_probe(void)
{
	return !access("/sys/bus/event_source/devices/kprobe/type", R_OK);
}

static void btf_probe(struct features *f)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return;
	f->btf = true;
	f->fn_copy_process = btf_has_func(btf, "copy_process");
	f->fn_pidfs_alloc_file = btf_has_func(btf, "pidfs_alloc_file");
	f->fn_fput = btf_has_func(btf, "__fput");
	f->fn_file_release = btf_has_func(btf, "security_file_release");
	f->fn_pidfd_release = btf_has_func(btf, "pidfd_release");
	f->fn_anon_inode_getfile = btf_has_func(btf, "anon_inode_getfile");
	f->bpf_mem_alloc = btf__find_by_name_kind(btf, "bpf_mem_alloc", BTF_KIND_STRUCT) > 0;
	f->fn_copy_clone_args = btf_has_func(btf, "copy_clone_args_from_user");
	f->fn_clone3 = btf_has_func(btf, "__x64_sys_clone3");
	f->fn_pidfd_ioctl = btf_has_func(btf, "pidfd_ioctl");
	f->pidfd_info_exit = btf_has_member(btf, "pidfd_info", "exit_code");
	/* The programs that we have loaded may answer the probe as the kernel would. */
	if (!btf_has_member(btf, "signal_struct", "autoreap"))
		f->native = false;
	f->kfunc_iter_task = btf_has_func(btf, "bpf_iter_task_new");
	f->kfunc_send_signal = btf_has_func(btf, "bpf_send_signal_task");
	f->kfunc_task_work_impl = btf_has_func(btf, "bpf_task_work_schedule_signal_impl");
	f->kfunc_task_work = btf_has_func(btf, "bpf_task_work_schedule_signal");
	btf__free(btf);
}

void features_probe(struct features *f)
{
	struct statfs fs;
	struct utsname uts;

	memset(f, 0, sizeof(*f));
	if (!uname(&uts))
		snprintf(f->release, sizeof(f->release), "%s", uts.release);
	security_probe(f);
	f->can_bpf = has_sys_admin();
	f->bpffs = !statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC;
	f->native = native_probe();
	btf_probe(f);
	f->kprobes = kprobes_probe();
}
