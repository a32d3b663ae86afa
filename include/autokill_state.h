/* SPDX-License-Identifier: MIT */
/*
 * autokill_state.h - the layout of the maps pinned under /sys/fs/bpf/autokill/maps
 *
 * Shared by the BPF programs (writers) and by the user side (readers). Fixed widths, no implicit
 * padding, sizes asserted at the end. A change of layout is a change of AUTOKILL_STATE_VERSION; so
 * is a change of the values of an enum, and of a program's name, by which its pin is known.
 * Pids and uids are those of the initial namespaces. Times are in ns of CLOCK_BOOTTIME.
 */
#ifndef AUTOKILL_STATE_H
#define AUTOKILL_STATE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define AUTOKILL_STATE_VERSION 9
#define AUTOKILL_COMM_LEN 16 /* TASK_COMM_LEN */

/* config.ready. Written by the loader, read by the prctl and task_alloc programs. */
enum autokill_ready {
	AUTOKILL_NOT_READY = 0, /* nobody can arm: being loaded or unloaded, or left half-made */
	AUTOKILL_CANARY = 1, /* only the process config.canary_tgid, to prove that killing works */
	AUTOKILL_READY = 2,
};

/* config.kill: who sends SIGKILL to a child that sleeps */
enum autokill_kill {
	KILL_TASK_WORK = 0, /* the programs themselves, from Linux 6.18 on */
	KILL_AGENT = 1, /* the agent, on older kernels: no BPF program can wake a sleeping task */
};

/* config.native: are clone3's flags of Linux 7.1 served, and why not */
enum autokill_native {
	NATIVE_FLAGS_ON = 1,
	NATIVE_FLAGS_KERNEL = 2,   /* the kernel serves them itself */
	NATIVE_FLAGS_OPTION = 3,   /* load --no-native-flags */
	NATIVE_FLAGS_LOCKDOWN = 4, /* lockdown forbids programs that write to user memory */
	NATIVE_FLAGS_NO_HOOK = 5,  /* a function to hang on, or kprobes, are missing */
	NATIVE_FLAGS_REFUSED = 6,  /* the kernel refused the programs: FELL_NATIVE */
};

/*
 * config.fell, bits: what the kernel's BTF promises, and what did not load or attach for all that
 */
enum autokill_fell {
	FELL_NATIVE_INFO = 1 << 0, /* PIDFD_INFO_EXIT is not served */
	FELL_NATIVE = 1 << 1,	   /* clone3's flags are not served */
	FELL_KPROBE = 1 << 2,	   /* nothing notes a release, should its program be skipped */
	FELL_TASK_WORK = 1
			 << 3, /* bpf_task_work_schedule_signal(): another spelling, or the agent */
	FELL_TASK_WORK_IMPL = 1 << 4, /* bpf_task_work_schedule_signal_impl(): the agent kills */
	FELL_SIGNAL = 1 << 5,	      /* bpf_send_signal_task(): nobody but the agent kills */
	FELL_LSM = 1 << 6,	      /* BPF LSM: fmod_ret and fentry are used */
	FELL_RLIMIT = 1 << 7,	      /* requests are served by prctl() only */
};

/* maps/config, one element */
struct autokill_config {
	__u32 state_version; /* AUTOKILL_STATE_VERSION of the programs that are loaded */
	__u32 ready;	     /* enum autokill_ready; the second member in every version */
	__u32 canary_tgid;
	__u32 share;	   /* tethers (and requests) that one uid other than 0 may have at a time */
	__u32 room;	   /* tethers that fit in all */
	__u32 lsm;	   /* 1: the programs hang on BPF LSM; 0: on fmod_ret and fentry */
	__u32 tasks_share; /* records of tasks that one uid other than 0 may have at a time */
	__u32 tasks_room;  /* records of tasks that fit in all */
	char version[16];  /* of the loader, NUL-terminated */
	__u64 loaded_at;
	__u32 kill;   /* enum autokill_kill */
	__u32 native; /* enum autokill_native */
	__u32 fell;   /* enum autokill_fell, several */
	__u32 pins;   /* that load has made; 0 until all are, or of a version that did not count */
};

enum autokill_tether_state {
	TETHER_BIRTH = 1,      /* the clone is under way, or its file is not tied yet */
	TETHER_TAKEN_BACK = 2, /* the clone failed, or the child died before the tie: it ends now */
	TETHER_LIVE = 3,       /* file and child are tied */
	/* From here on it was released. */
	TETHER_RELEASED = 4, /* the file is gone; SIGKILL has not been accepted yet */
	TETHER_KILLED = 5,   /* SIGKILL was accepted; some thread of the group still has to exit */
};

enum autokill_scope {
	SCOPE_PROCESS = 1, /* the child's thread group */
	SCOPE_TREE = 2,	   /* the child and everything that descends from it */
};

/* A task can be in so many trees at a time, each within the one before. */
#define AUTOKILL_DEPTH 16

/* tether.flags */
#define TETHER_GUARD (1U << 0) /* the child and what descends from it is guarded */
#define TETHER_STUCK (1U << 1) /* EVENT_STUCK was written */
#define TETHER_TOLD (1U << 2)  /* the agent's to end: whoever released it does nothing more to it */

#define TETHER_LEFT                                                                                \
	(1ULL << 63) /* in tether.id: it has ended; its delete failed, and is done again later */

/*
 * maps/tethers, by id: what a reader may use of it. The value in the map is longer: a BPF timer and
 * task work follow (struct tether in bpf/maps.bpf.h).
 */
struct autokill_tether {
	__u64 id;	    /* never used twice while the maps live */
	__u64 file;	    /* address of the struct file; 0 until tied */
	__u64 pid_struct;   /* address of the struct pid that the file stands for; 0 until tied */
	__u64 task;	    /* address of the task_struct that clone made */
	__u64 creator_task; /* address of the task_struct that called clone */
	__u64 start_time; /* task_struct.start_boottime of the leader; 0 until the clone is done */
	__u64 born_at;
	__u64 released_at; /* 0 while the file is open */
	__u64 killed_at;   /* 0 until SIGKILL was accepted */
	enum autokill_tether_state state;
	enum autokill_scope scope;
	__u32 flags;   /* TETHER_GUARD, TETHER_STUCK */
	__u32 tgid;    /* the child's; 0 until tied */
	__u32 uid;     /* the creator's at birth; whose share this counts against */
	__u32 creator; /* tgid of the creator */
	__u32 creator_tid;
	__u32 lender; /* tid of the closer's parent at release, 0 if it is not of use */
	__u32 looks;  /* times that the timer has looked since release */
	__u32 next_look_ms;
	char comm[AUTOKILL_COMM_LEN]; /* of the creator, which is the child's until it execs */
	/* the rest is 0 unless the scope is the tree */
	__u64 parent;	 /* the tree that this one is within, 0 if none */
	__u32 depth;	 /* how many trees this one is within; its place in autokill_task.path */
	__u32 holds;	 /* members alive (threads count one by one), and HOLD_FILE */
	__u32 slots;	 /* its members are in maps/members at slots 0 to this, less 1 */
	__u32 sweeps;	 /* walks over the members, to send SIGKILL */
	__u32 signalled; /* thread groups that a sweep sent SIGKILL to */
	__u32 members;	 /* alive at the release */
};

/*
 * Of a room, what only uid 0 may take: all others together get no more than the rest. Of one tether
 * nothing, else at least one.
 */
#define AUTOKILL_RESERVE(room) ((room) < 8 ? (room) > 1 : (room) / 8)

#define HOLD_FILE (1U << 31) /* tether.holds: the release has not been dealt with yet */

/*
 * maps/tasks, by the address of the task_struct: threads that armed, all that is guarded, and all
 * members of trees
 */
struct autokill_task {
	/* address of the task_struct: the key; AUTOKILL_LEFT in it: nobody's any more */
	__u64 task;
	__u64 tether; /* the tether that this task is the child of, 0 if none */
	/* task_struct that this task is just cloning, which has a record; 0 if none */
	__u64 newborn;
	__u64 newborn_id;  /* the tether of it, 0 if none */
	__u64 arm_cred;	   /* real_cred at ARM: any change of credentials makes another */
	__u64 arm_caps;	   /* its effective capabilities */
	__u64 arm_exec_id; /* self_exec_id at ARM: every exec makes another */
	__u64 arm_addr;	   /* user address at which the clone is to get its pidfd; 0: any clone */
	__u64 asked_id;	   /* the tether that served the last request */
	__u32 arm_uid;
	__u32 armed;	 /* 1: the next child that gets a pidfd is to be tethered */
	__u32 arm_flags; /* AUTOKILL_NNP, AUTOKILL_TREE */
	__u32 guard;	 /* 1: an exec that would gain privileges fails; inherited for good */
	__u32 uid;	 /* whose share the record counts against */
	__u32 clone3;	 /* CLONE3_* below */
	/* The last clone3 of this task with the native flags. */
	__u64 clone3_args;  /* user address of its struct clone_args */
	__u64 clone3_flags; /* the flags in there, as the caller wrote them */
	/* self_exec_id then: after an exec the address is another program's */
	__u64 clone3_exec_id;
	__u32 pid;	   /* of a tethered child; 0 until tied */
	__u32 share_units; /* how much of that share: 1, or one for each tree */
	__u32 depth;	   /* how many trees this task is a member of */
	__u32 left;	   /* 1: it has exited, and is no longer counted as a member */
	/* 1: the tie gave the tether newborn_id its file; of no meaning while newborn is 0 */
	__u32 newborn_tied;
	/* what AUTOKILL_ASK answers while nothing is armed; 0: nothing was asked for */
	__u32 asked;
	__u64 path[AUTOKILL_DEPTH]; /* the ids of these trees, outermost first */
	__u32 slot[AUTOKILL_DEPTH]; /* its slot in maps/members for each, plus 1; 0 if none */
};

/*
 * In the lowest two bits of an address that names the owner of an element of maps/tasks or
 * maps/members: the element is nobody's any more, its delete failed or is under way.
 */
#define AUTOKILL_LEFT 3

/* maps/members: the tasks that are alive in a tree, each at a slot of its own */
struct autokill_member_key {
	__u64 id; /* of the tree's tether */
	__u32 slot;
	__u32 pad;
};

struct autokill_member {
	__u64 task; /* address of the task_struct: the key in maps/tasks */
};

/* task.clone3 */
#define CLONE3_ASKED (1U << 0) /* a clone3 with the flags is under way, task_alloc not reached */
#define CLONE3_OWED (1U << 1)  /* the struct at clone3_args lacks the flags; it is to be put back */
#define CLONE3_OPEN (CLONE3_ASKED | CLONE3_OWED)
#define CLONE3_NNP (1U << 2)   /* (in the programs only: CLONE_NNP was among the flags) */
#define CLONE3_CHILD (1U << 3) /* made by the flags: its creator does not expect to reap it */

/*
 * maps/events: AUTOKILL_LOGS rings of AUTOKILL_LOG_EVENTS elements each. Event n of log l stands at
 * l * AUTOKILL_LOG_EVENTS + n % AUTOKILL_LOG_EVENTS. Kills and guard refusals have logs of their
 * own, root has its own, and other users share the rest by uid. So a user can overwrite the kills
 * of no more than the few who share a log with it, and of these only by kills; nobody but root can
 * overwrite root's.
 */
#define AUTOKILL_LOG_EVENTS 1024
#define AUTOKILL_LOG_USERS 8		       /* the first is root's */
#define AUTOKILL_LOGS (2 * AUTOKILL_LOG_USERS) /* a power of two */

/* maps/stats, one element. Counters only grow; every writer adds atomically. */
struct autokill_stats {
	__u64 arms;	      /* requests accepted */
	__u64 arms_refused;   /* EPERM, EAGAIN, ENOMEM at ARM */
	__u64 arms_lapsed;    /* requests dropped: exec, credentials changed, clone failed */
	__u64 births;	      /* tethers made */
	__u64 refused_right;  /* clones refused: EPERM */
	__u64 refused_room;   /* clones refused: EAGAIN, no room in maps/tethers */
	__u64 refused_share;  /* clones refused: EAGAIN, this uid has its share */
	__u64 refused_memory; /* clones refused: ENOMEM, or a helper failed */
	__u64 clones_failed;  /* tethers taken back because the clone failed later on */
	__u64 ties;	      /* files tied when they were made */
	__u64 ties_made_up;   /* the usual program was skipped; tied from the fd table */
	__u64 untied_killed;  /* no file found for a newborn: killed, rather than left unguarded */
	__u64 releases;	      /* last references seen to go */
	__u64 released_dead;  /* of these, of a child dead already (seen or not) */
	__u64 releases_made_up; /* the release was skipped and noticed later */
	__u64 killed_here;	/* SIGKILL accepted in the releaser's own context */
	__u64 killed_by_timer;	/* ... in the timer's */
	__u64 killed_by_victim; /* ... by task work in the victim */
	__u64 killed_by_parent; /* ... by task work in the closer's parent */
	__u64 killed_by_init;	/* ... by task work in init */
	__u64 killed_by_agent;	/* ... from the agent */
	__u64 killed_by_self;	/* ... in the child itself, at its next fork or exec */
	/* maps/releases was full; the agent looks through maps/tethers then */
	__u64 releases_unsent;
	__u64 arms_no_agent; /* requests and clones refused: EAGAIN, no agent is alive */
	__u64 looks;	     /* times that a timer looked again */
	__u64 gone;	     /* tethers whose thread group was seen to be gone after release */
	__u64 guard_refused; /* execs refused by the guard: EPERM */
	__u64 guard_killed;  /* execs caught by the guard after the point of no return */
	__u64 events;	     /* events written to all logs; each takes its number here */
	__u64 natives;	     /* requests taken from clone3's native flags */
	/* left to the kernel's EINVAL: struct not writable, no room, skipped */
	__u64 natives_missed;
	__u64 natives_refused;	  /* clones refused: EINVAL, the native rules at task_alloc */
	__u64 natives_unrestored; /* clones refused: EAGAIN, the struct could not be put back yet */
	__u64 members;		  /* tasks that were born into a tree */
	__u64 refused_depth;	  /* clones refused: EAGAIN, nested too deep */
	/* clones (and the agent's kernels: execs) refused: EAGAIN, released */
	__u64 refused_released;
	__u64 sweeps;	      /* walks over the members of a tree */
	__u64 signalled;      /* thread groups that were sent SIGKILL by these */
	__u64 unborn;	      /* members met by a sweep before their clone was through */
	__u64 empty;	      /* trees that became empty while their pidfd was open */
	__u64 exits_made_up;  /* exits of members that were noticed at task_free only */
	__u64 births_made_up; /* births that were skipped, and done when the clone was through */
	/* requests that came by setrlimit(), since prctl() went unanswered */
	__u64 requests_rlimit;
	__u64 logs[AUTOKILL_LOGS]; /* events written to each log; the oldest are overwritten */
};

/* maps/failures: how often what failed, by (what, errno) */
enum autokill_what {
	FAIL_TETHER_INSERT = 1,
	FAIL_TASK_INSERT = 2,
	FAIL_FILE_INSERT = 3,
	FAIL_USER_INSERT = 4,
	FAIL_WORK_INSERT = 5,
	FAIL_TIMER_INIT = 6,
	FAIL_TIMER_START = 7,
	FAIL_SIGNAL_HERE = 8, /* bpf_send_signal_task where there is an mm */
	FAIL_SIGNAL_VICTIM = 9,
	FAIL_SIGNAL_LENDER = 10,
	FAIL_LEND_VICTIM = 11, /* bpf_task_work_schedule_signal; EBUSY: still pending */
	FAIL_LEND_PARENT = 12,
	FAIL_LEND_INIT = 13,
	FAIL_FILE_DELETE = 14,
	FAIL_STALE_FILE = 15, /* an entry of maps/files that stood for another file */
	FAIL_USER_COUNT = 16,
	FAIL_WAITING_INSERT = 17,
	FAIL_AGENT_OPEN = 18,	  /* the agent: pidfd_open, or the victim's identity */
	FAIL_AGENT_SIGNAL = 19,	  /* the agent: pidfd_send_signal */
	FAIL_NATIVE_CLEAR = 20,	  /* take the native flags out of the caller's struct clone_args */
	FAIL_NATIVE_RESTORE = 21, /* put it back */
	FAIL_MEMBER_INSERT = 22,
	FAIL_MEMBER_DELETE = 23,
	FAIL_TREE_LOST = 24,   /* a member whose tether is not there: cannot be */
	FAIL_NATIVE_INFO = 25, /* a struct pidfd_info could not be completed */
	FAIL_BIRTH_LATE = 26,  /* a skipped birth was not made up for: killed, from 6.18 on */
	/*
	 * A delete that failed, and not because somebody else was first. FAIL_LATER: it is not done
	 * again.
	 */
	FAIL_TETHER_DELETE = 27,
	FAIL_TASK_DELETE = 28,
	FAIL_WORK_DELETE = 29,
	FAIL_WAITING_DELETE = 30,
	FAIL_USER_DELETE = 31,
	FAIL_LATER = 32,
	FAIL_FILE_NOTE =
		33, /* a release was not noted for the watch, which looks at all files then */
};

struct autokill_failure {
	__u32 what; /* enum autokill_what */
	__s32 err;  /* errno, positive */
};

enum autokill_event_type {
	EVENT_BORN = 1,		 /* a tether was made: child tgid, creator */
	EVENT_RELEASED = 2,	 /* the last reference went */
	EVENT_KILLED = 3,	 /* SIGKILL was accepted; err says how: enum autokill_killer */
	EVENT_GONE = 4,		 /* the thread group is gone; took: ns since release */
	EVENT_RELEASED_DEAD = 5, /* the last reference went after the child's death */
	EVENT_CLONE_FAILED = 6,
	EVENT_REFUSED = 7, /* a clone was refused; err: errno */
	EVENT_GUARD = 8,   /* an exec that would have gained privileges was refused */
	EVENT_UNTIED = 9,  /* a newborn without a file was killed */
	EVENT_STUCK = 10,  /* killed, but still there after 8 s: uninterruptible sleep */
	EVENT_EMPTY = 11,  /* the last member of a tree exited, and the pidfd is still open */
};

/*
 * maps/left_out, by uid and type: of EVENT_CLONE_FAILED, EVENT_REFUSED and EVENT_GUARD, which
 * anybody can bring about at will, one uid writes AUTOKILL_EVENTS_SOME in
 * AUTOKILL_EVENTS_SPAN_NS, and the rest is only counted. Else one user could have the kills of all
 * others overwritten in a second.
 */
#define AUTOKILL_EVENTS_SOME 64
#define AUTOKILL_EVENTS_SPAN_NS 60000000000ULL
#define AUTOKILL_NO_UID 0xffffffffU /* of uids for which there was no room in the map */

struct autokill_left_out_key {
	__u32 uid;
	__u32 type; /* enum autokill_event_type */
};

struct autokill_left_out {
	__u64 since;   /* when the span began, ns of CLOCK_BOOTTIME */
	__u64 written; /* in this span */
	__u64 count;   /* left out since the load */
};

enum autokill_killer {
	KILLER_HERE = 1,
	KILLER_TIMER = 2,
	KILLER_VICTIM = 3,
	KILLER_PARENT = 4,
	KILLER_INIT = 5,
	KILLER_AGENT = 6,
	KILLER_SELF = 7, /* the victim itself, at its next fork or exec */
};

/*
 * Event n of a log: seq is written 0 first and n + 1 last; seq_end is n + 1. A reader that copied
 * the element while it was written sees seq != seq_end, or a seq that is not the one it asked for,
 * and reads again.
 */
struct autokill_event {
	__u64 seq;
	__u64 number; /* among the events of all logs */
	__u64 time;
	__u64 id;   /* of the tether, 0 if none */
	__u64 took; /* ns since release, 0 if it does not apply */
	enum autokill_event_type type;
	__u32 tgid; /* whom it is about */
	__u32 uid;
	__s32 err; /* errno (positive), or enum autokill_killer */
	char comm[AUTOKILL_COMM_LEN];
	__u32 members;	 /* of a tree: alive now; with EVENT_GONE, alive at the release */
	__u32 signalled; /* of a tree: thread groups sent SIGKILL until now */
	__u32 sweeps;	 /* of a tree: walks over its members until now */
	__u32 scope;	 /* enum autokill_scope, 0 if there is no tether */
	__u64 seq_end;
};

/*
 * maps/agent, one element, where config.kill is KILL_AGENT. Written by the agent only: @beat last
 * when it begins, first when it ends. Read at ARM and at birth.
 */
struct autokill_agent {
	__u64 beat; /* ns of CLOCK_MONOTONIC at its last heartbeat; 0: it ended in good order */
	__u32 pid;
	__u32 pad;
};

#define AUTOKILL_AGENT_BEAT_NS 1000000000ULL /* from one heartbeat to the next */
#define AUTOKILL_AGENT_LATE_NS                                                                     \
	3000000000ULL /* silent for longer: it is not alive, nobody can arm */

/* maps/releases: a ring buffer, by which the agent hears of a victim to kill. The map of tethers is
 * what counts; this only wakes. */
struct autokill_release {
	__u64 id;	  /* of the tether */
	__u64 start_time; /* task_struct.start_boottime of the victim's leader, ns */
	__u32 tgid;
	__u32 pad;
};

/*
 * An element of maps/found: a process, which its number and its start time tell from every other.
 * Either one of those whom progs/autokill_sweep has found; or one that the agent asks
 * progs/autokill_identity for: it gives a pidfd alone, and gets the rest, all 0 if nobody is left.
 */
struct autokill_identity {
	__u64 start_time; /* task_struct.start_boottime of the group's leader, ns */
	__u32 tgid;
	__s32 pidfd; /* of the agent's own; negative: the element is skipped */
};

/* What the agent asks progs/autokill_identity by BPF_PROG_TEST_RUN, as its context. */
struct autokill_identify {
	__u32 count; /* elements of maps/found, from the first on */
	__u32 pad;
};

/* What the agent says to progs/autokill_agent by BPF_PROG_TEST_RUN, as its context. */
enum autokill_agent_word {
	AGENT_KILLED = 1, /* SIGKILL was accepted */
	AGENT_GONE = 2,	  /* no thread of the group is left */
	AGENT_STUCK = 3,  /* killed, but still there after 8 s: uninterruptible sleep */
	AGENT_FAILED = 4, /* count a failure: err (positive errno) of what (enum autokill_what) */
	AGENT_SWEPT = 5,  /* a walk over a tree's members is done: count got SIGKILL */
};

struct autokill_agent_says {
	__u64 id; /* of the tether; 0 with AGENT_FAILED where there is none */
	__u32 word;
	__u32 what;
	__s32 err;
	__u32 count; /* with AGENT_SWEPT: thread groups that were sent SIGKILL */
};

/*
 * What the agent asks progs/autokill_sweep by BPF_PROG_TEST_RUN, as its context: which members of a
 * released tree still need a SIGKILL, of those in the next so many slots? maps/found has the
 * answer.
 */
#define AUTOKILL_SWEEP_SLOTS 1024

struct autokill_sweep {
	__u64 id;   /* in: of the tree's tether */
	__u32 from; /* in: the first slot, 0 to begin; out: the next one to ask for, 0 at the end */
	/* out: elements of maps/found; one for each thread, so a group can be there twice */
	__u32 found;
	__u32 unborn; /* out: members whose clone is not through */
	__u32 pad;
};

_Static_assert(sizeof(struct autokill_sweep) == 24, "layout of what the agent asks");
_Static_assert(sizeof(struct autokill_agent) == 16, "layout of maps/agent");
_Static_assert(sizeof(struct autokill_release) == 24, "layout of maps/releases");
_Static_assert(sizeof(struct autokill_identity) == 16, "layout of maps/found");
_Static_assert(sizeof(struct autokill_identify) == 8, "layout of whom the agent asks for");
_Static_assert(sizeof(struct autokill_agent_says) == 24, "layout of what the agent says");
_Static_assert(sizeof(struct autokill_config) == 72, "layout of maps/config");
_Static_assert(sizeof(struct autokill_tether) == 160, "layout of maps/tethers");
_Static_assert(sizeof(struct autokill_task) == 336, "layout of maps/tasks");
_Static_assert(sizeof(struct autokill_event) == 96, "layout of maps/events");
_Static_assert(sizeof(struct autokill_member_key) == 16, "layout of maps/members");
_Static_assert(sizeof(struct autokill_failure) == 8, "layout of maps/failures");
_Static_assert(sizeof(struct autokill_left_out) == 24, "layout of maps/left_out");

#endif /* AUTOKILL_STATE_H */
