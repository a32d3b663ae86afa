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

static bool has_cgroup(void)
{
	return exists("/sys/fs/cgroup/cgroup.controllers");
}

static bool has_pids(void)
{
	return cgroup_has("pids");
}

static bool has_memory(void)
{
	return cgroup_has("memory");
}

static bool has_coredump(void)
{
	return exists("/proc/sys/kernel/core_pattern");
}

/*
 * v6.15 has it; until v6.17 (0b2d71a7c826) it leaks who is a zombie, which maps_empty would find.
 */
static bool has_exit_info(void)
{
	return !kernel_before(KERNEL_VERSION(6, 17, 0));
}

static const struct {
	unsigned int bit;
	const char *name;
	bool (*there)(void);
	const char *why;
} needs[] = {
	{ NEED_CGROUP, "cgroup", has_cgroup, "no cgroup v2 at /sys/fs/cgroup" },
	{ NEED_PIDS, "pids", has_pids, "no pids controller in cgroup v2" },
	{ NEED_MEMORY, "memory", has_memory, "no memory controller in cgroup v2" },
	{ NEED_USERNS, "userns", has_userns, "users cannot create user namespaces" },
	{ NEED_URING, "io-uring", has_uring, "io_uring is not there, or disabled" },
	{ NEED_PROGRAMS, "fcap", programs_have_fcap,
	  "no file capabilities on tmpfs (CONFIG_TMPFS_XATTR)" },
	{ NEED_COREDUMP, "coredump", has_coredump, "no core dumps (CONFIG_COREDUMP)" },
	{ NEED_STACK_CLONE, "stack-clone", has_stack_clone,
	  "clone3() on a stack is not written for this architecture" },
	{ NEED_BINFMT, "binfmt", has_binfmt,
	  "no binfmt_misc (CONFIG_BINFMT_MISC, or its module is not loaded)" },
	{ NEED_VETO, "veto", has_veto, "the kernel attaches no BPF program that refuses a clone" },
	{ NEED_INT80, "int80", has_int80, "no entry for 32-bit callers (CONFIG_IA32_EMULATION)" },
	{ NEED_EXIT_INFO, "exit-info", has_exit_info,
	  "PIDFD_GET_INFO does not tell of the dead, or leaks (until Linux 6.17)" },
};

#define N_NEEDS (sizeof(needs) / sizeof(needs[0]))

const char *case_unmet(const struct conf_case *conf_case, const char **why)
{
	size_t i;

	for (i = 0; i < N_NEEDS; i++) {
		if (!(conf_case->needs & needs[i].bit) || needs[i].there())
			continue;
		*why = needs[i].why;
		return needs[i].name;
	}
	return NULL;
}

bool need_known(const char *name)
{
	size_t i;

	for (i = 0; i < N_NEEDS; i++)
		if (strcmp(name, needs[i].name) == 0)
			return true;
	return strcmp(name, SKIP_LOST_EXEC) == 0 || strcmp(name, SKIP_FCAP_KILLS) == 0;
}
