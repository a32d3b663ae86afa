#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# PID 1 of a guest (a plain sh, which reaps orphans while it waits for the command). Console: ttyS0;
# the command's output: ttyS1; what tests/vm/run must know (up, status): ttyS2.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root TERM=dumb

# tmpfs DIR MODE: -f may have put files into DIR, which the mount must not hide
tmpfs()
{
	mkdir -p "$1" /mnt
	mount -t tmpfs -o "mode=$2" tmpfs /mnt
	find "$1" -mindepth 1 -maxdepth 1 -exec mv {} /mnt/ \;
	mount --move /mnt "$1"
}

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t devtmpfs -o nosuid,mode=0755 devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o nosuid,noexec,gid=5,mode=620,ptmxmode=666 devpts /dev/pts
tmpfs /dev/shm 1777
tmpfs /tmp 1777
tmpfs /run 755
mount -t securityfs securityfs /sys/kernel/security
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf -o mode=0700 bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for c in cpu memory pids; do
	echo +$c >/sys/fs/cgroup/cgroup.subtree_control
done
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
mkdir -p /home/alice /home/bob
chown alice:alice /home/alice
chown bob:bob /home/bob
hostname guest
ip link set lo up
for m in /.vm/modules/*.ko; do
	[ ! -f "$m" ] || insmod "$m"
done

stty -F /dev/ttyS1 115200 raw -echo
stty -F /dev/ttyS2 115200 raw -echo
echo up >/dev/ttyS2
cd /root || :
# In a subshell, since dash redirects before it forks: its own "Killed" is for the console.
(exec setsid /bin/sh /.vm/command </dev/null >/dev/ttyS1 2>&1)
status=$?
# Whoever is left could go on writing, and the drain would not end. Status goes out last: a kernel
# that dies of this kill must not pass for a good one.
kill -9 -1
stty -F /dev/ttyS1 raw
echo "status $status" >/dev/ttyS2
poweroff -f
