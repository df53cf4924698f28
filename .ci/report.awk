# Reads `go test -v` output and prints a line for each package, the whole output
# of one that failed, every skip, and what the end-to-end tests log. The counts
# go to the file named by -v counts=FILE as: passed failed skipped.

function flush_package() {
	for (i = 1; i <= n; i++) print line[i]
}

{ line[++n] = $0 }

# The compiler's words come before the first package, whichever that is.
/^# |^[^ ]+\.go:[0-9]+:[0-9]+: / { print }

/^ *--- PASS/ { passed++ }
/^ *--- FAIL/ { failed++; failed_here++ }
/^ *--- SKIP/ { skipped++; skips[++s] = $0 }

/^(ok  |FAIL)\t/ {
	if ($1 == "FAIL") {
		flush_package()
		# Nothing ran: it did not build, or it ended in a panic.
		if (!failed_here) failed++
	} else {
		if ($2 ~ /\/e2e$/)
			for (i = 1; i <= n; i++)
				if (line[i] ~ /^ +[a-z0-9_]+_test\.go:[0-9]+: /) print line[i]
		print
	}
	for (i = 1; i <= s; i++) print "skipped in " $2 ": " skips[i]
	n = s = failed_here = 0
}
/^\?   \t/ { n = s = failed_here = 0 }

END {
	flush_package()
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	if (counts != "") printf "%d %d %d\n", passed, failed, skipped >>counts
	# A test of this project is never skipped: what it needs is installed.
	exit (failed || skipped)
}
