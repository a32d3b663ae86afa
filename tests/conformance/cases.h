/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cases.h - what a case is, and what cases share
 */
#ifndef CONFORMANCE_CASES_H
#define CONFORMANCE_CASES_H

#include "actor.h"
#include "check.h"
#include "proc.h"
#include "ways.h"

/*
 * What a case needs of the machine, never of what is under test. machine.c knows how to find out,
 * and its name. What is not there is a failure, unless --may-skip has that name.
 */
#define NEED_CGROUP (1U << 1)	   /* cgroup v2 at /sys/fs/cgroup */
#define NEED_PIDS (1U << 2)	   /* its pids controller */
#define NEED_MEMORY (1U << 3)	   /* its memory controller */
#define NEED_USERNS (1U << 4)	   /* CONFIG_USER_NS, and users may create them */
#define NEED_URING (1U << 5)	   /* CONFIG_IO_URING, not disabled by sysctl */
#define NEED_PROGRAMS (1U << 6)	   /* setuid and file capabilities work on a tmpfs */
#define NEED_COREDUMP (1U << 7)	   /* CONFIG_COREDUMP */
#define NEED_STACK_CLONE (1U << 8) /* clone3 on a stack, written for this architecture */
#define NEED_VETO (1U << 9)	   /* BPF programs that refuse can be attached */
#define NEED_BINFMT (1U << 10)	   /* binfmt_misc */
#define NEED_INT80 (1U << 11)	   /* the entry of 32-bit callers (CONFIG_IA32_EMULATION) */
#define NEED_EXIT_INFO (1U << 12)  /* PIDFD_INFO_EXIT, safe to ask for */

struct conf_case {
	const char *name;
	void (*run)(void);
	unsigned int ways; /* enum way */
	unsigned int needs;
	const char *shows;
	const char *why_not; /* why it does not run by the other way; NULL if it runs by both */
};

/*
 * A case: what it shows, and after that its function's body. It is all that a new case needs.
 *
 * Names: N follow the kernel's own selftest, X are what it leaves out, T are of the tree (but for
 * T16, which is of both scopes), P are of PR_AUTOKILL alone, R are --stress.
 */
#define CASE(case_name, case_ways, case_needs, case_shows, case_why_not)                           \
	static void case_name(void);                                                               \
	static const struct conf_case row_of_##case_name = {                                       \
		.name = #case_name,                                                                \
		.run = case_name,                                                                  \
		.ways = case_ways,                                                                 \
		.needs = case_needs,                                                               \
		.shows = case_shows,                                                               \
		.why_not = case_why_not,                                                           \
	};                                                                                         \
	static const struct conf_case *const case_##case_name                                      \
		__attribute__((section("cases"), used)) = &row_of_##case_name;                     \
	static void case_name(void)

/* Why not by the other way. */
#define FLAG_CHECK "clone3() checks its flag; a request by prctl() has no such flag"
#define REQUEST_ONLY "the kernel's flag is part of the clone: there is no request before it"
#define TREE_ONLY "the kernel's flag kills a process, not a tree"

/*
 * The cases of all files in the order of their names, N, X, T, P: *@count of them; or, with
 * @stress, what --stress runs instead, R. The array is the caller's. Return: NULL without memory.
 */
const struct conf_case **cases_sorted(bool stress, unsigned int *count);

/*
 * Return: NULL, or the name of what the case needs and the machine has not; *@why receives a
 * sentence.
 */
const char *case_unmet(const struct conf_case *conf_case, const char **why);

/* Is @name one of those that case_unmet() returns. */
bool need_known(const char *name);

/* How often a case that races repeats itself. */
extern int the_rounds;

/* ---- scene.c: holder, its parent, the victim, and strangers planted around them ---- */

enum holder_parent {
	PARENT_READS,
	PARENT_WAITS,
	PARENT_STOPPED,
	PARENT_GONE,
	PARENT_TRACED,
	PARENT_FROZEN,
	PARENT_VFORK,
	HOLDER_PARENTS,
};

enum release {
	RELEASE_CLOSE,
	RELEASE_CLOSE_RANGE,
	RELEASE_DUP2,
	RELEASE_EXIT,
	RELEASE_SIGKILL,
	RELEASE_ABORT,
	RELEASE_SEGV,
	RELEASE_EXEC,
	RELEASES,
};

struct scene {
	struct actor *parent;	 /* of the holder */
	struct actor *bystander; /* a child of the parent */
	struct actor *holder;
	struct actor *sibling; /* a child of the holder */
	struct actor *unarmed; /* one with a pidfd, which the holder holds as well */
	struct actor *victim;
	int vfork_life;
};

/* @how: SPAWN_* flags added for the victim */
void scene_build(struct scene *scene, uint32_t how);
void scene_parent(struct scene *scene, enum holder_parent parent);
void scene_release(struct scene *scene, enum release release);
/* The victim was killed and nobody else. */
void scene_check(struct scene *scene);
/* What every scene ends with; more scenes can follow in the same case. */
void scene_end(struct scene *scene);

/* Build, set up the parent, release, check and end. */
void scene_play(enum holder_parent parent, enum release release);

/* ---- programs.c ---- */

/* Make the copies of this binary that ACT_EXEC starts. Return: 0 or -errno. */
int programs_make(void);
void programs_drop(void);
/* Did the xattr with capabilities go in. */
bool programs_have_fcap(void);
/* Make PROGRAM_MISC and tell binfmt_misc of it, until programs_misc_drop(). Return: 0 or -errno. */
int programs_misc_make(void);
void programs_misc_drop(void);

/* ---- veto.c: a security module that refuses one process ---- */

struct veto {
	int map;
	int link; /* -1 if it is another's */
};

/*
 * Attach to the LSM hook task_alloc, file_open or file_alloc_security a program that refuses whom
 * veto_set() names (0: nobody). Return: 0 or -errno.
 */
int veto_open(struct veto *veto, const char *hook);
void veto_set(const struct veto *veto, pid_t tgid);
/* Nobody is refused any more. */
void veto_close(struct veto *veto);

/*
 * The one on task_alloc, attached and pinned for later runs: the kernel calls what was attached
 * last first, so only a program that was there before the kernel side was loaded is called after
 * it.
 * Return: 0 or -errno.
 */
int veto_plant(void);
/* Open it. Return: 0, -ENOENT if there is none, or -errno. */
int veto_planted(struct veto *veto);
void veto_uproot(void);

/* ---- machine.c ---- */

/* Is bpf among the active LSMs. */
bool bpf_lsm_on(void);

/* ---- victim.c: what the kernel starts for a core dump in X16 ----
 * Tells @suite, by its abstract socket, that the dump has begun; reads nothing of it.
 */
int core_helper(pid_t suite);

/* ---- struct.c ---- */
bool has_int80(void);

/* ---- sysctls that a case changed, put back after it whatever happened ---- */
int sysctl_set(const char *path, const char *value);
void sysctl_restore(void);

#endif
