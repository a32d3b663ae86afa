#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# must_escape.sh N - in a guest: of /mutant somebody must get away; of /slow, whose sweeps are as slow, nobody
set -u

passed=0 failed=0

# try WHO WANT - escape under /WHO; WANT: is a survivor to be found?
try()
{
	"/$1" load 2>/dev/null || exit 1
	escape "$n" >/tmp/log 2>&1
	sed "s/ passed, / passed of $1, /" /tmp/log
	found=no
	grep -q '^FAIL trees that had survivors' /tmp/log && found=yes
	if [ $found = "$2" ]; then
		passed=$((passed + 1))
		echo "as it must be: $1, survivors: $found"
	else
		failed=$((failed + 1))
		echo "NOT CAUGHT, or a false alarm: $1, survivors: $found"
	fi
	"/$1" unload --force 2>/dev/null
}

n=$1
try mutant yes
try slow no
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
