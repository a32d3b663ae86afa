#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# agent.sh - in a guest with a kernel from 6.1 to 6.17: the agent, how it idles, how it ends, what
# it refuses
#
# tests/stress/agent.c and agentkill.c have what happens to tethers when something happens to the
# agent.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
pins=/sys/fs/bpf/autokill

# until_ok COMMAND... - for 20 s at most
until_ok()
{
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 400 ] || { echo "not within 20 s: $*"; return 1; }
		usleep 50000
	done
}
fails() { ! "$@"; }

# exits STATUS TEXT COMMAND... - exits so, and says so on stderr
exits()
{
	want=$1 text=$2
	shift 2
	"$@" 2>/tmp/err
	got=$?
	cat /tmp/err
	[ $got = "$want" ] || { echo "status $got, not $want"; return 1; }
	grep -q -- "$text" /tmp/err || { echo "does not say: $text"; return 1; }
	[ "$(wc -l </tmp/err)" = 1 ] || { echo 'more than one line'; return 1; }
}

# begin [COMMAND...] - an agent in the background; $agent is its pid
begin()
{
	[ $# -gt 0 ] || set -- autokill agent
	"$@" 2>/tmp/agent.err &
	agent=$!
	until_ok autokill status
}

# ends STATUS TEXT - the agent ends so by itself, or has been told to
ends()
{
	(usleep 20000000; kill -KILL $agent) 2>/dev/null &
	wait $agent
	got=$?
	kill $! 2>/dev/null
	cat /tmp/agent.err
	[ $got = "$1" ] || { echo "status $got, not $1"; return 1; }
	grep -q -- "$2" /tmp/agent.err || { echo "does not say: $2"; return 1; }
}

has() { echo "$2"; echo "$2" | grep -q -- "$1"; }
of_agent() { sed -n "s/^$1:[[:space:]]*\([^ ]*\).*/\1/p" /proc/$agent/status; }
counter() { autokill status --json | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
no_tether() { [ "$(autokill ps --json | wc -l)" = 0 ]; }
one_tether() { [ "$(autokill ps --json | wc -l)" = 1 ]; }
one_waits() { autokill status | grep -q '^kills   1 waiting for the agent, the oldest for'; }
victim() { autokill ps --json | sed 's/.*"pid":\([0-9]*\).*/\1/'; }
members() { autokill ps --json | grep -q "\"members\":$1[,}]"; }
drawn() { autokill ps --tree | tee /tmp/out; [ "$(grep -c -e '[|`]-[0-9]* ' /tmp/out)" = "$1" ]; }
dead() { [ ! -d "/proc/$1" ] || grep -q '^State:.[ZX]' "/proc/$1/status"; }

# hold COMMAND... - tethered, in the background; $run is the holder, $child the tethered one
hold()
{
	"$@" &
	run=$!
	until_ok one_tether
	child=$(victim)
}

# 10 s, which are counted: the heartbeat and nothing else
# One heartbeat a second. On a busy machine the ten seconds are some more, so they are measured.
uptime_s() { sed 's/\..*//' /proc/uptime; }
idle()
{
	before=$(of_agent voluntary_ctxt_switches)
	begun=$(uptime_s)
	sleep 10
	woken=$(($(of_agent voluntary_ctxt_switches) - before))
	span=$(($(uptime_s) - begun))
	echo "woken $woken times in $span s"
	[ $woken -ge $((span - 1)) ] && [ $woken -le $((span + 1)) ]
}
status_without_agent() { ! autokill status >/tmp/out && grep '^agent   NOT RUNNING$' /tmp/out; }
doctor_without_agent()
{
	autokill doctor >/tmp/out
	got=$?
	cat /tmp/out
	[ $got = 2 ] && grep -q '^FAIL  agent: needed, and not alive$' /tmp/out
}
load_says() { autokill load 2>&1 | tail -n 1 | grep 'systemctl start autokill-agent, or: autokill agent$'; }
refuses_arguments()
{
	autokill agent here 2>/tmp/out
	[ $? = 2 ] && grep 'takes no arguments' /tmp/out
}
small() { echo "$(of_agent VmRSS) kB resident"; [ "$(of_agent VmRSS)" -lt 8192 ]; }

uname -r
check 'without load' exits 1 'not loaded' autokill agent
check 'load says what to start' load_says
check 'without root' exits 1 'ask the administrator to run: autokill agent' \
	su alice -s /bin/sh -c 'autokill agent'
check 'an argument' refuses_arguments
check 'without an agent nobody can arm' exits 125 'no agent is alive' autokill run true
check 'status says so, and fails' status_without_agent
check 'doctor says so, and cannot tell' doctor_without_agent
check 'in a pid namespace' exits 1 'pid namespace' unshare -p -f autokill agent
check 'without CAP_KILL' exits 1 'CAP_KILL' setpriv --bounding-set=-kill autokill agent

begin
check 'it runs' until_ok autokill status
check 'started twice' exits 1 "already running, as pid $agent" autokill agent
check 'doctor' autokill doctor
check 'a second does not disturb the first' autokill status
check 'it is small' small
check 'idle: no wake-ups but the heartbeat' idle
check 'capabilities: CAP_KILL alone' has '^0000000000000020 0000000000000020 0000000000000020$' \
	"$(of_agent CapPrm) $(of_agent CapEff) $(of_agent CapBnd)"
check 'no new privileges' has '^1$' "$(of_agent NoNewPrivs)"
check 'not for the OOM killer' has '^-1000$' "$(cat /proc/$agent/oom_score_adj)"

hold su alice -s /bin/sh -c 'exec autokill run sleep 1000'
kill -KILL $run
check "another user's child dies" until_ok dead "$child"
check 'and its tether goes' until_ok no_tether

hold autokill run sleep 1000
kill -STOP $agent
kill -KILL $run
check 'stopped: the kill waits, and status tells' until_ok one_waits
check 'the child waits, too' fails dead "$child"
check 'after 3 s it is not alive' until_ok fails autokill status
check 'and nobody can arm' exits 125 'no agent is alive' autokill run true
kill -CONT $agent
check 'it goes on: the child dies' until_ok dead "$child"
check 'and the tether goes' until_ok no_tether
check 'and programs can arm' autokill run true

# Without an agent a child that forks dies by its own fork.
hold autokill run sh -c 'while :; do /bin/true; done'
before=$(counter killed_by_self)
kill -KILL $agent
kill -KILL $run
check 'killed: a child that forks dies all the same' until_ok dead "$child"
check 'by itself' has '^1$' $(($(counter killed_by_self) - before))
begin
check 'the next agent clears up' until_ok no_tether

hold autokill run sleep 1000
kill -KILL $agent
kill -KILL $run
check 'killed: the kill waits' until_ok one_waits
check 'the child waits, too' fails dead "$child"
begin
check 'the next agent kills it' until_ok dead "$child"
check 'and the tether goes' until_ok no_tether

# A tree: its members wait as well, and the next agent sweeps.
hold autokill run --tree sh -c 'sleep 1000 & setsid sh -c "sleep 1000; true" & wait'
check 'a tree: four members' until_ok members 4
check 'ps --tree shows them' drawn 4
kill -KILL $run
check 'it dies' until_ok no_tether
check 'all of it' fails pidof sleep
hold autokill run --tree sh -c 'sleep 1000 & setsid sh -c "sleep 1000; true" & wait'
check 'another: four members' until_ok members 4
kill -KILL $agent
kill -KILL $run
check 'killed: the kill of a tree waits' until_ok one_waits
check 'its members wait, too' members 4
begin
check 'the next agent kills them' until_ok no_tether
check 'all of them' fails pidof sleep
hold autokill run --tree sh -c 'while :; do /bin/true; done'
before=$(counter refused_released)
kill -KILL $agent
kill -KILL $run
check 'killed: members that fork die all the same' until_ok dead "$child"
check 'by their own fork' fails has '^0$' $(($(counter refused_released) - before))
begin
check 'the next agent clears up' until_ok no_tether

kill -TERM $agent
check 'SIGTERM' ends 0 'ended by SIGTERM; nobody can arm'
check 'status says that it ended' status_without_agent
begin
kill -INT $agent
check 'Ctrl-C' ends 0 'ended by SIGINT'
begin
kill -HUP $agent
check 'the terminal hangs up' ends 0 'ended by SIGHUP'

begin setpriv --bounding-set=-sys_resource autokill agent
check 'without CAP_SYS_RESOURCE it warns of the OOM killer' grep -q 'warning: agent: the OOM killer' /tmp/agent.err
check 'and works' autokill run true
rm $pins/maps/agent
check 'its pin is removed' ends 1 'was removed, or replaced, under it'
check 'load again after that: unload' autokill unload --force
check 'load' autokill load
begin
autokill unload
check 'unloaded in good order' ends 0 'unloaded: nothing is left to do'
autokill load
begin
autokill unload
autokill load
check 'unloaded and loaded again' ends 0 'unloaded: nothing is left to do'

notify 4 autokill agent >/tmp/notes 2>/tmp/err
check 'it ends as a service' has '^0$' $?
check 'a service: says when it is ready, shows life, says when it stops' has '^READY=1 .*\(WATCHDOG=1 \)\{3,5\}STOPPING=1 $' \
	"$(tr '\n' ' ' </tmp/notes)"
check 'nothing is left in the maps' maps_empty
check 'unload' autokill unload
finish
