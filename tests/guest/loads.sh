#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# loads.sh - in a guest: what each version of clang has built (/by/*) passes this kernel's verifier,
# and kills
set -u

# shellcheck source=tests/guest/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

built_by
finish
