#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# latency.sh ROUNDS - in a guest: how long a child lives on after its release, each way (latency.c)
set -eu

# shellcheck source=tests/guest/lib.sh disable=SC1091
. /guest/lib.sh
echo "kernel $(uname -r)"
autokill load --no-native-flags
agent_start
latency "$1"
agent_stop
