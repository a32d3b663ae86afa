#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# suite.sh MAY_SKIP native|prctl|served... - in a guest: load, run the conformance suite each way,
# unload
#
# MAY_SKIP: what this guest is known not to have, for conformance --may-skip; or ''. native: by the
# kernel's own flags, before load; served: by the same flags, which autokill serves. Each way ends
# with its own line `N passed, N failed, N skipped`; so does what is checked here: that load, doctor
# and unload work, that every map is empty afterwards, and that the programs built by other versions
# of clang (/by/*) pass this kernel's verifier, too.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

suite()
{
	# Its last line is the count; whoever reads all of our output adds it up. It has none if
	# this way does not work.
	if ! conformance --via "$1" ${may_skip:+--may-skip "$may_skip"}; then
		failed=$((failed + 1))
		echo "FAILED  the suite by $1"
	fi
}

# A kernel that calls programs on LSM hooks gets them there: the others can be skipped.
hooks_are_the_best()
{
	want=fmod_ret
	if tr ',' '\n' </sys/kernel/security/lsm | grep -qx bpf; then want=lsm; fi
	autokill status --json >/tmp/status.json
	grep -q "\"hooks\":\"$want\"" /tmp/status.json && grep -q '"fell_back":\[\]' /tmp/status.json && return
	echo "not $want, or a rung was given up:"
	cat /tmp/status.json
	return 1
}

may_skip=$1
shift

uname -r
# Before load: what is attached last is called first, and X26 wants one that is called after ours.
check 'a veto is planted' conformance --plant-veto
case " $* " in *' native '*) suite native ;; esac
built_by
check 'load' autokill load
rungs
check 'nothing of ours runs after load' no_loader
check 'the agent starts, where this kernel needs it' agent_start
check 'the hooks are the best that this kernel has' hooks_are_the_best
check 'doctor, loaded' autokill doctor
case " $* " in
*' prctl '*)
	suite prctl
	check 'no tether, file, request or guard is left' maps_empty
	;;
esac
case " $* " in
*' served '*)
	suite native
	check 'no tether, file, request or guard is left by the flags' maps_empty
	;;
esac
autokill status
check 'the agent ends in good order' agent_stop
check 'unload' autokill unload
conformance --uproot-veto
check 'nothing is left of the pins' sh -c '! ls /sys/fs/bpf/autokill'
check 'doctor, not loaded' autokill doctor
finish
