# fish completion of evproduce(1); `make docs` writes it

function __evproduce_ask
    set -l place
    set -l tokens (commandline -opc)
    for i in (seq (count $tokens))
        if contains -- $tokens[$i] -d --dir -C --profile
            set place $tokens[$i] $tokens[(math $i + 1)]
        end
    end
    evtopic $place --complete $argv (commandline -ct) 2>/dev/null
end

complete -c evproduce -l input -s i -x -a 'line tsv json msgpack frame raw batch' -d 'Its form: line tsv json msgpack frame raw batch'
complete -c evproduce -l format -s F -x -d 'The form of the input, as \'%k %v\\n\''
complete -c evproduce -l delimiter -s D -x -d 'What ends a line'
complete -c evproduce -l null-data -s 0 -d 'A NUL byte ends a line.'
complete -c evproduce -l key-delimiter -s K -x -d 'A line is a key, this, and a value.'
complete -c evproduce -l columns -x -d 'The columns of tsv'
complete -c evproduce -l null -x -d 'A field that is equal to this is null.'
complete -c evproduce -l whole -d 'Each file, or stdin, is one record'
complete -c evproduce -l max-record -x -d 'Refuse a record that takes more bytes of input'
complete -c evproduce -l end-mark -d 'JSON that ends without an end mark was cut off'
complete -c evproduce -l no-end-mark -d 'Msgpack may end without an end mark.'
complete -c evproduce -l skip-bad -d 'Go on after malformed records, after N of them at most.'
complete -c evproduce -l bad -r -F -d 'Go on after malformed records, and append them to FILE.'
complete -c evproduce -l utc -d 'Read times in UTC, not in the local zone.'
complete -c evproduce -l follow -s f -d 'At the end of the files, wait for more'
complete -c evproduce -l rescan -r -F -d 'With -f: files whose names match, too, whenever they appear'
complete -c evproduce -l state -x -d 'Begin where the last run of this NAME ended, and write each record of the files once, whatever is killed in between'
complete -c evproduce -l message -s m -x -d 'The record itself'
complete -c evproduce -l key -s k -x -d 'The key of records that have none.'
complete -c evproduce -l header -s H -x -d 'A header for records that have none of this name'
complete -c evproduce -l partition -s p -x -d 'The partition to write to.'
complete -c evproduce -l timestamp -s T -x -d 'The timestamp of records that have none'
complete -c evproduce -l tombstone -s Z -d 'An empty value is a null value.'
complete -c evproduce -l partitioner -x -a 'murmur2 sticky rr random crc32 fnv1a input' -d 'How a record finds its partition'
complete -c evproduce -l compress -s z -x -a 'none gzip snappy lz4 zstd' -d 'How to compress batches'
complete -c evproduce -l acks -s a -x -a 'all 1' -d 'How many copies to wait for'
complete -c evproduce -l flush -x -a 'sync os' -d 'Sync: a record is acknowledged once it is on disk'
complete -c evproduce -l linger -x -d 'How long a record may wait for others while more is coming'
complete -c evproduce -l batch -x -d 'Write a batch when it has this size'
complete -c evproduce -l txn -s x -d 'All that is read is written, or nothing'
complete -c evproduce -l txn-every -x -d 'A transaction for every N records, every DURATION, or every SIZE of keys and values, instead of one'
complete -c evproduce -l rate -x -d 'At most N records a second, or, with a unit (1M), that many bytes.'
complete -c evproduce -l pace -x -d 'Write records as far apart as their timestamps are, FACTOR times as fast.'
complete -c evproduce -l expect-offset -x -d 'The first record must get offset N of its partition'
complete -c evproduce -l create -d 'A missing topic is made with N partitions'
complete -c evproduce -l no-create -d 'A missing topic is an error: 66.'
complete -c evproduce -l force -d 'Write on a file system that processes cannot share safely.'
complete -c evproduce -l receipt -d 'Print where each acknowledged record went'
complete -c evproduce -l tee -d 'Copy the accepted input to stdout.'
complete -c evproduce -l json -s j -d 'With -v: the summary is JSON.'
complete -c evproduce -l progress -x -a 'auto always never' -d 'Whether long work shows how far it is'
complete -c evproduce -l dir -s d -r -F -d 'The data directory'
complete -c evproduce -l profile -s C -x -a '(__evproduce_ask profiles)' -d 'A profile of ev.conf(5).'
complete -c evproduce -l quiet -s q -d 'Say errors only.'
complete -c evproduce -l verbose -s v -d 'Say more; twice: still more.'
complete -c evproduce -l help -s h -d 'Print a screen of help.'
complete -c evproduce -l help-json -d 'Print the options as JSON, for programs.'
complete -c evproduce -l version -s V -d 'Print the version.'
complete -c evproduce -f -a '(__evproduce_ask topics)'
