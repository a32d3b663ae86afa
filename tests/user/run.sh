#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# tests/user/run.sh - `autokill run`, in a guest where autokill is loaded or the kernel has the flag
#
# usage: run.sh DIR loaded|native    DIR has pty and sigs, built from pty.c and sigs.c; autokill is on PATH, and
#        loaded, or it is not and the kernel has the flag
# TAP on stdout; the last line is "N passed, N failed, 0 skipped"; exit 1 if any failed. Wants root
# and busybox, nothing else.
# shellcheck disable=SC2016 # what until_true gets is expanded by its eval
set -u

dir=$1
pty=$dir/pty sigs=$dir/sigs
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

passed=0 failed=0

result() # NAME 0|1 [DIAGNOSTICS]
{
	n=$((passed + failed + 1))
	if [ "$2" = 0 ]; then
		passed=$((passed + 1)); echo "ok $n - $1"
	else
		failed=$((failed + 1)); echo "not ok $n - $1"
		[ -z "${3:-}" ] || echo "$3" | sed 's/^/# /'
	fi
}

same() # NAME EXPECTED ACTUAL
{
	[ "$2" = "$3" ]
	result "$1" $? "expected: $2
got: $3"
}

# Until COMMAND succeeds, 20 s at most; every step is one look, none relies on the time.
until_true()
{
	i=0
	while ! eval "$1"; do
		i=$((i + 1))
		[ $i -lt 400 ] || return 1
		usleep 50000
	done
}

state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null; }
gone() { s=$(state "$1"); [ -z "$s" ] || [ "$s" = Z ]; }

case ${2-} in
loaded) loaded=1 ;;
native) loaded=0 ;;
*)
	sed -n '/^# usage/,/^#  /s/^# //p' "$0" >&2
	exit 2
	;;
esac
same "loaded, as we were told" $loaded "$(autokill status >/dev/null 2>&1 && echo 1 || echo 0)"

# --- exit status

status() # NAME EXPECTED COMMAND...
{
	name=$1 want=$2
	shift 2
	"$@" >out 2>err </dev/null
	same "$name" "$want" $?
}

status "exit status 0" 0 autokill run true
status "exit status 7" 7 autokill run sh -c 'exit 7'
status "exit status 255" 255 autokill run sh -c 'exit 255'
for sig in TERM:143 KILL:137 INT:130 SEGV:139 PIPE:141; do
	status "killed by SIG${sig%:*}" "${sig#*:}" autokill run sh -c "kill -${sig%:*} \$\$"
done
status "not found: 127" 127 autokill run no-such-command
grep -q '^autokill: run: cannot execute no-such-command: No such file' err
result "not found: message" $? "$(cat err)"
: > plain
status "not executable: 126" 126 autokill run ./plain
grep -q '^autokill: run: cannot execute ./plain: Permission denied' err
result "not executable: message" $? "$(cat err)"
status "a directory: 126" 126 autokill run /tmp
printf '#!/no/such/interpreter\n' > script; chmod +x script
status "interpreter missing: 127" 127 autokill run ./script
status "no command: 125" 125 autokill run
status "unknown option: 125" 125 autokill run --no-such-option true
status "no message of our own where the command fails" 127 autokill run sh -c 'exit 127'
same "  ... none" "" "$(cat err)"

# --- arguments

same "options behind CMD are CMD's" "--nnp --help -x" "$(autokill run echo --nnp --help -x)"
same "-- ends the options" "-n ok" "$(autokill run -- printf '%s %s' -n ok)"
same "--nnp is ours before CMD" "yes" "$(autokill run --nnp echo yes)"

# --- descriptors and pipes

same "stdin from a pipe" "hello" "$(echo hello | autokill run cat)"
same "16 MB through both pipes" 16777216 \
	"$(dd if=/dev/zero bs=65536 count=256 2>/dev/null | autokill run cat | wc -c)"
autokill run sh -c 'exec >&-; echo $$ >pid; while :; do sleep 1; done' | { cat; : >ended; } &
until_true '[ -e ended ]'
result "a stdout that CMD closed is closed" $?
! gone "$(cat pid)"
result "  ... while CMD goes on" $?
kill "$(cat pid)"
(autokill run sh -c 'exec yes' 2>/dev/null; echo $? > code) | head -n 1 >/dev/null
until_true '[ -s code ]'
same "a reader that leaves ends CMD: SIGPIPE" 141 "$(cat code)"
same "CMD has the descriptors that we had" "$("$sigs" fds)" "$(autokill run "$sigs" fds)"
same "  ... also where stdin is closed" "$("$sigs" fds <&-)" "$(autokill run "$sigs" fds <&-)"
autokill run "$sigs" fds <&- >&- 2>&-
same "  ... or all three are" 0 $?
same "  ... with one more" "$("$sigs" fds 7<plain)" "$(autokill run "$sigs" fds 7<plain)"

# --- what CMD inherits

inherit='grep -E "^(SigBlk|SigIgn)" /proc/self/status'
same "signal mask and dispositions" "$(sh -c "$inherit")" "$(autokill run sh -c "$inherit")"
same "  ... nohup, and SIGINT ignored" "$(trap '' HUP INT; sh -c "$inherit")" \
	"$(trap '' HUP INT; autokill run sh -c "$inherit")"
(trap '' CHLD; exec autokill run sh -c 'exit 9')
same "exit status where SIGCHLD is ignored" 9 $?
same "  ... and CMD inherits it" "$(trap '' CHLD; sh -c "$inherit")" \
	"$(trap '' CHLD; autokill run sh -c "$inherit")"

# --- signals

start() # COMMAND... : in the background; $run is autokill's pid, $cmd is CMD's
{
	rm -f out
	"$@" >out 2>err </dev/null &
	run=$!
	until_true 'grep -qs "^ready" out'
	cmd=$(sed -n 's/^ready //p' out)
}

start autokill run "$sigs" tstp
for sig in INT HUP QUIT USR1 USR2 WINCH TSTP CONT; do
	kill -$sig $run
	until_true "grep -q '^got $sig 1' out"
	result "SIG$sig is passed on" $? "$(cat out)"
done
kill -STOP "$cmd"
until_true '[ "$(state "$cmd")" = T ]'
result "CMD can be stopped" $?
kill -CONT $run
until_true 'grep -q "^got CONT 2" out'
result "  ... and continued by us, who have not stopped without a terminal" $? "$(cat out)"
kill -TERM $run
wait $run
same "SIGTERM is passed on; the exit status is CMD's" 7 $?
same "each came once" "" "$(grep -E '(INT|HUP|QUIT|USR1|USR2|WINCH|TSTP|TERM) 2|CONT 3' out)"

rm -f out
autokill run "$sigs" count >out 2>err <&- &
run=$!
until_true 'grep -qs "^ready" out'
kill -TERM $run
until_true 'grep -q "^end" out'
result "SIGTERM is passed on where stdin is closed, too" $?
wait $run
same "  ... exit status" 7 $?

for sig in KILL ABRT ALRM PIPE; do
	start autokill run "$sigs" count
	kill -$sig $run
	until_true "gone $cmd"
	result "we die by SIG$sig: CMD dies" $?
	wait $run 2>/dev/null
done

start autokill run "$sigs" count
kill -STOP "$cmd"
until_true '[ "$(state "$cmd")" = T ]'
kill -KILL $run
until_true "gone $cmd"
result "we die, CMD is stopped: it dies" $?
wait $run 2>/dev/null

start autokill run "$sigs" count
kill -STOP $run
kill -KILL "$cmd"
kill -CONT $run
wait $run
same "CMD is killed by another: 137" 137 $?

start autokill run "$sigs" count
holders=$(for fd in /proc/[0-9]*/fd/*; do readlink "$fd"; done 2>/dev/null | grep -c pidfd)
same "one descriptor of the tether in the whole machine" 1 "$holders"
kill -KILL $run
wait $run 2>/dev/null

autokill run sh -c 'sleep 1000 >/dev/null 2>&1 & echo $! > descendant'
! gone "$(cat descendant)"
result "what CMD has left behind lives" $?
kill "$(cat descendant)"

# --- rights

guard_of() { autokill ps --json | sed -n "/\"pid\":$1,/s/.*\"guard\":\([a-z]*\).*/\1/p"; }

same "without CAP_SYS_ADMIN" "ok" "$(su nobody -s /bin/sh -c 'autokill run echo ok' 2>&1)"
if [ $loaded = 0 ]; then
	flag='sed -n "s/^NoNewPrivs:[[:space:]]*//p" /proc/self/status'
	same "  ... the guard is on" 1 "$(su nobody -s /bin/sh -c "autokill run sh -c '$flag'")"
	same "root: no guard" 0 "$(autokill run sh -c "$flag")"
	same "root with --nnp: guard" 1 "$(autokill run --nnp sh -c "$flag")"
else
	start su nobody -s /bin/sh -c "exec autokill run $sigs count"
	same "  ... the guard is on" true "$(guard_of "$cmd")"
	kill -TERM "$cmd"
	wait $run
	start autokill run "$sigs" count
	same "root: no guard" false "$(guard_of "$cmd")"
	kill -TERM "$cmd"
	wait $run
	cp /bin/busybox suid
	chmod u+s suid
	chmod 755 "$work"
	su nobody -s /bin/sh -c "autokill run $work/suid id" >out 2>err
	same "the guard refuses a setuid CMD: 126" 126 $?
fi

# --- in a terminal

terminal() # NAME < SCRIPT
{
	PS1='$ ' ENV='' "$pty" sh -i 2>trace
	result "$1" $? "$(cat trace)"
}

# `Stopped' is followed by the command on the same line, and fg prints the command, too.
# A second signal would be passed on before we stop, and be shown before CONT and TERM.
terminal "Ctrl-C and the like arrive once" <<-END
	send autokill run $sigs count
	expect ready
	key C
	expect got INT 1
	key \\
	expect got QUIT 1
	size
	expect got WINCH 1
	key Z
	expect Stopped
	expect autokill
	send fg
	expect autokill
	absent 2
	expect got CONT 1
	key C
	expect got INT 2
	key \\
	expect got QUIT 2
	key Z
	expect Stopped
	expect autokill
	send kill -TERM %1; fg
	absent 3
	expect end
END
terminal "Ctrl-Z stops both, bg continues both" <<-END
	send autokill run $sigs count
	expect ready
	key Z
	expect Stopped
	send echo "n=\$(ps -o stat,comm | grep -c '^T.*sigs')"
	expect n=1
	send echo "n=\$(ps -o stat,comm | grep -c '^T.*autokill')"
	expect n=1
	send bg
	expect got CONT 1
	send echo "n=\$(ps -o stat,comm | grep -c '^T')"
	expect n=0
	send kill -TERM %1
	expect end
	send wait; echo o"v"er
	expect over
END
terminal "stopped by another, continued by fg" <<-END
	send autokill run $sigs log stopped
	expect ready
	key Z
	expect Stopped
	expect autokill
	send bg
	expect got CONT 1
	send kill -STOP \$(sed -n 's/^ready //p' stopped)
	send until ps -o stat,comm | grep -q '^T.*autokill'; do usleep 10000; done; echo b"o"th
	expect both
	send fg
	expect got CONT
	key C
	expect got INT 1
	key Z
	expect Stopped
	send kill -TERM %1; fg
	expect end
END
terminal "exit status in a terminal" <<-END
	send autokill run sh -c 'exit 5'; echo "is \$?."
	expect is 5.
	send autokill run sh -c 'echo re"a"dy; exec sleep 1000'; echo "is \$?."
	expect ready
	key C
	expect is 130.
END
terminal "in the background it stops when it reads the terminal; fg continues it" <<-END
	send autokill run cat &
	send until [ \$(ps -o stat,comm | grep -c '^T') = 2 ]; do usleep 10000; done; echo st"o"pped
	expect stopped
	expect Stopped (tty input)
	expect autokill
	send fg
	expect autokill
	send some words
	expect some words
	expect some words
	key D
	send echo "is \$?."
	expect is 0.
END
terminal "a shell in it has its own job control" <<-END
	send autokill run sh -c 'PS1="in> " exec sh -i'
	expect in>
	send $sigs count
	expect ready
	key Z
	expect Stopped
	expect in>
	send fg
	expect got CONT 1
	key C
	expect got INT 1
	key Z
	expect Stopped
	expect in>
	send kill -TERM %1; fg
	expect end
	expect in>
	send exit 5
	send echo "is \$?."
	expect is 5.
END
terminal "one of us in another" <<-END
	send autokill run autokill run $sigs count
	expect ready
	key C
	expect got INT 1
	key Z
	expect Stopped
	expect autokill
	send fg
	expect autokill
	absent 2
	expect got CONT
	key C
	expect got INT 2
	key Z
	expect Stopped
	send kill -TERM %1; fg
	expect end
END

PS1='$ ' ENV='' "$pty" sh -i 2>trace <<-END
	send autokill run $sigs log hup
	expect ready
	hangup
END
result "terminal hangs up: driver" $? "$(cat trace)"
until_true 'grep -qs "^got HUP 1" hup'
result "  ... the shell is told, and CMD" $? "$(cat hup)"
kill -KILL "$(sed -n 's/^ready //p' hup)"

"$pty" autokill run "$sigs" log leader 2>trace <<-END
	expect ready
	key C
	expect got INT 1
	key Z
	key C
	expect got INT 2
	hangup
END
result "as leader of the session" $? "$(cat trace)"
until_true 'grep -qs "^got HUP 1" leader'
result "  ... that we alone are told of the hang-up: passed on" $? "$(cat leader)"
kill -KILL "$(sed -n 's/^ready //p' leader)"

same "no message that nobody asked for" "" "$(autokill run true 2>&1)"
echo "1..$((passed + failed))"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
