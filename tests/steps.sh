# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# steps.sh - what tests/check and tests/soak share: named steps, two at a time, added up; guests
#
# A step is a command. Its output goes to $OUTPUT/logs/steps/NAME.log. The lines `N passed, N failed, N
# skipped` in it are added up, and cmocka's own; a step that prints none counts as one test, and a
# step that fails without having counted a failure counts as one failure.
#
# A skip is no pass. What is skipped prints `SKIP NAME what: why`, or `LEFT OUT NAME ...` for a part of a test. A step
# names what it may skip: `skips='NAME NAME' queue ...`. Any other skip, and one without a name, is a failure.
# The names: no-kernel (on), baseline-kernel, baseline-clang (tests/bench/compare), and those of suite_skips.

steps_dir=$OUTPUT/logs/steps
steps_at_once=${STEPS_AT_ONCE:-2}
rm -rf "$steps_dir"
mkdir -p "$steps_dir"

total_passed=0 total_failed=0 total_skipped=0 begun=0 reported=0

# counts LOG STATUS - prints passed, failed, skipped
counts()
{
	awk -v status="$2" '
		/^([A-Za-z0-9_-]+: )?[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
			sub(/^[A-Za-z0-9_-]+: /, ""); p += $1; f += $3; s += $5; n++; counted = 1
		}
		/^\[  PASSED  \] [0-9]+ test/ { cp += $4 }
		/^\[  FAILED  \] [0-9]+ test/ { cf += $4 }
		/^\[  SKIPPED \] [0-9]+ test/ { cs += $4 }
		END {
			if (!counted) { p = cp; f = cf; s = cs }
			if (status != 0 && !f) f = 1
			if (!p && !f && !s) p = 1
			print p + 0, f + 0, s + 0
		}' "$1"
}

# skips_judged NAME SKIPPED - prints a line for each skip that the step may not have
skips_judged()
{
	local log=$steps_dir/$1.log
	sed -nE 's/^(SKIP|LEFT OUT) ([a-z0-9-]+) .*/\2 &/p' "$log" | sort -u |
		awk -v may=" $(cat "$steps_dir/$1.skips") " '
			index(may, " " $1 " ") { next }
			{ sub(/^[^ ]+ /, ""); print "SKIPPED, and may not be: " $0 }'
	awk -v counted="$2" '
		/^SKIP [a-z0-9-]+ / { named++ }
		END { if (named + 0 != counted) print counted " counted as skipped, " named + 0 " of them by a name" }' "$log"
}

step_begin()
{
	local name=$1
	shift
	begun=$((begun + 1))
	echo "${skips-}" >"$steps_dir/$name.skips"
	(
		start=$SECONDS status=0
		"$@" >"$steps_dir/$name.log" 2>&1 </dev/null || status=$?
		echo "$status $((SECONDS - start))" >"$steps_dir/$name.end"
	) &
}

# Print and add up the steps that have ended since the last time.
steps_report()
{
	local end name status seconds p f s wrong
	for end in "$steps_dir"/*.end; do
		[ -e "$end" ] || continue
		name=$(basename "$end" .end)
		read -r status seconds <"$end"
		mv "$end" "$end.seen"
		reported=$((reported + 1))
		read -r p f s < <(counts "$steps_dir/$name.log" "$status")
		wrong=$(skips_judged "$name" "$s")
		[ -z "$wrong" ] || f=$((f + $(wc -l <<<"$wrong")))
		total_passed=$((total_passed + p))
		total_failed=$((total_failed + f))
		total_skipped=$((total_skipped + s))
		printf '%-6s %-34s %5d passed %3d failed %3d skipped %4d s\n' \
			"$([ "$f" = 0 ] && echo ok || echo FAILED)" "$name" "$p" "$f" "$s" "$seconds"
		[ -z "$wrong" ] || printf '       ! %s\n' "${wrong//$'\n'/$'\n       ! '}"
		if [ "$f" != 0 ]; then
			grep -aE 'FAILED|ERROR|NOT CAUGHT|error:|rror: ' "$steps_dir/$name.log" | head -40 |
				sed 's/^/       | /'
			tail -n 15 "$steps_dir/$name.log" | sed 's/^/       > /'
		fi
		grep -aE '^(SKIP|LEFT OUT) |\[  SKIPPED \]' "$steps_dir/$name.log" | sort -u | head -20 |
			sed 's/^/       - /' || :
	done
}

# [skips='NAME...'] step NAME COMMAND... - run it now, alone
step()
{
	step_begin "$@"
	wait
	steps_report
}

# [skips='NAME...'] queue NAME COMMAND... - run it beside at most one other
queue()
{
	while [ "$(jobs -rp | wc -l)" -ge "$steps_at_once" ]; do
		wait -n || :
		steps_report
	done
	step_begin "$@"
}

queue_wait()
{
	wait
	steps_report
}

steps_end()
{
	queue_wait
	if [ "$reported" != "$begun" ]; then
		echo "FAILED $((begun - reported)) steps have not reported"
		total_failed=$((total_failed + begun - reported))
	fi
	echo "logs: $steps_dir"
	echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
	[ "$total_failed" = 0 ]
}

bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)

without_lsm=lsm=landlock,lockdown,yama,apparmor # no bpf

build() { make -j2 all tests; }
# build_by CLANG...: the program, its BPF objects built by each of these versions, as build/by/CLANG/autokill
build_by()
{
	local n dir
	for n in "$@"; do
		dir=$(tests/clang "$n") &&
			make -j2 OUTPUT="$OUTPUT/by/$n" CLANG="$dir/clang" LLVM_STRIP="$dir/llvm-strip" "$OUTPUT/by/$n/autokill" ||
			return
	done
}
clangs=$(tests/clang --list)
# The program by clang, with objects of the default clang of Debian 13; and objects of the newest clang there is.
build_other()
{
	make -j2 OUTPUT="$OUTPUT/by/19" CC=clang CLANG=clang-19 "$OUTPUT/by/19/autokill" && build_by "${clangs##* }"
}

# may_lack LINE - what a step on that line may skip: all of it, once the archive has no such kernel any more. There
# must always be the lines 6.1, 6.12, 6.18 and the newest.
may_lack() { [[ " 6.1 6.12 6.18 newest " == *" $1 "* ]] || echo no-kernel; }

# on LINE [OPTION OF tests/vm/run]... -- COMMAND... - in a guest of that line, if there still is such a kernel
on()
{
	local line=$1 status=0
	shift
	tests/vm/kernel "$line" >/dev/null || status=$?
	if [ $status = 3 ] && [ -n "$(may_lack "$line")" ]; then
		echo "SKIP no-kernel $line: the archive has no kernel of this line any more"
		echo '0 passed, 0 failed, 1 skipped'
		return
	fi
	tests/vm/run "$line" -f "$bpftool:/usr/bin/bpftool" -f tests/guest:/guest \
		-f "$OUTPUT/tests/conformance:/usr/bin/conformance" "$@"
}

# with_module NAME LINE - the options of tests/vm/run that load it, where the line has it
with_module()
{
	local kernel
	kernel=$(tests/vm/kernel "$2") || return 0
	[ -z "$(find -L "$kernel/lib/modules" -name "$1.ko*" 2>/dev/null)" ] || echo "-m $1"
}

# by CLANG... - the options of tests/vm/run that put what build_by has built into a guest
by() { local n; for n in "$@"; do printf -- '-f %s:/by/%s ' "$OUTPUT/by/$n/autokill" "$n"; done; }

# suite_skips LINE WAYS [OPTION]... - what the guest is known not to have, by the names of `conformance --may-skip`; all else
# that a case needs must be there
suite_skips()
{
	local names=''
	# Cases of the kernel's flags: PIDFD_GET_INFO tells of the dead from 6.15 on, and leaks until 6.17.
	case "$1 $2" in 6.1\ *served* | 6.12\ *served* | 6.16\ *served*) names+=,exit-info ;; esac
	# X14 by the kernel's own flag: it has lost a release to an exec once, on 7.3.
	[[ $2 != *native* ]] || names+=,kernel-lost-exec
	[[ " ${*:3} " != *" $without_lsm "* ]] || names+=,fcap-kills
	echo "${names#,}"
}

# suite LINE WAYS [OPTION]... - the conformance suite in these ways; the other builds must load there, too
# shellcheck disable=SC2086,SC2046 # $2 is a list of words, as are the options
suite()
{
	on "$1" -t 600 $(with_module binfmt_misc "$1") "${@:3}" $(by 19 "${clangs##* }") \
		-- /guest/suite.sh "$(suite_skips "$@")" $2
}

# queue_suite NAME LINE WAYS [OPTION]...
queue_suite() { skips="$(may_lack "$2") $(suite_skips "${@:2}" | tr , ' ')" queue "$1" suite "${@:2}"; }

# loads LINE [OPTION]... - the objects of every clang of Debian 12 and 13 load there
# shellcheck disable=SC2046,SC2086 # lists of words
loads() { on "$1" -t 900 "${@:2}" $(by $clangs) -- /guest/loads.sh; }

# rounds LINE N SECONDS; skipped LINE N [OPTION]...; loadkill LINE N; escape LINE N: tests/guest has a script for each
rounds() { on "$1" -t 2400 --multi -- /guest/rounds.sh "$2" "$3"; }
skipped()
{
	on "$1" -t 2400 -s 1 "${@:3}" -f "$OUTPUT/tests/skipped:/usr/bin/skipped" -- /guest/skipped.sh "$2"
}
# skipped_without_lsm LINE N [OPTION]... - the same where births can be skipped, too
skipped_without_lsm()
{
	on "$1" -t 2400 -s 1 "${@:3}" -f "$OUTPUT/tests/skipped:/usr/bin/skipped" \
		-- /guest/skipped.sh "$2" --without-lsm
}
# starve LINE N LOOPERS [OPTION]... - a user who holds up our programs, and N requests by another
# One CPU, by whose instructions the clock goes: how late a request is does not depend on this machine.
starve() { on "$1" -t 1800 --icount "${@:4}" -f "$OUTPUT/tests/starve:/usr/bin/starve" -- /guest/starve.sh "$2" "$3"; }
# library LINE N - calls of autokill_clone3() while all else in the process works against it
library() { on "$1" -t 3600 -f "$OUTPUT/tests/library:/usr/bin/library" -- /guest/library.sh "$2"; }
escape() { on "$1" -t 2400 -f "$OUTPUT/tests/escape:/usr/bin/escape" -- /guest/escape.sh "$2"; }
loadkill() { on "$1" -t 1200 -- /guest/loadkill.sh "$2"; }
# flags LINE "OPTION OF tests/vm/run..." OPTION... - clone3's own flags, served by autokill, very often
flags()
{
	# shellcheck disable=SC2086 # $2 is a list of words
	on "$1" -t 2400 $2 -f "$OUTPUT/tests/flags:/usr/bin/flags" -- /guest/flags.sh "${@:3}"
}
# agent_on LINE COMMAND... - with what the tests of the agent need
agent_on() { on "$1" -t 900 -M 3G -f "$OUTPUT/tests/agent:/usr/bin/agent" -f "$OUTPUT/tests/agentkill:/usr/bin/agentkill" \
	-f "$OUTPUT/tests/notify:/usr/bin/notify" -f "$(command -v setpriv):/usr/bin/setpriv" \
	-f "$(command -v unshare):/usr/bin/unshare" -- "${@:2}"; }
# place LINE - where it may stand: namespaces, limits, other people's folders, seccomp
place()
{
	on "$1" -t 900 -f "$OUTPUT/tests/forbid:/usr/bin/forbid" -f "$(command -v setpriv):/usr/bin/setpriv" \
		-f "$(command -v unshare):/usr/bin/unshare" -f "$(command -v nsenter):/usr/bin/nsenter" \
		-f "$(command -v prlimit):/usr/bin/prlimit" -- /guest/place.sh
}
# must_skip MUTATION "OPTION OF tests/vm/run..." TEXT PROGRAM ARGUMENT...: see tests/guest/must_skip.sh
must_skip()
{
	local mutant=$OUTPUT/mutations/$1
	# shellcheck disable=SC2086 # $2 is a list of words
	make -j2 OUTPUT="$mutant" MUTATION="$1" "$mutant/autokill" &&
		on 6.18 -t 600 -s 1 -a preempt=full $2 -f "$mutant/autokill:/mutant" \
			-f "$OUTPUT/tests/$4:/usr/bin/$4" \
			-- /guest/must_skip.sh "${@:3}"
}
# rtwait LINE: what a real-time task waits for with the watch, that is, without BPF LSM, in a large room; in instructions
rtwait()
{
	on "$1" -t 600 -M 3G --icount -a "$without_lsm" -f "$OUTPUT/tests/rtwait:/usr/bin/rtwait" -- /guest/rtwait.sh 3 1000
}
# delete_fails LINE FILTER: each second delete from a map fails, and nobody may notice
delete_fails()
{
	local mutant=$OUTPUT/mutations/DELETE_FAILS
	make -j2 OUTPUT="$mutant" MUTATION=DELETE_FAILS "$mutant/autokill" &&
		on "$1" -t 900 -f "$mutant/autokill:/mutant" -- /guest/delete_fails.sh "$2"
}
# must_escape MUTATION: see tests/guest/must_escape.sh
must_escape()
{
	local mutant=$OUTPUT/mutations/$1 slow=$OUTPUT/mutations/SLOW_SWEEP
	make -j2 OUTPUT="$mutant" MUTATION="$1" "$mutant/autokill" &&
		make -j2 OUTPUT="$slow" MUTATION=SLOW_SWEEP "$slow/autokill" &&
		on 6.18 -t 900 -f "$mutant/autokill:/mutant" -f "$slow/autokill:/slow" \
			-f "$OUTPUT/tests/escape:/usr/bin/escape" -- /guest/must_escape.sh 60 10
}
