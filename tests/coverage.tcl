# coverage.tcl - which branches of the engine no unit test takes.
#
#   tclsh tests/coverage.tcl FOLDER...        of libengine; BUILD is what ran
#
# `make coverage NAME="txn ..."` builds with gcc --coverage, runs the unit tests,
# and calls this.  Prints each line with a branch that was never taken, and a
# count; fails if there is one.  Assertions are left out: what only a mistake of
# ours can make false, no test makes so.

package require Tcl 8.6

proc branches_of {object source} {
    set options {--branch-probabilities --branch-counts --stdout --object-file}
    set out [exec gcov {*}$options $object $source 2>/dev/null]
    set text ""
    set of ""
    set all 0
    set missed {}
    foreach line [split $out \n] {
        if {[regexp {^\s*-:\s*0:Source:(.*)$} $line - of]} continue
        if {$of ne $source} continue ;# a header's, which others cover
        if {[regexp {^\s*(#####|=====|-|\d+\*?):\s*(\d+):(.*)$} $line - count number code]} {
            set text "$source:$number:$code"
            if {$count in {##### =====} && ![string match *check(* $code]} { lappend missed $text }
        } elseif {[regexp {^branch +\d+ (never executed|taken (\d+))} $line - how taken]} {
            if {[string match *check(* $text]} continue
            incr all
            if {$how eq "never executed" || $taken == 0} { lappend missed $text }
        }
    }
    return [list $all [lsort -unique -dictionary $missed]]
}

set build build/coverage
if {[info exists env(BUILD)] && $env(BUILD) ne ""} { set build $env(BUILD) }
set total 0
set failed 0
foreach folder $argv {
    foreach source [lsort [glob libengine/$folder/*.c]] {
        set object $build/planted/[file rootname $source].o
        lassign [branches_of $object $source] all missed
        incr total $all
        incr failed [llength $missed]
        foreach line $missed { puts "not taken: $line" }
    }
}
puts "$total branches in $argv, $failed lines with one that no unit test takes"
exit [expr {$failed > 0}]
