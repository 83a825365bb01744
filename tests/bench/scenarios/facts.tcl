# facts.tcl - calls, memory and allocations: the same on every machine.

proc calls {script} {
    shell "strace -f -c -o calls $script"
    return [lindex [regexp -inline {(?n)^ *100\.00 +\S+ +\S+ +(\d+)} [shell "cat calls"]] 1]
}

# How many times a script's programs asked for memory.
proc allocations {script} {
    shell "rm -f mallocs; export MALLOCS=\$PWD/mallocs LD_PRELOAD=$bench::build/bench/mallocs.so; $script"
    return [expr [join [shell "cat mallocs"] +]]
}

proc resident {script} {
    expr {[dict get [bench::in_new_directory { bench::watch $script }] rss] / 1048576.0}
}

scenario M "calls, memory and allocations of 100-byte records" {
    set file [lines [expr {$bench::bytes / 4}]]
    set half [lines [expr {$bench::bytes / 8}]]
    set records [expr {[file size $file] / 100}]
    set more [expr {($records - [file size $half] / 100) * 1.0}]
    set log $bench::work/log
    shell "evproduce -q -d $log --flush os t <$file"
    foreach {what flush} {"evproduce --flush os" os "evproduce, synced" sync} {
        set write "evproduce -q -d D --flush $flush t"
        fact "$what, resident" [resident "cat $file | $write"] MiB 64
        if {[has strace]} {
            set count [bench::in_new_directory { calls "$write <$file" }]
            fact "$what, calls a record" [expr {$count * 1.0 / $records}] "" 0.02
        }
        set two [bench::in_new_directory { allocations "$write <$file" }]
        set one [bench::in_new_directory { allocations "$write <$half" }]
        fact "$what, allocations a record" [expr {($two - $one) / $more}] "" 0.0001
    }
    set read "evconsume -d $log"
    fact "evconsume, resident" [resident "$read t | cat >/dev/null"] MiB 64
    if {[has strace]} {
        set count [bench::in_new_directory { calls "$read t | cat >/dev/null" }]
        fact "evconsume, calls a record" [expr {$count * 1.0 / $records}] "" 0.02
    }
    set two [bench::in_new_directory { allocations "$read t >/dev/null" }]
    set one [bench::in_new_directory { allocations "$read -n [expr {$records / 2}] t >/dev/null" }]
    fact "evconsume, allocations a record" [expr {($two - $one) / $more}] "" 0.0001
    if {![has strace]} { puts "    SKIP calls: no strace" }
}

# The inner loops print their own figures.
scenario K1 "checksum, encode, decode, codecs, formats on one core" {
    foreach program {bench_kernels bench_format} { puts [shell $program] }
}
