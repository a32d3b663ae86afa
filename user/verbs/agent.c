// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent.c - kill on behalf of the programs, where the kernel is older than 6.18
 *
 * agent/agent.c is the engine. This file decides whether there is anything to do, sees that there
 * is one agent only, checks what it may, tells how it ended, and speaks to systemd.
 *
 * A flock() on the folder of the pinned maps keeps a second agent out. It ends with the process.
 * It is not the lock that load and unload take, which is on the folder above.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/agent.h"
#include "kernel/beat.h"
#include "kernel/for_agent.h"
#include "base/cleanup.h"
#include "base/msg.h"
#include "kernel/pins.h"
#include "base/place.h"
#include "agent/privileges.h"
#include "agent/proof.h"
#include "verbs/verbs.h"
#include "agent/victim.h"
#include "verbs/view.h"

#define MAPS_DIR AUTOKILL_PIN_DIR "/maps"
#define AGENT_PIN MAPS_DIR "/agent"

static const struct argp argp = {
	.parser = verb_no_arguments,
	.children = verb_help,
	.doc = "Send the SIGKILL that the programs cannot send on Linux 6.1 to 6.17. Runs "
	       "until SIGTERM or SIGINT, or until autokill is unloaded. A supervisor "
	       "(autokill-agent.service) should start it again.\v"
	       "Without an agent nobody can arm, and released children wait for their kill."
	       "\n\n"
	       "Exit status: 0 ended in good order, or not needed on this kernel; 1 failed; "
	       "2 usage.",
};

struct service {
	const struct kernel_side *kernel;
	struct stat pin; /* of maps/agent, when we began */
	bool unloaded;	 /* it went in good order, by autokill unload */
	bool removed;	 /* it went otherwise */
	bool watchdog;	 /* systemd wants a sign of life */
	struct agent_numbers told;
};

static void service_ready(void *ctx)
{
	(void)ctx;
	sd_notify(0, "READY=1\nSTATUS=no victim so far");
	msg_info("agent: ready, pid %d", getpid());
}

static bool pin_there(const struct service *s)
{
	struct stat now;

	return !stat(AGENT_PIN, &now) && now.st_ino == s->pin.st_ino && now.st_dev == s->pin.st_dev;
}

static void status_tell(struct service *s, const struct agent_numbers *n)
{
	if (n->killed == s->told.killed && n->dying == s->told.dying)
		return;
	s->told = *n;
	sd_notifyf(0, "STATUS=%llu victims so far, %zu of them not gone yet", n->killed, n->dying);
}

/* Once a second, which is soon enough to see that the pins are gone. */
static int service_beat(void *ctx, const struct agent_numbers *n)
{
	struct service *s = ctx;
	struct autokill_config c;

	if (s->watchdog)
		sd_notify(0, "WATCHDOG=1");
	status_tell(s, n);
	if (pin_there(s))
		return 0;
	/* unload closes the door before it removes anything. */
	s->unloaded = !kernel_side_config(s->kernel, &c) && c.ready == AUTOKILL_NOT_READY;
	s->removed = !s->unloaded;
	return 1;
}

static int lock_explain(const struct kernel_side *k, int err)
{
	struct autokill_agent other;

	if (err == -EWOULDBLOCK && !beat_read(k, &other) && other.pid)
		msg_error("agent: already running, as pid %u: one is enough; end that one first",
			  other.pid);
	else if (err == -EWOULDBLOCK)
		msg_error(
			"agent: another one is just starting or ending: one is enough; wait for it");
	else
		msg_error("agent: cannot lock %s: %s; see autokill status", MAPS_DIR,
			  strerror(-err));
	return 1;
}

/*
 * Can we find out which process a pidfd stands for? We know it of ourselves. Not 0 after a
 * message.
 */
static int self_check(const struct kernel_side *k)
{
	_cleanup_close_ int pidfd = victim_open(getpid());
	_cleanup_found_ struct autokill_identity *found = found_map(k);
	struct autokill_identity self = {};
	int err = found ? 0 : -errno;

	if (!err && pidfd < 0)
		err = pidfd;
	if (found && !err) {
		*found = (struct autokill_identity){ .pidfd = pidfd };
		err = victims_identify(k, 1);
		self = *found;
	}
	if (err) {
		msg_error(
			"agent: cannot ask the kernel who a process is: %s; run it as root, outside "
			"of containers",
			strerror(-err));
		return 1;
	}
	if (self.tgid != (__u32)getpid()) {
		msg_error("agent: it is in a pid namespace, as pid %d, where victims have other "
			  "numbers: start it outside",
			  getpid());
		return 1;
	}
	return 0;
}

static int signals_take(void)
{
	_cleanup_close_ int fd = -1;
	sigset_t taken;

	sigemptyset(&taken);
	sigaddset(&taken, SIGTERM);
	sigaddset(&taken, SIGINT);
	sigaddset(&taken, SIGHUP);
	fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &taken, NULL);
	signal(SIGPIPE, SIG_IGN); /* the reader of our messages may go */
	return TAKE_FD(fd);
}

static void end_explain(const struct service *s, int stop_fd)
{
	struct signalfd_siginfo info;

	if (s->unloaded)
		msg_info("agent: autokill was unloaded: nothing is left to do");
	else if (read(stop_fd, &info, sizeof(info)) == sizeof(info))
		msg_info(
			"agent: ended by SIG%s; nobody can arm, and what is released waits, until it "
			"runs again",
			sigabbrev_np(info.ssi_signo));
}

/* Before the first heartbeat: nobody may arm a child that we cannot kill. Not 0 after a message. */
static int killing_prove(const struct kernel_side *k, struct proof *proof)
{
	int err = proof_kill(proof, k);

	if (err)
		msg_error(
			"agent: it cannot kill a process of another uid: %s; start it with CAP_KILL, "
			"and without a seccomp filter or a security module that forbids signals",
			err == -ETIMEDOUT ? "the signal was accepted, and it lives"
					  : strerror(-err));
	return err;
}

static int serve(const struct kernel_side *k, struct proof *proof)
{
	struct service s = { .kernel = k, .watchdog = sd_watchdog_enabled(0, NULL) > 0 };
	struct agent_hooks hooks = { .ready = service_ready, .beat = service_beat, .ctx = &s };
	_cleanup_close_ int stop_fd = signals_take();
	int err = stop_fd < 0 ? stop_fd : 0;

	if (!err && stat(AGENT_PIN, &s.pin))
		err = -errno;
	if (!err)
		err = privileges_drop();
	if (err) {
		msg_error("agent: cannot start: %s; it needs root and CAP_KILL", strerror(-err));
		return 1;
	}
	if (killing_prove(k, proof))
		return 1;
	hooks.stop_fd = stop_fd;
	err = agent_run(k, &hooks);
	sd_notify(0, "STOPPING=1");
	if (err)
		msg_error("agent: stopped working: %s; start it again", strerror(-err));
	else if (s.removed)
		msg_error(
			"agent: %s was removed, or replaced, under it: it would not hear of new "
			"tethers; if autokill status says loaded, start it again, else load first",
			AGENT_PIN);
	else
		end_explain(&s, stop_fd);
	return err || s.removed;
}

int cmd_agent(int argc, char **argv)
{
	_cleanup_kernel_side_ struct kernel_side k = KERNEL_SIDE_CLOSED;
	_cleanup_close_ int lock = -1;
	_cleanup_(proof_end) struct proof proof = { .pid = -1, .end = -1 };
	struct autokill_config config;
	char why[PLACE_TEXT_MAX];
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (place_wrong(why)) {
		msg_error("agent: %s", why);
		return 1;
	}
	if (view_open("agent", &k, &config))
		return 1;
	if (config.kill != KILL_AGENT) {
		msg_info(
			"agent: this kernel needs none: the programs kill by themselves (Linux 6.18 "
			"and newer)");
		return 0;
	}
	lock = pins_lock_existing(MAPS_DIR);
	if (lock < 0)
		return lock_explain(&k, lock);
	if (self_check(&k))
		return 1;
	err = privileges_secure();
	if (err)
		msg_warn(
			"agent: the OOM killer may take it: %s: %s; start it with all capabilities, "
			"or with OOMScoreAdjust=-1000 in its unit",
			"/proc/self/oom_score_adj", strerror(-err));
	if (!place_memory()) {
		msg_error("agent: its memory is limited to less than 64 MiB: start it without "
			  "RLIMIT_AS and RLIMIT_DATA (ulimit -v, ulimit -d)");
		return 1;
	}
	err = proof_make(&proof);
	if (err == -ETIMEDOUT) {
		msg_error("agent: the child on which it tests its kills did not get to run: this "
			  "machine is too busy; start it again");
		return 1;
	}
	if (err) {
		msg_error(
			"agent: cannot make a child of another uid, on which to test its kills: %s; "
			"start it as root, with CAP_SETUID, which it gives up",
			strerror(-err));
		return 1;
	}
	return serve(&k, &proof);
}
