#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# misuse.sh - in a guest: what a user can do wrong gives one clear line, the right status, no change
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
pins=/sys/fs/bpf

# refused NAME STATUS TEXT COMMAND... - exits so, says so on stderr, and leaves bpffs as it was
refused()
{
	name=$1 want=$2 text=$3
	shift 3
	before=$(ls -lR $pins 2>/dev/null)
	"$@" >/tmp/out 2>/tmp/err
	got=$?
	after=$(ls -lR $pins 2>/dev/null)
	if [ $got = "$want" ] && grep -q -- "$text" /tmp/err && [ "$before" = "$after" ]; then
		passed=$((passed + 1))
		echo "ok      $name: $(grep -- "$text" /tmp/err | head -n 1)"
	else
		failed=$((failed + 1))
		echo "FAILED  $name: status $got, not $want; or not '$text'; or bpffs changed:"
		cat /tmp/out /tmp/err
		[ "$before" = "$after" ] || echo "$after"
	fi
}

as_alice() { su alice -s /bin/sh -c "$*"; }

refused 'unknown verb' 2 'unknown verb' autokill frobnicate
refused 'no verb' 2 'autokill' autokill
refused 'unknown flag' 2 'unrecognized option' autokill load --frob
refused 'value that is no number' 2 'not a number' autokill load --room many
refused 'value out of range' 2 'not a number' autokill load --room 0
refused 'argument to load' 2 'takes no arguments' autokill load here
refused 'run without a command' 125 'no command' autokill run
refused 'load without root' 1 'run it as root' as_alice autokill load
refused 'status when nothing is loaded' 1 'not loaded' autokill status
refused 'ps when nothing is loaded' 1 'not loaded' autokill ps
refused 'run when nothing is loaded' "$(kernel_before 7 1 && echo 125 || echo 0)" '' \
	autokill run true
refused 'unload when nothing is loaded' 0 'nothing was loaded' autokill unload

umount $pins
refused 'load without bpffs' 1 'mount -t bpf' autokill load
mount -t bpf bpf $pins

mkdir $pins/autokill $pins/autokill/mine
refused 'a foreign folder' 1 'is not ours' autokill load
rmdir $pins/autokill/mine
mkdir $pins/autokill/maps
bpftool map create $pins/autokill/maps/mine type array key 4 value 4 entries 1 name mine
refused 'a foreign pin' 1 'is not ours' autokill load
rm $pins/autokill/maps/mine
bpftool map create $pins/autokill/maps/config type array key 4 value 12 entries 1 name config
refused 'pins of another version, load' 1 'another version' autokill load
refused 'pins of another version, unload' 1 'another version' autokill unload
refused 'pins of another version, status' 1 'version' autokill status
check 'pins of another version, unload --force' autokill unload --force
check 'load after that' autokill load

# Another version has programs of other names. What it has pinned goes, when that is forced.
mv $pins/autokill/links/autokill_birth $pins/autokill/links/autokill_of_another_version
mv $pins/autokill/progs/autokill_birth $pins/autokill/progs/autokill_of_another_version
check 'programs of another version, unload --force' autokill unload --force
check 'nothing is left of them' test ! -e $pins/autokill
check 'load after that, too' autokill load

refused 'second load' 0 'already loaded' autokill load
refused 'status without root' 1 'autokill' as_alice autokill status
refused 'unload without root' 1 'autokill' as_alice autokill unload
autokill run sleep 1000 &
run=$!
while [ "$(autokill ps --json | wc -l)" = 0 ]; do :; done
refused 'unload with a live tether' 1 'refused: 1 tethered' autokill unload
check 'and the tether still holds' autokill doctor
kill -KILL $run
wait $run
while [ "$(autokill ps --json | wc -l)" != 0 ]; do :; done
check 'unload when it is gone' autokill unload
autokill load
autokill run sleep 1000 &
run=$!
while [ "$(autokill ps --json | wc -l)" = 0 ]; do :; done
check 'unload --force with a live tether' autokill unload --force
check 'nothing is left' sh -c "! ls -d $pins/autokill"
kill -KILL $run
kill -KILL "$(pidof sleep)"

# Two loads at once: one loads, the other says why it does not, or that it is done.
autokill load 2>/tmp/first &
autokill load 2>/tmp/second
second=$?
wait $!
first=$?
check 'two loads at once' sh -c "[ $first = 0 ] || [ $second = 0 ]"
cat /tmp/first /tmp/second
check 'and it is loaded' autokill status
check 'and enforces' autokill doctor
check 'unload' autokill unload
finish
