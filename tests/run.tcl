# run.tcl - run all tests, side by side, and count.
#
#   tclsh tests/run.tcl ?--folder=NAME?... ?--jobs=N? ?--long? ?--loud? ?WORD...?
#
# A job is one program that prints TAP: the unit tests, tidy, the comparison of
# the generated documents, one fuzzer's corpus, or one file FOLDER/NAME.test.
# WORDs select whole jobs by name, and else tests by their sentence.  --long
# lifts the deadlines; --loud shows what a job prints as it prints it.
#
# Prints one line per test, what a failed job printed, and last
# `N passed, N failed`.  A job that ends badly or says nothing has failed.

package require Tcl 8.6
encoding system iso8859-1
fconfigure stdout -encoding iso8859-1 -buffering line

set root [file dirname [file dirname [file normalize [info script]]]]
cd $root
set build build
if {[info exists env(BUILD)] && $env(BUILD) ne ""} { set build $env(BUILD) }
set usual {crash sim checker pipelines unit tool interop wire fuzz tidy docs}

array set options {folders {} jobs 2 long 0 loud 0 words {}}
array set total {passed 0 failed 0 skipped 0 number 0}

proc read_options {argv} {
    global options
    catch { set options(jobs) [exec nproc] }
    foreach word $argv {
        switch -glob -- $word {
            --folder=* { lappend options(folders) [string range $word 9 end] }
            --jobs=* { set options(jobs) [string range $word 7 end] }
            --long { set options(long) 1 }
            --loud { set options(loud) 1 }
            default { lappend options(words) $word }
        }
    }
    if {![llength $options(folders)]} { set options(folders) $::usual }
}

# ---- jobs: a name, a command, and seconds until it has failed ----------------

proc jobs_find {} {
    set jobs {}
    foreach folder $::options(folders) {
        lappend jobs {*}[jobs_in $folder]
    }
    return $jobs
}

proc jobs_in {folder} {
    set jobs {}
    switch $folder {
        unit { lappend jobs [job unit [file join $::build unit] 240] }
        tidy { lappend jobs [job tidy {tclsh tests/tidy.tcl} 120] }
        docs { lappend jobs [job docs {tclsh tests/docs.tcl} 60] }
        fuzz {
            foreach source [lsort [glob -nocomplain tests/fuzz/fuzz_*.c]] {
                set name [string range [file rootname [file tail $source]] 5 end]
                set inputs [lsort [glob -nocomplain -type f tests/fuzz/corpus/$name/*]]
                set command [list [file join $::build replay $name] {*}$inputs]
                lappend jobs [job fuzz/$name $command 120]
            }
        }
        default {
            foreach file [lsort [glob -nocomplain tests/$folder/*.test]] {
                set name $folder/[file rootname [file tail $file]]
                set command [list [interpreter $file] tests/harness/harness.tcl $file]
                lappend jobs [job $name $command 300]
            }
        }
    }
    return $jobs
}

# A sanitizer makes a program many times slower.
proc job {name command seconds} {
    if {[info exists ::env(SANITIZE)] && $::env(SANITIZE) ne ""} {
        set seconds [expr {4 * $seconds}]
    }
    return [dict create name $name command $command seconds $seconds]
}

# The first line says who runs a file: `# testfixture` or `# tclsh`.
proc interpreter {file} {
    set in [open $file]
    set line [gets $in]
    close $in
    if {[string match "# testfixture*" $line]} { return [file join $::build testfixture] }
    return [info nameofexecutable]
}

# A job that a word names runs whole; of others, the tests that a word selects.
proc job_select {job} {
    global options
    if {![llength $options(words)]} { return $job }
    set name [dict get $job name]
    foreach word $options(words) {
        if {[string first $word $name] >= 0} { return $job }
    }
    if {$name in {tidy docs} || [string match fuzz/* $name]} { return {} }
    dict set job command [concat [dict get $job command] $options(words)]
    dict set job partial 1
}

# ---- running ------------------------------------------------------------------

set running 0

# In a session of its own, so that its end is the end of all it has started; and
# it ends when this runner does.
proc job_prefix {} {
    set prefix {}
    if {[auto_execok setpriv] ne ""} { lappend prefix setpriv --pdeathsig KILL }
    if {[auto_execok setsid] ne ""} { lappend prefix setsid }
    return $prefix
}

proc job_start {job} {
    incr ::running
    set command [concat [job_prefix] [dict get $job command]]
    if {[catch {open |[list {*}$command </dev/null 2>@1] r} channel]} {
        job_count $job "not ok 1 - [dict get $job name] can be started\n# $channel\n" "" 0
        incr ::running -1
        return
    }
    fconfigure $channel -blocking 0 -translation binary
    dict set job begun [clock milliseconds]
    set ::output($channel) ""
    set timer ""
    if {!$::options(long)} {
        set timer [after [expr {[dict get $job seconds] * 1000}] [list job_late $channel $job]]
    }
    fileevent $channel readable [list job_collect $channel $job $timer]
}

proc job_late {channel job} {
    append ::output($channel) "\nnot ok 0 - [dict get $job name] ends within\
        [dict get $job seconds] seconds\n"
    set pid [lindex [pid $channel] 0]
    catch { exec sh -c "kill -s KILL -- -$pid || kill -s KILL $pid" }
}

proc job_collect {channel job timer} {
    set text [read $channel]
    append ::output($channel) $text
    if {$::options(loud)} { puts -nonewline $text }
    if {![eof $channel]} return
    after cancel $timer
    fconfigure $channel -blocking 1
    set problem ""
    if {[catch {close $channel} message options]} {
        set problem [lrange [dict get $options -errorcode] 0 end]
    }
    set ms [expr {[clock milliseconds] - [dict get $job begun]}]
    job_count $job $::output($channel) $problem $ms
    unset ::output($channel)
    incr ::running -1
}

# Read TAP, add it up, and show it.
proc job_count {job text problem ms} {
    global total
    set name [dict get $job name]
    set seen 0
    set bad 0
    set planned -1
    foreach line [split $text \n] {
        regexp {^1\.\.(\d+)$} $line -> planned
        if {![regexp {^(ok|not ok) \d+ - (.*)$} $line -> verdict sentence]} continue
        incr seen
        incr total(number)
        puts "$verdict $total(number) - $name: $sentence"
        if {$verdict eq "not ok"} { incr bad
        } elseif {[string match "*# SKIP*" $sentence]} { incr total(skipped)
        } else { incr total(passed) }
    }
    if {$problem ne "" && !$bad} { incr bad [complain "$name ends well ([job_end $problem])"] }
    if {!$bad && ($planned != $seen || (!$seen && ![dict exists $job partial]))} {
        incr bad [complain "$name runs to its end, and has something to say"]
    }
    incr total(failed) $bad
    if {$bad && !$::options(loud)} {
        puts "# ---- what $name printed"
        puts [string trimright $text \n]
        puts "# ----"
    } elseif {$seen} {
        puts [format "# %s: %.1f s" $name [expr {$ms / 1000.0}]]
    }
}

proc complain {sentence} {
    puts "not ok [incr ::total(number)] - $sentence"
    return 1
}

proc job_end {problem} {
    if {[lindex $problem 0] eq "CHILDSTATUS"} { return "exit status [lindex $problem 2]" }
    if {[lindex $problem 0] eq "CHILDKILLED"} { return [lindex $problem 2] }
    return $problem
}

read_options $argv
foreach job [jobs_find] {
    set job [job_select $job]
    if {$job eq ""} continue
    while {$running >= $options(jobs)} { vwait running }
    job_start $job
}
while {$running > 0} { vwait running }

if {$total(skipped)} { puts "# $total(skipped) skipped" }
if {$total(number) == 0} {
    puts "# no test has such a name"
    set total(failed) 1
}
puts "$total(passed) passed, $total(failed) failed"
exit [expr {$total(failed) > 0}]
