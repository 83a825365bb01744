# kafka.tcl - Apache Kafka's own programs, for tests to run: wants Java, and in the
# environment KAFKA_JARS (a folder with the jars of kafka_2.13, slf4j-simple, and
# all they need) or KAFKA_HOME (a distribution).

proc jars {} {
    if {[harness::setting KAFKA_JARS ""] ne ""} { return $::env(KAFKA_JARS) }
    if {[harness::setting KAFKA_HOME ""] ne ""} { return [file join $::env(KAFKA_HOME) libs] }
    skip "KAFKA_JARS and KAFKA_HOME name no jars of Apache Kafka"
}

needs java
if {![llength [glob -nocomplain [file join [jars] kafka_*.jar]]]} {
    skip "no kafka_*.jar in [jars]"
}

proc java {args} { list java -Xmx300m -cp [file join [jars] *] {*}$args }

# ---- kafka-dump-log ------------------------------------------------------------

# What kafka-dump-log says of these files; it ends with 0 whatever it has found,
# and says that on stderr.
proc dump {files args} {
    set text [run {*}[java -Dorg.slf4j.simpleLogger.defaultLogLevel=off \
        kafka.tools.DumpLogSegments --files [join $files ,] {*}$args]]
    return $text[errors]
}

# The lines that do not tell of a batch, a record, an index entry or a file, nor
# match one of these patterns.
proc complaints {text args} {
    lappend args baseOffset:* {| offset:*} offset:* timestamp:* producerId:* {Dumping *} \
        {Log starting*} {}
    set rest {}
    foreach line [split $text \n] {
        set known 0
        foreach pattern $args { if {[string match $pattern $line]} { set known 1 } }
        if {!$known || [string match "*isvalid: false*" $line]} { lappend rest $line }
    }
    return $rest
}

# ---- a broker --------------------------------------------------------------------

# Two ports that are free at this moment.
proc free_ports {} {
    set sockets [list [socket -server x 0] [socket -server x 0]]
    set ports [lmap s $sockets {lindex [fconfigure $s -sockname] 2}]
    foreach s $sockets { close $s }
    return $ports
}

proc broker_format {} {
    lassign [free_ports] ::port quorum
    bytes_write server.properties [subst {
        process.roles=broker,controller
        node.id=1
        controller.quorum.voters=1@127.0.0.1:$quorum
        listeners=PLAINTEXT://127.0.0.1:$::port,CONTROLLER://127.0.0.1:$quorum
        controller.listener.names=CONTROLLER
        log.dirs=[file normalize kafka]
        offsets.topic.replication.factor=1
        offsets.topic.num.partitions=3
        group.initial.rebalance.delay.ms=0
        transaction.state.log.num.partitions=1
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        log.cleaner.backoff.ms=200
        log.cleaner.dedupe.buffer.size=4000000
        log.initial.task.delay.ms=100
        log.flush.start.offset.checkpoint.interval.ms=200
        replica.high.watermark.checkpoint.interval.ms=200
    }]
    run {*}[java kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c server.properties]
}

proc broker_start {} {
    set broker [start {*}[java -Dorg.slf4j.simpleLogger.logFile=System.out kafka.Kafka \
        server.properties]]
    wait_until {![catch {close [socket 127.0.0.1 $::port]}]} 60000
    return $broker
}

proc client {name args} {
    run {*}[java [file join $harness::root tests interop $name.java] 127.0.0.1:$::port {*}$args]
}
