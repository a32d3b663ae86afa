#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rtwait.sh SECONDS MICROSECONDS - in a guest with --icount: what tethers in a large room cost a
# real-time task
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

check 'load with room for 200,000' autokill load --room 200000
check 'the agent starts, where this kernel needs it' agent_start
rtwait "$@" >/tmp/rtwait.log
status=$?
cat /tmp/rtwait.log
check 'a real-time task waits no longer with tethers than without' test $status = 0
check 'every map is empty' maps_empty
check 'the agent ends in good order' agent_stop
check 'unload' autokill unload
finish
