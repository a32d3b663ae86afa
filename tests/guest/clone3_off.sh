#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# clone3_off.sh - in a guest before 7.1: clone3's flags are not served, and all else is
#
# First by the option of load, and then because the kernel is locked down. There is no way back from
# that.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

says()
{
	text=$1
	shift
	"$@" >/tmp/said 2>&1
	cat /tmp/said
	grep -q -- "$text" /tmp/said
}
fails() { ! "$@"; }
no_native_program()
{
	[ -z "$(find /sys/fs/bpf/autokill -name '*native*' -o -name '*clone3*')" ]
}

# not_served WORD WHY [OPTION]: load does not serve them, WHY, which `status --json` calls WORD
not_served()
{
	word=$1 why=$2
	shift 2
	check 'load says why' says "$why" autokill load "$@"
	check 'the agent starts, where this kernel needs it' agent_start
	check 'no program writes to user memory' fails says 'probe_write' dmesg
	check 'status says why' says "not served: .*$why" autokill status
	check 'status says so to programs' says '"native_flags":"'"$word"'"' autokill status --json
	check 'doctor says why, and that the kernel can enforce' \
		says "not served: .*$why" autokill doctor
	check 'doctor succeeds' autokill doctor
	check 'no program of it is there' no_native_program
	check 'the flags give EINVAL' says 'neither the kernel' conformance --via native --filter 'N1*'
	check 'prctl is as good as ever' conformance --via prctl --filter '[NX][0-9]_*'
	check 'the agent ends in good order' agent_stop
	check 'unload' autokill unload
}

uname -r
not_served option no-native-flags --no-native-flags
check 'the kernel is locked down' sh -c 'echo integrity >/sys/kernel/security/lockdown'
check 'which it says' grep -q '\[integrity\]' /sys/kernel/security/lockdown
not_served lockdown 'lockdown forbids'
finish
