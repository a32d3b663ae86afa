# SPDX-License-Identifier: GPL-2.0-only
# summary.awk - raw data, sorted by group and value, to one line a group and yardstick (summary.csv)
#
# The spread of a ratio is the quartiles of the ratios in each round. Where the clock counts
# instructions, the ratio is one of lower quartiles, since they are the same in each boot (cost.c);
# else of medians. A group without its yardstick, or with other rounds than it, is an error:
# something has not been measured.
BEGIN {
	FS = OFS = ","
	print "part,line,kernel,clock,what,way,x,y,n,q1,median,p99,unit,yardstick,ratio,ratio_q1,ratio_q3"
}

function group_end(i) {
	if (!n)
		return
	count[key] = n
	low[key] = v[int((n - 1) * 0.25) + 1]
	median[key] = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	p99[key] = v[int(n * 0.99 + 0.999)]
	keys[++groups] = key
	n = 0
}

{
	k = $1 OFS $2 OFS $4 OFS $5 OFS $6 OFS $7 OFS $8
	if (k != key) {
		group_end()
		key = k
		kernel[k] = $3
		unit[k] = $11
	}
	v[++n] = $10 + 0
	of_round[k, $9] = $10 + 0
	rounds[k] = rounds[k] " " $9
}

function name(part, line, clock, what, way, x, y) {
	return part OFS line OFS clock OFS what OFS way OFS x OFS y
}

# Insertion: there are some hundred at most, nearly sorted or not.
function sort_ratios(m, i, j, t) {
	for (i = 2; i <= m; i++) {
		t = r[i]
		for (j = i - 1; j >= 1 && r[j] > t; j--)
			r[j + 1] = r[j]
		r[j + 1] = t
	}
}

function wrong(text) {
	print "bench/report: " text >"/dev/stderr"
	status = 1
}

# compare KEY YARDSTICK - they are to have been measured in the same rounds, unless of cost
function compare(k, y, f, m, i, list, ratio) {
	split(k, f, OFS)
	if (!(y in count)) {
		wrong(k ": nothing to compare with: " y)
		return
	}
	if (f[1] != "cost" && count[y] != count[k])
		wrong(k ": measured " count[k] " times, " y " " count[y] " times")
	m = 0
	split(rounds[k], list, " ")
	for (i in list)
		if ((y, list[i]) in of_round && of_round[y, list[i]] > 0)
			r[++m] = of_round[k, list[i]] / of_round[y, list[i]]
	if (!m) {
		wrong(k ": no round in common with " y)
		return
	}
	sort_ratios(m)
	ratio = f[3] == "instructions" ? low[k] / low[y] : median[k] / median[y]
	split(y, list, OFS)
	line_print(k, (list[4] == f[4] ? "" : list[4] " ") list[5], sprintf("%.4f", ratio),
		   sprintf("%.4f", r[int((m - 1) * 0.25) + 1]), sprintf("%.4f", r[int((m - 1) * 0.75 + 0.999) + 1]))
}

function line_print(k, yardstick, ratio, q1, q3, f) {
	split(k, f, OFS)
	print f[1], f[2], kernel[k], f[3], f[4], f[5], f[6], f[7], count[k], sprintf("%.1f", low[k]),
	      sprintf("%.1f", median[k]), sprintf("%.1f", p99[k]), unit[k], yardstick, ratio, q1, q3
}

END {
	group_end()
	for (g = 1; g <= groups; g++) {
		k = keys[g]
		split(k, f, OFS)
		part = f[1]; line = f[2]; clock = f[3]; what = f[4]; way = f[5]; x = f[6]; y = f[7]
		compared = 0
		if (part == "cost") {
			base = what
			if (sub(/-by-.*/, "", base)) {
				compare(k, name(part, line, clock, base, way, x, y))
				compared = 1
			}
			if (way != "not-loaded" && (base == what || name(part, line, clock, what, "not-loaded", x, y) in count)) {
				compare(k, name(part, line, clock, what, "not-loaded", x, y))
				compared = 1
			}
		} else if (part == "latency") {
			if (way == "prctl" && name(part, line, clock, what, "native", x, y) in count) {
				compare(k, name(part, line, clock, what, "native", x, y))
				compared = 1
			}
			base = what == "close" ? "signal" : "pdeathsig"
			if (way != base) {
				compare(k, name(part, line, clock, what, base, x, y))
				compared = 1
			}
		} else if (part == "tree" && way != "cgroup.kill") {
			compare(k, name(part, line, clock, what, "cgroup.kill", x, y))
			compared = 1
		} else if (part == "scale" && way == "tethered" && what != "growth") {
			if (name(part, line, clock, what, "bare", x, y) in count) {
				compare(k, name(part, line, clock, what, "bare", x, y))
				compared = 1
			}
		}
		if (!compared)
			line_print(k, "", "", "", "")
	}
	exit status
}
