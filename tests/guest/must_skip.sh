#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# must_skip.sh N TEXT - in a guest with one CPU: of N releases of /mutant the check TEXT must fail
set -u

/mutant load || exit 1
skipped --releases "$1" >/tmp/log 2>&1
status=$?
sed 's/ passed, / passed of the mutant, /' /tmp/log
/mutant status | tail -n 9
if [ $status != 0 ] && grep "^FAIL $2" /tmp/log; then
	echo 'caught'
	echo '1 passed, 0 failed, 0 skipped'
else
	echo "NOT CAUGHT: $2"
	echo '0 passed, 1 failed, 0 skipped'
	exit 1
fi
