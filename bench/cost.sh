#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# cost.sh UNIT ROUNDS RUNS MOST - in a guest: what system calls cost, with more and more of autokill
# (cost.c)
#
# Each round: nothing loaded; loaded and idle; 1, 100, ... MOST tethers alive (10,000 in the first
# round only, because it takes long to make them); within a tree. So what is compared stands side by
# side in one boot.
set -eu

# shellcheck source=tests/guest/lib.sh disable=SC1091
. /guest/lib.sh
unit=$1 rounds=$2 runs=$3 most=$4 round=0

held()
{
	mkfifo /tmp/held
	cost hold "$1" >/tmp/held &
	holder=$!
	read -r said </tmp/held
	rm /tmp/held
	[ "$said" = held ]
	sleep 1
	cost "$1" "$round" "$unit" "$runs"
	kill -TERM $holder
	wait $holder
	maps_empty
}

# The kernel takes programs off its hooks in its own time, after the last pin has gone.
unloaded()
{
	tries=0
	while bpftool prog list | grep -q ' name autokill_'; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || { echo "programs are there 30 s after unload"; return 1; }
		usleep 100000
	done
	sleep 1
}

echo "kernel $(uname -r)"
sleep 5 # till the work of booting has ended
while [ "$round" -lt "$rounds" ]; do
	cost not-loaded "$round" "$unit" "$runs"
	autokill load
	agent_start
	sleep 1
	cost idle "$round" "$unit" "$runs"
	for n in 1 100 10000; do
		if [ $n -le "$most" ] && { [ $n -le 100 ] || [ "$round" = 0 ]; }; then
			held $n
		fi
	done
	autokill run --tree -- cost member "$round" "$unit" "$runs"
	agent_stop
	autokill unload
	unloaded
	round=$((round + 1))
done
cost not-loaded "$round" "$unit" "$runs"
