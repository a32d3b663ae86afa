#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# library.sh N - in a guest: N calls of autokill_clone3() beside threads and signal handlers; fewer
# where clone3() is hidden
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

autokill load || exit 1
agent_start || exit 1
status=0
library --calls "$1" || status=1
library --calls "$(($1 / 10))" --hide-clone3 || status=1
library --calls "$(($1 / 2))" --bare || status=1
autokill status | sed -n '/^Requests/,/^Clones/p'
check 'no tether, file, request or guard is left' maps_empty
finish || status=1
exit $status
