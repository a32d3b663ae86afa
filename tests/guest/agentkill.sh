#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# agentkill.sh RELEASES KILLS - in a guest with a kernel from 6.1 to 6.17: the agent is killed,
# again and again
set -eu

autokill load
agentkill "$1" "$2"
