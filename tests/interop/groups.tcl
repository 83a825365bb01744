# groups.tcl - the groups of KafkaGroups.java, as the engine sees them.

proc offsets {dir group} {
    lmap row [group offsets $dir $group] { join $row " " }
}

proc expect_groups {dir} {
    expect [join [group ls $dir] \n] [join {{classic Empty consumer 0 2} {exact Empty {} 0 1}
        {modern Empty consumer 0 2} {simple Empty {} 0 1}} \n]
    expect [offsets $dir classic] {{orders 0 7 halfway} {orders 1 20 }}
    expect [offsets $dir modern] {{orders 0 5 } {orders 1 6 }}
    expect [offsets $dir simple] {{orders 1 3 }}
    expect [offsets $dir exact] {{orders 0 11 }}
    try { group offsets $dir forgotten; fail "it is there" } trap {EVL NOT_FOUND} fault {}
}
