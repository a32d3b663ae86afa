// SPDX-License-Identifier: GPL-2.0-only
/*
 * names.c - the words for the numbers in the maps
 *
 * The switches have no default, so that the compiler names the word that a new number lacks.
 */
#include <string.h>

#include "kernel/names.h"

const char *name_ready(enum autokill_ready ready)
{
	switch (ready) {
	case AUTOKILL_NOT_READY:
		return "not-ready";
	case AUTOKILL_CANARY:
		return "canary";
	case AUTOKILL_READY:
		return "ready";
	}
	return "unknown";
}

const char *name_native(enum autokill_native native)
{
	switch (native) {
	case NATIVE_FLAGS_ON:
		return "on";
	case NATIVE_FLAGS_KERNEL:
		return "kernel";
	case NATIVE_FLAGS_OPTION:
		return "option";
	case NATIVE_FLAGS_LOCKDOWN:
		return "lockdown";
	case NATIVE_FLAGS_NO_HOOK:
		return "no-hook";
	case NATIVE_FLAGS_REFUSED:
		return "refused";
	}
	return "unknown";
}

const char *name_native_long(enum autokill_native native)
{
	switch (native) {
	case NATIVE_FLAGS_ON:
		return "served, as Linux 7.1 does";
	case NATIVE_FLAGS_KERNEL:
		return "left to the kernel, which has them itself";
	case NATIVE_FLAGS_OPTION:
		return "not served: load --no-native-flags";
	case NATIVE_FLAGS_LOCKDOWN:
		return "not served: lockdown forbids programs that write to user memory";
	case NATIVE_FLAGS_NO_HOOK:
		return "not served: this kernel lacks copy_clone_args_from_user or __x64_sys_clone3 in "
		       "its BTF, or CONFIG_KPROBE_EVENTS";
	case NATIVE_FLAGS_REFUSED:
		return "not served: this kernel refuses the programs for them";
	}
	return "unknown";
}

static const struct fell_names {
	enum autokill_fell bit;
	const char *what, *instead;
} fell_names[] = {
	{ FELL_NATIVE_INFO, "the programs for PIDFD_INFO_EXIT",
	  "clone3's flags are served without it" },
	{ FELL_NATIVE, "the programs for clone3's flags", "these are not served, and prctl is" },
	{ FELL_KPROBE, "the kprobe that notes releases",
	  "a release whose program the kernel skips is not made up for" },
	{ FELL_TASK_WORK, "task work (bpf_task_work_schedule_signal)",
	  "the form of Linux 6.18, or the agent, kills" },
	{ FELL_TASK_WORK_IMPL, "task work (bpf_task_work_schedule_signal_impl)",
	  "the agent kills" },
	{ FELL_SIGNAL, "the programs with bpf_send_signal_task", "only the agent kills" },
	{ FELL_RLIMIT, "the program for requests by setrlimit",
	  "they are served by prctl only, which other users can make fail" },
	{ FELL_LSM, "the programs on BPF LSM",
	  "fmod_ret and fentry are used, which the kernel can skip" },
};

static const struct fell_names *fell_find(enum autokill_fell bit)
{
	static const struct fell_names unknown = { 0, "unknown", "unknown" };

	for (size_t i = 0; i < sizeof(fell_names) / sizeof(*fell_names); i++)
		if (fell_names[i].bit == bit)
			return &fell_names[i];
	return &unknown;
}

const char *name_fell(enum autokill_fell bit)
{
	switch (bit) {
	case FELL_NATIVE_INFO:
		return "native-info";
	case FELL_NATIVE:
		return "native";
	case FELL_KPROBE:
		return "kprobe";
	case FELL_TASK_WORK:
		return "task-work";
	case FELL_TASK_WORK_IMPL:
		return "task-work-impl";
	case FELL_SIGNAL:
		return "signal";
	case FELL_RLIMIT:
		return "rlimit";
	case FELL_LSM:
		return "lsm";
	}
	return "unknown";
}

const char *name_fell_what(enum autokill_fell bit)
{
	return fell_find(bit)->what;
}

const char *name_fell_instead(enum autokill_fell bit)
{
	return fell_find(bit)->instead;
}

const char *name_tether_state(enum autokill_tether_state state)
{
	switch (state) {
	case TETHER_BIRTH:
		return "birth";
	case TETHER_TAKEN_BACK:
		return "aborted";
	case TETHER_LIVE:
		return "live";
	case TETHER_RELEASED:
		return "released";
	case TETHER_KILLED:
		return "killed";
	}
	return "unknown";
}

const char *name_scope(enum autokill_scope scope)
{
	switch (scope) {
	case SCOPE_PROCESS:
		return "process";
	case SCOPE_TREE:
		return "tree";
	}
	return "unknown";
}

const char *name_event(enum autokill_event_type type)
{
	switch (type) {
	case EVENT_BORN:
		return "born";
	case EVENT_RELEASED:
		return "released";
	case EVENT_KILLED:
		return "killed";
	case EVENT_GONE:
		return "gone";
	case EVENT_RELEASED_DEAD:
		return "released-dead";
	case EVENT_CLONE_FAILED:
		return "clone-failed";
	case EVENT_REFUSED:
		return "refused";
	case EVENT_GUARD:
		return "guard";
	case EVENT_UNTIED:
		return "untied";
	case EVENT_STUCK:
		return "stuck";
	case EVENT_EMPTY:
		return "empty";
	}
	return "unknown";
}

const char *name_killer(enum autokill_killer killer)
{
	switch (killer) {
	case KILLER_HERE:
		return "here";
	case KILLER_TIMER:
		return "timer";
	case KILLER_VICTIM:
		return "victim";
	case KILLER_PARENT:
		return "parent";
	case KILLER_INIT:
		return "init";
	case KILLER_AGENT:
		return "agent";
	case KILLER_SELF:
		return "self";
	}
	return "unknown";
}

const char *name_killer_long(enum autokill_killer killer)
{
	switch (killer) {
	case KILLER_HERE:
		return "by whoever dropped the last reference";
	case KILLER_TIMER:
		return "by the timer";
	case KILLER_VICTIM:
		return "by task work in the child itself";
	case KILLER_PARENT:
		return "by task work in the parent of whoever dropped the last reference";
	case KILLER_INIT:
		return "by task work in init";
	case KILLER_AGENT:
		return "by the agent";
	case KILLER_SELF:
		return "by the child itself, at its next fork or exec";
	}
	return "by unknown means";
}

const char *name_what(enum autokill_what what)
{
	switch (what) {
	case FAIL_TETHER_INSERT:
		return "tether-insert";
	case FAIL_TASK_INSERT:
		return "task-insert";
	case FAIL_FILE_INSERT:
		return "file-insert";
	case FAIL_USER_INSERT:
		return "user-insert";
	case FAIL_WORK_INSERT:
		return "work-insert";
	case FAIL_TIMER_INIT:
		return "timer-init";
	case FAIL_TIMER_START:
		return "timer-start";
	case FAIL_SIGNAL_HERE:
		return "signal-here";
	case FAIL_SIGNAL_VICTIM:
		return "signal-victim";
	case FAIL_SIGNAL_LENDER:
		return "signal-lender";
	case FAIL_LEND_VICTIM:
		return "lend-victim";
	case FAIL_LEND_PARENT:
		return "lend-parent";
	case FAIL_LEND_INIT:
		return "lend-init";
	case FAIL_FILE_DELETE:
		return "file-delete";
	case FAIL_STALE_FILE:
		return "stale-file";
	case FAIL_USER_COUNT:
		return "user-count";
	case FAIL_WAITING_INSERT:
		return "waiting-insert";
	case FAIL_AGENT_OPEN:
		return "agent-open";
	case FAIL_AGENT_SIGNAL:
		return "agent-signal";
	case FAIL_NATIVE_CLEAR:
		return "native-clear";
	case FAIL_NATIVE_RESTORE:
		return "native-restore";
	case FAIL_MEMBER_INSERT:
		return "member-insert";
	case FAIL_MEMBER_DELETE:
		return "member-delete";
	case FAIL_TREE_LOST:
		return "tree-lost";
	case FAIL_NATIVE_INFO:
		return "native-info";
	case FAIL_BIRTH_LATE:
		return "birth-late";
	case FAIL_TETHER_DELETE:
		return "tether-delete";
	case FAIL_TASK_DELETE:
		return "task-delete";
	case FAIL_WORK_DELETE:
		return "work-delete";
	case FAIL_WAITING_DELETE:
		return "waiting-delete";
	case FAIL_USER_DELETE:
		return "user-delete";
	case FAIL_LATER:
		return "later";
	case FAIL_FILE_NOTE:
		return "file-note";
	}
	return "unknown";
}

const char *name_what_long(enum autokill_what what)
{
	switch (what) {
	case FAIL_TETHER_INSERT:
		return "store a new tether";
	case FAIL_TASK_INSERT:
		return "store which tether a task belongs to";
	case FAIL_FILE_INSERT:
		return "store which tether a file belongs to";
	case FAIL_USER_INSERT:
		return "store how many tethers a uid has";
	case FAIL_WORK_INSERT:
		return "store an item of task work";
	case FAIL_TIMER_INIT:
		return "make the timer of a tether";
	case FAIL_TIMER_START:
		return "start the timer of a tether";
	case FAIL_SIGNAL_HERE:
		return "kill where the last reference went";
	case FAIL_SIGNAL_VICTIM:
		return "kill by task work in the child";
	case FAIL_SIGNAL_LENDER:
		return "kill by task work in another process";
	case FAIL_LEND_VICTIM:
		return "queue task work for the child";
	case FAIL_LEND_PARENT:
		return "queue task work for the closer's parent";
	case FAIL_LEND_INIT:
		return "queue task work for init";
	case FAIL_FILE_DELETE:
		return "forget a file that is gone";
	case FAIL_STALE_FILE:
		return "find the right file at an address (an older one stood there)";
	case FAIL_USER_COUNT:
		return "count the tethers of a uid";
	case FAIL_WAITING_INSERT:
		return "let a child see its own release, at its next fork or exec";
	case FAIL_AGENT_OPEN:
		return "open and identify a child (the agent)";
	case FAIL_AGENT_SIGNAL:
		return "kill (the agent)";
	case FAIL_NATIVE_CLEAR:
		return "take clone3's native flags out of a struct of the caller";
	case FAIL_NATIVE_RESTORE:
		return "put a struct of a caller of clone3 back";
	case FAIL_MEMBER_INSERT:
		return "store a member of a tree";
	case FAIL_MEMBER_DELETE:
		return "forget a member of a tree";
	case FAIL_TREE_LOST:
		return "find the tree that a process is a member of";
	case FAIL_NATIVE_INFO:
		return "tell by PIDFD_GET_INFO what a child made by clone3's flags ended with";
	case FAIL_BIRTH_LATE:
		return "make up for a skipped birth (the child is killed, if possible)";
	case FAIL_TETHER_DELETE:
		return "forget a tether that has ended (done again later)";
	case FAIL_TASK_DELETE:
		return "forget a task that is gone (done again later)";
	case FAIL_WORK_DELETE:
		return "forget an item of task work (done again later)";
	case FAIL_WAITING_DELETE:
		return "forget a child that has died after its release (done again later)";
	case FAIL_USER_DELETE:
		return "forget a uid that has nothing left (done again later)";
	case FAIL_LATER:
		return "note that something is to be forgotten later";
	case FAIL_FILE_NOTE:
		return "note a release for the watch (it looks at all files)";
	}
	return "unknown";
}

const char *name_errno(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "unknown";
}
