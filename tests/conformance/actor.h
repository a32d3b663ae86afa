/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * actor.h - the processes of the play, each moved by notes from main
 *
 * A case is a script in main. Every other process is an actor: it answers on a socket of its own,
 * does what a note says, and can create further actors, tethered or not. Only main asserts; an
 * actor reports -errno.
 *
 *   actor_self.c  what runs in an actor
 *   actor.c       what main does with actors
 *
 * An actor never ends because its socket does: it pauses. So a victim that is gone was killed.
 */
#ifndef CONFORMANCE_ACTOR_H
#define CONFORMANCE_ACTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum act {
	ACT_HELLO = 1, /* actor to main: it lives (again, after exec); hello is set */
	ACT_REPLY,     /* actor to main: value is the result */
	ACT_PING,      /* replies value + 1 */
	ACT_SPAWN,     /* descriptor: the child's socket; replies the pid */
	/* the pidfd that the last tether returned */
	ACT_HELD,	  /* replies its number */
	ACT_CLOSE,	  /* close it */
	ACT_CLOSE_FD,	  /* close descriptor number value */
	ACT_CLOSE_PLAIN,  /* close the pidfd of the last child that was not tethered */
	ACT_DUP,	  /* replies the number of a duplicate */
	ACT_DUP2_OVER,	  /* dup2 /dev/null over it */
	ACT_CLOSE_RANGE,  /* close_range() of it */
	ACT_KEEP_ON_EXEC, /* clear FD_CLOEXEC */
	ACT_MAIL,	  /* descriptor: a socket; send the held pidfd there, keep it */
	ACT_MAIL_CYCLE,	  /* the same in a socket that is in flight in itself, then close */
	ACT_STEAL,	  /* pidfd_getfd: number value of process wide; becomes the held one */
	ACT_URING_CLOSE,  /* io_uring: IORING_OP_CLOSE with sqe flags value */
	ACT_URING_FILE,	  /* io_uring: register it, close it; replies the ring's number */
	ACT_CLOSE_LATER,  /* descriptor: a thread closes the held pidfd when a byte comes there */
	/* endings; no reply but an error */
	ACT_EXIT,
	ACT_ABORT,
	ACT_SEGV,
	ACT_EAT_MEMORY,
	ACT_EXEC,  /* exec program value (enum program); says hello again */
	ACT_STORM, /* exec from a new thread again and again; descriptor: a byte each */
	/* a parent's doings; the reply comes before */
	ACT_WAIT,  /* waitpid(-1) until a child is reaped */
	ACT_VFORK, /* vfork a child that lingers; descriptor: until this socket ends */
	/* life of a process */
	ACT_WAITPID, /* waitpid(value, WNOHANG | __WALL): replies that; wide is the status */
	ACT_BECOME,  /* set groups, gids and uids to value */
	ACT_SETGID,  /* setresgid(value) */
	ACT_DROP_CAPS,
	ACT_NO_NEW_PRIVS,
	ACT_UNSHARE,	     /* flags wide */
	ACT_DEAF,	     /* block and ignore every signal */
	ACT_LEADER_EXITS,    /* threads go on, the leader calls pthread_exit */
	ACT_TRACE,	     /* seize and stop process value */
	ACT_RLIMIT,	     /* soft limit of resource value := wide, the hard limit stays */
	ACT_LOWEST_FD,	     /* replies the number that the next descriptor would get */
	ACT_PIDFD_CHURN,     /* pidfd_open(value) wide times, close all */
	ACT_IGNORE_CHILDREN, /* SIGCHLD := SIG_IGN */
	/* many processes; descriptor: they hold it and write a byte to it when there is news */
	ACT_CHAIN, /* value forks, each by the child of the one before, which exits; 0: endless */
	ACT_BOMB,  /* all fork for ever; news: a fork has failed */
	ACT_CROWD, /* value more children that sleep; replies how many it could make */
	ACT_CROWD_COUNT, /* replies how many of these live */
	ACT_CROWD_END,	 /* kills value of them; replies how many died */
	ACT_SETSID,
	ACT_RCU,	 /* wait for an RCU grace period */
	ACT_POSIX_SPAWN, /* descriptor: the socket of the child, which is one after exec */
	/* raw calls */
	ACT_PRCTL,  /* prctl(PR_AUTOKILL, value, wide, args[0], args[1]) */
	ACT_STRUCT, /* clone3 with a struct in memory of kind value (enum memory): 0 or -errno */
	ACT_LIMIT,  /* prlimit64 of RLIMIT_LOCKS to wide and args[0]; replies what it returns */
	ACT_LIMIT_IS_NONE, /* replies 1 if RLIMIT_LOCKS is infinite, hard and soft */
	ACT_TRY_CLONE3,	   /* clone3 with flags wide and exit signal value; replies 0 or -errno */
};

/* struct spawn, how */
#define SPAWN_PIDFD (1U << 0)	  /* CLONE_PIDFD, no request made */
#define SPAWN_TETHER (1U << 1)	  /* by the_way */
#define SPAWN_GUARD (1U << 2)	  /* ask for the guard, CLONE_NNP */
#define SPAWN_KEEP_FDS (1U << 3)  /* the child keeps its copies of descriptors */
#define SPAWN_BAD_PIDFD (1U << 4) /* args.pidfd points nowhere */
#define SPAWN_LEGACY (1U << 5)	  /* clone() instead of clone3() */
#define SPAWN_VFORK (1U << 6)	  /* CLONE_VM | CLONE_VFORK on a stack of its own */
#define SPAWN_NO_ARM (1U << 7)	  /* with SPAWN_TETHER: the request was made before */
#define SPAWN_TREE (1U << 8)	  /* with SPAWN_TETHER: AUTOKILL_TREE */

struct spawn {
	uint32_t how;
	int32_t exit_signal; /* native tethers take 0 only */
	uint64_t clone_flags;
	int32_t set_tid;
	int32_t pad;
	char cgroup[96]; /* for CLONE_INTO_CGROUP */
};

struct hello {
	uint32_t uid, euid, gid, egid;
	uint64_t caps; /* effective */
};

struct note {
	int32_t act;
	int32_t value;
	int64_t wide;
	int64_t args[2];
	int32_t in_thread; /* do it in a thread that is not the leader */
	int32_t pad;
	union {
		struct spawn spawn;
		struct hello hello;
	};
};

/* Where the struct clone_args is. */
enum memory {
	MEMORY_PLAIN,
	MEMORY_VM,	       /* ... and the child shares it */
	MEMORY_VFORK,	       /* ... and ends before the parent returns */
	MEMORY_FLAGS_STRADDLE, /* 4 bytes of flags on one page, 4 on the next */
	MEMORY_STRADDLES,      /* flags on one page, all else on the next */
	MEMORY_READ_ONLY,
	MEMORY_ABSENT,	      /* file-backed, never touched */
	MEMORY_SECOND_ABSENT, /* as MEMORY_STRADDLES, the second page so */
	MEMORY_KINDS,
	MEMORY_BY_INT80 = MEMORY_KINDS, /* plain, below 4 GiB, and by the entry of 32-bit callers */
};

enum program {
	PROGRAM_PLAIN,
	PROGRAM_SUID,
	PROGRAM_SGID,
	PROGRAM_FCAP,
	PROGRAMS,
	/*
	 * a setuid file that the plain one interprets; where there is binfmt_misc, so not in loops
	 */
	PROGRAM_MISC = PROGRAMS,
};

/* Where the copies of this binary with their privileges are; made by main. */
extern char programs_dir[64];
const char *program_path(enum program program);

/* Send and receive one note, with a descriptor or -1. Return: 0 or -errno (-EPIPE: at the end). */
int note_send(int sock, const struct note *note, int fd);
int note_receive(int sock, struct note *note, int *fd);

/* In the new process: be an actor on @sock. @keep_fds: do not close what was inherited. */
void actor_life(int sock, bool keep_fds) __attribute__((noreturn));
/* The same after exec: argv was made by actor_self.c. */
void actor_life_after_exec(char **argv) __attribute__((noreturn));
/* After exec by ACT_STORM. */
void storm_life(char **argv) __attribute__((noreturn));

/* uring.c. Return: 0, or -errno; uring_hold() the ring's descriptor. */
int uring_close(int fd, unsigned int sqe_flags);
int uring_hold(int fd);

/* ---- main's side: these assert ---- */

struct actor {
	const char *role; /* for messages; static */
	pid_t pid;
	int watch; /* from pidfd_open(): it does not hold the tether */
	int sock;
	bool dead;
	struct hello hello;
};

/* A child of main. */
struct actor *actor_start(const char *role);
/* A child of @parent; @how as in struct spawn. The first asserts success. */
struct actor *actor_spawn(struct actor *parent, const char *role, const struct spawn *spawn);
/* Return: 0 and *@child set, or -errno; @in_thread: cloned by a thread other than the leader. */
int actor_try_spawn(struct actor *parent, const char *role, const struct spawn *spawn,
		    bool in_thread, struct actor **child);

/*
 * A child with the pid spawn->set_tid, which was another's: waits until the kernel has let go of
 * it, a little after /proc has.
 */
struct actor *actor_plant(struct actor *parent, const char *role, const struct spawn *spawn);

/* A child by posix_spawn() of this binary. */
struct actor *actor_spawn_program(struct actor *parent, const char *role);

struct actor *spawn_tethered(struct actor *parent, const char *role, uint32_t how);
struct actor *spawn_plain(struct actor *parent, const char *role, uint32_t how);

/* Send and wait for the reply. Return: its value. */
int actor_do(struct actor *actor, enum act act, int value, int64_t wide);
int actor_do_fd(struct actor *actor, enum act act, int value, int fd);
int actor_do_note(struct actor *actor, struct note *note, int fd);
/* Send and wait for nothing. */
void actor_tell(struct actor *actor, enum act act, int value, int fd);
/* Wait for the next note, which must be of this kind. */
void actor_expect(struct actor *actor, enum act act, struct note *note);
/* Exec: true and hello updated, or false and *@err set. */
bool actor_exec(struct actor *actor, enum program program, bool by_thread, int *err);

#define actor_must(actor, act, value) actor_must_at(actor, act, value, #act, __FILE__, __LINE__)
void actor_must_at(struct actor *actor, enum act act, int value, const char *what, const char *file,
		   int line);

/* A round trip through the process itself. */
#define assert_alive(actor) assert_alive_at(actor, __FILE__, __LINE__)
void assert_alive_at(struct actor *actor, const char *file, int line);
/* Dead within the deadline, and by SIGKILL where that can be told. */
#define assert_killed(actor) assert_killed_at(actor, true, __FILE__, __LINE__)
/* Dead within the deadline, by whatever. */
#define assert_dead(actor) assert_killed_at(actor, false, __FILE__, __LINE__)
void assert_killed_at(struct actor *actor, bool by_sigkill, const char *file, int line);

/* Kill an actor whose time is over, and see it dead. */
void actor_end(struct actor *actor);
void actor_signal(struct actor *actor, int sig);
/* Stop it by SIGSTOP and see it stopped. */
void actor_stop(struct actor *actor);
/* Reap a dead child of main, so that its pid is free. */
void actor_reap(struct actor *actor);

/**
 * fence - drive other tethers to death
 *
 * Where only the absence of a kill can be shown: a release made now, and seen to kill, proves that
 * the kernel side has had the earlier ones before it.
 */
void fence(void);

/* End all actors, reap everything, and count what is left: processes, cgroups, map entries. */
void stage_clear(void);
/* The same without asserting, for after a failure. */
void stage_sweep(void);

#endif
