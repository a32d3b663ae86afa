# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# table.sh - reads tests/steps and tests/lines for tests/run: which steps there are, and which of
# them a pattern, a tier or a change means
#
# tests/run has say(), and sets table and tier.
# shellcheck disable=SC2034,SC2154

names=() # in its order
declare -A tier_of=() seconds_of=() line_of=() skips_of=() needs_of=() covers_of=() area_of=()
declare -A command_of=() # as bash reads it
declare -A waits_of=() # yes or empty
declare -A may_lack=() # kernel lines that the archive may have dropped
needs='' covers='' waits=''

area() { area_of[$1]="${*:2}"; }

# step NAME TIER SECONDS LINE SKIPS COMMAND...
step()
{
	[ -z "${tier_of[$1]-}" ] || { say "$table has two steps $1"; exit 2; }
	[ $# -ge 6 ] || { say "$table: the row of $1 is too short"; exit 2; }
	names+=("$1")
	tier_of[$1]=$2 seconds_of[$1]=$3 line_of[$1]=$4
	local skips=${5#-} command
	skips_of[$1]=${skips//,/ }${may_lack[$4]:+ no-kernel}
	needs_of[$1]=$needs covers_of[$1]=$covers waits_of[$1]=$waits
	printf -v command '%q ' "${@:6}"
	command_of[$1]=$command
}

lines_read() { sed -n '/^[^#]/p' tests/lines; }

# suites: a step for each row of tests/lines that has a tier
suites()
{
	local line archive tier seconds skips by
	while read -r line archive tier seconds skips by; do
		# shellcheck disable=SC2086 # a list of words
		[ "$tier" = - ] || step "suite-$line" "$tier" "$seconds" "$line" "$skips" suite $by
	done < <(lines_read)
}

table_read()
{
	local line archive rest
	while read -r line archive rest; do
		[ "$archive" = must ] || may_lack[$line]=1
	done < <(lines_read)
	[ -r "$table" ] || { say "there is no table $table"; exit 2; }
	# shellcheck source=tests/steps disable=SC1091
	. "$table"
}

# covered NAME: sets covered to patterns of the paths whose change calls for the step
covered()
{
	local word words dir
	covered=()
	read -ra words <<<"${covers_of[$1]}"
	for word in "${words[@]}"; do
		[ -n "${area_of[$word]-}" ] || { say "$table: $1 covers $word, which is no area"; exit 2; }
		read -ra words <<<"${area_of[$word]}"
		covered+=("${words[@]}")
	done
	eval "words=(${command_of[$1]})"
	for word in "${words[@]}"; do
		for dir in tests/guest tests/stress bench; do
			covered+=("$dir/$word.sh" "$dir/$word.c")
		done
		case $word in
		tests/*/* | bench/* | demo/*) covered+=("${word%/*}/*") ;;
		*/*) covered+=("$word") ;;
		suite) covered+=('tests/conformance/*') ;;
		real) covered+=('tests/real/*') ;;
		build_other | build_by_every_clang) covered+=(tests/clang) ;;
		esac
	done
	# What every guest needs.
	[ "${line_of[$1]}" = - ] ||
		covered+=('tests/vm/*' tests/guest/lib.sh tests/commands.sh tests/lines)
}

# changed REV: the names of those steps of the tier that a change since REV calls for
changed()
{
	local name file pattern files
	mapfile -t files < <(git diff --name-only --no-renames "$1" -- && git ls-files --others --exclude-standard)
	for name in "${names[@]}"; do
		in_tier "$name" || continue
		covered "$name"
		for pattern in "${covered[@]}"; do
			for file in "${files[@]}"; do
				# shellcheck disable=SC2053 # a pattern
				[[ $file == $pattern ]] && { echo "$name"; continue 3; }
			done
		done
	done
	return 0
}

in_tier() { [ -z "$tier" ] || [ "${tier_of[$1]}" = both ] || [ "${tier_of[$1]}" = "$tier" ]; }

# named PATTERN: the names that it matches
named()
{
	local name
	for name in "${names[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $name == $1 ]] && in_tier "$name" && echo "$name"
	done
	return 0
}
