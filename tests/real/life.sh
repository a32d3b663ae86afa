#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# life.sh [brief] - what systemd and dpkg do with autokill, in a real Debian: run by tests/real/boot
#
# Boot, stop, restart, agent killed, upgrade, removal, reinstallation, purge. Each is tried while
# children depend on autokill, when all must go on, and while nobody does. Nothing may succeed
# silently that did nothing. At the end the machine goes down with tethered children, which may not
# hold it up.
# brief: each kind of request once, for a second kernel: units and packages do not depend on it.
# shellcheck disable=SC2317 # what check is given
set -u

passed=0 failed=0
brief=${1-}
deb=$(echo /real/autokill_*_amd64.deb)
kernel=$(uname -r)

check()
{
	local name=$1 start=$SECONDS
	shift
	if "$@" >/run/check 2>&1; then
		passed=$((passed + 1))
		echo "ok      $name, $((SECONDS - start)) s"
	else
		failed=$((failed + 1))
		echo "FAILED  $name, $((SECONDS - start)) s"
		{ echo "\$ $*"; cat /run/check; systemctl --no-pager status autokill autokill-agent; } 2>&1 | tail -n 40 | sed 's/^/        /'
	fi
}
refused() { ! "$@"; }
# full COMMAND...: only if not brief
full() { [ -n "$brief" ] || "$@"; }
# Until COMMAND succeeds, 40 s at most; each step is one look.
until_true()
{
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" && return 0
		sleep 0.2
	done
	echo "not within 40 s: $*"
	return 1
}

show() { systemctl show --property="$2" --value "$1"; }
is() { [ "$(show "$1" ActiveState)" = "$2" ]; }
settled() { local out; out=$(systemctl list-jobs --no-legend --plain) && ! grep -v -e real.service -e '^$' <<<"$out"; }
loaded() { [ -e /sys/fs/bpf/autokill/maps/config ]; }
not_loaded() { ! loaded; }
ready() { autokill status >/run/status 2>&1 || { cat /run/status; return 1; }; }
needs_agent() { [ "$(printf '%s\n' 6.18 "$kernel" | sort -V | head -n 1)" != 6.18 ]; }
agent() { show autokill-agent MainPID; }
no_failed_unit()
{
	local out
	out=$(systemctl --failed --no-legend --plain) || return 1
	echo "$out"
	[ -z "$out" ]
}
# The agent runs where it is needed, and elsewhere it is skipped.
agent_right() { if needs_agent; then is autokill-agent active; else is autokill-agent inactive; fi; }
all_right() { is autokill active && ready && agent_right; }

# --- tethered children: three, each with a holder of its own
holders=() children=()
tether()
{
	local holder child
	for _ in 1 2 3; do
		autokill run sleep 100000 </dev/null >/dev/null 2>&1 &
		holder=$!
		until_true pgrep -P $holder -x sleep || return 1
		child=$(pgrep -P $holder -x sleep)
		holders+=("$holder") children+=("$child")
	done
}
gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
live_on() { local c; for c in "${children[@]}"; do ! gone "$c" || { echo "$c has died"; return 1; }; done; }
release()
{
	local c
	kill -KILL "${holders[@]}"
	wait "${holders[@]}" 2>/dev/null
	for c in "${children[@]}"; do
		until_true gone "$c" || { kill -KILL "$c"; return 1; }
	done
	holders=() children=()
}
# text names all children
names_children() { local c; for c in "${children[@]}"; do grep -q "child $c," "$1" || { cat "$1"; return 1; }; done; }
nothing_tethered() { local out; out=$(autokill ps --json) && [ -z "$out" ]; }

# --- stop, start, restart
stop_refused() # VERB UNIT
{
	systemctl "$@" 2>&1 && { echo "systemctl $* succeeded"; return 1; }
	until_true settled && until_true all_right && live_on
}
journal_names_children() { journalctl --no-pager -u autokill >/run/journal; names_children /run/journal; }
same_agent() { [ "$(agent)" = "$1" ]; }
agent_replaced() { [ "$(agent)" != "$1" ] && is autokill-agent active && [ "$(agent)" != 0 ]; }
agent_killed() # SIGNAL
{
	local old
	old=$(agent)
	systemctl kill --signal="$1" autokill-agent && until_true agent_replaced "$old" && until_true ready && live_on
}
stopped() { is autokill inactive && not_loaded && until_true is autokill-agent inactive && no_failed_unit; }
stop_works() { systemctl stop autokill && stopped; }
start_works() { systemctl start autokill && until_true all_right; }
restart_works() { systemctl restart autokill && until_true all_right; }
# No restart is waited for, or under way. systemd up to 253 would skip the unit at the restart;
# later versions would restart it for ever.
agent_rests() { [ "$(show autokill-agent SubState)" = dead ] && settled; }
unload_stops() { autokill unload && stopped; }
# Whoever takes the pins away takes the programs with them; what can be seen must be said. Where
# there is an agent, its mount namespace keeps bpffs mounted, and with it what is loaded: unload
# says so then, and where.
unmounted()
{
	umount -l /sys/fs/bpf || return 1
	refused autokill status && until_true is autokill-agent inactive &&
		mount -t bpf -o mode=0700 bpf /sys/fs/bpf && autokill unload && is autokill inactive && no_failed_unit
}
isolated()
{
	systemctl isolate rescue.target
	until_true settled
	all_right && live_on
	local rc=$?
	systemctl isolate multi-user.target
	until_true settled && return $rc
}

# --- dpkg
# package VERSION LAYOUT: the same package as another version, whose maps would have another layout
package()
{
	local dir=/run/package
	rm -rf $dir
	dpkg-deb -R "$deb" $dir
	sed -i "s/^Version: .*/Version: $1/" $dir/DEBIAN/control
	[ -z "$2" ] || sed -i "s/^layout=.*/layout=$2/" $dir/DEBIAN/preinst
	dpkg-deb -Znone -b $dir "/run/autokill_$1.deb" >/dev/null
}
version() { dpkg-query -W -f '${db:Status-Status} ${Version}' autokill 2>/dev/null; }
dpkg_refused() # ARGUMENT...
{
	local before old
	before=$(version) old=$(agent)
	dpkg "$@" >/run/dpkg 2>&1 && { echo "dpkg $* succeeded"; cat /run/dpkg; return 1; }
	until_true settled
	cat /run/dpkg
	names_children /run/dpkg && grep -q 'unload --force' /run/dpkg && [ "$(version)" = "$before" ] &&
		[ -x /usr/bin/autokill ] && all_right && live_on && same_agent "$old"
}
upgraded() { local old; old=$(agent); dpkg -i "$1" && until_true all_right && same_agent "$old" && live_on; }
upgraded_anew() { dpkg -i "$1" && until_true all_right && nothing_tethered; }
no_agent() { ! pgrep -xf '/usr/bin/autokill agent'; }
removed() # r|P
{
	dpkg "-$1" autokill && [ ! -e /usr/bin/autokill ] && not_loaded && no_agent && no_failed_unit &&
		[ "$(show autokill LoadState)" = not-found ] && [ "$(show autokill-agent LoadState)" = not-found ]
}
installed() { dpkg -i "$deb" && until_true all_right; }
traces() { find /etc /usr /var/lib /run/systemd -name '*autokill*' ! -name 'libautokill*' ! -path '/usr/share/doc/libautokill*'; }
no_trace() { [ -z "$(traces | tee /dev/stderr)" ]; }

systemctl --version | head -n 1
until_true settled
check 'boot: loaded, and the agent runs where it is needed' all_right
check 'boot: no unit has failed' no_failed_unit
check 'a user finds the command' setpriv --reuid=65534 --regid=65534 --clear-groups /bin/sh -c \
	'PATH=/usr/local/bin:/usr/bin:/bin; autokill run true'

check 'three children are tethered' tether
check 'stop is refused, says so, and all goes on (round 1)' stop_refused stop autokill
full check 'stop is refused, says so, and all goes on (round 2)' stop_refused stop autokill
check 'the journal names the children' journal_names_children
# The limit counts by the clock, so whether it is reached depends on the machine.
check 'nothing limits how often a stop may be refused' \
	[ "$(show autokill StartLimitIntervalUSec)" = 0 ]
check 'restart is refused, says so, and all goes on' stop_refused restart autokill
full check 'reload is refused, and all goes on' stop_refused reload autokill
full check 'disable --now is refused, and all goes on' stop_refused disable --now autokill
full check 'it can be enabled again' systemctl enable autokill
if needs_agent; then
	old=$(agent)
	check 'the agent cannot be stopped' stop_refused stop autokill-agent
	check 'nor restarted' stop_refused restart autokill-agent
	check 'it is the same agent' same_agent "$old"
	for signal in TERM KILL; do
		check "the agent ends by SIG$signal: another one starts" agent_killed $signal
	done
fi
full check 'isolate rescue.target leaves all as it is' isolated
check 'removal is refused, names the children, and all goes on' dpkg_refused -r autokill
full check 'so is a second one' dpkg_refused -r autokill
full check 'so is purge' dpkg_refused -P autokill
full check 'so is removal by force' dpkg_refused --force-all -r autokill
full package 9.1 ''
full package 9.2 99
full check 'an upgrade to another layout of the maps is refused' \
	dpkg_refused -i /run/autokill_9.2.deb
full check 'one to the same layout: the same agent, the same children' \
	upgraded /run/autokill_9.1.deb
! needs_agent || full check 'then the agent of the new version can take over' agent_killed KILL
check 'the holders die: the children die' release
check 'nothing is tethered' until_true nothing_tethered
full check 'an upgrade to another layout, nothing tethered: loaded anew' \
	upgraded_anew /run/autokill_9.2.deb

check 'stop works' stop_works
check 'the agent is not restarted for ever' agent_rests
check 'a second stop changes nothing' stop_works
check 'restart works' restart_works
check 'unload by hand: the unit has stopped when it returns' unload_stops
check 'so the next start loads' start_works
if ! needs_agent; then
	check '/sys/fs/bpf is unmounted: status sees it, and unload puts the unit right' unmounted
	check 'then start works again' start_works
fi
check 'removal works when nobody depends on it' removed r
check 'installed again, it is loaded again' installed
check 'three children are tethered again' tether
full check 'removal is refused again' dpkg_refused -r autokill
check 'unload --force is the way out' autokill unload --force
check 'then it can be purged' removed P
check 'purge leaves nothing behind' no_trace
kill -KILL "${holders[@]}" "${children[@]}"
wait "${holders[@]}" 2>/dev/null
holders=() children=()
check 'installed after purge, it is loaded again' installed
check 'three children are tethered, and the machine goes down' tether
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
