# tidy.tcl - the rules of libengine/STYLE.md that a compiler does not check.
#
# A rule is a sentence and a body that complains about what breaks it.  Prints
# TAP.  The rules that look at objects want a build in BUILD, and say so.

package require Tcl 8.6

set root [file dirname [file dirname [file normalize [info script]]]]
cd $root
set build build
if {[info exists env(BUILD)] && $env(BUILD) ne ""} { set build $env(BUILD) }
set cc cc
if {[info exists env(CC)] && $env(CC) ne ""} { set cc $env(CC) }

set rules 0
set broken 0
set complaints {}

proc rule {sentence body} {
    set ::complaints {}
    set number [incr ::rules]
    if {[catch {apply [list {} $body]} message options]} {
        if {[dict get $options -errorcode] eq "SKIP"} {
            puts "ok $number - $sentence # SKIP $message"
            return
        }
        complain tidy.tcl 0 "[dict get $options -errorinfo]"
    }
    foreach complaint $::complaints { puts "# $complaint" }
    if {[llength $::complaints]} { incr ::broken }
    puts "[expr {[llength $::complaints] ? "not ok" : "ok"}] $number - $sentence"
}

proc complain {file line text} { lappend ::complaints "$file:$line: $text" }
proc skip {why} { return -code error -errorcode SKIP $why }

# ---- the files ----------------------------------------------------------------

proc files {args} {
    set files {}
    foreach pattern $args { lappend files {*}[glob -nocomplain -type f $pattern] }
    return [lsort $files]
}

proc engine {} { files {libengine/[a-z]*/*.c} {libengine/[a-z]*/*.h} }
proc public {} { files libengine/include/evl/*.h }
proc sources {} { concat [engine] [public] [files cmd/*.c cmd/*.h tests/*/*.c tests/*/*.h] }
proc headers {} { lsearch -all -inline [sources] *.h }
proc tables {} {
    files {libengine/[a-z]*/*.def} libengine/include/evl/*.def cmd/*.def tests/*/*.def
}
proc scripts {} { files tests/*.tcl tests/*/*.tcl tests/*/*.test packaging/* .ci/* }

proc text {file} {
    if {![info exists ::texts($file)]} {
        set in [open $file]
        fconfigure $in -encoding utf-8
        set ::texts($file) [read $in]
        close $in
    }
    return $::texts($file)
}

proc lines {text} { split [string trimright $text \n] \n }

# The code alone: strings are empty, comments are blank, lines stay.
proc code {file} {
    if {[info exists ::codes($file)]} { return $::codes($file) }
    set token {"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|/\*(?:[^*]|\*+[^*/])*\*+/}
    set text [text $file]
    set code ""
    set at 0
    foreach range [regexp -all -inline -indices $token $text] {
        lassign $range first last
        append code [string range $text $at $first-1]
        set was [string range $text $first $last]
        if {[string match /* $was]} {
            append code [string repeat \n [regexp -all \n $was]]
        } else {
            append code [string index $was 0][string index $was 0]
        }
        set at [expr {$last + 1}]
    }
    return [set ::codes($file) $code[string range $text $at end]]
}

# For each line of the files, run the body with file, number and line.
proc each_line {files reader body} {
    upvar 1 file file number number line line
    foreach file $files {
        set number 0
        foreach line [lines [$reader $file]] {
            incr number
            uplevel 1 $body
        }
    }
}

# ---- shape ----------------------------------------------------------------------

rule "a file is one sitting: at most 1000 lines" {
    foreach file [concat [sources] [scripts]] {
        set count [llength [lines [text $file]]]
        if {$count > 1000} { complain $file 1 "$count lines" }
    }
}

rule "a function fits a screen: at most 70 lines" {
    set start 0
    each_line [sources] text {
        if {$line eq "\{"} { set start $number }
        if {$line eq "\}" && $start} {
            set count [expr {$number - $start + 1}]
            if {$count > 70} { complain $file $start "a function of $count lines" }
            set start 0
        }
    }
}

rule "a file says on its first line what it is" {
    foreach file [concat [sources] [tables]] {
        if {![string match "/\\* ?*" [text $file]]} { complain $file 1 "no comment" }
    }
}

rule "a file is named after its noun" {
    foreach file [concat [sources] [tables] [scripts]] {
        set words [split [file rootname [file tail $file]] _]
        foreach word {util utils common misc helper helpers} {
            if {$word in $words} { complain $file 1 "\"$word\" is no noun" }
        }
    }
}

# ---- form -----------------------------------------------------------------------

rule "a line has at most 100 columns" {
    each_line [concat [sources] [scripts]] text {
        set columns [string length $line]
        if {$columns > 100} { complain $file $number "$columns columns" }
    }
}

# A line of a comment that is indented, or a rule drawn with dashes, is a picture.
rule "prose in comments has at most 80 columns" {
    each_line [sources] text {
        if {![regexp {^ *(?:/\*| \*) (\S.*)$} $line -> prose]} continue
        set prose [string trimright [regsub {\s*\*/$} $prose ""]]
        if {[string match "----*" $prose]} continue
        set columns [string length $prose]
        if {$columns > 80} { complain $file $number "$columns columns of prose" }
    }
}

rule "there are no tabs, trailing spaces, or lines without an end" {
    set files [concat [sources] [tables] [scripts]]
    each_line $files text {
        if {[regexp {[\t\r]} $line]} { complain $file $number "tab or carriage return" }
        if {[regexp { $} $line]} { complain $file $number "trailing space" }
    }
    foreach file $files {
        if {![regexp {[^\n]\n\Z} [text $file]]} { complain $file end "one newline ends a file" }
    }
}

rule "comments are /* */" {
    each_line [sources] code {
        if {[string first // $line] >= 0} { complain $file $number "//" }
    }
}

rule "nothing is left to do" {
    set marks "\\m(TO[string cat D]O|FIX[string cat M]E|XX[string cat X])\\M"
    each_line [concat [sources] [tables] [scripts]] text {
        if {[regexp $marks $line mark]} { complain $file $number $mark }
    }
}

rule "clang-format 14 has nothing to change" {
    if {[auto_execok clang-format] eq ""} { skip "no clang-format on this machine" }
    regexp {version (\d+)} [exec clang-format --version] -> version
    if {$version != 14} { skip "this is clang-format $version" }
    catch { exec clang-format --dry-run {*}[sources] 2>@1 } output
    foreach {line file} [regexp -all -inline -line {^([^:\s]+):\d+:\d+: warning} $output] {
        dict incr changes $file
    }
    if {![info exists changes]} return
    dict for {file count} $changes { complain $file 0 "clang-format -i changes $count places" }
}

# ---- layers ---------------------------------------------------------------------

proc layers {} {
    foreach line [lines [text libengine/LAYERS]] {
        if {![regexp {^\s*(#|$)} $line]} { dict set may [lindex $line 0] [lrange $line 1 end] }
    }
    return $may
}

rule "a layer includes lower ones only" {
    set known {}
    dict for {layer lower} [layers] {
        foreach name $lower {
            if {$name ni $known} { complain libengine/LAYERS 0 "$name is not below $layer" }
        }
        lappend known $layer
    }
    foreach folder [glob -type d -tails -directory libengine *] {
        if {$folder ni $known && $folder ne "include"} {
            complain libengine/LAYERS 0 "$folder/ is not listed"
        }
    }
}

rule "a file includes what its layer may" {
    set may [layers]
    each_line [concat [engine] [tables]] text {
        if {![string match libengine/* $file] || [string match libengine/include/* $file]} continue
        if {![regexp {^#include "(.*)"} $line -> name]} continue
        set layer [lindex [file split $file] 1]
        set used [lindex [file split $name] 0]
        if {$used eq $name} { complain $file $number "name the folder of $name" }
        if {$used ne $layer && (![dict exists $may $layer] || $used ni [dict get $may $layer])} {
            complain $file $number "$layer/ may not include $used/"
        }
    }
}

rule "a public header includes public headers only" {
    each_line [public] text {
        if {[regexp {^#include ".*"} $line]} { complain $file $number $line }
    }
}

rule "a tool includes its own headers and public ones only" {
    each_line [files cmd/*.c cmd/*.h] text {
        if {[regexp {^#include "(.*/.*)"} $line]} { complain $file $number $line }
    }
}

# ---- the door ---------------------------------------------------------------------

# What asks the kernel, the clock, or chance.  Only io/ may; for tools, cmd/ has
# stdin, stdout and the terminal.
set doors {
    open openat creat fopen fdopen freopen opendir fdopendir readdir scandir
    read pread readv preadv write pwrite writev pwritev sendfile splice vmsplice copy_file_range
    fsync fdatasync sync syncfs sync_file_range fallocate ftruncate truncate
    rename renameat unlink unlinkat remove mkdir rmdir link symlink stat fstat lstat fstatat statfs
    fcntl flock lockf ioctl mmap munmap msync madvise socket bind listen accept accept4 connect
    send recv sendto recvfrom sendmsg recvmsg poll select epoll_create1 epoll_ctl epoll_wait
    fork vfork execve execvp posix_spawn system popen waitpid kill sigaction signal
    time gettimeofday clock_gettime clock nanosleep usleep sleep getpid
    rand srand random srandom drand48 getrandom getentropy arc4random
    pthread_create pthread_mutex_lock pthread_cond_wait sem_wait dlopen
}

# What nobody may call, as there is something safer.
set unsafe {
    strcpy strcat stpcpy strncat strncpy sprintf vsprintf gets strtok atoi atol atoll alloca
    gmtime localtime ctime asctime tmpnam mktemp setjmp longjmp
}

proc behind_the_door {file} {
    expr {[string match libengine/* $file] && ![string match libengine/io/* $file]}
}

rule "nobody calls what has a safer sister" {
    set pattern "(?:^|\[^\\w.>])([join $::unsafe |]) ?\\("
    each_line [sources] code {
        if {[regexp $pattern $line -> call]} { complain $file $number "${call}()" }
    }
}

rule "only io/ calls the kernel, as the source shows" {
    set pattern "(?:^|\[^\\w.>])([join $::doors |])\\("
    each_line [engine] code {
        if {[behind_the_door $file] && [regexp $pattern $line -> call]} {
            complain $file $number "${call}() belongs in io/"
        }
    }
}

proc symbols {kind file} {
    set object [file join $::build [file rootname $file].o]
    if {![file exists $object]} { skip "no build in $::build" }
    set names {}
    foreach line [split [exec nm -P $kind $object] \n] { lappend names [lrange $line 0 1] }
    return $names
}

proc compiled {} { lsearch -all -inline -glob [engine] *.c }

rule "only io/ calls the kernel, as the linker shows" {
    foreach file [compiled] {
        if {![behind_the_door $file]} continue
        foreach symbol [symbols -u $file] {
            set name [regsub {^(__)?(.*?)(64)?(_2|_chk)?$} [lindex $symbol 0] {\2}]
            if {$name in $::doors} { complain $file 0 "[lindex $symbol 0] belongs in io/" }
        }
    }
}

# ---- names ------------------------------------------------------------------------

proc first_word {file} { lindex [split [file rootname [file tail $file]] _] 0 }

proc declares {header name} {
    expr {[file exists $header] && [regexp "\\m$name\\(" [code $header]]}
}

# The first word of the file's name, and the second where the first is the folder's.
proc nouns {file} {
    set words [split [file rootname [file tail $file]] _]
    set last [expr {[lindex $words 0] eq [lindex [file split $file] end-1]}]
    return [lrange $words 0 $last]
}

# segment.c and segment_find.c hold segment_*(), io/io_linux_lock.c io_*() and
# linux_*(); a file also holds what its header declares, what another header of
# the folder declares under that header's name, and evl_*().
rule "a function is named after its file" {
    foreach file [compiled] {
        set nouns [list evl {*}[nouns $file]]
        foreach symbol [symbols -g $file] {
            lassign $symbol name type
            set first [first_word $name]
            if {$type ne "T" || $first in $nouns} continue
            if {[declares [file rootname $file].h $name]} continue
            if {[declares [file join [file dirname $file] $first.h] $name]} continue
            complain $file 0 "${name}() belongs in another file, or has the wrong name"
        }
    }
}

rule "a public function begins with evl_" {
    each_line [public] code {
        if {![regexp {^[a-z][\w *]*?(\w+)\(} $line -> name] || [string match evl_* $name]} continue
        complain $file $number "${name}() does not begin with evl_"
    }
}

rule "what begins with evl_ is declared in a public header" {
    set declared ""
    foreach file [public] { append declared [code $file] }
    foreach file [compiled] {
        foreach symbol [symbols -g $file] {
            lassign $symbol name type
            if {$type ne "T" || ![string match evl_* $name]} continue
            if {![regexp "\\m$name\\(" $declared]} { complain $file 0 "${name}() is not" }
        }
    }
}

# LOG_SEGMENT_H for log/segment.h; for io/io_linux.h the folder may be said once.
rule "an include guard is the header's path" {
    set given ""
    foreach file [headers] {
        lassign [lrange [file split [file rootname $file]] end-1 end] folder name
        if {[string match tests/* $file]} { set folder tests }
        set guard [string toupper ${folder}_${name}_H]
        regexp {\n#ifndef (\w+)\n#define \1\n} [text $file] -> given
        if {[string match ${folder}_* $name] && $given eq [string toupper ${name}_H]} continue
        if {$given ne $guard} { complain $file 0 "its guard is $guard" }
        set given ""
    }
}

# ---- headers ----------------------------------------------------------------------

proc compile {sentence files args} {
    if {![llength $files]} return
    if {[catch { exec {*}$args -fsyntax-only {*}$files 2>@1 } output]} {
        foreach line [split $output \n] {
            if {[regexp {^([^:\s]+):(\d+):.*(?:error|warning): (.*)} $line -> file number text]} {
                complain $file $number "$sentence: $text"
            }
        }
        if {![llength $::complaints]} { complain tidy.tcl 0 $output }
    }
}

rule "a header compiles alone" {
    set include {-Ilibengine/include -Ilibengine -Itests}
    set own [lsearch -all -inline -not [headers] tests/testfixture/*]
    compile "does not stand alone" $own {*}$::cc -std=c11 -D_GNU_SOURCE -x c {*}$include
}

rule "a public header compiles as C99" {
    compile "not C99" [public] {*}$::cc -std=c99 -Wall -Wextra -Werror -x c -Ilibengine/include
}

rule "a public header compiles as C++" {
    foreach cxx {c++ g++ clang++} {
        if {[auto_execok $cxx] eq ""} continue
        compile "not C++" [public] $cxx -std=c++11 -Wall -Werror -x c++ -Ilibengine/include
        return
    }
    skip "no C++ compiler on this machine"
}

puts "1..$rules"
exit [expr {$broken > 0}]
