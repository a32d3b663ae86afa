#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# agent_stress.sh RELEASES KILLS STOPPED BURST - in a guest with a kernel from 6.1 to 6.17
#
# The agent is killed KILLS times during RELEASES releases, stopped for 5 s during STOPPED releases,
# told of BURST releases by a ring buffer of one page, absent during 1,000, and stopped while its
# victims' numbers become strangers'. Each part ends with its own line `N passed, N failed, N
# skipped`.
set -u

failed=0
part() { echo "--- $*"; "$@" || failed=1; }

echo 60000 >/proc/sys/kernel/threads-max # the kernel's own choice is too small for the burst
uname -r
part autokill load
part agentkill "$1" "$2"
part agent stop "$3"
part autokill unload
part autokill load --ring-bytes 4096
part agent burst "$4"
part agent down 1000
autokill status | sed -n '/^Kills/,/^Guard/p'
part autokill unload
part autokill load
echo 700 >/proc/sys/kernel/pid_max
part agent wrap 60
part autokill unload
exit $failed
