#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# must_skip.sh TEXT PROGRAM ARGUMENT... - in a guest with one CPU: under PROGRAM, the check TEXT
# must fail of /mutant
set -u

text=$1
shift
/mutant load || exit 1
"$@" >/tmp/log 2>&1
status=$?
sed 's/ passed, / passed of the mutant, /' /tmp/log
/mutant status | tail -n 14
if [ $status != 0 ] && grep "^FAIL $text" /tmp/log; then
	echo 'caught'
	echo '1 passed, 0 failed, 0 skipped'
else
	echo "NOT CAUGHT: $text"
	echo '0 passed, 1 failed, 0 skipped'
	exit 1
fi
