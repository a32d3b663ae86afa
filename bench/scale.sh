#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# scale.sh MOST ROUNDS N GROWTH_ROUNDS GROWTH_N - in a guest: many tethers, members and releases
# (scale.c)
#
# The default room is for 16,384 tethers. A guest has 32,768 pids; more are wanted.
set -eu

# shellcheck source=tests/guest/lib.sh disable=SC1091
. /guest/lib.sh
echo "kernel $(uname -r)"
echo 200000 >/proc/sys/kernel/pid_max
echo 200000 >/proc/sys/kernel/threads-max
autokill load --room 65536
agent_start
if [ "$1" -gt 0 ]; then
	scale many "$1" "$2"
	scale rate "$3" "$2"
fi
scale growth "$4" "$5" $((2 * $5))
agent_stop
