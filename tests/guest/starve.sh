#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# starve.sh N - in a guest: a user's preempted processes take no request away from another user, of N; nor root's load
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

check 'root loads in spite of it' starve --loopers 60 --while 'autokill load'
check 'doctor and status say that it is loaded' starve --loopers 60 --while 'autokill doctor && autokill status'
check 'a user can run a command' starve --loopers 60 --while 'autokill run --tree true'
agent_start || exit 1
starve --requests "$1"
status=$?
autokill status | sed -n '/^Requests/,/^Births/p; /^PROGRAM/,$p'
finish || status=1
exit $status
