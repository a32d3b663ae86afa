#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# run_verb.sh loaded|native - in a guest: `autokill run`, with autokill loaded or by the kernel's
# own flag
#
# The programs pty, sigs and steal of this folder are on PATH. TAP on stdout; the last line is
# "N passed, N failed, 0 skipped"; exit 1 if any failed. Wants root and busybox, nothing else.
# shellcheck disable=SC2016 # what until_true gets is expanded by its eval
set -u

pty=/usr/bin/pty sigs=/usr/bin/sigs steal=/usr/bin/steal
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

agent=''
case ${1-} in
loaded)
	loaded=1
	autokill load || exit 1
	# Where the agent kills, a tree takes longer to go. One that was just started is not alive
	# yet.
	if [ -e /sys/fs/bpf/autokill/maps/agent ]; then
		autokill agent &
		agent=$!
		until_true 'autokill status >/dev/null 2>&1'
	fi
	;;
native) loaded=0 ;;
*)
	sed -n '/^# run_verb/p' "$0" >&2
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
# shellcheck disable=SC3045 # busybox and dash have it
ulimit -c unlimited
echo 'core.%e' >/proc/sys/kernel/core_pattern
for sig in TERM:15 KILL:9 INT:2 SEGV:11 ABRT:6 PIPE:13; do
	same "  ... and we die by it: SIG${sig%:*}" "signal ${sig#*:}" \
		"$("$sigs" wait autokill run sh -c "kill -${sig%:*} \$\$" 2>&1)"
done
same "  ... the core is the command's alone" core.sh "$(echo core.*)"
rm -f core.*
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
	cmd_group=$(sed 's/.*) //' "/proc/$cmd/stat" | cut -d ' ' -f 3)
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

# What is sent to the group is CMD's without us; what is sent to us, we pass on. Each is sent when
# the one before it was counted, so a second copy makes the sum at the end too large.
group_signals() # NAME PGID
{
	run=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$cmd/status")
	for sig in INT HUP QUIT USR1 USR2 WINCH TSTP CONT; do
		for n in 1 2 3; do
			case $n in
			2) kill -$sig "$run" ;;
			*) kill -$sig "-$2" ;;
			esac
			until_true "grep -q '^got $sig $n\$' out" || break 2
		done
	done
	kill -TERM "-$2"
	until_true 'grep -q ^end out'
	result "$1: signals to the group and to us" $? "$(cat out)"
	same "  ... each arrived once" "8 25" "$(grep -c ' 3$' out) $(grep -c ^got out)"
}

start setsid autokill run "$sigs" tstp
group_signals "leader of the session" "$cmd_group"
start setsid sh -c 'trap : INT HUP QUIT USR1 USR2 TERM TSTP; '"autokill run $sigs tstp; true"
group_signals "a shell without job control" "$cmd_group"
start setsid autokill run autokill run "$sigs" tstp
group_signals "one of us in another" "$cmd_group"
start autokill run "$sigs" tstp
# By the executable, that is: the witnesses have it, too.
for sig in USR1 USR2 WINCH HUP; do
	for p in $(pidof autokill); do
		[ "$p" = "$agent" ] || kill -$sig "$p"
	done
	until_true "grep -q '^got $sig 1' out" || break
done
until_true 'grep -q "^got HUP 1" out'
result "a signal to us by name is passed on" $? "$(cat out; ps)"
kill -STOP $run
kill -INT $run
kill -CONT $run
until_true 'grep -q "^got INT 1" out'
result "  ... and one while we were stopped" $? "$(cat out)"
kill -STOP "$cmd"
until_true '[ "$(state "$cmd")" = T ]'
kill -TERM $run
until_true 'grep -q ^end out'
result "who is stopped is continued to end, as by timeout(1)" $? "$(cat out)"
wait $run

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

# --- a tree: we return when nobody is left, and leave alone who is none of it

left() # FILE: how many of the processes in it are still there
{
	n=0
	while read -r p; do gone "$p" || n=$((n + 1)); done <"$1"
	echo $n
}

if [ $loaded = 1 ]; then
	late=0
	for i in 1 2 3 4 5 6 7 8 9 10; do
		autokill run --tree "$sigs" reaper 5 >members 2>err
		[ "$(wc -l <members) $(left members)" = "5 0" ] || late=$((late + 1))
	done
	same "--tree: nobody is left when it returns, 10 times" 0 $late
	same "  ... without a message" "" "$(cat err)"
	su nobody -s /bin/sh -c "autokill run --tree $sigs reaper 5" >members 2>err
	same "  ... nor of another user" "5 0 " "$(wc -l <members) $(left members) $(cat err)"

	rm -f out
	autokill run --tree sh -c 'for i in 1 2 3 4; do (sh -c "echo \$\$" &); done; echo ready $$; sleep 1000' >out 2>err &
	run=$!
	until_true '[ "$(wc -l <out)" = 5 ] && grep -q ready out'
	grep -v ready out >members
	until_true 'for p in $(cat members); do [ ! -e "/proc/$p" ] || false || break; done; [ ! -e "/proc/$p" ]'
	result "  ... orphans that end meanwhile are no zombies" $? "$(ps)"
	kill -TERM $run
	wait $run
	same "  ... and the status is CMD's" 143 $?

	# before: a child of the shell that becomes us; orphan: of another such child, which ends
	# meanwhile.
	rm -f before orphan go
	sh -c '
		sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >before
		{ sleep 1000 & echo $! >orphan; until [ -e go ]; do usleep 10000; done; } </dev/null >/dev/null 2>&1 &
		until [ -s orphan ]; do usleep 10000; done
		exec autokill run --tree sh -c "
			echo \$PPID
			: >go
			until ! grep -q \"PPid:.$!\$\" /proc/\$(cat orphan)/status; do usleep 10000; done
			sed -n s/PPid:.//p /proc/\$(cat orphan)/status
			'"$sigs"' reaper 3 >members
			exit 9"' >out 2>err
	same "children from before our exec: the status is CMD's" 9 $?
	same "  ... and nobody was waited for too long" "" "$(cat err)"
	same "  ... nobody of the tree is left" "3 0" "$(wc -l <members) $(left members)"
	gone "$(cat before)" || gone "$(cat orphan)"
	same "  ... and they live" 1 $?
	same "  ... their orphans are init's" 1 "$(sed -n 2p out)"
	kill "$(cat before)" "$(cat orphan)"

	sh -c 'sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >before; exec autokill run --tree '"$sigs count" >out 2>err &
	run=$!
	until_true 'grep -qs "^ready" out'
	cmd=$(sed -n 's/^ready //p' out)
	kill -USR1 $run
	until_true 'grep -q "^got USR1 1" out'
	result "  ... signals reach CMD" $? "$(cat out err)"
	kill -KILL $run
	until_true "gone $cmd"
	result "  ... and CMD dies with us" $?
	wait $run 2>/dev/null
	kill "$(cat before)"

	set -- true
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do set -- autokill run --tree "$@"; done
	status "trees 16 deep" 0 "$@"
	status "  ... 17 deep" 125 autokill run --tree "$@"
	same "  ... and why" "autokill: run: cannot tether the tree of true: trees nest 16 deep, and this one would be within 16 others; use fewer --tree around each other" \
		"$(cat err)"
fi
if unshare -p true 2>/dev/null; then
	status "as init of a pid namespace" 143 unshare -p -f autokill run sh -c 'kill -TERM $$'
	unshare -p -f --mount-proc autokill run sh -c '
		for i in 1 2 3; do (sleep 0 &); done
		i=0; while [ $i -lt 200 ] && grep -l "^State:.Z" /proc/[0-9]*/status; do i=$((i + 1)); usleep 20000; done >/dev/null 2>&1
		[ $i -lt 200 ]' 2>err
	same "  ... orphans are reaped" "0 " "$? $(cat err)"
fi

# --- what a member can take from us: nothing

yama=/proc/sys/kernel/yama/ptrace_scope
[ ! -e $yama ] || echo 0 >$yama
chmod 755 "$work"
su nobody -s /bin/sh -c "$steal; :" >out 2>err
grep -q 'pidfd_getfd.* fd .*process_vm_readv ptrace' out
result "of another parent, a child can take descriptors" $? "$(cat out err)"
for how in '' --nnp; do
	su nobody -s /bin/sh -c "autokill run $how $steal" >out 2>err
	same "of us it can take nothing${how:+ ($how)}" "0 succeeded:" "$? $(grep succeeded out)"
done
[ $loaded = 0 ] || {
	su nobody -s /bin/sh -c "autokill run --tree $steal" >out 2>err
	same "  ... --tree" "0 succeeded:" "$? $(grep succeeded out)"
}
start autokill run "$steal" traceme
until_true '[ "$(state "$cmd")" = t ]'
kill -KILL $run
until_true "gone $cmd"
result "who makes us its tracer dies with us" $?
wait $run 2>/dev/null

# --- without descriptors

for n in 4 5 6 7 8 9 10; do
	# shellcheck disable=SC3045
	(ulimit -n $n; exec autokill run true) >out 2>err </dev/null
	code=$?
	[ $code = 0 ] || { [ $code = 125 ] && grep -q '^autokill: .*\(Too many open files\|ulimit -n\)' err; } ||
		break
	[ $code = 125 ] || break
done
result "ulimit -n $n: 0, or 125 and why" "$code" "$(cat err)"

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

# Nobody is sent to what is not for them.
for verb in 'run true' 'run --tree true' status ps events unload; do
	su nobody -s /bin/sh -c "autokill $verb" >/dev/null 2>err </dev/null
	! grep -v 'ask the administrator to run: autokill' err | grep 'autokill \(status\|load\|unload\|doctor\|ps\)'
	result "autokill $verb, not as root: the message" $? "$(cat err)"
done

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
	send autokill run sh -c 'echo re"a"dy; exec sleep 1000'
	expect ready
	key C
	send echo "is \$?."
	expect is 130.
END
terminal "Ctrl-C ends a loop around it" <<-END
	send while :; do autokill run sh -c 'echo re"a"dy; exec sleep 1000'; done
	expect ready
	key C
	absent ready
	send echo o"v"er
	expect over
END
terminal "Ctrl-C in a pipeline, and under a shell without job control" <<-END
	send autokill run $sigs count | sh -c 'trap "" INT QUIT TERM; exec cat'
	expect ready
	key C
	expect got INT 1
	key \\
	absent 2
	expect got QUIT 1
	key Z
	expect Stopped
	send kill -TERM %1; fg
	expect end
	send sh -c 'trap : INT QUIT; autokill run $sigs count; echo o"v"er \$?'
	expect ready
	key C
	expect got INT 1
	key \\
	absent 2
	expect got QUIT 1
	send
	key C
	expect got INT 2
	send
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

# --- nobody kills: an agent that is killed, where there is one

if [ -n "$agent" ]; then
	# What has been released kills itself at its next exec or fork, even without an agent. So
	# this one must be asleep before.
	autokill run --tree sh -c 'sleep 1000 </dev/null >/dev/null 2>&1 &
		echo $! >left
		until grep -qx sleep /proc/$!/comm && grep -q "^State:.S" /proc/$!/status; do usleep 10000; done
		kill -KILL '"$agent" >out 2>err
	same "who is left after 10 s is named: 125" 125 $?
	grep -q "^autokill: run: $(cat left) (sleep) S is still alive, 10 s after the kill" err
	result "  ... the message" $? "$(cat err)"
	kill "$(cat left)"
fi
echo "1..$((passed + failed))"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
