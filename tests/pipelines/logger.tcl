# logger.tcl - a program that logs, and whatever rotates its log.
#
#   tclsh logger.tcl FILE LINES MS ROTATE_MS rename|truncate
#
# Writes "host NUMBER text" lines, 1 to LINES, over about MS milliseconds, not
# always a whole line at once.  Each ROTATE_MS the log is rotated as logrotate
# does it: renamed, and made again a moment after, while the program still has
# the old one; or copied, and cut back.

lassign $argv file lines ms every how

proc open_log {} {
    set log [open $::file a]
    fconfigure $log -buffering none -translation binary
    return $log
}

proc write_line {log number} {
    set line "10.0.0.[expr {$number % 17}] $number GET /index.html\n"
    if {$number % 7 == 0} {
        puts -nonewline $log [string range $line 0 5]
        set line [string range $line 6 end]
    }
    puts -nonewline $log $line
}

# log.9 goes, log.8 becomes log.9, ... and the log becomes log.1.
proc make_room {} {
    file delete $::file.9
    for {set i 8} {$i > 0} {incr i -1} {
        if {[file exists $::file.$i]} { file rename $::file.$i $::file.[expr {$i + 1}] }
    }
}

# The program is told a moment later, and writes to the old file until then.
proc rotate {log} {
    make_room
    if {$::how eq "truncate"} {
        file copy $::file $::file.1
        chan truncate $log 0
        return $log
    }
    file rename $::file $::file.1
    close [open $::file a]
    after 5
    for {set i 0} {$i < 5 && $::number < $::lines} {incr i} { write_line $log [incr ::number] }
    close $log
    return [open_log]
}

set log [open_log]
set begun [clock milliseconds]
set rotated $begun
set number 0
while {$number < $lines} {
    set now [clock milliseconds]
    if {$now - $rotated >= $every} {
        set log [rotate $log]
        set rotated $now
    }
    set due [expr {min($lines, ($now - $begun) * $lines / $ms + 1)}]
    while {$number < $due} { write_line $log [incr number] }
    after 1
}
close $log
