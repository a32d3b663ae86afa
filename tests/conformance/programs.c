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

#define MISC_MAGIC "conformance-misc"

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

static char misc_dir[80];

/*
 * Flag C (fs/binfmt_misc.c, MISC_FMT_CREDENTIALS): the credentials are those of the file that is
 * interpreted, not those of its interpreter.
 */
static int misc_register(void)
{
	char line[160], path[96];

	snprintf(line, sizeof(line), ":conformance:M::" MISC_MAGIC "::%s:C",
		 program_path(PROGRAM_PLAIN));
	snprintf(path, sizeof(path), "%s/register", misc_dir);
	return file_write(path, line);
}

int programs_misc_make(void)
{
	const char *path = program_path(PROGRAM_MISC);
	int ret, file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	if (file < 0)
		return -errno;
	ret = write(file, MISC_MAGIC, strlen(MISC_MAGIC)) < 0 || fchmod(file, 04755) < 0 ? -errno
											 : 0;
	close(file);
	if (ret)
		return ret;
	snprintf(misc_dir, sizeof(misc_dir), "%s/binfmt_misc", programs_dir);
	if (mkdir(misc_dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mount("conformance", misc_dir, "binfmt_misc", 0, NULL) < 0)
		return -errno;
	ret = misc_register();
	if (ret)
		programs_misc_drop();
	return ret;
}

void programs_misc_drop(void)
{
	char path[96];

	if (!misc_dir[0])
		return;
	snprintf(path, sizeof(path), "%s/conformance", misc_dir);
	file_write(path, "-1");
	umount2(misc_dir, MNT_DETACH);
	misc_dir[0] = '\0';
}

void programs_drop(void)
{
	if (!programs_dir[0])
		return;
	/* of a case that failed in between */
	programs_misc_drop();
	umount2(programs_dir, MNT_DETACH);
	rmdir(programs_dir);
}
