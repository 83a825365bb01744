# pipes.tcl - lines in and out by pipes, beside cat.

# Every line in a new directory, and out again for the check.
proc produce {file args} {
    set bytes [file size $file]
    set script "cat $file | evproduce -q -d D $args t"
    list "evproduce [join $args]" $script $bytes "evconsume -d D t | cksum" [sum "cat $file"]
}

# The same without a cat, which would be what is measured beside a slower program.
proc produce_file {file args} {
    set bytes [file size $file]
    set script "evproduce -q -d D $args t <$file"
    list "evproduce [join $args] <file" $script $bytes "evconsume -d D t | cksum" [sum "cat $file"]
}

proc copy {file} {
    set bytes [file size $file]
    list "cat | cat > new" "cat $file | cat >new" $bytes "cat new | cksum" [sum "cat $file"]
}

scenario L1 "lines into a topic, left to the page cache" {
    set file [lines $bench::bytes]
    race "100-byte lines" [list [produce $file --flush os] [copy $file]] 1.0
    if {[has kcat]} {
        race "100-byte lines of a file, and kcat to the broker inside it" [list \
            [produce_file $file --flush os] \
            [list kcat "kcat -P -q -b mock -t t -X test.mock.num.brokers=1 <$file" \
                [file size $file]]] 10
    }
    foreach width {10 1024} {
        set part [lines [expr {$bench::bytes / 4}] $width]
        race "$width-byte lines" [list [produce $part --flush os] [copy $part]]
    }
}

scenario L1z "compressed lines into a topic" {
    set part [lines [expr {$bench::bytes / 4}]]
    foreach codec {lz4 zstd} {
        set entries [list [produce $part --flush os -z $codec] [copy $part]]
        if {[has $codec]} {
            lappend entries [list "cat | $codec > new" "cat $part | $codec -q -c >new" \
                [file size $part] "$codec -q -d -c new | cksum" [sum "cat $part"]]
        }
        race "100-byte lines, $codec" $entries
    }
}

scenario L2 "lines into a topic, on the disk before the end" {
    set file [lines $bench::bytes]
    set synced [list "dd conv=fdatasync" \
        "cat $file | dd of=new bs=1M iflag=fullblock conv=fdatasync status=none" \
        [file size $file] "cat new | cksum" [sum "cat $file"]]
    race "100-byte lines" [list [produce $file] [copy $file] $synced] 0.6
}

scenario L3 "a topic into a pipe" {
    set file [lines $bench::bytes]
    set bytes [file size $file]
    set log $bench::work/log
    shell "evproduce -q -d $log --flush os t <$file"
    if {[sum "evconsume -d $log t"] ne [sum "cat $file"]} { error "the topic is not the file" }
    set cat [list "cat | cat > /dev/null" "cat $file | cat >/dev/null" $bytes]
    race "lines" [list [list evconsume "evconsume -d $log t | cat >/dev/null" $bytes] $cat] 0.65
    race "counted" [list [list "evconsume -c" "evconsume -d $log -c t" $bytes] $cat]
    race "as JSON" [list [list "evconsume -o json" \
        "evconsume -d $log -o json t | cat >/dev/null" $bytes] $cat]
    race "that match" [list [list "evconsume -G v:truck.*noon" \
        "evconsume -d $log -G 'v:truck.*noon' t | cat >/dev/null" $bytes] \
        [list "grep truck.*noon" "grep 'truck.*noon' $file | cat >/dev/null" $bytes] $cat]
}
