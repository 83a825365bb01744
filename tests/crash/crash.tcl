# crash.tcl - words for tests that kill real processes (worker.c).

# The lines that a process wrote whole.
proc lines {text} { lrange [split $text \n] 0 end-1 }

# Every acknowledged record is in what was read, at its offset; each writer's
# records come in order, and none twice.
proc expect_kept {acknowledged read} {
    set next 0
    array set last {}
    foreach line $read {
        lassign $line offset writer number
        if {$offset != $next} { fail "offset $offset comes where $next should" }
        if {[info exists last($writer)] && $number <= $last($writer)} {
            fail "$writer $number comes after $last($writer)"
        }
        set last($writer) $number
        set next [expr {$offset + 1}]
    }
    foreach line $acknowledged {
        if {[lindex $read [lindex $line 0]] ne $line} {
            fail "acknowledged: $line\nbut there is: [lindex $read [lindex $line 0]]"
        }
    }
}

proc chance {limit} { expr {int(rand() * $limit)} }
