#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# must_escape.sh N BATCHES - in a guest: of /mutant somebody must get away; of /slow, whose sweeps
# are as slow, nobody
#
# The mutant is given N trees after N trees, until it is caught. The other one gets N, once.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

# survivors - escape, to its end: "yes" or "no", else what came of it
survivors()
{
	escape "$n" >/tmp/log 2>&1
	sed 's/ passed, / passed by it, /' /tmp/log >&2
	if ! grep -q '^[0-9]* passed, [0-9]* failed' /tmp/log; then
		echo 'not told: the test did not come to its end'
	elif grep -q '^FAIL trees that had survivors' /tmp/log; then
		echo yes
	else
		echo no
	fi
}

caught()
{
	batch=0
	while [ $batch -lt "$batches" ]; do
		batch=$((batch + 1))
		[ "$(survivors)" = yes ] && return
	done
	echo "NOT CAUGHT in $batch times $n trees"
	return 1
}

no_false_alarm()
{
	found=$(survivors)
	[ "$found" = no ] || { echo "a false alarm: $found"; return 1; }
}

n=$1 batches=$2
/mutant load || exit 1
check 'somebody gets away from the mutant' caught
/mutant unload --force
/slow load || exit 1
check 'nobody gets away from the build that is as slow' no_false_alarm
/slow unload --force
finish
