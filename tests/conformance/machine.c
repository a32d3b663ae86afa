// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - what the machine has, and the sysctls that a case changes
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cases.h"
#include "deviations.h"

#define SYSCTLS_MAX 4

static struct {
	char path[64];
	char value[160];
} sysctls[SYSCTLS_MAX];

static int sysctl_count;

int sysctl_set(const char *path, const char *value)
{
	int ret;

	if (sysctl_count == SYSCTLS_MAX)
		return -ENOSPC;
	ret = file_read(path, sysctls[sysctl_count].value, sizeof(sysctls[0].value));
	if (ret < 0)
		return ret;
	snprintf(sysctls[sysctl_count].path, sizeof(sysctls[0].path), "%s", path);
	ret = file_write(path, value);
	if (ret == 0)
		sysctl_count++;
	return ret;
}

void sysctl_restore(void)
{
	while (sysctl_count > 0) {
		sysctl_count--;
		file_write(sysctls[sysctl_count].path, sysctls[sysctl_count].value);
	}
}

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static bool has_uring(void)
{
	struct io_uring_params params = {};
	int ring = syscall(SYS_io_uring_setup, 1, &params);

	if (ring < 0)
		return false;
	close(ring);
	return true;
}

static bool has_userns(void)
{
	/* Debian's switch; where it is not there, it is not off */
	return exists("/proc/self/ns/user") &&
	       file_read_long("/proc/sys/kernel/unprivileged_userns_clone") != 0;
}

static bool has_tree(void)
{
	bool has = way_arm(AUTOKILL_TREE) == 0;

	way_prctl(AUTOKILL_UNARM, 0, 0, 0);
	return has;
}

static bool has_stack_clone(void)
{
#if defined(__x86_64__)
	return true;
#else
	return false;
#endif
}

bool bpf_lsm_on(void)
{
	char list[256], *name, *rest = list;

	if (file_read("/sys/kernel/security/lsm", list, sizeof(list)) < 0)
		return false;
	while ((name = strsep(&rest, ",\n")))
		if (strcmp(name, "bpf") == 0)
			return true;
	return false;
}

static bool has_veto(void)
{
	struct veto veto;

	if (veto_open(&veto, "task_alloc") < 0)
		return false;
	veto_close(&veto);
	return true;
}

static bool has_binfmt(void)
{
	char list[4096];

	return file_read("/proc/filesystems", list, sizeof(list)) > 0 &&
	       strstr(list, "binfmt_misc");
}

const char *case_unmet(const struct conf_case *conf_case)
{
	const unsigned int needs = conf_case->needs;

	if ((needs & NEED_ROOT) && geteuid() != 0)
		return "not root";
	if ((needs & NEED_CGROUP) && !exists("/sys/fs/cgroup/cgroup.controllers"))
		return "no cgroup v2 at /sys/fs/cgroup";
	if ((needs & NEED_PIDS) && !cgroup_has("pids"))
		return "no pids controller in cgroup v2";
	if ((needs & NEED_MEMORY) && !cgroup_has("memory"))
		return "no memory controller in cgroup v2";
	if ((needs & NEED_USERNS) && !has_userns())
		return "users cannot create user namespaces";
	if ((needs & NEED_URING) && !has_uring())
		return "io_uring is not there, or disabled";
	if ((needs & NEED_PROGRAMS) && !programs_have_fcap())
		return "no file capabilities on tmpfs (CONFIG_TMPFS_XATTR)";
	if ((needs & NEED_COREDUMP) && !exists("/proc/sys/kernel/core_pattern"))
		return "no core dumps (CONFIG_COREDUMP)";
	if ((needs & NEED_TREE) && !has_tree())
		return "what is loaded does not kill trees";
	if ((needs & NEED_STACK_CLONE) && !has_stack_clone())
		return "clone3() on a stack is not written for this architecture";
	if ((needs & NEED_BINFMT) && !has_binfmt())
		return "no binfmt_misc (CONFIG_BINFMT_MISC, or its module is not loaded)";
	if ((needs & NEED_VETO) && !has_veto())
		return "the kernel attaches no BPF program that refuses a clone";
	if ((needs & NEED_INT80) && !has_int80())
		return "no entry for 32-bit callers (CONFIG_IA32_EMULATION)";
	if ((needs & NEED_EXIT_INFO) && kernel_before(KERNEL_VERSION(6, 15, 0)))
		return "PIDFD_GET_INFO does not tell of the dead (Linux 6.15)";
	/* What a case of ours leaves behind, maps_empty would find. */
	if ((needs & NEED_EXIT_INFO) && kernel_before(KERNEL_VERSION(6, 17, 0)))
		return "PIDFD_GET_INFO leaks who is a zombie (until Linux 6.17, 0b2d71a7c826)";
	return NULL;
}
