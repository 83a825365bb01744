# start.tcl - what a tool costs before and after its work, and in a crowd.

# A directory in which one topic, t, has a neighbour with so many partitions.
proc crowd {partitions} {
    set dir $bench::work/crowd-$partitions
    if {![file exists $dir]} {
        shell "evproduce -q -d $dir -m first t"
        if {$partitions > 1} {
            shell "evtopic -q -d $dir create -P [expr {$partitions - 1}] neighbour"
        }
    }
    return $dir
}

scenario S1 "starting, with 1, 1,000 and 10,000 partitions in the directory" {
    needs evtopic
    set crowds {1 1000 10000}
    foreach {heading command} {
        "evproduce of one record, synced" {evproduce -q -d $dir -m x t}
        "evconsume -n 1" {evconsume -d $dir -n 1 t >/dev/null}
        "evtopic ls" {evtopic -d $dir ls >/dev/null}
    } {
        set entries {}
        foreach partitions $crowds {
            set dir [crowd $partitions]
            lappend entries [list "$partitions partitions" [subst $command]]
        }
        clock_race $heading $entries 20
    }
}

scenario S1r "records to one topic of 10,000 partitions, beside the only one" {
    needs evtopic
    set file [lines [expr {$bench::bytes / 4}]]
    set bytes [file size $file]
    foreach partitions {10000 1} {
        set dir [crowd $partitions]
        lappend writes [list "evproduce, $partitions partitions" \
            "cat $file | evproduce -q -d $dir --flush os t" $bytes \
            "evconsume -d $dir -t [expr {$bytes / 100}] t | cksum" [sum "cat $file"]]
        lappend reads [list "evconsume, $partitions partitions" \
            "evconsume -d $dir -n [expr {$bytes / 100}] t | cat >/dev/null" $bytes]
    }
    race "written" $writes 0.9
    race "read" $reads 0.9
}

# A log that was not synced, from before the machine started: nothing of it is in
# memory, and no checkpoint speaks for it.
scenario S2 "the first record after an unclean end" {
    set file [lines [expr {$bench::bytes / 2}]]
    set log $bench::work/unclean
    shell "evproduce -q -d $log --flush os t <$file; rm $log/ev.shm"
    set bytes [file size $log/t-0/00000000000000000000.log]
    race "recovered" [list [list "evproduce of one record" "evproduce -q -d D -m x t" $bytes \
            "evconsume -d D -n [expr {[file size $file] / 100}] t | cksum" [sum "cat $file"] \
            "cp -r $log D"] \
        [list "cat > /dev/null" "cat $log/t-0/*.log >/dev/null" $bytes]]
}
