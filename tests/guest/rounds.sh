#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rounds.sh N SECONDS - in a guest: load, let SECONDS pass without a process of ours, then N rounds of each release
#
# The wait is the point: what is loaded must go on by itself, long after the loader has gone.
set -u

passed=0 failed=0

check()
{
	name=$1
	shift
	if "$@"; then passed=$((passed + 1)); echo "ok      $name"; else failed=$((failed + 1)); echo "FAILED  $name"; fi
}

no_loader() { ! pidof autokill; }
is_empty() { [ "$(bpftool map dump pinned "/sys/fs/bpf/autokill/maps/$1")" = '[]' ]; }
# Records of tasks go when the task_struct does, an RCU grace period after the exit: 10 s at most.
empty()
{
	for map in tethers files works tasks; do
		tries=0
		until is_empty $map; do
			tries=$((tries + 1))
			[ $tries -lt 100 ] || { echo "$map is not empty"; return 1; }
			usleep 100000
		done
	done
}
quiet() { dmesg -r | grep '^<[0-4]>' | tail -n "+$((lines + 1))" >/tmp/new; cat /tmp/new; [ ! -s /tmp/new ]; }

lines=$(dmesg -r | grep -c '^<[0-4]>')
check 'load' autokill load
sleep "$2"
check "no process of ours for $2 s" no_loader
conformance --via prctl --stress "$1"
check 'every map is empty' empty
check 'no new line of level warning or worse in dmesg' quiet
autokill status
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
