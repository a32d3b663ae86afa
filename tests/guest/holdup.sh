#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# holdup.sh ROOM - in a guest of 3 GB: what one user's full share, a quarter of ROOM, let go at one
# blow, costs everybody else
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

check 'load' autokill load --room "$1"
holdup
status=$?
check 'every map is empty' maps_empty
autokill status | sed -n '/^Releases/,$p'
check 'unload' autokill unload
finish && [ $status = 0 ]
