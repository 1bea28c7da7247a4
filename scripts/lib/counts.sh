# Reads how many tests passed, failed and were skipped from the output of a test program. Source it.
#
# counts FILE: prints "PASSED FAILED SKIPPED", or nothing when the output holds no count. Understood, in this
# order: the last line "N passed, N failed[, N skipped]", the summary of PHPUnit, the summary of phpt.

counts() {
    awk '
        { gsub(/\033\[[0-9;]*m/, "") }
        /^([A-Za-z]+: )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
            line = $0
            sub(/^[A-Za-z]+: /, "", line)
            split(line, part, /[^0-9]+/)
            plain = part[1] " " part[2] " " (part[3] == "" ? 0 : part[3])
        }
        /^OK \([0-9]+ tests?, / {
            split($0, part, /[^0-9]+/)
            unit = part[2] " 0 0"
        }
        /^Tests: [0-9]+, Assertions: / {
            total = failed = skipped = 0
            count = split($0, part, /[,.] */)
            for (i = 1; i <= count; i++) {
                split(part[i], word, /: */)
                if (word[1] == "Tests") total = word[2]
                if (word[1] == "Failures" || word[1] == "Errors") failed += word[2]
                if (word[1] == "Skipped" || word[1] == "Incomplete") skipped += word[2]
            }
            unit = total - failed - skipped " " failed " " skipped
        }
        /^Tests (passed|failed|skipped)  *: *[0-9]+ / {
            php[$2] = $0
            sub(/^[^:]*: */, "", php[$2])
            sub(/ .*/, "", php[$2])
        }
        END {
            if (plain != "") print plain
            else if (unit != "") print unit
            else if ("passed" in php) print php["passed"] + 0, php["failed"] + 0, php["skipped"] + 0
        }
    ' "$1"
}

# cmocka_counts FILE FAILED_PROGRAMS: the same for the output of "ctest -V" over cmocka programs. A program
# that ended badly counts as one failure even when it printed none (a crash, a sanitizer's report).
cmocka_counts() {
    awk -v programs="$2" '
        match($0, /\[  PASSED  \] [0-9]+ test/) { split(substr($0, RSTART), w, " "); passed += w[4] }
        match($0, /\[  FAILED  \] [0-9]+ test/) { split(substr($0, RSTART), w, " "); failed += w[4] }
        match($0, /\[  SKIPPED \] [0-9]+ test/) { split(substr($0, RSTART), w, " "); skipped += w[4] }
        END {
            if (failed < programs) failed = programs
            if (passed + failed + skipped > 0) printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
        }
    ' "$1"
}

# skip_reasons FILE: the lines that say what was skipped and why.
skip_reasons() {
    awk '
        { gsub(/\033\[[0-9;]*m/, "") }
        /^Skipped:$/ { block = 1; next }
        block && /^  / { print; next }
        block && !/^$/ { block = 0 }
        /^ *SKIP / || /^ *skip: / || /^skipped: / || /# SKIP/ { sub(/^ */, "  "); print }
    ' "$1" | cut -c1-200 | awk '!seen[$0]++' | head -n 60
}
