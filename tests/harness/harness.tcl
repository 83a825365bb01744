# harness.tcl - the words that tests are written in.
#
#   tclsh tests/harness/harness.tcl FILE.test ?WORD...?      (tests/run.tcl does this)
#
# Runs one file of tests, in a directory of its own for each test, and prints
# TAP.  WORDs select tests whose sentence contains one of them.  README.md shows
# how to write one.
#
# Every string in a test is bytes: sources, arguments, input and output are read
# and written as ISO 8859-1, so that "é" in a test is the two bytes it has in
# the file, and \xff is one byte.

package require Tcl 8.6
encoding system iso8859-1
foreach channel {stdout stderr} { fconfigure $channel -encoding iso8859-1 -buffering line }

namespace eval harness {
    variable root [file dirname [file dirname [file dirname [file normalize [info script]]]]]
    variable build build
    if {[info exists env(BUILD)] && $env(BUILD) ne ""} { set build $env(BUILD) }
    set build [file join $root $build]
    variable count 0 failures 0 wanted {} name "" home ""
    variable processes {}          ;# open ones: channel -> dict of input, output, errors
    variable serial 0
    variable status 0 errors ""    ;# of the last `run`
    variable patience_ms 60000     ;# how long one program may take
}

# A variable that `make torture` sets, or what is usual.
proc harness::setting {name default} {
    expr {[info exists ::env($name)] && $::env($name) ne "" ? $::env($name) : $default}
}

# ---- tests ------------------------------------------------------------------

# A sentence that is true of the product, and what shows it.
proc test {sentence body} {
    if {[llength $harness::wanted] && ![harness::selected $sentence]} return
    set number [incr harness::count]
    harness::enter $number
    set failed [catch {apply [list {} $body]} message options]
    set left [harness::process_states]
    harness::end_all
    cd $harness::root
    if {[harness::is_skip $options]} {
        puts "ok $number - $sentence # SKIP $message"
    } elseif {$failed == 1} {
        incr harness::failures
        puts "not ok $number - $sentence"
        harness::explain $message $options $left
        return
    } else {
        puts "ok $number - $sentence"
    }
    file delete -force $harness::home
}

proc harness::selected {sentence} {
    foreach word $harness::wanted {
        if {[string first $word $sentence] >= 0} { return 1 }
    }
    return 0
}

# An empty directory, which is also the home of whoever looks for one.
proc harness::enter {number} {
    variable home [file join $harness::build tmp $harness::name-$number]
    file delete -force $home
    file mkdir $home
    foreach name [array names ::env EV_*] { unset ::env($name) }
    foreach name [array names ::env XDG_*] { unset ::env($name) }
    array set ::env [list HOME $home TMPDIR $home TZ UTC LC_ALL C TERM dumb]
    cd $home
}

proc harness::explain {message options left} {
    foreach line [split $message \n] { puts "# $line" }
    set where [string range [dict get $options -errorinfo] [string length $message] end]
    foreach line [split [string trim $where] \n] { puts "#   $line" }
    foreach state $left { puts "# $state" }
    puts "# its files are in $harness::home"
}

# Go no further with this test, or this file, and say why.
proc skip {why} { return -code error -errorcode SKIP $why }

proc harness::is_skip {options} {
    expr {[dict exists $options -errorcode] && [dict get $options -errorcode] eq "SKIP"}
}

# Programs, without which there is nothing to test.
proc needs {args} {
    foreach program $args {
        if {[auto_execok $program] eq ""} { skip "no $program on this machine" }
    }
}

# A terminal, for a program to be run in by script(1).
proc needs_terminal {} {
    needs script
    if {[catch { exec script -qec true /dev/null </dev/null }]} {
        skip "no terminal can be made on this machine"
    }
}

# The words before a command that run it as somebody without rights.  The test
# goes on where everybody may go: the checkout may lie in somebody's home.
proc nobody {} {
    needs setpriv
    if {[exec id -u] != 0} { skip "only root can become somebody else" }
    file delete -force $harness::home
    set harness::home [exec mktemp -d /tmp/ev-test-XXXXXX]
    file attributes $harness::home -permissions 0755
    array set ::env [list HOME $harness::home TMPDIR $harness::home]
    cd $harness::home
    return {setpriv --reuid=65534 --regid=65534 --clear-groups}
}

proc fail {message} { return -code error -errorcode FAILED $message }

# ---- what should hold -------------------------------------------------------

proc expect {actual expected} {
    if {$actual eq $expected} return
    fail "expected: [harness::show $expected]\nbut it is: [harness::show $actual]"
}

proc expect_match {actual pattern} {
    if {[string match $pattern $actual]} return
    fail "expected something like: $pattern\nbut it is: [harness::show $actual]"
}

# Run a program that must end with this exit status (128 and the signal's number
# if a signal ended it); returns what it wrote.
proc expect_exit {status args} {
    run -status $status {*}$args
}

# Wait for a fact, with a deadline.
proc wait_until {condition {ms 10000}} {
    set deadline [expr {[clock milliseconds] + $ms}]
    while {![uplevel 1 [list expr $condition]]} {
        if {[clock milliseconds] > $deadline} { fail "after $ms ms it is still not so: $condition" }
        pause 10
    }
}

# Let time pass, and programs write.  For polling: a test waits for facts.
proc pause {ms} {
    after $ms [list set harness::paused 1]
    vwait harness::paused
}

# Show bytes, and not too many of them.
proc harness::show {bytes} {
    set text ""
    foreach c [split [string range $bytes 0 2000] ""] {
        scan $c %c code
        if {$c eq "\n"} { append text \\n
        } elseif {$c eq "\t"} { append text \\t
        } elseif {$code < 32 || $code > 126} { append text [format \\x%02x $code]
        } else { append text $c }
    }
    if {[string length $bytes] > 2000} { append text "... ([string length $bytes] bytes)" }
    return "\"$text\""
}

# ---- programs ---------------------------------------------------------------

# run ?-in BYTES? ?-status N|any? PROGRAM ARG...: returns the bytes it wrote on
# stdout; [status] and [errors] tell the rest.  No shell is between: an argument
# is what the program sees.
proc run {args} {
    set options [dict create -status 0]
    while {[string match -* [lindex $args 0]]} {
        dict set options [lindex $args 0] [lindex $args 1]
        set args [lrange $args 2 end]
    }
    if {[dict exists $options -in]} {
        set process [start -in [dict get $options -in] {*}$args]
    } else {
        set process [start {*}$args]
    }
    set output [finish $process]
    set wanted [dict get $options -status]
    if {$wanted ne "any" && $wanted != $harness::status} {
        fail "$args\nexit status $harness::status, expected $wanted\nstdout: [harness::show \
            $output]\nstderr: [harness::show $harness::errors]"
    }
    return $output
}

proc status {} { return $harness::status }
proc errors {} { return $harness::errors }

# The same for a line of shell: pipes, redirections.
proc shell {script args} { run {*}$args sh -c $script }

# Start a program and go on; returns a name for it.  With -feed, its stdin stays
# open for `feed`.
proc start {args} {
    set feed 0
    set in /dev/null
    set stem [file join $harness::home .process-[incr harness::serial]]
    if {[lindex $args 0] eq "-feed"} {
        set feed 1
        set args [lrange $args 1 end]
    } elseif {[lindex $args 0] eq "-in"} {
        set in $stem.in
        bytes_write $in [lindex $args 1]
        set args [lrange $args 2 end]
    }
    # Tcl's exec gives < > | & in arguments a meaning; in the shell's quotes
    # they have none, and `exec` leaves the program with the shell's pid.
    set line exec
    foreach word $args { append line " '[string map {' '\\''} $word]'" }
    if {$feed} {
        set channel [open |[list sh -c $line 2>$stem.err] r+]
    } else {
        set channel [open |[list sh -c $line <$in 2>$stem.err] r]
    }
    fconfigure $channel -translation binary -blocking 0 -buffering none
    dict set harness::processes $channel \
        [dict create command $args output "" errors $stem.err ended 0]
    fileevent $channel readable [list harness::collect $channel]
    return $channel
}

proc harness::collect {process} {
    variable processes
    dict with processes $process {
        append output [read $process]
        if {[eof $process]} {
            set ended 1
            fileevent $process readable {}
        }
    }
}

# What it wrote so far.
proc output {process} {
    pause 0
    dict get $harness::processes $process output
}

proc errors_of {process} { bytes_read [dict get $harness::processes $process errors] }
proc is_running {process} {
    pause 0
    expr {![dict get $harness::processes $process ended]}
}

proc feed {process bytes} {
    puts -nonewline $process $bytes
    flush $process
}
proc feed_end {process} { close $process write }

# The shell's own kill: there may be no other.
proc signal {name args} {
    foreach process $args { exec sh -c "kill -s $name [lindex [pid $process] 0]" }
}

# Wait for its end; returns what it wrote.
proc finish {process {ms ""}} {
    if {$ms eq ""} { set ms $harness::patience_ms }
    set deadline [expr {[clock milliseconds] + $ms}]
    set timer [after $ms {set harness::processes $harness::processes}]
    while {![dict get $harness::processes $process ended] && [clock milliseconds] < $deadline} {
        vwait harness::processes
    }
    after cancel $timer
    set known [dict get $harness::processes $process]
    if {![dict get $known ended]} { fail "still running after $ms ms: [dict get $known command]" }
    harness::reap $process
    return [dict get $known output]
}

# Take the exit status, as a shell would say it.
proc harness::reap {process} {
    variable processes
    variable errors [errors_of $process]
    variable status 0
    fconfigure $process -blocking 1
    if {[catch {close $process} message options]} {
        set code [dict get $options -errorcode]
        switch [lindex $code 0] {
            CHILDSTATUS { set status [lindex $code 2] }
            CHILDKILLED { set status [expr {128 + [signal_number [lindex $code 2]]}] }
            default { set status 0 }
        }
    }
    dict unset processes $process
}

proc harness::signal_number {name} {
    array set numbers {SIGHUP 1 SIGINT 2 SIGQUIT 3 SIGILL 4 SIGABRT 6 SIGBUS 7 SIGFPE 8 SIGKILL 9
        SIGUSR1 10 SIGSEGV 11 SIGUSR2 12 SIGPIPE 13 SIGALRM 14 SIGTERM 15}
    expr {[info exists numbers($name)] ? $numbers($name) : 127}
}

# For the message of a failed test: what the others were doing.
proc harness::process_states {} {
    variable processes
    set states {}
    dict for {process known} $processes {
        lappend states "[dict get $known command]: stdout [show [dict get $known output]], stderr\
            [show [errors_of $process]]"
    }
    return $states
}

# No process outlives its test.
proc harness::end_all {} {
    variable processes
    dict for {process known} $processes {
        catch { signal CONT $process }
        catch { signal KILL $process }
        reap $process
    }
}

# ---- files and seeds --------------------------------------------------------

proc bytes_read {path} {
    set in [open $path rb]
    set bytes [read $in]
    close $in
    return $bytes
}

proc bytes_write {path bytes} {
    set out [open $path wb]
    puts -nonewline $out $bytes
    close $out
}

# Run the body for seeds 1, 2, ...: as many as the test says, or SEEDS, or for
# SECONDS, or once with SEED.  A failure names its seed.
proc for_seeds {variable count body} {
    upvar 1 $variable seed
    set first [harness::setting SEED 1]
    set count [expr {[harness::setting SEED ""] eq "" ? [harness::setting SEEDS $count] : 1}]
    set seconds [harness::setting SECONDS 0]
    set deadline [expr {[clock seconds] + $seconds}]
    for {set seed $first} {$seconds ? [clock seconds] < $deadline : $seed < $first + $count} \
        {incr seed} {
        if {[catch {uplevel 1 $body} message options]} {
            return -code error -errorcode [dict get $options -errorcode] \
                -errorinfo [dict get $options -errorinfo] "with SEED=$seed: $message"
        }
    }
}

# ---- the file ---------------------------------------------------------------

proc harness::main {file words} {
    variable name [file tail [file dirname $file]]-[file rootname [file tail $file]]
    variable wanted $words
    set ::env(PATH) $harness::build:$::env(PATH)
    if {[catch {uplevel #0 [list source [file normalize $file]]} message options]} {
        incr harness::count
        if {[is_skip $options]} {
            puts "ok $harness::count - $harness::name # SKIP $message"
        } else {
            incr harness::failures
            puts "not ok $harness::count - $harness::name can be read"
            explain $message $options {}
        }
    }
    puts "1..$harness::count"
    exit [expr {$harness::failures > 0}]
}

if {$argc < 1} {
    puts stderr "usage: harness.tcl FILE.test ?WORD...?"
    exit 2
}
harness::main [lindex $argv 0] [lrange $argv 1 end]
