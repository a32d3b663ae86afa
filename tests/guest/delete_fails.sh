#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# delete_fails.sh FILTER... - in a guest: with /mutant, of which each second delete from a map
# fails, the suite has the same results
set -uf

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

same() { echo "$1, want $2"; [ "$1" = "$2" ]; }

conformance --plant-veto || exit 1 # before load, as in suite.sh
check 'the mutant loads' /mutant load
check 'the agent starts, where this kernel needs it' agent_start
for filter in $1; do
	check "the suite, $filter" conformance --via prctl --filter "$filter"
done
check 'one more tether, which has the last leftovers looked at' autokill run true
for what in tether task file; do
	check "a delete in maps/${what}s has failed" sh -c "autokill status --json | grep -q $what-delete"
done
check 'every map is empty all the same' maps_empty
autokill status | sed -n '/^room/p;/-delete/p;/later/p'
check 'nothing was forgotten for ever' sh -c '! autokill status --json | grep -q "\"later\""'
check 'nobody has a share of anything' same "$(dump users | grep -cE '"(tethers|tasks)": [1-9]')" 0
check 'the agent ends in good order' agent_stop
check 'unload' /mutant unload
finish
