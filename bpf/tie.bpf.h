/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tie.bpf.h - a pidfd's file was made: join it and its tether; or make that up, or kill
 *
 * Only a newborn is tied. pidfd_open() passes pidfs_alloc_file, too, and a request that a failed
 * clone left pending would tie a stranger. At the time of the clone's own call no task is attached
 * to the pid yet: copy_process() attaches it after its last point of failure.
 */
#ifndef AUTOKILL_TIE_BPF_H
#define AUTOKILL_TIE_BPF_H

#include "clone3.bpf.h"
#include "events.bpf.h"
#include "file.bpf.h"
#include "maps.bpf.h"
#include "mutant.bpf.h"
#include "pid.bpf.h"
#include "record.bpf.h"
#include "release.bpf.h"
#include "tether.bpf.h"

#define BIRTH_LOOK_MS 20
#define BIRTH_LOOKS 250	   /* by the timer, at a creator's descriptors: 5 s */
#define FDS_LOOKED_AT 4096 /* descriptors of the creator that a make-up looks at */

/*
 * The address @file, which is a new file's and to be tied to @id, is tied to another's: then the
 * release of its former owner went unseen. It cannot with BPF LSM; without, the release hook may be
 * skipped. 0: that is dealt with. Or it was seen, and the delete failed: then the element is for us
 * to take over, and FILE_INHERITED says that it stands for @tied.
 */
#define FILE_INHERITED 1

static __always_inline int file_evict(u64 file, const struct tied_file *tied)
{
	struct tied_file *old = bpf_map_lookup_elem(&files, &file);
	u64 lost_id, lost_start;
	int mark;

	if (!old)
		return 0; /* the watch has just taken it */
	if (old->id == tied->id)
		return -EALREADY; /* timer and born at once */
	lost_id = old->id;
	lost_start = old->start_time;
	if (file_inherit(old, file, tied))
		return FILE_INHERITED;
	mark = file_take(old, file);
	if (mark < 0)
		return -EAGAIN; /* the watch is just taking it */
	if (!mark)
		failure_count(FAIL_STALE_FILE, -EEXIST);
	release_unseen(lost_id, lost_start, mark);
	return 0;
}

/*
 * Join the file at address @file, which stands for @pid with number @nr, and @t. Under the creator
 * nobody takes a tether in BIRTH away, since the child does not run before copy_process() has
 * returned; under the timer of @t, whose delete waits for the timer, its end of BIRTH can come in
 * between: then tether_leave_birth() fails, and the caller takes the entry back.
 */
static __noinline int tether_tie(struct tether *t, u64 file, u64 pid, u32 nr)
{
	struct tied_file tied = { .pid_struct = pid, .word = file };
	struct autokill_task *child;
	int err;

	if (!t)
		return -ENOENT;
	tied.id = t->d.id;
	if (READ_ONCE(t->d.state) != TETHER_BIRTH)
		return -EALREADY;
	/* Read by others after tether_leave_birth(), see struct tether. */
	WRITE_ONCE(t->d.file, file);
	WRITE_ONCE(t->d.pid_struct, pid);
	WRITE_ONCE(t->d.tgid, nr);
	/* Only the user's list of children that were not reaped asks for it. */
	child = clone3_on ? task_record((struct task_struct *)t->d.task) : NULL;
	if (child)
		WRITE_ONCE(child->pid, nr);
	__sync_fetch_and_add(&n_tied, 1);
	err = bpf_map_update_elem(&files, &file, &tied, BPF_NOEXIST);
	if (!err)
		return 0;
	if (err == -EEXIST) {
		err = file_evict(file, &tied);
		if (!err)
			err = bpf_map_update_elem(&files, &file, &tied, BPF_NOEXIST);
		if (!err)
			return 0;
	}
	__sync_fetch_and_sub(&n_tied, 1); /* of an inherited one the former owner's count stays */
	if (err == FILE_INHERITED)
		return 0;
	if (err != -EALREADY && err != -EAGAIN)
		failure_count(FAIL_FILE_INSERT, err);
	return err;
}

/*
 * The number of the struct pid @pid, whose number in the initial pid namespace is @nr, as the
 * current task sees it. 0: it could not be read; then AUTOKILL_ASK cannot name the child.
 */
static __always_inline u32 pid_number(u64 pid, u32 nr)
{
	u32 level = bpf_get_current_task_btf()->thread_pid->level;
	u32 seen = 0;

	if (!level)
		return nr;
	pid += bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr);
	bpf_probe_read_kernel(&seen, sizeof(seen), (void *)pid);
	return seen;
}

/*
 * A pidfd's file was made, in the creator: by clone3's own call, or by pidfd_open() and others. It
 * stands for the struct pid @pid with the number @nr; @attached: some task has that already.
 */
static __always_inline void tether_tie_new(u64 pid, bool attached, u32 nr, struct file *file)
{
	struct autokill_task *rec;
	struct tether *t;
	u64 id;

	/* Raised by this task's own birth, if it has one to tie. */
	if (!READ_ONCE(n_births))
		return;
	rec = task_record(bpf_get_current_task_btf());
	if (!rec || !rec->newborn_id || rec->newborn_tied || IS_ERR_VALUE(file))
		return;
	if (attached && !MUTANT(REQUEST_PENDING))
		return;
	id = rec->newborn_id;
	if (!READ_ONCE(pidfd_fops))
		WRITE_ONCE(pidfd_fops, (u64)file->f_op);
	t = bpf_map_lookup_elem(&tethers, &id);
	if (!t || tether_tie(t, (u64)file, pid, nr))
		return; /* counted; born or the timer finds it */
	if (tether_leave_birth(t, TETHER_LIVE)) {
		rec->newborn_tied = 1;
		rec->asked = AUTOKILL_SERVED | pid_number(pid, nr);
		COUNT(ties);
		event_tether(EVENT_BORN, t, 0);
	}
}

/* Before v6.9 a pidfd is an anonymous inode's file: "[pidfd]" and its NUL are 8 characters. */
static __always_inline void tie_anon(const char *name, const struct pid *pid, struct file *file)
{
	char text[8];
	u64 word, pidfd;

	if (!READ_ONCE(n_births) || bpf_probe_read_kernel(&word, sizeof(word), name))
		return;
	__builtin_memcpy(text, "[pidfd]", sizeof(text));
	__builtin_memcpy(&pidfd, text, sizeof(pidfd));
	if (word == pidfd)
		tether_tie_new((u64)pid, BPF_CORE_READ(pid, tasks[PIDTYPE_PID].first),
			       BPF_CORE_READ(pid, numbers[0].nr), file);
}

struct fd_search {
	u64 pid;   /* in: struct pid that the file is to stand for */
	u64 fds;   /* in: the array */
	u64 file;  /* out: the file found */
	u32 at;	   /* out: its descriptor */
	u32 found; /* out: how many */
};

static int fd_look(u32 i, struct fd_search *s)
{
	struct file *file = fd_pidfd(s->fds, i);

	if (!file || file_pid(file) != s->pid)
		return 0;
	s->file = (u64)file;
	s->at = i;
	s->found++;
	return 0;
}

/*
 * The tie was skipped: find the file among the descriptors of @creator. Exactly one must stand for
 * the child (its creator may have called pidfd_open() on it since, and then nobody can tell).
 *
 * Enter it first, then see that it is still there: close() takes the descriptor out of the
 * table before it drops the file, so either the second look misses it, or the release comes after
 * the entry and finds it. The atomic add between the two is the full barrier that this needs.
 */
static __noinline int tether_make_up(struct tether *t, struct task_struct *creator, u64 pid, u32 nr)
{
	struct fd_search s = { .pid = pid }, again;
	struct files_struct *files_of;
	struct tied_file *tied;
	struct fdtable *fdt;
	u32 max;
	int err;

	if (!t || !creator || !READ_ONCE(pidfd_fops))
		return -EINVAL;
	files_of = BPF_CORE_READ(creator, files);
	fdt = BPF_CORE_READ(files_of, fdt);
	max = BPF_CORE_READ(fdt, max_fds);
	s.fds = (u64)BPF_CORE_READ(fdt, fd);
	if (!s.fds)
		return -ENOENT;
	again = s;
	bpf_loop(max < FDS_LOOKED_AT ? max : FDS_LOOKED_AT, fd_look, &s, 0);
	if (s.found != 1)
		return s.found ? -EEXIST : -ENOENT;
	err = tether_tie(t, s.file, pid, nr);
	if (err == -EALREADY)
		return 0; /* by the usual program, just now */
	if (err)
		return err;
	COUNT(ties_made_up);
	fd_look(s.at, &again);
	if (again.found == 1 && again.file == s.file && tether_leave_birth(t, TETHER_LIVE)) {
		event_tether(EVENT_BORN, t, 0);
		return 0;
	}
	/* Unless it is marked: then the release has found it. */
	tied = bpf_map_lookup_elem(&files, &s.file);
	if (tied && __sync_val_compare_and_swap(&tied->word, s.file, 0) == s.file)
		file_forget(tied, s.file);
	return -ENOENT;
}

/* The group @nr, whose leader has the struct pid @pid, lives and no file was found for it. */
static __always_inline void untied_kill(struct tether *t, u64 pid, u32 nr)
{
	WRITE_ONCE(t->d.pid_struct, pid);
	WRITE_ONCE(t->d.tgid, nr);
	if (!tether_leave_birth(t, TETHER_RELEASED))
		return;
	COUNT(untied_killed);
	event_tether(EVENT_UNTIED, t, 0);
	tether_released(t);
}

/*
 * The child of @t lives and its file is not tied: tie it now, or kill the child. @task is the task
 * that the clone made; @creator, whose descriptors are looked at, may be NULL. @patient: the
 * creator may still be about to install the descriptor, so look again later.
 */
static __noinline int tether_untied(struct tether *t, struct task_struct *task,
				    struct task_struct *creator, bool patient)
{
	struct pid *pid;
	int err = -ESRCH;
	u32 nr;

	if (!t || !task)
		return 0;
	pid = BPF_CORE_READ(task, thread_pid);
	nr = BPF_CORE_READ(task, tgid);
	if (creator)
		err = tether_make_up(t, creator, (u64)pid, nr);
	if (!err)
		return 0;
	if (patient && err == -ENOENT && !timer_set(t, BIRTH_LOOK_MS))
		return 0;
	untied_kill(t, (u64)pid, nr);
	return 0;
}

#endif /* AUTOKILL_TIE_BPF_H */
