# fish completion of evconsume(1); `make docs` writes it

function __evconsume_ask
    set -l place
    set -l tokens (commandline -opc)
    for i in (seq (count $tokens))
        if contains -- $tokens[$i] -d --dir -C --profile
            set place $tokens[$i] $tokens[(math $i + 1)]
        end
    end
    evtopic $place --complete $argv (commandline -ct) 2>/dev/null
end

complete -c evconsume -l since -s S -x -d 'Begin here: start, end, 120, -10, -1h, today'
complete -c evconsume -l until -s U -x -d 'End before this'
complete -c evconsume -l partitions -s p -x -d 'These partitions only, as 0,2-4.'
complete -c evconsume -l count -s n -x -d 'Stop after N records.'
complete -c evconsume -l tail -s t -x -d 'The last N records of all partitions together'
complete -c evconsume -l follow -s f -d 'Go on at the end, and wait for more.'
complete -c evconsume -l idle -x -d 'With -f: stop when nothing has come for so long.'
complete -c evconsume -l regex -s r -d 'Topics are extended regular expressions that match whole names.'
complete -c evconsume -l merge -d 'By timestamp, topic, partition and offset, not partition by partition'
complete -c evconsume -l grep -s G -x -d 'Records whose field matches: k v t hk hv h:NAME='
complete -c evconsume -l fixed -d 'What -G looks for is plain text.'
complete -c evconsume -l ignore-case -s I -d '-G ignores case.'
complete -c evconsume -l key -x -d 'Records with this key'
complete -c evconsume -l latest -d 'Only the newest record of each key'
complete -c evconsume -l tombstones -d 'With --latest: deleted keys too.'
complete -c evconsume -l isolation -x -a 'committed uncommitted' -d 'Uncommitted: records of open and aborted transactions too'
complete -c evconsume -l control -d 'Control records too.'
complete -c evconsume -l state -r -F -d 'Go on where FILE says, and keep it up to date'
complete -c evconsume -l commit -x -a 'write end ack none' -d 'When a record counts as done'
complete -c evconsume -l commit-every -x -d 'Commit after so many records, or so long'
complete -c evconsume -l ack -r -F -d 'With --commit ack: what is done is said here, not on descriptor 3'
complete -c evconsume -l output -s o -x -a 'line tsv json msgpack frame raw batch' -d 'Its form: line tsv json msgpack frame raw batch'
complete -c evconsume -l json -s j -d 'The same as -o json.'
complete -c evconsume -l format -s F -x -d 'The form of the output, as \'%k %v\\n\''
complete -c evconsume -l count-only -s c -d 'Print how many records, not the records'
complete -c evconsume -l delimiter -s D -x -d 'What ends a line'
complete -c evconsume -l null-data -s 0 -d 'A NUL byte ends a line.'
complete -c evconsume -l key-delimiter -s K -x -d 'A line is a key, this, and a value.'
complete -c evconsume -l columns -x -d 'The columns of tsv: topic partition offset timestamp key value headers'
complete -c evconsume -l null -x -d 'What stands for null.'
complete -c evconsume -l embed -d 'In JSON, a value that is JSON itself is not quoted, and called value_json.'
complete -c evconsume -l end-mark -d 'An end mark behind JSON, too'
complete -c evconsume -l utc -d 'Read and print times in UTC, not in the local zone.'
complete -c evconsume -l strict -d 'Stop with 65 at a record that the form cannot say unambiguously'
complete -c evconsume -l append -s O -r -F -d 'Append to FILE'
complete -c evconsume -l split -r -F -d 'Each record is a file in DIR'
complete -c evconsume -l name -x -d 'The names for --split'
complete -c evconsume -l unbuffered -s u -d 'Write each record at once.'
complete -c evconsume -l max-bytes -s W -x -d 'Stop before the output is larger.'
complete -c evconsume -l batch -x -d 'How much one run of COMMAND gets'
complete -c evconsume -l on-error -x -d 'What to do when COMMAND fails'
complete -c evconsume -l parallel -s P -x -d 'Run up to N COMMANDs at once'
complete -c evconsume -l fail-empty -d 'Exit with 1 if there was no record'
complete -c evconsume -l lock -d 'One run at a time, of these topics or with this FILE; another one exits with 75.'
complete -c evconsume -l wait-lock -x -d 'With --lock: wait so long for the other run to end.'
complete -c evconsume -l force -d 'Binary forms and control characters go to a terminal, too.'
complete -c evconsume -l progress -x -a 'auto always never' -d 'Whether long work shows how far it is'
complete -c evconsume -l dir -s d -r -F -d 'The data directory'
complete -c evconsume -l profile -s C -x -a '(__evconsume_ask profiles)' -d 'A profile of ev.conf(5).'
complete -c evconsume -l quiet -s q -d 'Say errors only.'
complete -c evconsume -l verbose -s v -d 'Say more; twice: still more.'
complete -c evconsume -l help -s h -d 'Print a screen of help.'
complete -c evconsume -l help-json -d 'Print the options as JSON, for programs.'
complete -c evconsume -l version -s V -d 'Print the version.'
complete -c evconsume -f -a '(__evconsume_ask topics)'
