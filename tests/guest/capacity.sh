#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# capacity.sh [UIDS] - in a guest: a full room refuses, a uid gets no more than its share, room comes
# back, also when UIDS users (default 3000) have been here
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

count() { autokill ps --json | wc -l; }
await() { tries=0; until [ "$(count)" = "$1" ]; do tries=$((tries + 1)); [ $tries -lt 200 ] || return 1; usleep 50000; done; }

# hold USER N - N tethered sleeps in the background
hold()
{
	i=0
	while [ $i -lt "$2" ]; do
		i=$((i + 1))
		su "$1" -s /bin/sh -c 'exec autokill run sleep 1000' 2>>/tmp/refused &
	done
}
# hold_contained UID N - the same in a container whose root is UID outside
hold_contained()
{
	i=0
	while [ $i -lt "$2" ]; do
		i=$((i + 1))
		contained "$1" autokill run sleep 1000 2>>/tmp/refused &
	done
}
sleeps() { pidof sleep | wc -w; }
same() { echo "$1: $2, want $3"; [ "$2" = "$3" ]; }
drop() { for p in $(pidof autokill); do kill -KILL "$p"; done 2>/dev/null; }

check 'load with room for 16' autokill load --room 16
[ $failed = 0 ] || {
	finish
	exit 1
}
round=0
while [ $round -lt 5 ]; do
	round=$((round + 1))
	: >/tmp/refused
	hold alice 8
	check 'alice gets her share' await 4
	tries=0
	until [ "$(grep -c 'run: ' /tmp/refused)" -ge 4 ] || [ $tries -gt 200 ]; do tries=$((tries + 1)); usleep 50000; done
	check 'and no more' same 'tethers' "$(count)" 4
	check 'the others were refused, aloud' same 'refused' "$(grep -c 'run: ' /tmp/refused)" 4
	check 'nobody runs unguarded' same 'sleeps' "$(sleeps)" 4
	hold bob 4
	check 'bob gets his' await 8
	hold root 8
	check 'root fills the room' await 16
	: >/tmp/refused
	autokill run sleep 1000 2>/tmp/refused
	check 'the 17th is refused' same 'status' $? 125
	cat /tmp/refused
	check 'and nothing runs unguarded' same 'sleeps' "$(sleeps)" 16
	drop
	check 'all die with their holders' await 0
	tries=0
	until [ "$(sleeps)" = 0 ] || [ $tries -gt 200 ]; do tries=$((tries + 1)); usleep 50000; done
	check 'no sleep is left' same 'sleeps' "$(sleeps)" 0
done
# Whoever is in a user namespace that root made is not root: all in there have one share.
: >/tmp/refused
hold_contained 100000 8
check 'a container gets a share' await 4
tries=0
until [ "$(grep -c 'run: ' /tmp/refused)" -ge 4 ] || [ $tries -gt 200 ]; do tries=$((tries + 1)); usleep 50000; done
check 'and no more' same 'tethers' "$(count)" 4
hold_contained 200000 4
check 'another container gets its own' await 8
# An eighth of the room is root's: all others together get 14 of the 16, whoever they are.
: >/tmp/refused
hold alice 4
check 'alice gets her share' await 12
hold bob 4
check 'the others together get no more than the rest' await 14
tries=0
until [ "$(grep -c 'run: ' /tmp/refused)" -ge 2 ] || [ $tries -gt 200 ]; do tries=$((tries + 1)); usleep 50000; done
check 'who comes last is refused' same 'tethers' "$(count)" 14
hold root 2
check 'root gets what is kept for root' await 16
drop
check 'all die with their holders' await 0
# Each member of a tree takes a record: alice has 32 of 128. Her tree fills it, and no member goes unnoticed.
# shellcheck disable=SC2016 # for her shell
su alice -s /bin/sh -c 'exec autokill run --tree -- sh -c "
	(i=0; while [ \$i -lt 60 ]; do sleep 1000 & i=\$((i + 1)); done) 2>/dev/null; exec sleep 1000"' 2>/dev/null &
members() { wc -l </sys/fs/bpf/autokill/progs/members; }
refusals() { autokill status --json | grep -o '"refused_room":[0-9]*'; }
before=$(refusals)
tries=0
until [ "$(refusals)" != "$before" ] || [ $tries -gt 200 ]; do tries=$((tries + 1)); usleep 50000; done
check 'the fork of a member is refused at last' test "$(refusals)" != "$before"
tries=0
until [ "$(sleeps)" = "$(members)" ] || [ $tries -gt 200 ]; do tries=$((tries + 1)); usleep 50000; done
check 'every sleep is a member' same 'members' "$(members)" "$(sleeps)"
check 'alice has about her share of records' test "$(members)" -le 32 -a "$(members)" -ge 24
drop
check 'the tree dies' await 0
tries=0
until [ "$(sleeps)" = 0 ] || [ $tries -gt 200 ]; do tries=$((tries + 1)); usleep 50000; done
check 'no sleep is left' same 'sleeps' "$(sleeps)" 0
# So many uids, each of which arms once. About a thousand are kept. The entry of a uid that has nothing left is used again.
uids=${1:-3000}
check "$uids uids arm, one after the other" uids "$uids"
users() { dump users | grep -c '"word"'; }
tries=0
until [ "$(users)" -le 1200 ] || [ $tries -gt 200 ]; do tries=$((tries + 1)); usleep 50000; done
check 'they are forgotten' test "$(users)" -le 1200
hold alice 4
check 'alice gets her share' await 4
drop
check 'all die' await 0
# Of what one user makes fail, as fast as can be, 64 events a minute are written; how many were left out is said.
# Nothing of what it does, kills of its own in masses too, overwrites a kill of root's or of a user in another log.
# Without the time of day, which is reckoned anew at each call, and may differ by a microsecond.
killed_of() { autokill events --json 2>/dev/null | sed 's/"time":"[^"]*",//' | grep '"event":"killed"' | grep "\"uid\":$1,"; }
one_kill() # USER
{
	su "$1" -s /bin/sh -c 'exec autokill run sleep 1000' &
	tries=0
	until pidof sleep >/dev/null || [ $tries -gt 200 ]; do tries=$((tries + 1)); usleep 50000; done
	drop
	await 0
}
check 'a child of root is killed' one_kill root
check 'a child of bob is killed' one_kill bob
killed_of 0 | tail -n 1 >/tmp/root.killed
killed_of 1001 | tail -n 1 >/tmp/bob.killed
check 'both kills are told' test -s /tmp/root.killed -a -s /tmp/bob.killed
check 'clones of uid 1234 fail' flood fail 1234 6000
autokill events --json >/tmp/events.json 2>&1
check 'a few failures are there' test "$(grep -c '"event":"clone-failed".*"uid":1234' /tmp/events.json)" -ge 64 \
	-a "$(grep -c '"event":"clone-failed".*"uid":1234' /tmp/events.json)" -le 640
check 'the others are counted' grep -E '"event":"left-out","kind":"clone-failed","uid":1234,"count":5[0-9]{3}' /tmp/events.json
check 'in text, too' sh -c 'autokill events 2>&1 >/dev/null | grep "clone-failed of uid 1234 were left out"'
check 'clones of uid 1234 fail late' flood late 1234 3000
check 'children of uid 1234 are killed' flood kill 1234 2000
still_there() { killed_of "$1" >/tmp/killed; grep -F "$(cat "$2")" /tmp/killed; }
check "root's kill from before is still there" still_there 0 /tmp/root.killed
check "bob's kill from before is still there" still_there 1001 /tmp/bob.killed
check 'what was overwritten is said' sh -c 'autokill events 2>&1 >/dev/null | grep "events were overwritten"'
check 'unload' autokill unload
finish
