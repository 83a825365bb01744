# latency.tcl - how soon a follower has what a writer was given.

# In turn: each of RUNS is COUNT records by each pair of programs.
proc lag_race {heading count rate entries} {
    set bench::heading $heading
    puts "  $heading"
    for {set run 0} {$run < $bench::runs} {incr run} {
        foreach entry $entries {
            lassign $entry what prepare follower writer
            lassign [lag_calmly $prepare "lag $count $rate '$follower' '$writer' > result"] \
                p50 p99 - max percent
            lappend times($what,p50) $p50
            lappend times($what,p99) $p99
            lappend times($what,max) $max
            lappend foreign($what) $percent
        }
    }
    foreach entry $entries {
        set what [lindex $entry 0]
        foreach column {p50 p99 max} {
            bench::figure "$what, $column" us $times($what,$column) $foreign($what)
        }
    }
}

# The calmest of a few tries: P50 P99 P999 MAX FOREIGN.
proc lag_calmly {prepare script} {
    for {set try 0} {$try < $bench::tries} {incr try} {
        set got [bench::in_new_directory {
            shell $prepare
            set run [bench::watch $script]
            list {*}[shell "cat result"] [dict get $run foreign]
        }]
        if {![info exists best] || [lindex $got end] < [lindex $best end]} { set best $got }
        if {[lindex $best end] <= $bench::calm} break
    }
    return $best
}

scenario L4 "from a writer to a follower, at 1,000 records a second" {
    set make "evproduce -q -d D -m first t"
    set follow "exec evconsume -d D -S 1 -f t"
    lag_race "one record each millisecond" 3000 1000 [list \
        [list "evproduce --flush os" $make $follow "exec evproduce -q -d D --flush os t"] \
        [list "evproduce --linger 0 --flush os" $make $follow \
            "exec evproduce -q -d D --linger 0ms --flush os t"] \
        [list "evproduce --linger 0, synced" $make $follow \
            "exec evproduce -q -d D --linger 0ms t"] \
        [list "evproduce, synced" $make $follow "exec evproduce -q -d D t"] \
        [list "tail -f" ": >log" "exec tail -n +1 -f log" "exec cat >>log"]]
}
