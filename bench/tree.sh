#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# tree.sh MEMBERS BYSTANDERS ROUNDS UNIT - in a guest: how fast a tree dies, each way; each the most
# there are (tree.c)
set -eu

# shellcheck source=tests/guest/lib.sh disable=SC1091
. /guest/lib.sh
echo "kernel $(uname -r)"
autokill load
agent_start
for bystanders in 0 1000 10000; do
	most=$1
	# To make 10,000 members takes longest. What comes of the most bystanders shows what comes
	# of fewer.
	[ $bystanders != 1000 ] || [ "$most" -le 1000 ] || most=1000
	[ $bystanders -gt "$2" ] || tree "$most" $bystanders "$3" "$4"
done
agent_stop
