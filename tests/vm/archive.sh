# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Debian's archive through a private apt configuration, to be sourced: apt checks the signatures,
# and the system's own sources, lists, cache and installed packages are neither used nor changed.

# archive_entries: prints "SUITE URI KEYRING" for each entry of the system's own Debian sources.
archive_entries()
{
	local f
	for f in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
		[ -r "$f" ] || continue
		awk -v key=/usr/share/keyrings/debian-archive-keyring.gpg '
			function flush(   i, n, s) {
				n = split(suites, s, " ")
				for (i = 1; i <= n && uri != "" && deb; i++) print s[i], uri, signed
				suites = uri = ""; signed = key; deb = 0
			}
			BEGIN { signed = key }
			/^[ \t]*#/ { next }
			/^[ \t]*$/ { flush(); next }
			$1 == "Types:" { deb = / deb( |$)/ }
			$1 == "URIs:" { uri = $2 }
			$1 == "Suites:" { suites = $0; sub(/^Suites:/, "", suites) }
			$1 == "Signed-By:" && $2 ~ /^\// { signed = $2 }
			$1 == "deb" {
				s = $0; k = key
				if (match(s, /signed-by=[^] ]*/)) k = substr(s, RSTART + 10, RLENGTH - 10)
				sub(/^deb +(\[[^]]*\] *)?/, "", s); split(s, w, " ")
				print w[2], w[1], k
			}
			END { flush() }' "$f"
	done
}

# archive_sources SUITE...: prints an apt sources list for these suites, from the mirrors that the
# system uses, or from $AUTOKILL_MIRROR.
archive_sources()
{
	local entries main security suite uri key
	entries=$(archive_entries)
	main=${AUTOKILL_MIRROR:-$(awk '$1 !~ /-security$/ && $1 !~ /\/updates$/ { print $2; exit }' <<<"$entries")}
	security=${AUTOKILL_MIRROR:+$AUTOKILL_MIRROR-security}
	security=${security:-$(awk '$1 ~ /-security$/ { print $2; exit }' <<<"$entries")}
	key=$(awk '{ print $3; exit }' <<<"$entries")
	key=${key:-/usr/share/keyrings/debian-archive-keyring.gpg}
	if [ -z "$main" ]; then
		echo "archive: no Debian mirror in /etc/apt/sources.list.d/debian.sources or" \
			"/etc/apt/sources.list: name one in AUTOKILL_MIRROR" >&2
		return 1
	elif [ ! -r "$key" ]; then
		echo "archive: no keyring $key to check signatures with: install debian-archive-keyring" >&2
		return 1
	fi
	for suite in "$@"; do
		case $suite in
		*-security) uri=${security:-${main%/}-security} ;;
		*) uri=$main ;;
		esac
		echo "deb [arch=amd64 signed-by=$key] $uri $suite main"
	done
}

# archive_open DIR SUITE...: sets up a private apt in DIR for archive_apt; brings the lists up to
# date if they are older than half a day. Fails when the archive cannot be reached; older lists, if
# there, stay usable.
archive_open()
{
	local dir=$1 sources
	shift
	archive_conf=$dir/apt.conf
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	sources=$(archive_sources "$@") || return 1
	if [ -f "$dir/updated" ] && [ -z "$(find "$dir/updated" -mmin +720)" ] &&
		[ "$sources" = "$(cat "$dir/sources.list" 2>/dev/null)" ]; then
		return 0
	fi
	rm -f "$dir/updated"
	echo "$sources" >"$dir/sources.list"
	: >"$dir/status"
	# The system's apt.conf.d is read before this file, which keeps its proxy settings; its
	# hooks would act on the system, so they go. As root, apt would drop to a user who cannot
	# write here.
	cat >"$archive_conf" <<-C
		Dir::Etc::SourceList "$dir/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State::Lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::State::extended_states "$dir/extended_states";
		Dir::Cache "$dir/cache";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		APT::Sandbox::User "";
		APT::Update::Error-Mode "any";
		Acquire::Languages "none";
		Acquire::http::Timeout "20";
		Acquire::Retries "2";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	C
	archive_apt get update >"$dir/update.log" 2>&1 || {
		echo "archive: cannot bring the package lists up to date:" >&2
		grep '^[EW]:' "$dir/update.log" >&2 || tail -n 5 "$dir/update.log" >&2
		return 1
	}
	touch "$dir/updated"
}

# archive_apt get|cache ARGUMENT...: apt-get or apt-cache of the archive that archive_open has set
# up.
archive_apt()
{
	local tool=$1
	shift
	"apt-$tool" -q -c "$archive_conf" "$@"
}

# archive_unpack DIR PACKAGE...: downloads packages and unpacks them into DIR, without installing
# anything.
archive_unpack()
{
	local dir=$1 deb debs
	shift
	debs=$(mktemp -d "$dir/debs.XXXXXX")
	(cd "$debs" && archive_apt get download "$@") >"$debs/log" 2>&1 || {
		echo "archive: cannot download $*:" >&2
		cat "$debs/log" >&2
		return 1
	}
	for deb in "$debs"/*.deb; do
		dpkg -x "$deb" "$dir" || return 1
	done
	rm -rf "$debs"
}
