# foreign.tcl - what KafkaWriter.java and OldSets.java write, as our tools see it.

# A line of tsv for record N: offset, timestamp, key, value, headers.
proc written {n offset key value} {
    set headers [expr {$n % 2 == 0 ? "even,n=$n" : ""}]
    return [join [list $offset [expr {1700000000000 + $n}] $key $value $headers] \t]\n
}

proc read_tsv {dir args} {
    run evconsume -q -d $dir -o tsv --columns offset,timestamp,key,value,headers {*}$args
}

# N numbered records, as sendMany() sends them.
proc numbered {first end} {
    set text ""
    for {set n $first} {$n < $end} {incr n} {
        append text [written $n $n [expr {$n % 3 ? "k$n" : "\\N"}] "value $n"]
    }
    return $text
}

# The three transactions; each ends with a marker, which takes an offset.
proc money {turns} {
    set text ""
    foreach turn $turns {
        for {set n [expr {10 * $turn}]} {$n < 10 * $turn + 10} {incr n} {
            append text [written $n [expr {$n + $turn}] k$n \
                "[expr {$turn == 1 ? "aborted" : "committed"}] $n"]
        }
    }
    return $text
}

proc parted {partition} {
    set text ""
    for {set n $partition} {$n < 90} {incr n 3} {
        append text [written $n [expr {$n / 3}] k$n "value $n"]
    }
    return $text
}

# The newest of each key: k5 to k9, the tombstones of k0 to k4, and the last one.
proc latest {} {
    set text ""
    for {set n 95} {$n < 105} {incr n} {
        append text [written $n $n k[expr {$n % 10}] [expr {$n < 100 ? "value $n" : "\\N"}]]
    }
    return $text[written 200 105 last value]
}

# Lines that tell every byte of a directory, every name in it, and its times.
proc sums {dir} {
    cd $dir
    set text [shell "find . -type f | sort | xargs cksum; find . -printf '%p %t %m\\n'"]
    cd ..
    return [split $text \n]
}

# Run the body; the directory is as it was.
proc unchanged {dir body} {
    set before [sums $dir]
    uplevel 1 $body
    set after [sums $dir]
    expect [lmap line $after {expr {$line in $before ? [continue] : $line}}] {}
    expect [llength $after] [llength $before]
}
