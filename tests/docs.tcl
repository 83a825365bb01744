# docs.tcl - what the option tables of the tools say, in man/ and completions/.
#
#   tclsh tests/docs.tcl            compare, as a test: prints TAP
#   tclsh tests/docs.tcl --write    refresh the files (`make docs`)
#
# A tool prints its own: --print=bash, zsh and fish are whole files; --print=man
# is the list between the lines `.\" options` and `.\" end of options` of its
# manual.  mandoc reads every manual and must have nothing to say.

package require Tcl 8.6
set root [file dirname [file dirname [file normalize [info script]]]]
cd $root
set build build
if {[info exists env(BUILD)] && $env(BUILD) ne ""} { set build $env(BUILD) }
set writing [expr {"--write" in $argv}]
set count 0
set tools 0
set failures 0

proc text {file} {
    if {![file exists $file]} { return "" }
    set in [open $file rb]
    set text [read $in]
    close $in
    return $text
}

proc verdict {good sentence {why ""}} {
    incr ::count
    if {$good} {
        puts "ok $::count - $sentence"
    } else {
        incr ::failures
        foreach line [split $why \n] { puts "# $line" }
        puts "not ok $::count - $sentence"
    }
}

# The file is, or becomes, this text.
proc same {file text} {
    set is [text $file]
    if {$::writing} {
        if {$is eq $text} return
        file mkdir [file dirname $file]
        set out [open $file wb]
        puts -nonewline $out $text
        close $out
        puts "$file is new"
    } else {
        verdict [expr {$is eq $text}] "$file says what the tables say" "run `make docs`"
    }
}

proc tool_prints {tool what} { exec -keepnewline [file join $::build $tool] --print=$what }

proc manual_refreshed {file list} {
    set first ".\\\" options\n"
    set last ".\\\" end of options\n"
    set text [text $file]
    set from [string first $first $text]
    set to [string first $last $text]
    if {$from < 0 || $to < $from} { return "" }
    set head [string range $text 0 [expr {$from + [string length $first] - 1}]]
    return $head$list[string range $text $to end]
}

proc check_tool {tool} {
    same completions/bash/$tool [tool_prints $tool bash]
    same completions/zsh/_$tool [tool_prints $tool zsh]
    same completions/fish/$tool.fish [tool_prints $tool fish]
    set manual man/$tool.1
    set text [manual_refreshed $manual [tool_prints $tool man]]
    if {$text eq ""} {
        verdict 0 "$manual has a place for its options" "it lies between .\\\" options and\
            .\\\" end of options"
    } else {
        same $manual $text
    }
}

# Not even about style.  In man/, as it finds there what a manual refers to;
# what it says of other manuals of this machine, on stderr, is not about ours.
proc check_manual {file} {
    if {[auto_execok mandoc] eq ""} {
        verdict 1 "mandoc has nothing to say about $file # SKIP no mandoc on this machine"
        return
    }
    catch { exec sh -c {cd man && mandoc -T lint "$0" 2>/dev/null} [file tail $file] } output
    verdict [expr {$output eq ""}] "mandoc has nothing to say about $file" $output
}

foreach source [lsort [glob -nocomplain cmd/ev*.c]] {
    set tool [file rootname [file tail $source]]
    if {[string match *_* $tool]} continue
    incr tools
    check_tool $tool
}
if {!$writing} {
    foreach file [lsort [glob -nocomplain man/*.\[1-8\]]] { check_manual $file }
    set manuals [glob -nocomplain man/ev*.\[1-8\]]
    verdict [expr {[llength $manuals] >= $tools}] "every tool has a manual"
    puts "1..$count"
}
exit [expr {$failures > 0}]
