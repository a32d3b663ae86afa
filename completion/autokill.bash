# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# autokill.bash - completion of autokill in bash: verbs, options, arguments where they mean anything
#
# It works with the package bash-completion and without it. A name that ends in = is of an option
# that takes a value. -? is left out, since a shell takes it for a pattern.

# --- from --help, by tests/lint_completion --write

_autokill_verbs='load unload status doctor ps events run agent'

_autokill_options() # VERB
{
	local every='--help -h --usage --version -V'

	case $1 in
	load) echo "--no-native-flags --room= -r= --verbose -v $every" ;;
	unload) echo "--force -f $every" ;;
	status) echo "--json -j $every" ;;
	doctor) echo "--json -j --verbose -v $every" ;;
	ps) echo "--json -j --tree -t --uid= -u= $every" ;;
	events) echo "--follow -f --json -j --lines= -n= $every" ;;
	run) echo "--nnp -g --tree -t $every" ;;
	agent) echo "$every" ;;
	esac
}

# --- by hand

# _autokill_reply CURRENT [OPTION OF compgen]... - what begins with CURRENT
_autokill_reply() { mapfile -t COMPREPLY < <(compgen "${@:2}" -- "$1"); }

# _autokill_reply_options CURRENT VERB
_autokill_reply_options()
{
	local option names=''

	for option in $(_autokill_options "$2"); do
		case $option in
		--*) names+=" $option" ;;
		*) names+=" ${option%=}" ;;
		esac
	done
	_autokill_reply "$1" -W "$names"
	if [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace; fi
}

# _autokill_takes VERB OPTION - the option has a value, and this is not in the same word
_autokill_takes() { [[ " $(_autokill_options "$1") " == *" $2= "* ]]; }

# _autokill_command CURRENT AT - word AT is the command of `run`, or the place for it
_autokill_command()
{
	local offset
	for offset in _comp_command_offset _command_offset; do # bash-completion 2.12, and before it
		if declare -F "$offset" >/dev/null; then
			"$offset" "$2"
			return
		fi
	done
	compopt -o filenames
	if [ "$2" = "$COMP_CWORD" ]; then
		_autokill_reply "$1" -A command -A directory
	else
		_autokill_reply "$1" -A file
	fi
}

# _autokill_run CURRENT - options end at the first word that is none, or behind --
_autokill_run()
{
	local at

	for ((at = 2; at < COMP_CWORD; at++)); do
		case ${COMP_WORDS[at]} in
		--)
			_autokill_command "$1" $((at + 1))
			return
			;;
		-*) ;;
		*) break ;;
		esac
	done
	if [[ $at = "$COMP_CWORD" && $1 == -* ]]; then
		_autokill_reply_options "$1" run
	else
		_autokill_command "$1" "$at"
	fi
}

_autokill() # COMMAND CURRENT PREVIOUS
{
	local current=$2 previous=$3 verb=${COMP_WORDS[1]}

	COMPREPLY=()
	# --uid=name is three words where = is one of COMP_WORDBREAKS, and two before the name.
	if [ "$current" = = ]; then current=''; fi
	if [ "$previous" = = ]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi

	if [ "$COMP_CWORD" = 1 ]; then
		_autokill_reply "$current" -W "$_autokill_verbs help --help -h --version -V"
	elif [ "$verb" = help ]; then
		if [ "$COMP_CWORD" = 2 ]; then _autokill_reply "$current" -W "$_autokill_verbs"; fi
	elif [ "$verb" = run ]; then
		_autokill_run "$current"
	elif _autokill_takes "$verb" "$previous"; then
		case $previous in
		--uid | -u) _autokill_reply "$current" -A user ;;
		esac # the others take a number
	elif [[ $current == -* ]]; then
		_autokill_reply_options "$current" "$verb"
	fi
}

complete -F _autokill autokill
