#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rounds.sh N SECONDS - in a guest: load, let SECONDS pass without a process of ours, then N rounds
# of each release
#
# The wait is the point: what is loaded must go on by itself, long after the loader has gone.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

lines=$(warnings | wc -l)
check 'load' autokill load
sleep "$2"
check "no process of ours for $2 s" no_loader
check 'the agent starts, where this kernel needs it' agent_start
conformance --via prctl --stress "$1"
check 'every map is empty' maps_empty
check 'no new line of level warning or worse in dmesg' quiet "$lines"
autokill status
finish
