#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# ladder.sh - in a guest, 6.18: a kernel that refuses what its BTF promises gets the next rung, is told so, and kills
#
# load --spoil makes the kernel refuse a program.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

# goes SPOILED LINES WORDS - it loads, after so many lines of what was refused, these words are in fell_back, and it serves
goes()
{
	check "without $1: load" autokill load "--spoil=$1"
	cp /tmp/check.log /tmp/load.log
	check 'a line for each rung given up' [ "$(grep -c 'load: this kernel refuses' /tmp/load.log)" = "$2" ]
	check 'the proof is whole' grep -q 'killed in \([89]\) of \1 ways' /tmp/load.log
	check 'an agent, if it is needed' agent_start_if_asked
	check 'status' autokill status
	check 'status names what was refused' \
		[ "$(autokill status --json | sed 's/.*"fell_back":\[\([^]]*\)\].*/\1/; s/[",]/ /g' | xargs)" = "$3" ]
	check 'it serves' autokill run --tree true
	check 'the agent ends' agent_stop
	check 'unload' autokill unload
}

goes autokill_clone3_in_kprobe 1 native
goes autokill_rlimit 1 rlimit
goes autokill_born:2 1 task-work-impl
goes autokill_unbirth 3 lsm

check 'doctor with nothing loaded' autokill doctor
if autokill load --spoil=autokill_prctl 2>/tmp/err; then
	check 'what has no rung below is refused' false
else
	check 'what has no rung below is refused' grep -q "prog 'autokill_prctl'" /tmp/err
fi
check 'and nothing is left' sh -c '! ls /sys/fs/bpf/autokill'
finish
