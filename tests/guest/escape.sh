#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# escape.sh N - in a guest: N trees that do all they can to get away, released at random moments
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

autokill load || exit 1
agent_start || exit 1
escape "$1"
status=$?
autokill status | sed -n '/^Kills/,/^Guard/p; /^FAILED/,$p'
check 'the agent ends in good order' agent_stop
check 'unload' autokill unload
finish || status=1
exit $status
