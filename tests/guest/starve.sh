#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# starve.sh N LOOPERS - in a guest: a user's preempted processes take no request away from another
# user, of N; nor root's load
#
# LOOPERS a CPU during the load: it waits for many grace periods of RCU, which they make long.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

check 'root loads in spite of it' starve --loopers "$2" --while 'autokill load'
agent_start || exit 1
check 'status says that it is loaded' starve --while 'autokill status'
check 'run does its work' starve --while 'autokill run --tree true'
starve --requests "$1"
status=$?
autokill status | sed -n '/^Requests/,/^Births/p; /^PROGRAM/,$p'
finish || status=1
exit $status
