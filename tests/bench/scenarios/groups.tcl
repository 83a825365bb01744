# groups.tcl - what it costs to share, to be all or nothing, and to be a stream.

# ---- groups -------------------------------------------------------------------

# What a topic has of each line, whatever the partition: in any order.
proc unordered {script} { sum "{ $script; } | sort" }

# A group of its own for each run, and the check that it is committed to the end.
proc consume_in_group {what log members file {commit ""}} {
    set one "evconsume -d $log -g g $commit t | cat >/dev/null"
    set all [join [lrepeat $members "{ $one; }"] " & "]
    list $what "$all; wait" [file size $file] \
        "evtopic -d $log --tsv group lag g | cut -f 3" 0 "evtopic -q -d $log -y group rm g || :"
}

scenario G1 "a topic through a consumer group" {
    needs evtopic
    set file [lines [expr {$bench::bytes / 8}]]
    foreach partitions {1 16} {
        set log $bench::work/log-$partitions
        shell "evtopic -q -d $log create -P $partitions t"
        shell "evproduce -q -d $log --flush os t <$file"
        if {[unordered "evconsume -d $log -g first t"] ne [unordered "cat $file"]} {
            error "the group has not read the file"
        }
        set plain [list "evconsume" "evconsume -d $log t | cat >/dev/null" [file size $file]]
        set entries [list [consume_in_group "evconsume -g" $log 1 $file] $plain \
            [consume_in_group "--commit end" $log 1 $file "--commit end"]]
        if {$partitions > 1} {
            lappend entries [consume_in_group "two members" $log 2 $file]
        }
        race "lines, $partitions partitions" $entries
    }
}

# ---- transactions -------------------------------------------------------------

# The calmest of a few tries: microseconds a round, and percent that others had.
proc rounds_calmly {rounds records how} {
    set wanted [sum "seq 0 [expr {($rounds + 1) * $records - 1}]"]
    for {set try 0} {$try < $bench::tries} {incr try} {
        set got [bench::in_new_directory {
            exec sync
            set run [bench::watch "transact D t $rounds $records $how >result"]
            if {[sum "evconsume -d D t | cut -d ' ' -f 1"] ne $wanted} { error "other records" }
            list [expr {1e6 * [shell "cat result"] / $rounds}] [dict get $run foreign]
        }]
        if {![info exists best] || [lindex $got 1] < [lindex $best 1]} { set best $got }
        if {[lindex $best 1] <= $bench::calm} break
    }
    return $best
}

# In turn: commits and flushes of so many records.  Returns both medians.
proc commit_race {rounds records} {
    set bench::heading "$records records at a time"
    puts "  $bench::heading"
    for {set run 0} {$run < $bench::runs} {incr run} {
        foreach how {commit flush} {
            lassign [rounds_calmly $rounds $records $how] time percent
            lappend times($how) $time
            lappend foreign($how) $percent
        }
    }
    bench::figure "a transaction" us $times(commit) $foreign(commit)
    bench::figure "a flush, synced" us $times(flush) $foreign(flush) \
        [bench::compare "a flush" $times(commit) $times(flush) ""]
    return [list [bench::median $times(commit)] [bench::median $times(flush)]]
}

scenario X1 "transactions of 1, 100 and 10,000 records, beside flushes" {
    foreach {rounds records} {100 1 100 100 20 10000} {
        set medians($records) [commit_race $rounds $records]
    }
    set bench::heading "a record more"
    puts "  $bench::heading"
    foreach what {"in a transaction" "in a flush"} few $medians(1) many $medians(10000) {
        note $what [expr {($many - $few) / 9999}] us
    }
}

# ---- streams ------------------------------------------------------------------

# The file is a topic; what a directory's first stream makes for all is there.
proc stream_source {file} {
    return "evproduce -q -d D -m first w; evstream -q -d D --from w --to w2 -g w -- cat
        evproduce -q -d D a <$file"
}

proc stream {file args} {
    list "evstream $args" "evstream -q -d D --from a --to b -g s $args -- cat" [file size $file] \
        "evconsume -d D b | cksum" [sum "cat $file"] [stream_source $file]
}

proc pipe {file args} {
    list "evconsume $args | evproduce" \
        "evconsume -d D $args a | evproduce -q -d D [string map {-o -i} $args] b" \
        [file size $file] "evconsume -d D b | cksum" [sum "cat $file"] [stream_source $file]
}

scenario E1 "a topic through cat into another, exactly once" {
    set file [lines [expr {$bench::bytes / 16}]]
    race "lines, batches of 10,000" [list [stream $file -o line -i line] [pipe $file -o line]]
    race "keys and values, batches of 10,000" \
        [list [stream $file -o tsv -i tsv] [pipe $file -o tsv --columns key,value]]
    race "lines, one cat for all" \
        [list [stream $file -o line -i line --coprocess] [pipe $file -o line]]
    set part [lines [expr {$bench::bytes / 128}]]
    race "lines, batches of 1,000" \
        [list [stream $part -o line -i line --batch 1000] [pipe $part -o line]]
}
