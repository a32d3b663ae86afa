#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# mutants.sh NAME FILTER... - in a guest: each mutant in /mutants must fail what the real build
# passes
set -uf

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

conformance --plant-veto || exit 1 # before load, as in suite.sh

# result FILTER - what the suite says: "pass", "fail", or "nothing" if it ran no test
result()
{
	# Nearly all of the time goes into waiting for what a mutant does not do. The real build
	# must keep it, too.
	conformance --via prctl --filter "$1" --deadline 5000 >/tmp/log 2>&1
	status=$?
	grep -q '^0 passed, 0 failed' /tmp/log && { echo nothing; return; }
	if [ $status = 0 ]; then echo pass; else echo fail; fi
}

verdict()
{
	if [ "$1" = "$2" ]; then
		passed=$((passed + 1))
		printf '%-18s %-8s %s\n' "$3" "$4" "$5"
	else
		failed=$((failed + 1))
		printf '%-18s %-8s %s\n' "$3" "$4" "NOT CAUGHT, or a false alarm: $1"
		cat /tmp/log
	fi
}

while [ $# -gt 1 ]; do
	name=$1 filter=$2
	shift 2
	autokill load 2>/tmp/log || exit 1
	verdict "$(result "$filter")" pass real "$filter" 'passes'
	autokill unload
	if "/mutants/$name" load 2>/tmp/log; then
		verdict "$(result "$filter")" fail "$name" "$filter" "caught: $(grep -c '^\[  FAILED  \] [A-Z]' /tmp/log) failures"
		"/mutants/$name" unload --force 2>/dev/null
	else
		verdict caught caught "$name" load 'caught: the canary lived'
	fi
done
finish
