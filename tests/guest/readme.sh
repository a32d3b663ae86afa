#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# readme.sh FOLDER - in a guest: the examples of README.md, as tests/readme has taken them out
#
# The commands run in their order in this shell, so that `$!` of one is known to the next. What a
# command printed is compared with README's, but for numbers, how long something took, and which of
# the ways to kill came first.
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
folder=$1

# masked - stdin without what differs from run to run
masked()
{
	sed -E 's/[0-9]+(\.[0-9]+)? (µs|ms|s)( |$)/TIME\3/g; s/ by .* TIME after/ by ONE TIME after/
		s/[0-9]+/N/g; s/ +/ /g; s/ $//'
}

# await COMMAND... - until it succeeds, for 10 s at most
await()
{
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return 1
		usleep 100000
	done
}

# prints COMMAND FILE - it prints what is in FILE, masked
prints()
{
	masked <"$2" >/tmp/wanted
	case $1 in
	# A look can come before what it is to show.
	'autokill events'* | 'autokill ps'* | 'autokill status'*) await prints_wanted "$1" ;;
	*) prints_wanted "$1" ;;
	esac && return
	cat /tmp/printed
	echo 'README.md has:'
	cat "$2"
	return 1
}
prints_wanted() { eval "$1" >/tmp/printed 2>&1 && masked </tmp/printed | cmp -s - /tmp/wanted; }

tethered() { [ -n "$(autokill ps)" ]; }
dead() { [ ! -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

# holds PROGRAM - its child dies with it
holds()
{
	"$1" >/tmp/said 2>&1 &
	holder=$!
	await test -s /tmp/said || { echo 'it says nothing'; return 1; }
	cat /tmp/said
	child=$(sed -n 's/^\([0-9]*\) lives .*/\1/p' /tmp/said)
	[ -n "$child" ] || return 1
	autokill ps --json | grep "\"pid\":$child," || return 1
	dead "$child" && { echo 'the child is dead before'; return 1; }
	kill -KILL $holder
	await dead "$child"
}

for file in "$folder"/*.command; do
	command=$(cat "$file")
	output=${file%.command}.output
	if [ -e "$output" ]; then
		check "$command" prints "$command" "$output"
	else
		check "$command" eval "$command"
	fi
	# A command in the background has made its tether before the next one comes.
	case $command in *'&') check '... and a tether is there' await tethered ;; esac
done
for program in "$folder"/hold-*; do
	check "the child of ${program##*/} dies with it" holds "$program"
done
check 'no tether, file, request or guard is left' maps_empty
finish
