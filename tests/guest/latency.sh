#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# latency.sh WAY... - in a guest: how long a child lives on after its release, each way (tests/stress/latency.c)
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

uname -r
autokill load || exit 1
agent_start || exit 1
for way; do
	echo "via $way"
	latency "$way" --rounds "${ROUNDS:-300}" || exit 1
done
