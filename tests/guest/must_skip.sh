#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# must_skip.sh N - in a guest with one CPU: /mutant, whose release hangs on fentry, must lose some of N
set -u

/mutant load || exit 1
skipped --releases "$1" >/tmp/log 2>&1
status=$?
sed 's/ passed, / passed of the mutant, /' /tmp/log
/mutant status | tail -n 9
if [ $status != 0 ] && grep -q '^FAIL children that outlived' /tmp/log; then
	echo 'caught: releases were lost'
	echo '1 passed, 0 failed, 0 skipped'
else
	echo 'NOT CAUGHT: nothing was lost'
	echo '0 passed, 1 failed, 0 skipped'
	exit 1
fi
