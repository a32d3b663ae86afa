# SPDX-License-Identifier: GPL-2.0-only
# tables.awk - summary.csv to tables, in Markdown; and the goals, met or missed by how much
BEGIN { FS = "," }

function number(v, s, out) {
	s = sprintf("%.0f", v)
	out = ""
	while (length(s) > 3) {
		out = "," substr(s, length(s) - 2) out
		s = substr(s, 1, length(s) - 3)
	}
	return s out
}

function shown(v, unit) {
	if (unit == "ns")
		return v < 1e4 ? sprintf("%d ns", v) : v < 1e6 ? sprintf("%.1f µs", v / 1e3) : v < 1e9 ? sprintf("%.2f ms", v / 1e6) : sprintf("%.2f s", v / 1e9)
	return number(v)
}

FNR == 1 { next }
{
	k = $1 SUBSEP $2 SUBSEP $4 SUBSEP $5 SUBSEP $6 SUBSEP $7 SUBSEP $8
	low[k] = $10; median[k] = $11
	if ($14 != "") { ratio[k, $14] = $15; q1[k, $14] = $16; q3[k, $14] = $17 }
	title = $1 ", " ($4 == "instructions" ? "in instructions (the guest's clock counts them; ratios of lower quartiles)" : "in time")
	if (title != last) {
		printf "\n## %s\n\n", title
		print "| kernel | what | way | members, N | bystanders | n | lower quartile | median | p99 | unit | ratio | quartiles | to |"
		print "|---|---|---|---:|---:|---:|---:|---:|---:|---|---:|---|---|"
		last = title
	}
	printf "| %s | %s | %s | %s | %s | %d | %s | %s | %s | %s | %s | %s | %s |\n", $2, $5, $6, $7 ? number($7) : "", $7 ? number($8) : "", $9,
		shown($10, $13), shown($11, $13), shown($12, $13), $13 == "ns" ? "" : $13,
		$14 == "" ? "" : sprintf("%.3f", $15), $14 == "" ? "" : sprintf("%.3f to %.3f", $16, $17), $14
	lines[$2] = 1
}

# goal TEXT VALUE LIMIT FORMAT - one row
function goal(text, value, limit, format) {
	printf "| %s | " format " | " format " | %s |\n", text, limit, value,
		value <= limit ? "met" : sprintf("missed by " format, value - limit)
}

function key(part, line, clock, what, way, x, y) {
	return part SUBSEP line SUBSEP clock SUBSEP what SUBSEP way SUBSEP x SUBSEP y
}

function goal_ratio(text, k, yardstick, limit) {
	if ((k, yardstick) in ratio)
		goal(text " (quartiles " sprintf("%.3f to %.3f", q1[k, yardstick], q3[k, yardstick]) ")", ratio[k, yardstick], limit, "%.3f")
}

END {
	print "\n## Goals\n\n| goal | at most | measured | |\n|---|---:|---:|---|"
	n = split("6.1 6.12 6.16 6.17 6.18 6.19 7.0 7.1 7.2 7.3 newest", order, " ")
	for (i = 1; i <= n; i++) {
		l = order[i]
		if (!(l in lines))
			continue
		goal_ratio(l ": kill latency, close, to the native flag", key("latency", l, "ns", "close", "prctl", 0, 0), "native", 1.10)
		goal_ratio(l ": kill latency, holder killed, to the native flag", key("latency", l, "ns", "killed", "prctl", 0, 0), "native", 1.10)
		c = "instructions"
		goal_ratio(l ": tether by prctl, clone3, exit, close, wait, to the same without; instructions", key("cost", l, c, "child-by-prctl", "idle", 0, 0), "child idle", 1.03)
		goal_ratio(l ": the same, in time", key("cost", l, "ns", "child-by-prctl", "idle", 0, 0), "child idle", 1.03)
		k = key("cost", l, c, "open+close", "idle", 0, 0)
		if (k in low)
			goal(l ": open+close of an untethered file, instructions added", low[k] - low[key("cost", l, c, "open+close", "not-loaded", 0, 0)], l == "6.1" ? 0 : 120, "%d")
		k = key("cost", l, c, "fork+exit", "idle", 0, 0)
		if (k in low)
			goal(l ": fork+exit of an untethered process, % added", 100 * (ratio[k, "not-loaded"] - 1), 0.5, "%.2f")
		k = key("cost", l, c, "fork+exit", "member", 0, 0)
		if (k in low)
			goal(l ": fork+exit of a member, % added", 100 * (ratio[k, "not-loaded"] - 1), 2, "%.2f")
		# fork's own count goes by the page allocator (cost.c), so also what is added to a
		# vfork, in % of a fork.
		k = key("cost", l, c, "vfork+exit", "not-loaded", 0, 0)
		idle = key("cost", l, c, "vfork+exit", "idle", 0, 0)
		member = key("cost", l, c, "vfork+exit", "member", 0, 0)
		whole = key("cost", l, c, "fork+exit", "not-loaded", 0, 0)
		if (k in low && idle in low && member in low && whole in low) {
			goal(l ": the same by what is added to vfork+exit, untethered, % of fork+exit",
				100 * (low[idle] - low[k]) / low[whole], 0.5, "%.2f")
			goal(l ": the same by what is added to vfork+exit, member, % of fork+exit",
				100 * (low[member] - low[k]) / low[whole], 2, "%.2f")
		}
		goal_ratio(l ": tree of 1,000 to cgroup.kill, no bystanders", key("tree", l, "ns", "tree", "autokill", 1000, 0), "cgroup.kill", 1)
		goal_ratio(l ": tree of 1,000 to cgroup.kill, 10,000 bystanders", key("tree", l, "ns", "tree", "autokill", 1000, 10000), "cgroup.kill", 1.2)
		goal_ratio(l ": the same in instructions, no bystanders", key("tree", l, c, "tree", "autokill", 1000, 0), "cgroup.kill", 1)
		goal_ratio(l ": the same in instructions, 10,000 bystanders", key("tree", l, c, "tree", "autokill", 1000, 10000), "cgroup.kill", 1.2)
	}
}
