#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# flags.sh OPTION... - in a guest before 7.1: the program `flags` with these options, and what it leaves behind
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

all_settled() { dump globals | grep -w n_clone3s | tee /dev/stderr | grep -q ': 0'; }

lines=$(warnings | wc -l)
uname -r
autokill load || exit 1
agent_start || exit 1
flags "$@"
status=$?
check 'nothing is owed to any struct' all_settled
check 'every map is empty' maps_empty
check 'no new line of level warning or worse in dmesg' quiet "$lines"
autokill status
check 'the agent ends in good order' agent_stop
check 'unload' autokill unload
finish && [ $status = 0 ]
