#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# suite.sh native|prctl|served... - in a guest: load, run the conformance suite each way, unload
#
# native: by the kernel's own flags, before load; served: by the same flags, which autokill serves.
# Each way ends with its own line `N passed, N failed, N skipped`; so does what is checked here: that
# load, doctor and unload work, that every map is empty afterwards, and that the programs built by
# other versions of clang (/by/*) pass this kernel's verifier, too.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

suite()
{
	# Its last line is the count; whoever reads all of our output adds it up.
	conformance --via "$1" || :
}

uname -r
# Before load: what is attached last is called first, and X26 wants one that is called after ours.
check 'a veto is planted' conformance --plant-veto
case " $* " in *' native '*) suite native ;; esac
built_by
check 'load' autokill load
rungs
check 'nothing of ours runs after load' no_loader
check 'the agent starts, where this kernel needs it' agent_start
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
