// SPDX-License-Identifier: GPL-2.0-only
/*
 * programs.c - copies of this binary with privileges, on a tmpfs of their own
 *
 * The place that the binary came from may be mounted nosuid, or may not take xattrs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cases.h"

static bool fcap_in;

static int program_copy(const char *path, mode_t mode)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to, ret = 0;
	ssize_t got;

	if (from < 0)
		return -errno;
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (to < 0) {
		ret = -errno;
		close(from);
		return ret;
	}
	while ((got = sendfile(to, from, NULL, 1 << 20)) > 0)
		;
	/* after the write, which takes the bits away */
	if (got < 0 || fchmod(to, mode) < 0)
		ret = -errno;
	close(to);
	close(from);
	return ret;
}

static void program_give_capability(const char *path)
{
	struct vfs_cap_data data = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1U << CAP_SYS_ADMIN,
	};

	fcap_in = setxattr(path, "security.capability", &data, sizeof(data), 0) == 0;
}

bool programs_have_fcap(void)
{
	return fcap_in;
}

int programs_make(void)
{
	static const mode_t modes[PROGRAMS] = { 0755, 04755, 02755, 0755 };
	enum program program;
	int ret;

	strcpy(programs_dir, "/tmp/conformance.XXXXXX");
	if (!mkdtemp(programs_dir)) {
		ret = -errno;
		programs_dir[0] = '\0';
		return ret;
	}
	if (mount("conformance", programs_dir, "tmpfs", MS_NODEV, "mode=0755") < 0) {
		ret = -errno;
		rmdir(programs_dir);
		programs_dir[0] = '\0';
		return ret;
	}
	for (program = 0; program < PROGRAMS; program++) {
		ret = program_copy(program_path(program), modes[program]);
		if (ret)
			return ret;
	}
	program_give_capability(program_path(PROGRAM_FCAP));
	return 0;
}

void programs_drop(void)
{
	if (!programs_dir[0])
		return;
	umount2(programs_dir, MNT_DETACH);
	rmdir(programs_dir);
}
