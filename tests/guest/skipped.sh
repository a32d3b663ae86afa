#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# skipped.sh N [OPTION]... - in a guest with one CPU: N releases by 200 workers; nothing is lost to
# skipped programs
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

autokill load || exit 1
agent_start || exit 1
skipped --releases "$@"
status=$?
autokill status | sed -n '/^Births/,$p'
exit $status
