# scale.tcl - does a long log cost more than a short one?

# The last segments, the first and the middle one stay whole; of the others the
# middle is given back to the disk.  The log's size, its segments, their indexes and
# what a writer reads of them (heads and ends) stay what they were.
proc hollow {dir} {
    set logs [lsort [glob $dir/*.log]]
    set middle [expr {[llength $logs] / 2}]
    for {set i 1} {$i < [llength $logs] - 2} {incr i} {
        set hole [expr {[file size [lindex $logs $i]] - 8192}]
        if {$i == $middle || $hole <= 0} continue
        shell "fallocate -p -o 4096 -l $hole [lindex $logs $i]"
    }
}

# A topic of so many bytes of lines, made of one file again and again.
proc long_log {dir file bytes} {
    for {set done 0} {$done < $bytes} {incr done [file size $file]} {
        shell "evproduce -q -d $dir --flush os t <$file"
        hollow $dir/t-0
    }
}

scenario SC "producing to a log a hundred times as long" {
    needs fallocate
    set file [lines $bench::bytes]
    set part [lines [expr {$bench::bytes / 8}]]
    set bytes [file size $part]
    set long $bench::work/long
    set begin [clock milliseconds]
    long_log $long $file [expr {100 * $bench::bytes}]
    set seconds [expr {([clock milliseconds] - $begin) / 1000.0}]
    note "the long log" [expr {100 * $bench::bytes / 1e9}] GB "[llength \
        [glob $long/t-0/*.log]] segments in [format %.0f $seconds] s"
    set tail "evconsume -d $long -t [expr {$bytes / 100}] t | cksum"
    race "100-byte lines" [list \
        [list "evproduce to the long log" "cat $part | evproduce -q -d $long --flush os t" \
            $bytes $tail [sum "cat $part"]] \
        [list "evproduce to a short log" "cat $part | evproduce -q -d D --flush os t" \
            $bytes "evconsume -d D -t [expr {$bytes / 100}] t | cksum" [sum "cat $part"] \
            "evproduce -q -d D --flush os t <$part"]] 0.9
}

# Calls that read, of one record at a position.
proc reads {dir position} {
    bench::in_new_directory {
        shell "strace -f -e trace=read,pread64,preadv -o reads evconsume -d $dir $position -n 1 t"
        regexp -all {(?n)^\d+ +p?read[v64]*\(} [shell "cat reads"]
    }
}

# A line's number is its record's timestamp, so that segment.ms counts lines.
scenario LK "one record by offset and by time, in few and in many segments" {
    needs evtopic strace
    set file [lines [expr {$bench::bytes / 32}]]
    set records [expr {[file size $file] / 100}]
    set middle [expr {$records / 2}]
    set time [clock format [expr {$middle / 1000}] -format %Y-%m-%dT%H:%M:%S -gmt 1]Z
    foreach segments {1 100 10000} {
        set dir $bench::work/segments-$segments
        shell "evtopic -q -d $dir create t -c retention.ms=-1\
            -c segment.ms=[expr {max(1, $records / $segments - 40)}]"
        shell "evproduce -q -d $dir --batch 4k --flush os -F '%d %v\\n' t <$file"
        set found "[llength [glob $dir/t-0/*.log]] segments"
        foreach {what position} [list first "" "by offset" "-S $middle" "by time" "-S $time"] {
            lappend clocks [list "$found, $what" "evconsume -d $dir $position -n 1 t"]
            note "$found, $what" [reads $dir $position] reads
        }
    }
    clock_race "by the clock" $clocks
}
