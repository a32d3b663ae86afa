#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# native_off.sh lockdown|option - in a guest before 7.1: clone3's flags are not served, and all else is
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

case $1 in
lockdown) options='' why='lockdown forbids' ;;
option) options=--no-native-flags why='no-native-flags' ;;
esac

says()
{
	text=$1
	shift
	"$@" >/tmp/said 2>&1
	cat /tmp/said
	grep -q -- "$text" /tmp/said
}
fails() { ! "$@"; }
no_native_program() { [ -z "$(find /sys/fs/bpf/autokill -name "*native*")" ]; }

uname -r
cat /sys/kernel/security/lockdown
# shellcheck disable=SC2086 # none or one
check 'load says why' says "$why" autokill load $options
check 'the agent starts, where this kernel needs it' agent_start
check 'no program writes to user memory' fails says 'probe_write' dmesg
check 'status says why' says "not served: .*$why" autokill status
check 'status says so to programs' says '"native_flags":"'"$1"'"' autokill status --json
check 'doctor says why, and that the kernel can enforce' says "not served: .*$why" autokill doctor
check 'doctor succeeds' autokill doctor
check 'no program of it is there' no_native_program
check 'the flags give EINVAL' says 'neither the kernel' conformance --via native --filter 'N1*'
check 'prctl is as good as ever' conformance --via prctl --filter '[NX][0-9]_*'
check 'the agent ends in good order' agent_stop
check 'unload' autokill unload
finish
