# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# lib.sh - what the scripts in this folder share: named checks, their count, and maps that empty

passed=0 failed=0

# check NAME COMMAND... - what COMMAND prints is shown if it fails
check()
{
	name=$1
	shift
	if "$@" >/tmp/check.log 2>&1; then
		passed=$((passed + 1))
		echo "ok      $name"
	else
		failed=$((failed + 1))
		echo "FAILED  $name"
		sed 's/^/        /' /tmp/check.log
	fi
}

# finish - the last line, and the exit status
finish()
{
	echo "$passed passed, $failed failed, 0 skipped"
	[ $failed = 0 ]
}

# built_by - what each of the clangs in /by has built loads, kills its canary and unloads
built_by()
{
	for by in /by/*; do
		check "the build of clang ${by#/by/} loads, kills its canary and unloads" sh -c "$by load && $by unload"
	done
}

# rungs - which of several ways are in use here, one line for the table of tests/vm/matrix
rungs()
{
	progs=/sys/fs/bpf/autokill/progs line=''
	has() { [ -e "$progs/autokill_$1" ] && line="$line${line:+ }$2"; }
	has birth lsm || has birth_tracing fmod_ret
	has release file_release || has release_tracing file_release_fn || has release_pidfd pidfd_release
	has agent agent || line="$line task_work"
	has clone3_in flags || line="$line kernel's_flags"
	echo "rungs: $line"
}

# kernel_before MAJOR MINOR - is the guest's kernel older
kernel_before()
{
	minor=$(uname -r)
	major=${minor%%.*}
	minor=${minor#*.}
	minor=${minor%%[!0-9]*}
	[ "$major" -lt "$1" ] || { [ "$major" = "$1" ] && [ "$minor" -lt "$2" ]; }
}

# agent_start_if_asked - where what is loaded asks for an agent; it is ready when this returns. Its pid is in $agent, else ''
agent=''
agent_start_if_asked()
{
	[ -e /sys/fs/bpf/autokill/maps/agent ] || return 0
	autokill agent 2>/tmp/agent.log &
	agent=$!
	tries=0
	until autokill status >/tmp/status.log; do
		tries=$((tries + 1))
		if [ $tries -gt 200 ] || ! kill -0 $agent; then
			cat /tmp/agent.log /tmp/status.log
			return 1
		fi
		usleep 50000
	done
}

# agent_start - the same where the kernel needs it: a fact, for which what is loaded is not asked
agent_start()
{
	agent_start_if_asked || return
	if kernel_before 6 18; then
		[ -n "$agent" ] || { echo 'this kernel needs an agent, and none is asked for'; return 1; }
	else
		[ -z "$agent" ] || { echo 'this kernel needs no agent, and one is asked for'; return 1; }
	fi
}

# agent_stop - end it in good order
agent_stop()
{
	[ -n "$agent" ] || return 0
	kill -TERM "$agent"
	wait "$agent" || { cat /tmp/agent.log; return 1; }
	agent=''
}

no_loader() { ! pidof autokill; }

dump() { bpftool map dump pinned "/sys/fs/bpf/autokill/maps/$1"; }
is_empty() { [ "$(dump "$1")" = '[]' ]; }

# Records of tasks go when the task_struct does, an RCU grace period after the exit: 10 s at most.
maps_empty()
{
	if kernel_before 6 18; then queue=waiting; else queue=works; fi
	for map in tethers files tasks members $queue; do
		tries=0
		until is_empty "$map"; do
			tries=$((tries + 1))
			[ $tries -lt 100 ] || { echo "$map:"; dump "$map"; return 1; }
			usleep 100000
		done
	done
}

# warnings - what the kernel's log has of level warning or worse, but for what an emulated CPU makes it say when
# the host lets it wait, and the line that kernels up to 6.12 write for any program that can write to user memory
warnings()
{
	dmesg -r | grep '^<[0-4]>' | grep -v -e 'hrtimer: interrupt took' \
		-e 'clocksource: ' -e 'TSC found unstable' -e 'bpf_probe_write_user helper that may corrupt user memory'
}
# quiet N - there are N of them
quiet() { warnings | tail -n "+$(($1 + 1))" >/tmp/new; cat /tmp/new; [ ! -s /tmp/new ]; }
