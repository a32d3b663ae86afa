/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * users.bpf.h - how much of the room each uid has: entries that come, are counted, and go
 *
 * Each tether and each record of a task holds the entry of its uid, so that it stays, and then its
 * counts are changed by plain atomic adds. The hold is a number in user.word, beside the uid:
 *
 *   uid << 32 | holds               in use
 *   uid << 32 | USER_QUEUED | holds  the same, and a note in `later` names it
 *   USER_DEAD                        the timer is just deleting it
 *
 * An entry without holds goes, or else 65,535 uids that were seen once would have taken all the
 * entries there are. But only while there are many: of a user who comes back all the time it should
 * stay. Whoever brings the holds to 0 queues it; the timer takes it, if nobody holds it by then, by
 * a compare-and-exchange of the word, and deletes it.
 *
 * Who wants a hold has a pointer that may be of an entry that is gone, and another uid's by now. So
 * a hold is taken by compare-and-exchange, which expects the uid; who holds one may go on with
 * plain adds. Root's entry stays for good.
 */
#ifndef AUTOKILL_USERS_BPF_H
#define AUTOKILL_USERS_BPF_H

#include "events.bpf.h"
#include "later.bpf.h"
#include "maps.bpf.h"

#define USER_QUEUED (1ULL << 31)
#define USER_HOLDS (USER_QUEUED - 1)
#define USER_DEAD (~0ULL)
#define USERS_KEPT 1024 /* up to so many, nobody's entry goes */
#define USER_TRIES 1024 /* under how many changes by others a hold is tried */

/* Elements of maps/users. Atomic adds. */
u64 n_users;

struct user_search {
	u32 uid;
	int err;
};

/* One try: 1 ends the search, with err 0 if the entry is held now. */
static int user_try(u32 i, struct user_search *s)
{
	u32 uid = s->uid;
	struct user *u = bpf_map_lookup_elem(&users, &uid);
	struct user new = { .word = (u64)uid << 32 | 1 };
	u64 word;
	int err;

	if (u) {
		word = READ_ONCE(u->word);
		if (word >> 32 != uid ||
		    __sync_val_compare_and_swap(&u->word, word, word + 1) != word)
			return 0;
		s->err = 0;
		return 1;
	}
	__sync_fetch_and_add(&n_users, 1);
	err = bpf_map_update_elem(&users, &uid, &new, BPF_NOEXIST);
	if (!err) {
		s->err = 0;
		return 1;
	}
	__sync_fetch_and_sub(&n_users, 1);
	if (err == -EEXIST)
		return 0; /* another CPU was first */
	s->err = err;
	return 1;
}

/*
 * The entry of @uid, made if there is none, with a hold that the caller gives back by user_put().
 * NULL: counted.
 */
static __noinline struct user *user_get(u32 uid)
{
	struct user_search s = { .uid = uid, .err = -EBUSY };
	struct user *u;

	if (uid == (u32)-1)
		return NULL; /* nobody's, by chown(2) and setresuid(2); and in USER_DEAD */
	bpf_loop(USER_TRIES, user_try, &s, 0);
	if (s.err) {
		failure_count(FAIL_USER_INSERT, s.err);
		return NULL;
	}
	u = bpf_map_lookup_elem(&users, &uid);
	if (!u)
		failure_count(FAIL_USER_COUNT, -ENOENT); /* we hold it */
	return u;
}

/* One more hold of @u, which the caller holds. */
static __always_inline void user_pin(struct user *u)
{
	__sync_fetch_and_add(&u->word, 1);
}

/* Give a hold of @u, the entry of @uid, back. From here on it may be another's. */
static __always_inline void user_put(struct user *u, u32 uid)
{
	u64 idle = (u64)uid << 32;

	if (__sync_fetch_and_sub(&u->word, 1) - 1 != idle || !uid ||
	    READ_ONCE(n_users) <= USERS_KEPT)
		return;
	if (__sync_val_compare_and_swap(&u->word, idle, idle | USER_QUEUED) != idle)
		return; /* in use again, or queued by another */
	if (!later_note(LATER_USER, uid, 0))
		return;
	failure_count(FAIL_LATER, -E2BIG);
	__sync_val_compare_and_swap(&u->word, idle | USER_QUEUED, idle);
}

/*
 * The timer, for an entry that was idle when it was queued. 0; or an errno, and it is to be tried
 * again.
 */
static __always_inline int user_reclaim(u32 uid)
{
	struct user *u = bpf_map_lookup_elem(&users, &uid);
	u64 word, idle = (u64)uid << 32 | USER_QUEUED;
	int err;

	if (!u)
		return 0;
	word = __sync_val_compare_and_swap(&u->word, idle, USER_DEAD);
	if (word != idle) {
		/*
		 * In use. Whoever ends that queues it again; if it was ended just now, it is for us
		 * to take.
		 */
		return __sync_val_compare_and_swap(&u->word, word, word & ~USER_QUEUED) == word
			       ? 0
			       : -EAGAIN;
	}
	err = map_delete(&users, &uid);
	if (err) {
		failure_count(FAIL_USER_DELETE, err);
		WRITE_ONCE(u->word, idle);
		return err;
	}
	__sync_fetch_and_sub(&n_users, 1);
	return 0;
}

#endif /* AUTOKILL_USERS_BPF_H */
