#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# place.sh - in a guest: what load, doctor, agent, status and unload accept as their place in the
# system
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
bpffs=/sys/fs/bpf
pins=$bpffs/autokill

# exits STATUS TEXT COMMAND... - exits so, and says so
exits()
{
	want=$1 text=$2
	shift 2
	"$@" >/tmp/out 2>&1
	got=$?
	cat /tmp/out
	[ $got = "$want" ] || { echo "status $got, not $want"; return 1; }
	grep -q -- "$text" /tmp/out || { echo "does not say: $text"; return 1; }
}
as_alice() { su alice -s /bin/sh -c "$*"; }
remount() { umount $bpffs && mount -t bpf "$@" bpf $bpffs; }

# --- pin folders that are not root's alone

# planted NAME TEXT COMMAND... - what COMMAND makes is refused by every verb that uses the pins, and
# stays
planted()
{
	kind=$1 text=$2
	shift 2
	"$@"
	before=$(ls -lnR $pins)
	for verb in load unload 'unload --force' status ps events agent; do
		# shellcheck disable=SC2086 # a verb and its option
		check "$kind: $verb" exits 1 "$text" autokill $verb
	done
	check "$kind: doctor" exits 2 "$text" autokill doctor
	check "$kind: nothing is changed" [ "$before" = "$(ls -lnR $pins)" ]
	rm -rf $pins /tmp/elsewhere
}
by_alice() { as_alice "umask 0; mkdir $pins $pins/links $pins/progs $pins/maps"; }
inner_by_alice() { mkdir -m 700 $pins $pins/links && chown alice $pins/links; }
wide() { mkdir -m 770 $pins; }
linked() { mkdir -m 700 $bpffs/other && ln -s $bpffs/other $pins; }
inner_linked() { mkdir -m 700 $pins && ln -s $bpffs/other $pins/maps; }
a_pin() { bpftool map create $pins type array key 4 value 4 entries 1 name mine; }

remount
planted 'folders of a user' "$pins is a folder of uid 1000, mode 0777" by_alice
remount -o mode=0700
planted 'an inner folder of a user' "$pins/links is a folder of uid 1000" inner_by_alice
planted 'a folder with a mode for others' "$pins is a folder of uid 0, mode 0770" wide
planted 'a link' "$pins is a symbolic link" linked
planted 'a link further down' "$pins/maps is a symbolic link" inner_linked
rmdir $bpffs/other
planted 'a pin instead of a folder' "$pins is a file" a_pin
chmod 777 $bpffs # the kernel makes it sticky when it is mounted
check 'a bpffs where everybody moves everything' exits 1 "$bpffs is a folder of uid 0, mode 0777" autokill load
remount -o mode=0700

# --- a second load, with a bpffs of its own

# elsewhere COMMAND... - in a mount namespace with a bpffs of its own, which stays until
# `end_elsewhere`
elsewhere()
{
	rm -f /tmp/said /tmp/go
	mkfifo /tmp/said /tmp/go
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -c 'mount -t bpf -o mode=0700 bpf /sys/fs/bpf; "$@" >/tmp/elsewhere.log 2>&1
		echo $? >/tmp/said; read -r go </tmp/go' sh "$@" &
	elsewhere=$!
	read -r status </tmp/said
	cat /tmp/elsewhere.log
	return "$status"
}
end_elsewhere() { echo go >/tmp/go; wait "$elsewhere"; }
json_of_others() { autokill status --json >/tmp/out; grep "\"others\":\[{\"link\":[0-9]*,\"id\":[0-9]*,.*\"pid\":$elsewhere}" /tmp/out; }

autokill load
check 'a second load, elsewhere' exits 1 'link [0-9]* (program [0-9]*, autokill_' elsewhere autokill load
end_elsewhere
check 'the first is as it was' exits 0 'already loaded' autokill load
check 'unload' autokill unload
check 'a load elsewhere, the first' elsewhere autokill load
there="pinned in the mount namespace of process $elsewhere"
check 'then load here' exits 1 "$there" autokill load
check 'status' exits 1 "$there" autokill status
check 'status --json' json_of_others
check 'doctor' exits 2 "$there" autokill doctor
check 'unload' exits 1 "$there" autokill unload
check 'unload --force' exits 1 "$there" autokill unload --force
check 'unload where it says' nsenter -m -t "$elsewhere" autokill unload
end_elsewhere
check 'load' autokill load
check 'status is content again' agent_start
check 'and is not disturbed by who looks' autokill status
check 'the agent ends' agent_stop

# Each attaches before it looks, so one at least sees the other.
not_both()
{
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -c 'mount -t bpf -o mode=0700 bpf /sys/fs/bpf; autokill load 2>/tmp/there.log; echo $? >/tmp/there' &
	autokill load 2>/tmp/here.log
	here=$?
	wait $!
	there=$(cat /tmp/there)
	echo "here $here, there $there"
	cat /tmp/here.log /tmp/there.log
	# Both may be refused, but by each other, and not for another reason.
	[ $here = 0 ] || grep -q 'another autokill is attached' /tmp/here.log || return 1
	[ "$there" = 0 ] || grep -q 'another autokill is attached' /tmp/there.log || return 1
	[ $here != 0 ] || [ "$there" != 0 ]
}
check 'unload' autokill unload
check 'two loads at once in two places' not_both
cat /tmp/check.log
autokill unload
check 'load' autokill load

# --- pins that cannot be looked at, or are missing: what is loaded is not taken for leftovers

few() { n=$1 && shift && prlimit --nofile="$n:$n" "$@"; }
for n in 6 20; do
	for verb in load unload status ps events agent; do
		check "$n descriptors: $verb" exits 1 'cannot have .* descriptors: Too many open files' few $n autokill $verb
	done
	check "$n descriptors: doctor" exits 2 'cannot have .* descriptors' few $n autokill doctor
done
check '5 descriptors: run' exits 125 'Too many open files; .*ulimit -n' few 5 autokill run true
check 'a soft limit is raised' exits 0 'already loaded' prlimit --nofile=20:1024 autokill load
check 'all is still there' exits 0 'already loaded' autokill load
agent_start
check 'and serves' autokill run true
rm $pins/maps/users
check 'a pin is missing: load' exits 1 'pins are missing' autokill load
check 'a pin is missing: unload' exits 1 'pins are missing' autokill unload
agent_stop
check 'a pin is missing: unload --force' autokill unload --force
check 'and nothing is left' sh -c "! ls $pins"

# --- an unload that was killed: what somebody depends on is kept by the next load

# ready_is N - config.ready, as whoever is killed leaves it
ready_is()
{
	# shellcheck disable=SC2046 # bytes
	set -- "$1" $(bpftool -j map lookup pinned $pins/maps/config key 0 0 0 0 | sed 's/.*"value":\[\([^]]*\)\].*/\1/' | tr -d '"' | tr , ' ')
	ready=$1
	shift
	bytes="$1 $2 $3 $4 $ready 0 0 0"
	shift 8
	# shellcheck disable=SC2086
	bpftool map update pinned $pins/maps/config key 0 0 0 0 value $bytes "$@"
}
# holder - a tethered child, whose pid is in $child, as long as $holder lives
holder()
{
	rm -f /tmp/child
	# shellcheck disable=SC2016 # for the inner shell
	autokill run sh -c 'echo $$ >/tmp/child; exec sleep 1000' </dev/null >/dev/null 2>&1 &
	holder=$! tries=0
	until child=$(cat /tmp/child) && [ -n "$child" ]; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		usleep 50000
	done
}
dies_with_holder()
{
	kill -KILL "$holder"
	tries=0
	while kill -0 "$child" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$child/status"; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || { kill -KILL "$child"; return 1; }
		usleep 50000
	done
}
unload_into_nothing()
{
	autokill unload 2>&1 | true
	exits 0 'loaded and ready' autokill status
}
nothing_depends() { tries=0; until left=$(autokill ps --json) && [ -z "$left" ]; do tries=$((tries + 1)); [ $tries -lt 200 ] || return 1; usleep 50000; done; }

check 'load' autokill load
agent_start
check 'a child is tethered' holder
check 'an unload that is refused, and nobody reads why' unload_into_nothing
check 'a door left closed' ready_is 0
check 'status says how it is opened' exits 1 'interrupted; .*run: autokill load' autokill status
check 'doctor, too' exits 2 'run: autokill load' autokill doctor
check 'load keeps the child' exits 0 'an unload was interrupted' autokill load
check 'and it is served as before' autokill status
check 'a door left closed again' ready_is 0
check 'unload is refused' exits 1 'refused: 1 tethered' autokill unload
check 'and opens it' autokill status
check 'the child dies with its holder' dies_with_holder
check 'and nothing depends' nothing_depends
check 'a door left closed, and nobody depends: load' ready_is 0
check 'it is leftovers' exits 0 'removed what an interrupted' autokill load
agent_stop 2>/dev/null # it may have seen already that its pins were replaced
agent_start
check 'it serves' autokill run true

# --- a link is missing: what hung on it is detached, and that is said

check 'a child is tethered' holder
link=$(find $pins/links -name 'autokill_exit*' | head -n 1)
rm "$link"
check 'a link is missing: status' exits 1 'pins are missing' autokill status
check 'a link is missing: status --json' exits 1 '"state":"pins-missing"' autokill status --json
check 'a link is missing: load' exits 1 'pins are missing' autokill load
check 'a link is missing, and the door closed' ready_is 0
check 'load leaves it' exits 1 'pins are missing' autokill load
check 'unload is refused, and does not open it' exits 1 'refused: 1 tethered' autokill unload
check 'nobody can arm' exits 1 'not ready' autokill status
kill -KILL "$holder" "$child"
agent_stop
check 'unload --force' autokill unload --force

# --- modes: the advice destroys nothing

check 'load' autokill load
agent_start
check 'a child is tethered' holder
chmod g+w $pins
check 'a mode for others' exits 1 "run: chmod 0700 $pins$" autokill status
chmod 0700 $pins
chmod 0770 $bpffs
check 'a bpffs for others' exits 1 "run: chown root: $bpffs && chmod 0700 $bpffs$" autokill unload
chown root: $bpffs && chmod 0700 $bpffs
check 'what is advised puts it right' autokill status
check 'and the child dies with its holder' dies_with_holder
agent_stop
check 'nothing depends' nothing_depends
check 'unload' autokill unload
chmod 0770 $bpffs
check 'nothing is loaded, whatever the folder above is' exits 0 'nothing was loaded' autokill unload
chmod 0700 $bpffs

# --- namespaces, in which root is not root, or numbers and clocks are others

for what in '-r user' '-p_-f pid' '-p children' '-T_-f time'; do
	option=$(echo "${what% *}" | tr _ ' ')
	text=" ${what#* } namespace"
	[ "$option" != -r ] || option='-U -r'
	[ "$text" != ' children namespace' ] || text='its children would be in a pid namespace'
	for verb in load agent; do
		# shellcheck disable=SC2086 # options
		check "unshare $option: $verb" exits 1 "$text" unshare $option autokill $verb
	done
	# shellcheck disable=SC2086
	check "unshare $option: doctor" exits 2 "$text" unshare $option autokill doctor
done
check 'nothing was loaded by that' exits 1 'not loaded' autokill status

# --- no securityfs: BPF LSM is found all the same, and so is what lockdown says

umount /sys/kernel/security
check 'without securityfs: doctor' exits 0 'ok    BPF LSM: .*bpf' autokill doctor
mount -t tmpfs tmpfs /sys/kernel/security
echo landlock >/sys/kernel/security/lsm
check 'something else there is not believed' exits 0 'ok    BPF LSM: .*bpf' autokill doctor
umount /sys/kernel/security
check 'without securityfs: load' autokill load
check 'it hangs on BPF LSM' sh -c 'autokill status | grep "^hooks   BPF LSM$"'
check 'and serves the flags as before' sh -c 'autokill status | grep "^flags   of clone3: served"'
mount -t securityfs securityfs /sys/kernel/security

for verb in unload status ps events; do
	check "unshare -U -r: $verb" exits 1 'user namespace' unshare -U -r autokill $verb
done

# --- the agent: refused before its first heartbeat, if it could not kill

if [ -e $pins/maps/agent ]; then
	check 'agent in a user namespace' exits 1 'user namespace' unshare -U -r autokill agent
	check 'agent in a pid namespace' exits 1 'pid namespace' unshare -p -f autokill agent
	check 'agent without CAP_KILL' exits 1 'CAP_KILL' setpriv --bounding-set=-kill autokill agent
	check 'agent without CAP_SETUID' exits 1 'CAP_SETUID' setpriv --bounding-set=-setuid autokill agent
	check 'agent that may send no signals' exits 1 'cannot kill a process of another uid: Operation not permitted' \
		forbid 1 autokill agent
	check 'agent whose signals are swallowed' exits 1 'cannot kill .* it lives' forbid 0 autokill agent
	check 'agent with little memory' exits 1 'less than 64 MiB' \
		setpriv --bounding-set=-sys_resource prlimit --data=50000000:50000000 autokill agent
	check 'none of these let anybody arm' sh -c 'autokill status | grep "^agent   NOT RUNNING$"'
	check 'nor did it leave a child' sh -c '! pidof autokill'
	agent_start
	check 'as it should be, it serves' autokill run true
	agent_stop
fi
check 'unload' autokill unload
finish
