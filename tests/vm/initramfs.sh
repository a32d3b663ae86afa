# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The root of a guest, to be sourced: a cached base (busybox, init.sh, users) and, appended to it,
# what one run adds.

# skeleton DIR: the folders of a merged-/usr system. Both cpio archives have it, so that a file for
# /lib goes where /lib points, and does not replace the link.
skeleton()
{
	local d
	mkdir -p "$1"/usr/{bin,sbin,lib,lib64,local/bin,local/sbin} "$1"/.vm
	for d in bin sbin lib lib64; do
		ln -s "usr/$d" "$1/$d"
	done
}

pack() { (cd "$1" && find . -print0 | cpio -0 -o -H newc -R 0:0 --quiet); }

# initramfs_base HERE CACHE: prints the path of the base, which it makes if it is not in the folder
# CACHE
initramfs_base()
{
	local busybox dash hash file root applet d u
	busybox=$(command -v busybox) || { echo "no busybox: install busybox-static" >&2; return 1; }
	hash=$(cat "$busybox" "$(command -v dash || echo /dev/null)" "$1/init.sh" "$1/initramfs.sh" | sha256sum | cut -c -16)
	file=$2/base-$hash.cpio
	if [ ! -s "$file" ]; then
		mkdir -p "$2"
		root=$(mktemp -d "$2/.base.XXXXXX")
		chmod 755 "$root"
		skeleton "$root"
		mkdir -p "$root"/{dev,etc,home,mnt,proc,root,run,sys,tmp,var/log,var/tmp}
		chmod 1777 "$root/tmp" "$root/var/tmp"
		cp "$busybox" "$root/usr/bin/busybox"
		cp "$1/init.sh" "$root/init"
		chmod 755 "$root/init" "$root/usr/bin/busybox"
		for applet in $(busybox --list-full); do
			[ "${applet##*/}" = busybox ] ||
				ln -sf /usr/bin/busybox "$root/usr/${applet#usr/}"
		done
		# busybox sh runs its own applets whatever PATH says; where there is dash, /bin/sh
		# is as users have it
		if dash=$(command -v dash); then
			rm "$root/usr/bin/sh"
			add "$root" "$dash" /usr/bin/sh
		fi
		ln -s ../proc/self/mounts "$root/etc/mtab"
		ln -s ../run "$root/var/run"
		echo tty:x:5: >"$root/etc/group"
		for u in root:0 alice:1000 bob:1001 nobody:65534; do
			echo "${u%:*}:x:${u#*:}:" >>"$root/etc/group"
			case $u in root:*) d=/root ;; nobody:*) d=/nonexistent ;; *) d=/home/${u%:*} ;; esac
			echo "${u%:*}:x:${u#*:}:${u#*:}:${u%:*}:$d:/bin/sh" >>"$root/etc/passwd"
		done
		sed -i 's/^nobody:x:65534:$/nogroup:x:65534:/' "$root/etc/group"
		printf '127.0.0.1 localhost guest\n::1 localhost\n' >"$root/etc/hosts"
		pack "$root" >"$root.cpio"
		rm -rf "$root"
		mv "$root.cpio" "$file"
	fi
	echo "$file"
}

# libraries ROOT FILE: what FILE is linked with, at the paths where its loader looks for them
libraries()
{
	local lib
	{ ldd "$2" 2>/dev/null || :; } | sed -n -E 's/^\t([^ ]+ => )?(\/.*) \(0x[0-9a-f]+\)$/\2/p' |
		while IFS= read -r lib; do
			[ ! -e "$1$lib" ] || continue
			mkdir -p "$1${lib%/*}"
			cp -L "$lib" "$1$lib"
		done
}

# add ROOT FILE GUEST_PATH: a file or a folder, and the libraries of what is executable in it
add()
{
	local to=$1$3 f
	if [ -d "$2" ]; then
		mkdir -p "$to"
		cp -a "$2/." "$to/"
		find -L "$2" -type f \( -perm /111 -o -name '*.so*' \) -print0 |
			while IFS= read -r -d '' f; do
				libraries "$1" "$f"
			done
	else
		[ "${3%/}" = "$3" ] || to=$1$3${2##*/}
		mkdir -p "${to%/*}"
		cp -L --preserve=mode,timestamps "$2" "$to"
		libraries "$1" "$2"
	fi
}

# modules ROOT KERNEL_FOLDER NAME...: kernel modules and those that they need, numbered in the order
# of loading. Debian's packages come without modules.dep (depmod makes it at installation), so ask
# each module itself.
modules()
{
	local root=$1 kernel=$2 name file to deps
	shift 2
	mkdir -p "$root/.vm/modules"
	for name in "$@"; do
		name=${name//-/_}
		file=$({ find -L "$kernel/lib/modules" -name '*.ko*' 2>/dev/null || :; } | awk -F/ -v want="$name" '
			{ n = $NF; sub(/\.ko.*/, "", n); gsub(/-/, "_", n) } n == want && !seen++')
		if [ -z "$file" ]; then
			sed 's|.*/||; s|-|_|g' "$kernel"/lib/modules/*/modules.builtin 2>/dev/null |
				grep -x "$name.ko" >/dev/null && continue
			echo "no module $name in $kernel/lib/modules" >&2
			return 1
		fi
		to=$root/.vm/modules/$name
		[ ! -e "$to" ] || continue
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) zstd -dcq "$file" ;;
		*) cat "$file" ;;
		esac >"$to" || return 1
		deps=$(tr '\0' '\n' <"$to" | sed -n 's/^depends=//p' | tr , ' ')
		# shellcheck disable=SC2086 # a list of words
		modules "$root" "$kernel" $deps || return 1
		ln "$to" "$root/.vm/modules/$(printf %03d "$(find "$root/.vm/modules" -name '*.ko' | wc -l)")-$name.ko"
	done
}
