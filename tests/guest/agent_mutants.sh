#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# agent_mutants.sh NAME PART N... - in a guest: `agent PART N` must fail with the mutant's agent,
# and pass with ours
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

# verdict WANT PROGRAM NAME PART N
verdict()
{
	autokill load --ring-bytes 4096 2>/tmp/log || exit 1
	# 15 s: nearly all of the time goes into waiting for what a mutant does not do
	if agent "$4" "$5" "$2" 15 >/tmp/log 2>&1; then got=pass; else got=fail; fi
	if [ $got = "$1" ]; then
		passed=$((passed + 1))
		echo "$3, agent $4: ${got}, as it must"
		grep '^FAIL' /tmp/log
	else
		failed=$((failed + 1))
		echo "$3, agent $4: NOT CAUGHT, or a false alarm"
		cat /tmp/log
	fi
	autokill unload --force 2>/dev/null
}

echo 700 >/proc/sys/kernel/pid_max
while [ $# -gt 2 ]; do
	verdict pass autokill real "$2" "$3"
	verdict fail "/mutants/$1" "$1" "$2" "$3"
	shift 3
done
finish
