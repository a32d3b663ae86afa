// SPDX-License-Identifier: GPL-2.0-only
/*
 * tree.c - T1 to T15: the release of a tree kills every descendant and nobody else
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cases.h"

/* As in victim.c: the closer lives, dies, changes its memory. */
static const enum release three_ends[] = { RELEASE_CLOSE, RELEASE_SIGKILL, RELEASE_EXEC };

#define ENDS 3
#define MEMBERS_MAX 8

/* A scene whose victim is the first of a tree; the members that are to die with it. */
struct tree {
	struct scene scene;
	struct actor *members[MEMBERS_MAX];
	unsigned int count;
};

static void tree_build(struct tree *tree)
{
	*tree = (struct tree){};
	scene_build(&tree->scene, SPAWN_TREE);
}

static struct actor *tree_member(struct tree *tree, struct actor *member)
{
	assert_true(tree->count < MEMBERS_MAX);
	tree->members[tree->count++] = member;
	return member;
}

static struct actor *tree_grow(struct tree *tree, struct actor *parent, const char *role)
{
	return tree_member(tree, spawn_plain(parent, role, 0));
}

static void tree_play_out(struct tree *tree, unsigned int end)
{
	unsigned int i;

	for (i = 0; i < tree->count; i++)
		if (!tree->members[i]->dead)
			assert_false(pidfd_dead(tree->members[i]->watch, 0));
	scene_release(&tree->scene, three_ends[end]);
	for (i = 0; i < tree->count; i++)
		if (!tree->members[i]->dead)
			assert_killed(tree->members[i]);
	scene_check(&tree->scene);
	scene_end(&tree->scene);
}

/* A pipe whose writing end members hold: it is at its end when they are all dead. */
struct life {
	int read, write;
};

static void life_make(struct life *life)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*life = (struct life){ ends[0], ends[1] };
}

/* Wait for a byte from a member. */
static void life_sign(struct life *life)
{
	struct pollfd pfd = { .fd = life->read, .events = POLLIN };
	char byte;

	assert_int_equal(poll(&pfd, 1, the_deadline_ms), 1);
	assert_int_equal(read(life->read, &byte, 1), 1);
}

/* Everybody who holds it is dead within the deadline. */
static void life_over(struct life *life)
{
	struct pollfd pfd = { .fd = life->read, .events = POLLIN };
	int64_t end = now_ms() + the_deadline_ms;
	char bytes[4096];

	for (;;) {
		int64_t left = end - now_ms();

		if (left <= 0 || poll(&pfd, 1, left) != 1)
			fail_msg("members live on after %d s", the_deadline_ms / 1000);
		if (read(life->read, bytes, sizeof(bytes)) == 0)
			break;
	}
	close(life->read);
}

CASE(T1_three_levels, WAY_PRCTL, 0, "grandchildren, three levels", TREE_ONLY)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct actor *child, *grandchild;
		struct tree tree;

		step("release %u", i);
		tree_build(&tree);
		child = tree_grow(&tree, tree.scene.victim, "child");
		grandchild = tree_grow(&tree, child, "grandchild");
		tree_grow(&tree, grandchild, "great-grandchild");
		tree_grow(&tree, child, "second grandchild");
		assert_int_equal(actor_do_note(grandchild,
					       &(struct note){ .act = ACT_PING, .in_thread = true },
					       -1),
				 1);
		tree_play_out(&tree, i);
	}
}

CASE(T2_setsid_and_double_fork, WAY_PRCTL, 0, "sessions of their own, orphans", TREE_ONLY)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct actor *middle;
		struct tree tree;

		step("release %u", i);
		tree_build(&tree);
		actor_must(tree_grow(&tree, tree.scene.victim, "leader of a session"), ACT_SETSID,
			   0);
		middle = spawn_plain(tree.scene.victim, "middle", 0);
		actor_must(middle, ACT_SETSID, 0);
		tree_grow(&tree, middle, "daemon");
		actor_tell(middle, ACT_EXIT, 0, -1);
		assert_dead(middle);
		tree_grow(&tree, tree.members[1], "the daemon's child");
		tree_play_out(&tree, i);
	}
}

#define LINKS 400

/* Each link of the chain makes the next one and exits. */
CASE(T3_chain, WAY_PRCTL, 0, "400 links, each forks the next and exits", TREE_ONLY)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct tree tree;
		struct life life;

		step("release %u, after %d links", i, LINKS);
		tree_build(&tree);
		life_make(&life);
		assert_int_equal(actor_do_fd(tree.scene.victim, ACT_CHAIN, LINKS, life.write), 0);
		close(life.write);
		life_sign(&life);
		scene_release(&tree.scene, three_ends[i]);
		life_over(&life);
		scene_check(&tree.scene);
		scene_end(&tree.scene);
	}
}

CASE(T3_endless_chain, WAY_PRCTL, 0, "the same while it goes on", TREE_ONLY)
{
	int round;

	for (round = 0; round < the_rounds; round++) {
		struct tree tree;
		struct life life;

		step("round %d", round);
		tree_build(&tree);
		life_make(&life);
		assert_int_equal(actor_do_fd(tree.scene.victim, ACT_CHAIN, 0, life.write), 0);
		close(life.write);
		life_sign(&life);
		scene_release(&tree.scene, three_ends[round % ENDS]);
		life_over(&life);
		scene_check(&tree.scene);
		scene_end(&tree.scene);
	}
}

#define BOMB_PIDS "48"

CASE(T4_fork_bomb, WAY_PRCTL, NEED_CGROUP | NEED_PIDS, "under pids.max", TREE_ONLY)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct tree tree;
		struct life life;

		step("release %u", i);
		tree_build(&tree);
		life_make(&life);
		assert_int_equal(cgroup_make("bomb", "pids"), 0);
		assert_int_equal(cgroup_set("bomb", "pids.max", BOMB_PIDS), 0);
		assert_int_equal(cgroup_enter("bomb", tree.scene.victim->pid), 0);
		assert_int_equal(actor_do_fd(tree.scene.victim, ACT_BOMB, 0, life.write), 0);
		close(life.write);
		/* written by who could not fork: the bound is reached */
		life_sign(&life);
		scene_release(&tree.scene, three_ends[i]);
		life_over(&life);
		scene_check(&tree.scene);
		scene_end(&tree.scene);
	}
}

CASE(T5_namespaces, WAY_PRCTL, NEED_CGROUP | NEED_USERNS,
     "members in pid, user, mount, cgroup namespaces of their own", TREE_ONLY)
{
	static const uint64_t spaces[] = { CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWNS,
					   CLONE_NEWCGROUP };
	unsigned int i, j;

	for (i = 0; i < ENDS; i++) {
		struct actor *victim, *member;
		struct tree tree;

		step("release %u", i);
		tree_build(&tree);
		victim = tree.scene.victim;
		for (j = 0; j < sizeof(spaces) / sizeof(spaces[0]); j++) {
			struct spawn ask = { .clone_flags = spaces[j], .exit_signal = SIGCHLD };

			member =
				tree_member(&tree, actor_spawn(victim, "in a new namespace", &ask));
		}
		tree_grow(&tree, tree.members[0], "child in the pid namespace");
		assert_int_equal(cgroup_make("elsewhere", NULL), 0);
		member = tree_grow(&tree, victim, "in another cgroup");
		assert_int_equal(cgroup_enter("elsewhere", member->pid), 0);
		member = tree_grow(&tree, victim, "unshares");
		assert_int_equal(actor_do(member, ACT_UNSHARE, 0, CLONE_NEWPID | CLONE_NEWNS), 0);
		tree_grow(&tree, member, "init of what it unshared");
		tree_play_out(&tree, i);
	}
}

CASE(T6_other_uids, WAY_PRCTL, NEED_PROGRAMS, "setresuid, setuid exec; closed by bob", TREE_ONLY)
{
	unsigned int i;
	int err;

	for (i = 0; i < ENDS; i++) {
		struct actor *alice, *suid;
		struct tree tree;

		step("release %u", i);
		tree_build(&tree);
		alice = tree_grow(&tree, tree.scene.victim, "alice");
		actor_must(alice, ACT_BECOME, ALICE);
		tree_grow(&tree, alice, "child of alice");
		suid = tree_grow(&tree, alice, "setuid root, started by alice");
		assert_true(actor_exec(suid, PROGRAM_SUID, false, &err));
		assert_int_equal(suid->hello.euid, 0);
		tree_grow(&tree, suid, "its child");
		/* bob may signal none of them */
		actor_must(tree.scene.holder, ACT_BECOME, BOB);
		tree_play_out(&tree, i);
	}
}

CASE(T7_nested, WAY_PRCTL, 0, "inner kills the inner only, outer kills all", TREE_ONLY)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct actor *member, *inner, *inner_child, *alone, *alone_child;
		struct tree tree;

		step("release %u", i);
		tree_build(&tree);
		member = tree_grow(&tree, tree.scene.victim, "holder of the inner tree");
		inner = spawn_tethered(member, "first of the inner tree", SPAWN_TREE);
		inner_child = spawn_plain(inner, "child in the inner tree", 0);
		/* the inner release kills the inner tree only */
		actor_must(member, ACT_CLOSE, 0);
		assert_killed(inner);
		assert_killed(inner_child);
		fence();
		assert_alive(member);
		assert_alive(tree.scene.victim);
		/* the outer one kills both, and what is tethered by process within */
		inner = tree_member(&tree, spawn_tethered(member, "second inner tree", SPAWN_TREE));
		inner_child = tree_grow(&tree, inner, "its child");
		member = tree_grow(&tree, inner_child, "holder of one more");
		tree_member(&tree, spawn_tethered(member, "third tree", SPAWN_TREE));
		alone = tree_member(&tree, spawn_tethered(inner_child, "tethered alone", 0));
		alone_child = tree_grow(&tree, alone, "child of the tethered alone");
		assert_alive(alone_child);
		tree_play_out(&tree, i);
	}
}

/* The parent is in no tree; what the outermost holds is depth 16. */
CASE(T7_depth, WAY_PRCTL, 0, "16 deep; the 17th is refused with EAGAIN", TREE_ONLY)
{
	struct actor *outside = actor_start("holder of the outermost"), *first = NULL,
		     *in = outside;
	struct spawn ask = { .how = SPAWN_TETHER | SPAWN_TREE };
	struct actor *child;
	int depth;

	for (depth = 1; depth <= 16; depth++) {
		step("depth %d", depth);
		in = actor_spawn(in, "nested", &ask);
		if (!first)
			first = in;
	}
	step("too deep");
	assert_int_equal(actor_try_spawn(in, "too deep", &ask, false, &child), -EAGAIN);
	/* a process is no tree: it may be tethered there, and is a member of all 16 */
	child = spawn_tethered(in, "tethered alone at the bottom", 0);
	child = spawn_plain(child, "its child", 0);
	assert_alive(child);
	actor_must(outside, ACT_CLOSE, 0);
	assert_killed(first);
	assert_killed(in);
	assert_killed(child);
}

CASE(T8_member_holds_a_sibling, WAY_PRCTL, 0, "whose tree dies with it", TREE_ONLY)
{
	struct actor *holder = actor_start("holder"), *other = actor_start("other holder");
	struct actor *tree = spawn_tethered(holder, "tree", SPAWN_TREE);
	struct actor *sibling = spawn_tethered(other, "sibling tree", SPAWN_TREE);
	struct actor *thief = spawn_plain(tree, "thief", 0);
	struct actor *child = spawn_plain(sibling, "child in the sibling tree", 0);
	struct note steal = { .act = ACT_STEAL, .wide = other->pid };

	steal.value = actor_do(other, ACT_HELD, 0, 0);
	assert_true(actor_do_note(thief, &steal, -1) >= 0);
	actor_must(other, ACT_CLOSE, 0);
	fence();
	assert_alive(sibling);
	assert_alive(child);
	actor_must(holder, ACT_CLOSE, 0);
	assert_killed(tree);
	assert_killed(thief);
	assert_killed(sibling);
	assert_killed(child);
	assert_alive(holder);
	assert_alive(other);
}

/*
 * A tree of which only the first child's child and grandchild are left; @reaped: by the holder.
 * Return: the child.
 */
static struct actor *tree_first_gone(struct tree *tree, bool reaped)
{
	struct actor *victim, *child;

	tree_build(tree);
	victim = tree->scene.victim;
	child = tree_grow(tree, victim, "child");
	tree_grow(tree, child, "grandchild");
	actor_tell(victim, ACT_EXIT, 0, -1);
	assert_dead(victim);
	if (reaped)
		assert_int_equal(actor_do(tree->scene.holder, ACT_WAITPID, victim->pid, 0),
				 victim->pid);
	return child;
}

/* @child forks once more; then the release, by which all three die, and nobody else. */
static void tree_first_gone_end(struct tree *tree, struct actor *child, enum release release)
{
	tree_grow(tree, child, "born after the first was gone");
	scene_release(&tree->scene, release);
	assert_killed(tree->members[0]);
	assert_killed(tree->members[1]);
	assert_killed(tree->members[2]);
	fence();
	assert_alive(tree->scene.sibling);
	assert_alive(tree->scene.unarmed);
	assert_alive(tree->scene.bystander);
	scene_end(&tree->scene);
}

CASE(T9_first_child_gone, WAY_PRCTL, 0, "long before the release; the rest dies", TREE_ONLY)
{
	unsigned int i, reaped;

	for (reaped = 0; reaped < 2; reaped++)
		for (i = 0; i < ENDS; i++) {
			struct actor *child;
			struct tree tree;

			step("release %u%s", i, reaped ? ", reaped" : "");
			child = tree_first_gone(&tree, reaped);
			tree_first_gone_end(&tree, child, three_ends[i]);
		}
}

/*
 * The first child is reaped, and then a clone by its creator fails at once, before it has got as
 * far as a task. That is not the clone that has made the first child (NEWBORN_LIVED in
 * bpf/mutant.bpf.h).
 */
CASE(T9_first_gone_then_failed_fork, WAY_PRCTL, 0,
     "first child reaped, its creator's next clone fails early: the others die", TREE_ONLY)
{
	struct spawn refused = { .exit_signal = SIGCHLD, .clone_flags = CLONE_NEWNS | CLONE_FS };
	struct actor *child, *none;
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct tree tree;

		step("release %u", i);
		child = tree_first_gone(&tree, true);
		assert_int_equal(actor_try_spawn(tree.scene.holder, "cannot be", &refused, false,
						 &none),
				 -EINVAL);
		tree_first_gone_end(&tree, child, three_ends[i]);
	}
}

/* The tree is empty before its release: nobody is killed, also not who has a member's old pid. */
CASE(T9_empty, WAY_PRCTL, 0, "all gone before, and a pid planted: it lives", TREE_ONLY)
{
	struct actor *holder = actor_start("holder");
	struct actor *first = spawn_tethered(holder, "first", SPAWN_TREE);
	struct actor *child = spawn_plain(first, "child", 0), *stranger;
	struct spawn plant = { .exit_signal = SIGCHLD, .set_tid = child->pid };

	actor_end(first);
	actor_end(child);
	actor_reap(child);
	stranger = actor_plant(holder, "stranger with the child's pid", &plant);
	actor_must(holder, ACT_CLOSE, 0);
	fence();
	assert_alive(stranger);
	assert_alive(holder);
}

CASE(T10_exec, WAY_PRCTL, 0, "by the leader, by threads; leaders gone", TREE_ONLY)
{
	unsigned int i;
	int err;

	for (i = 0; i < ENDS; i++) {
		struct actor *by_leader, *by_thread, *leaderless;
		struct tree tree;

		step("release %u", i);
		tree_build(&tree);
		by_leader = tree_grow(&tree, tree.scene.victim, "execs");
		assert_true(actor_exec(by_leader, PROGRAM_PLAIN, false, &err));
		by_thread = tree_grow(&tree, tree.scene.victim, "execs by a thread");
		assert_true(actor_exec(by_thread, PROGRAM_PLAIN, true, &err));
		assert_true(actor_exec(by_thread, PROGRAM_PLAIN, true, &err));
		tree_grow(&tree, by_leader, "child of who has exec'ed");
		tree_grow(&tree, by_thread, "child of who has exec'ed by a thread");
		leaderless = tree_grow(&tree, tree.scene.victim, "its leader has left");
		actor_must(leaderless, ACT_LEADER_EXITS, 0);
		assert_true(proc_state_wait(leaderless->pid, 'Z'));
		tree_grow(&tree, leaderless, "child of the leaderless");
		assert_true(actor_exec(tree.scene.victim, PROGRAM_PLAIN, true, &err));
		tree_play_out(&tree, i);
	}
}

CASE(T10_exec_storm, WAY_PRCTL, 0, "by threads again and again, in the release", TREE_ONLY)
{
	int round;

	for (round = 0; round < the_rounds; round++) {
		struct actor *holder = actor_start("holder");
		struct actor *sibling = spawn_plain(holder, "sibling", 0);
		struct actor *victim = spawn_tethered(holder, "victim", SPAWN_TREE);
		struct actor *member = spawn_plain(victim, "member", 0);
		struct life life;

		step("round %d", round);
		life_make(&life);
		actor_tell(member, ACT_STORM, 0, life.write);
		close(life.write);
		life_sign(&life);
		life_sign(&life);
		if (round & 1)
			actor_end(holder);
		else
			actor_must(holder, ACT_CLOSE, 0);
		assert_killed(victim);
		assert_dead(member); /* not of SIGKILL always: see X14_exec_storm */
		close(life.read);
		assert_alive(sibling);
		stage_clear();
	}
}

CASE(T11_stopped_traced_frozen, WAY_PRCTL, NEED_CGROUP, "and deaf members", TREE_ONLY)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct actor *stopped, *traced, *frozen, *deaf;
		struct tree tree;

		step("release %u", i);
		tree_build(&tree);
		stopped = tree_grow(&tree, tree.scene.victim, "stopped");
		actor_stop(stopped);
		traced = tree_grow(&tree, tree.scene.victim, "traced");
		actor_must(actor_start("tracer"), ACT_TRACE, traced->pid);
		assert_true(proc_state_wait(traced->pid, 't'));
		frozen = tree_grow(&tree, tree.scene.victim, "frozen");
		assert_int_equal(cgroup_make("frozen", NULL), 0);
		assert_int_equal(cgroup_enter("frozen", frozen->pid), 0);
		assert_true(cgroup_freeze("frozen"));
		deaf = tree_grow(&tree, tree.scene.victim, "deaf");
		actor_must(deaf, ACT_DEAF, 0);
		/* nobody of the tree can run, if not the deaf one */
		actor_stop(tree.scene.victim);
		tree_play_out(&tree, i);
	}
}

#define T12_MEMBERS 1000
#define T12_BYSTANDERS 10000
#define T12_AT_ONCE                                                                                \
	500 /* so many are made or ended between two answers: each answer has a deadline */

CASE(T12_many, WAY_PRCTL, NEED_STACK_CLONE, "1,000 members die, 10,000 bystanders live", TREE_ONLY)
{
	struct actor *holder, *victim, *crowd;
	struct life members, bystanders;
	struct pollfd pfd;

	assert_int_equal(sysctl_set("/proc/sys/kernel/threads-max", "60000"), 0);
	holder = actor_start("holder");
	victim = spawn_tethered(holder, "victim", SPAWN_TREE);
	crowd = actor_start("crowd");
	life_make(&members);
	life_make(&bystanders);
	step("bystanders");
	for (int n = 0; n < T12_BYSTANDERS; n += T12_AT_ONCE)
		assert_int_equal(actor_do_fd(crowd, ACT_CROWD, T12_AT_ONCE, bystanders.write),
				 T12_AT_ONCE);
	close(bystanders.write);
	step("members");
	for (int n = 0; n < T12_MEMBERS; n += T12_AT_ONCE)
		assert_int_equal(actor_do_fd(victim, ACT_CROWD, T12_AT_ONCE, members.write),
				 T12_AT_ONCE);
	close(members.write);
	step("release");
	actor_must(holder, ACT_CLOSE, 0);
	assert_killed(victim);
	life_over(&members);
	fence();
	/* each bystander holds its end, and tells when it ends */
	pfd = (struct pollfd){ .fd = bystanders.read, .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_int_equal(actor_do(crowd, ACT_CROWD_COUNT, 0, 0), T12_BYSTANDERS);
	step("end");
	for (int n = 0; n < T12_BYSTANDERS; n += T12_AT_ONCE)
		assert_int_equal(actor_do(crowd, ACT_CROWD_END, T12_AT_ONCE, 0), T12_AT_ONCE);
	actor_end(crowd);
	close(bystanders.read);
}

CASE(T13_process_scope, WAY_BOTH, 0, "without the flag, descendants live on", NULL)
{
	struct actor *holder = actor_start("holder");
	struct actor *victim = spawn_tethered(holder, "victim", 0);
	struct actor *child = spawn_plain(victim, "child", 0);
	struct actor *grandchild = spawn_plain(child, "grandchild", 0);

	actor_must(holder, ACT_CLOSE, 0);
	assert_killed(victim);
	fence();
	assert_alive(child);
	assert_alive(grandchild);
}

CASE(T14_other_ways_to_fork, WAY_PRCTL, NEED_STACK_CLONE,
     "posix_spawn, vfork, clone, CLONE_PARENT, shared files", TREE_ONLY)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct spawn beside = { .clone_flags = CLONE_PARENT };
		struct spawn vfork_like = { .how = SPAWN_VFORK, .exit_signal = SIGCHLD };
		struct spawn legacy = { .how = SPAWN_LEGACY, .exit_signal = SIGCHLD };
		struct spawn shared = { .how = SPAWN_KEEP_FDS,
					.clone_flags = CLONE_FILES | CLONE_FS,
					.exit_signal = SIGCHLD };
		struct actor *victim;
		struct tree tree;

		step("release %u", i);
		tree_build(&tree);
		victim = tree.scene.victim;
		tree_member(&tree, actor_spawn(victim, "by CLONE_PARENT", &beside));
		tree_member(&tree, actor_spawn(victim, "by clone()", &legacy));
		tree_member(&tree, actor_spawn(victim, "with shared files", &shared));
		tree_member(&tree, actor_spawn_program(victim, "by posix_spawn()"));
		/* the creator waits from here on */
		tree_member(&tree, actor_spawn(tree_grow(&tree, victim, "in vfork"),
					       "vfork's child", &vfork_like));
		tree_play_out(&tree, i);
	}
}

/* On 6.16 to 7.0 a failed fork destroys the parent's task storage, an RCU grace period later. */
CASE(T15_failed_forks, WAY_PRCTL, NEED_CGROUP | NEED_PIDS,
     "forks that fail, RCU, fork again: still a member", TREE_ONLY)
{
	struct spawn plain = { .exit_signal = SIGCHLD };
	unsigned int i;

	for (i = 0; i < ENDS; i++) {
		struct actor *member, *child;
		struct tree tree;
		int fork_no;

		step("release %u", i);
		tree_build(&tree);
		member = tree_grow(&tree, tree.scene.victim, "member");
		assert_int_equal(cgroup_make("full", "pids"), 0);
		assert_int_equal(cgroup_enter("full", member->pid), 0);
		assert_int_equal(cgroup_set("full", "pids.max", "1"), 0);
		for (fork_no = 0; fork_no < 3; fork_no++) {
			assert_int_equal(actor_try_spawn(member, "cannot be", &plain, false,
							 &child),
					 -EAGAIN);
			actor_must(member, ACT_RCU, 0);
		}
		assert_int_equal(cgroup_set("full", "pids.max", "max"), 0);
		tree_grow(&tree, member, "born after forks that failed");
		tree_grow(&tree, tree.members[1], "its child");
		tree_play_out(&tree, i);
	}
}

CASE(T16_tree, WAY_PRCTL, NEED_CGROUP, "closer's parent stopped, traced, frozen, in vfork",
     TREE_ONLY)
{
	unsigned int parent, stopped;

	for (parent = PARENT_STOPPED; parent < HOLDER_PARENTS; parent++)
		for (stopped = 0; stopped < 2; stopped++) {
			struct tree tree;

			if (parent == PARENT_GONE)
				continue; /* T18 */
			step("parent %u%s", parent, stopped ? ", victim stopped" : "");
			tree_build(&tree);
			tree_grow(&tree, tree.scene.victim, "child");
			if (stopped)
				actor_stop(tree.scene.victim);
			scene_parent(&tree.scene, parent);
			scene_release(&tree.scene, RELEASE_SIGKILL);
			assert_killed(tree.members[0]);
			scene_check(&tree.scene);
			scene_end(&tree.scene);
		}
}

/* The guard goes down the tree, and up to no one. */
CASE(T17_guard, WAY_PRCTL, NEED_PROGRAMS, "goes down the tree", TREE_ONLY)
{
	struct actor *alice = actor_start("alice"), *victim, *child, *grandchild;
	int err;

	actor_must(alice, ACT_BECOME, ALICE);
	victim = spawn_tethered(alice, "guarded tree", SPAWN_TREE | SPAWN_GUARD);
	child = spawn_plain(victim, "child", 0);
	grandchild = spawn_plain(child, "grandchild", 0);
	assert_false(actor_exec(grandchild, PROGRAM_SUID, false, &err));
	assert_int_equal(err, -EPERM);
	assert_false(actor_exec(child, PROGRAM_SUID, true, &err));
	assert_int_equal(err, -EPERM);
	assert_true(actor_exec(grandchild, PROGRAM_PLAIN, false, &err));
	assert_true(actor_exec(alice, PROGRAM_SUID, false, &err));
	actor_end(alice);
	assert_killed(victim);
	assert_killed(child);
	assert_killed(grandchild);
}

/* Every release under every parent of the holder, as X6 and X7 have it for one process. */
CASE(T18_all_releases, WAY_PRCTL, 0, "X6, X7, X8 with a tree", TREE_ONLY)
{
	unsigned int parent, release;

	for (parent = 0; parent <= PARENT_GONE; parent++)
		for (release = 0; release < RELEASES; release++) {
			struct tree tree;

			step("release %u, parent %u", release, parent);
			tree_build(&tree);
			tree_grow(&tree, tree_grow(&tree, tree.scene.victim, "child"),
				  "grandchild");
			scene_parent(&tree.scene, parent);
			scene_release(&tree.scene, release);
			assert_killed(tree.members[0]);
			assert_killed(tree.members[1]);
			scene_check(&tree.scene);
			scene_end(&tree.scene);
		}
}
