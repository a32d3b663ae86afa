#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# loadkill.sh [N] - in a guest: kill `autokill load` at N random points; the next load always works
#
# Random, because the points that matter are those nobody thought of: the delay is drawn from the
# time that a whole load takes.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

rounds=${1:-100}
half=0 before=0
pins=/sys/fs/bpf

bpftool map create $pins/foreign type array key 4 value 4 entries 1 name foreign
foreign=$(ls -l $pins/foreign)

# Where this kernel needs the agent, nobody can arm before it runs.
ready() { agent_start && autokill status >/dev/null && agent_stop; }

now() { cut -d' ' -f1 /proc/uptime | tr -d .; }

start=$(now)
autokill load && autokill unload || exit 1
took=$(($(now) - start)) # hundredths of a second
[ $took -gt 1 ] || took=2
echo "load and unload take $took hundredths of a second"

i=0
while [ $i -lt "$rounds" ]; do
	i=$((i + 1))
	random=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
	micro=$((random * took * 10000 / 65536))
	autokill load 2>/dev/null &
	load=$!
	usleep $micro
	if [ $((i % 5)) = 0 ]; then kill -INT $load; else kill -KILL $load; fi 2>/dev/null
	wait $load
	if [ -d $pins/autokill/maps ]; then half=$((half + 1)); else before=$((before + 1)); fi
	if autokill load 2>/tmp/err && ready && [ "$(ls -l $pins/foreign)" = "$foreign" ] &&
		[ "$(autokill ps --json | wc -l)" = 0 ] && autokill unload && [ ! -e $pins/autokill ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED  round $i, killed after $micro us"
		cat /tmp/err
		ls -lR $pins
		autokill unload --force
	fi
done
autokill load && agent_start && autokill doctor | tail -n 1
agent_stop
autokill unload
echo "killed before the pin directory was made $before times, after that $half times"
# What a killed load leaves behind, its canary's children, ends by itself within a minute.
tries=0
while pidof autokill >/dev/null && [ $tries -lt 700 ]; do
	tries=$((tries + 1))
	usleep 100000
done
if pidof autokill; then
	echo "FAILED  processes are left"
	failed=$((failed + 1))
fi
finish
