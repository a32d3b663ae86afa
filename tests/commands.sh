# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# commands.sh - what rows of tests/steps call, besides scripts
#
# tests/run sources this in the process of one step. It has set OUTPUT (absolute), line (the row's
# kernel line, or -) and may_skip (the names in the row).
# shellcheck disable=SC2154

bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)

# --- builds and unit tests

build() { make -j2 all tests; }
# build_by CLANG...: the program, with BPF objects of each of these versions, as
# $OUTPUT/by/CLANG/autokill
build_by()
{
	local n dir by
	for n in "$@"; do
		by=$OUTPUT/by/$n
		dir=$(tests/clang "$n") && make -j2 OUTPUT="$by" CLANG="$dir/clang" \
			LLVM_STRIP="$dir/llvm-strip" "$by/autokill" || return
	done
}
every_clang() { tests/clang --list; }
newest_clang() { every_clang | sed 's/.* //'; }
# The program by clang, with objects of the default clang of Debian 13. And objects of the newest
# clang there is.
build_other()
{
	make -j2 OUTPUT="$OUTPUT/by/19" CC=clang CLANG=clang-19 "$OUTPUT/by/19/autokill" &&
		build_by "$(newest_clang)"
}
# shellcheck disable=SC2046 # a list of words
build_by_every_clang() { build_by $(every_clang); }

unit() # FOLDER: run those that are built there
{
	local test tests status=0
	tests=$(make -s OUTPUT="$1" list-unit) && [ -n "$tests" ] || return 1
	for test in $tests; do
		"$test" || status=1
	done
	return $status
}
sanitized()
{
	make -j2 OUTPUT="$OUTPUT/sanitized" unit \
		CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all' && unit "$OUTPUT/sanitized"
}

# --- guests

# on [OPTION OF tests/vm/run]... -- COMMAND...: in a guest of $line, if there still is such a kernel
on()
{
	local status=0
	tests/vm/kernel "$line" >/dev/null || status=$?
	if [ $status = 3 ] && [[ " $may_skip " == *' no-kernel '* ]]; then
		echo "SKIP no-kernel $line: the archive has no kernel of this line any more"
		echo '0 passed, 0 failed, 1 skipped'
		return
	fi
	tests/vm/run "$line" -f "$bpftool:/usr/bin/bpftool" -f tests/guest:/guest \
		-f "$OUTPUT/tests/conformance:/usr/bin/conformance" "$@"
}

# program NAME: its file, ours or the system's
program()
{
	local file
	for file in "$OUTPUT/tests/$1" "$OUTPUT/bench/programs/$1"; do
		[ ! -x "$file" ] || { echo "$file"; return; }
	done
	command -v "$1" || { echo "there is no program $1" >&2; return 1; }
}

# guest [OPTION]... SCRIPT [ARGUMENT]...: tests/guest/SCRIPT.sh in a guest of $line
#
# A program of ours that has the name of the script is on its PATH. Options: those of tests/vm/run,
# and
#   -p PROGRAM   is on its PATH, too
#   --full       one CPU, and preemption everywhere in the kernel
#   --no-lsm     a kernel that calls no BPF programs on its LSM hooks
guest()
{
	local options=() programs=() name file
	while [[ $1 == -* ]]; do
		case $1 in
		-p)
			programs+=("$2")
			shift
			;;
		--full) options+=(-s 1 -a preempt=full) ;;
		--no-lsm) options+=(-a 'lsm=landlock,lockdown,yama,apparmor') ;;
		--*) options+=("$1") ;;
		*)
			options+=("$1" "$2")
			shift
			;;
		esac
		shift
	done
	if [ -x "$OUTPUT/tests/$1" ] && [[ " ${programs[*]} " != *" $1 "* ]]; then
		programs+=("$1")
	fi
	for name in "${programs[@]}"; do
		file=$(program "$name") || return
		options+=(-f "$file:/usr/bin/$name")
	done
	on "${options[@]}" -- "/guest/$1.sh" "${@:2}"
}

# by CLANG...: the options of tests/vm/run that put what build_by has built into a guest
by() { local n; for n in "$@"; do printf -- '-f %s:/by/%s ' "$OUTPUT/by/$n/autokill" "$n"; done; }

# with_module NAME: the options of tests/vm/run that load it, where $line has it
with_module()
{
	local kernel
	kernel=$(tests/vm/kernel "$line") || return 0
	[ -z "$(find -L "$kernel/lib/modules" -name "$1.ko*" 2>/dev/null)" ] || echo "-m $1"
}

# readme: the examples of README.md
readme()
{
	tests/readme "$OUTPUT/readme" && guest -t 300 -f "$OUTPUT/readme:/readme" readme /readme
}

# suite [OPTION OF guest]... WAY...: the conformance suite in these ways; the other builds must load
# there, too. A case may lack only what the row may skip.
# shellcheck disable=SC2046 # the options are words
suite()
{
	local options=() may
	while [[ $1 == -* ]]; do
		options+=("$1")
		shift
	done
	may=$(tr ' ' '\n' <<<"$may_skip" | grep -vx -e no-kernel -e '' | paste -sd,) || :
	guest -t 600 $(with_module binfmt_misc) "${options[@]}" $(by 19 "$(newest_clang)") \
		suite "$may" "$@"
}

# loads [OPTION OF guest]...: the objects of every clang of Debian 12 and 13 load there
# shellcheck disable=SC2046 # lists of words
loads() { guest -t 900 $(by $(every_clang)) "$@" loads; }

# agent SCRIPT [ARGUMENT]...: a script of tests/guest with what the tests of the agent need
agent() { guest -t 900 -M 3G -p agent -p agentkill -p notify -p setpriv -p unshare "$@"; }

run_verb() { guest -t 300 -p pty -p sigs -p steal run_verb "$1"; }
place() { guest -t 900 -p forbid -p setpriv -p unshare -p nsenter -p prlimit place; }
# What a real-time task waits for with the watch, that is, without BPF LSM, in a large room; in
# instructions.
rtwait() { guest -t 600 -M 3G --icount --no-lsm rtwait 3 1000; }

# real SUITE [OPTION OF tests/real/boot]... [brief]: what systemd and dpkg do with autokill
real()
{
	local options=(-t 1800 -k "$OUTPUT/logs/real-$1-$line.console") suite=$1
	shift
	while [[ ${1-} == -* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	tests/real/boot "$suite" "$line" "${options[@]}" tests/real/life.sh "$@"
}

# 100 rounds of 10,000 tethers and a tree of 20,000: a million releases, and memory must be as it
# was.
growth()
{
	on -t 7200 -M 4G -f "$(program scale):/usr/bin/scale" -f bench:/bench -- \
		/bench/scale.sh 0 0 0 100 10000
}
