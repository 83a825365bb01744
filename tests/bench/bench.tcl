# bench.tcl - how fast the tools are, beside what else does the same here and now.
#
#   tclsh tests/bench/bench.tcl ?SCENARIO?...        (make bench NAME="L1 L3")
#
# BYTES of 100-byte lines (1G; 100M is a quick look), RUNS of each (5), BUILD, and
# WORK, a folder for gigabytes.
#
# A machine is never as it was yesterday, so nothing is measured alone: a race runs
# its programs in turn, A B A B, and says the ratio of their medians.  A run counts
# as disturbed if others computed for over 6 % of its time; it is tried again, and
# the calmest try is taken, disturbed or not, and shown as what it was.  Each run has
# an empty directory of its own, and what it wrote is read again and compared.
#
# Prints tables; the same figures go to BUILD/bench/figures.json, one object a line.
# Exit 1 if bytes differ or a fact (calls, memory: the same on every machine) does
# not hold.  A ratio under its goal is shown and is no failure.

package require Tcl 8.6

namespace eval bench {
    variable root [file dirname [file dirname [file dirname [file normalize [info script]]]]]
    variable scenarios {}          ;# name -> {sentence body}
    variable scenario "" heading ""
    variable failures 0
    variable tries 3 calm 6.0      ;# percent of one CPU that others may use
    variable serial 0
}

# ---- settings -----------------------------------------------------------------

proc bench::setting {name default} {
    expr {[info exists ::env($name)] && $::env($name) ne "" ? $::env($name) : $default}
}

# 100M is 100 MiB.
proc bench::size {text} {
    if {![regexp {^(\d+)([KMGT]?)$} $text - number unit]} { error "not a size: $text" }
    return [expr {$number * 1024 ** [lsearch {"" K M G T} $unit]}]
}

proc bench::set_up {} {
    variable root
    variable build [file join $root [setting BUILD build]]
    variable bytes [size [setting BYTES 1G]]
    variable runs [setting RUNS 5]
    variable work [file join [setting WORK $build/bench] work-[pid]]
    file mkdir $work
    foreach name [array names ::env EV_*] { unset ::env($name) }
    array set ::env [list HOME $work TZ UTC LC_ALL C PATH $build:$build/bench:$::env(PATH)]
    variable figures [open $build/bench/figures.json a]
    variable machine [string trim [exec uname -nrm]]
    variable commit [exec git -C $root describe --always --dirty --abbrev=12]
    variable date [clock format [clock seconds] -format %Y-%m-%dT%H:%M:%SZ -gmt 1]
    puts "$machine, [exec nproc] CPUs, [cpu_name]"
    puts "commit $commit, $date, [human $bytes]B of 100-byte lines, $runs runs of each"
}

proc bench::cpu_name {} {
    set in [open /proc/cpuinfo]
    set text [read $in]
    close $in
    return [expr {[regexp {model name\s*: ([^\n]*)} $text - name] ? $name : "?"}]
}

proc bench::human {bytes} {
    foreach unit {"" Ki Mi Gi Ti} {
        if {$bytes < 1024} { return [format %.4g $bytes]$unit }
        set bytes [expr {$bytes / 1024.0}]
    }
}

# ---- scenarios ----------------------------------------------------------------

proc scenario {name sentence body} {
    dict set bench::scenarios $name [list $sentence $body]
}

# What needs a program that is not here is said, and left out.
proc needs {args} {
    foreach program $args {
        if {[auto_execok $program] eq ""} { return -code error -errorcode SKIP "no $program" }
    }
}

proc has {program} { expr {[auto_execok $program] ne ""} }

proc bench::perform {name} {
    variable scenario $name
    variable failures
    lassign [dict get $bench::scenarios $name] sentence body
    puts "\n$name  $sentence"
    if {[catch {apply [list {} $body]} message options]} {
        if {[dict get $options -errorcode] eq "SKIP"} {
            puts "    SKIP $message"
        } else {
            incr failures
            puts "    FAILED $message"
            puts stderr [dict get $options -errorinfo]
        }
    }
    cd $bench::root
    foreach left [glob -nocomplain $bench::work/*] { file delete -force $left }
}

# ---- runs ---------------------------------------------------------------------

# A file of lines that stays for the scenario; returns its path.
proc lines {bytes {width 100}} {
    set path $bench::work/lines-$bytes-$width
    if {![file exists $path]} { exec lines $bytes $width >$path }
    return $path
}

# sh runs the script now; what it printed.  This is for what is not measured.
proc shell {script} { exec sh -c $script 2>@1 }

# cksum of what the script prints.
proc sum {script} { shell "{ $script; } | cksum" }

# Run the body in an empty directory, which is gone after it.
proc bench::in_new_directory {body} {
    variable work
    variable serial
    set home $work/run-[incr serial]
    file mkdir $home
    cd $home
    set result [uplevel 1 $body]
    cd $work
    file delete -force $home
    return $result
}

# The script by the stopwatch, here: a dict.
proc bench::watch {script} {
    lassign [exec stopwatch $script 2>errors] seconds user system rss foreign status
    if {$status != 0} { error "exit $status: $script\n[shell "cat errors"]" }
    return [dict create seconds $seconds cpu [expr {$user + $system}] rss $rss foreign $foreign]
}

# The disk is idle, and the memory for what a run writes was in use a moment ago: the
# host of a virtual machine takes back what is free, and asks a second for a gigabyte.
proc bench::settle {} {
    variable bytes
    exec head -c [expr {$bytes * 3 / 2}] /dev/zero >warm
    file delete warm
    exec sync
}

# One run.  What comes before is not measured.  The check is a script whose output must
# be `wanted`.
proc bench::run_once {script check wanted before} {
    in_new_directory {
        shell $before
        settle
        set run [watch $script]
        if {$check ne "" && [set got [shell $check]] ne $wanted} {
            error "wrong bytes after: $script\n  wanted $wanted\n  got    $got"
        }
        set run
    }
}

# The calmest of a few tries.
proc bench::run_calmly {script {check ""} {wanted ""} {before ""}} {
    variable tries
    variable calm
    for {set try 0} {$try < $tries} {incr try} {
        set run [run_once $script $check $wanted $before]
        if {![info exists best] || [dict get $run foreign] < [dict get $best foreign]} {
            set best $run
        }
        if {[dict get $best foreign] <= $calm} break
    }
    return $best
}

# ---- figures ------------------------------------------------------------------

proc bench::median {values} { lindex [lsort -real $values] [expr {[llength $values] / 2}] }

proc bench::spread {values} {
    set sorted [lsort -real $values]
    return [list [median $values] [lindex $sorted 0] [lindex $sorted end]]
}

proc bench::text {string} { return "\"[string map {\\ \\\\ \" \\\"} $string]\"" }

# One line of JSON: what was measured, and where.  Further members are numbers.
proc bench::record {what unit values args} {
    lassign [spread $values] value low high
    set members {}
    foreach {name string} [list scenario $bench::scenario heading $bench::heading what $what \
        unit $unit commit $bench::commit date $bench::date machine $bench::machine] {
        lappend members "[text $name]:[text $string]"
    }
    foreach {name number} [list value $value min $low max $high runs [llength $values] {*}$args] {
        lappend members "[text $name]:$number"
    }
    puts $bench::figures "\{[join $members ,]\}"
    flush $bench::figures
}

proc bench::number {value} {
    format [expr {$value >= 100 ? "%.0f" : $value >= 10 ? "%.1f" : "%.3g"}] $value
}

proc bench::row {what unit values {note ""}} {
    lassign [spread $values] value low high
    puts [format "    %-34s %9s %-5s %-17s %s" $what [number $value] $unit \
        ([number $low]..[number $high]) $note]
    flush stdout
}

# One program's runs, in `unit` made of seconds by `rate`.
proc bench::figure {what unit values foreign {note ""}} {
    variable calm
    set disturbed 0
    foreach percent $foreign { incr disturbed [expr {$percent > $calm}] }
    if {$disturbed} { append note "  ($disturbed of [llength $foreign] disturbed)" }
    row $what $unit $values [string trim $note]
    record $what $unit $values disturbed $disturbed foreign_cpu [median $foreign]
}

# ---- words of scenarios -------------------------------------------------------

# Programs in turn.  An entry is {what script bytes ?check wanted before?}; the first is
# measured against each of the others.  Of the others' goals, `goals` has the least
# ratio in the same order, or nothing.
proc race {heading entries {goals {}}} {
    set bench::heading $heading
    puts "  $heading"
    for {set run 0} {$run < $bench::runs} {incr run} {
        foreach entry $entries {
            lassign $entry what script bytes check wanted before
            set got [bench::run_calmly $script $check $wanted $before]
            lappend rates($what) [expr {$bytes / [dict get $got seconds] / 1e6}]
            lappend foreign($what) [dict get $got foreign]
        }
    }
    set subject [lindex $entries 0 0]
    bench::figure $subject MB/s $rates($subject) $foreign($subject)
    foreach entry [lrange $entries 1 end] goal $goals {
        if {[set what [lindex $entry 0]] eq ""} continue
        bench::figure $what MB/s $rates($what) $foreign($what) \
            [bench::compare $what $rates($subject) $rates($what) $goal]
    }
}

# The subject's median against a baseline's.
proc bench::compare {what subject baseline goal} {
    set ratio [expr {[median $subject] / [median $baseline]}]
    set note [format "%s of it" [number $ratio]]
    set goal [expr {$goal eq "" ? "null" : $goal}]
    record "ratio to $what" 1 $ratio goal $goal
    if {$goal eq "null"} { return $note }
    return "$note, goal $goal: [expr {$ratio >= $goal ? "reached" : "NOT reached"}]"
}

# Short programs in turn, by the clock: entries are {what script}, in milliseconds.
proc clock_race {heading entries {most ""}} {
    set bench::heading $heading
    puts "  $heading"
    for {set run 0} {$run < 3 * $bench::runs} {incr run} {
        foreach entry $entries {
            lassign $entry what script
            set got [bench::run_calmly $script]
            lappend times($what) [expr {1000 * [dict get $got seconds]}]
            lappend foreign($what) [dict get $got foreign]
        }
    }
    foreach entry $entries {
        set what [lindex $entry 0]
        set note ""
        if {$most ne ""} {
            set reached [expr {[bench::median $times($what)] < $most ? "reached" : "NOT reached"}]
            set note "goal under $most: $reached"
        }
        bench::figure $what ms $times($what) $foreign($what) $note
    }
}

# What does not depend on the machine: a number that must not be above `most`.
proc fact {what value unit most} {
    set bench::heading facts
    bench::record $what $unit $value most $most
    if {$value <= $most} {
        bench::row $what $unit $value "at most $most: holds"
    } else {
        incr bench::failures
        bench::row $what $unit $value "at most $most: DOES NOT HOLD"
    }
}

# What is good to know, measured elsewhere.
proc note {what value unit {text ""}} {
    bench::record $what $unit $value
    bench::row $what $unit $value $text
}

# ---- main ---------------------------------------------------------------------

proc bench::main {argv} {
    variable scenarios
    variable failures
    foreach file [lsort [glob [file join $bench::root tests bench scenarios *.tcl]]] {
        uplevel #0 [list source $file]
    }
    set names [expr {[llength $argv] ? $argv : [dict keys $scenarios]}]
    foreach name $names {
        if {![dict exists $scenarios $name]} {
            puts stderr "bench.tcl: no scenario $name; there are [dict keys $scenarios]"
            exit 64
        }
    }
    set_up
    foreach name $names { perform $name }
    puts "\n[file join $bench::build bench figures.json] has the figures"
    file delete -force $bench::work
    exit [expr {$failures > 0}]
}

bench::main $argv
