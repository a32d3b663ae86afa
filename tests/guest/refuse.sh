#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# refuse.sh - in a guest older than 6.18: load and doctor refuse, say why, and leave nothing
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

# exits STATUS COMMAND... - its messages are kept in /tmp/said and shown
exits()
{
	want=$1
	shift
	"$@" >/tmp/said 2>&1
	got=$?
	cat /tmp/said
	[ $got = "$want" ] || { echo "exit status $got, not $want"; return 1; }
}

says() { grep -q "$1" /tmp/said; }

nothing_pinned() { ! ls -d /sys/fs/bpf/autokill 2>/dev/null; }

uname -r
check 'load fails' exits 1 autokill load
check 'load says that the canary was not killed' says 'the canary was not killed'
check 'load says why: nobody may arm without an agent' says 'Resource temporarily unavailable'
check 'load leaves nothing' nothing_pinned
check 'doctor says that this kernel cannot' exits 1 autokill doctor
check 'doctor leaves nothing' nothing_pinned
check 'run gives no unguarded child' exits 125 autokill run true
finish
