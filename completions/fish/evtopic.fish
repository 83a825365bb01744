# fish completion of evtopic(1); `make docs` writes it

function __evtopic_ask
    set -l place
    set -l tokens (commandline -opc)
    for i in (seq (count $tokens))
        if contains -- $tokens[$i] -d --dir -C --profile
            set place $tokens[$i] $tokens[(math $i + 1)]
        end
    end
    evtopic $place --complete $argv (commandline -ct) 2>/dev/null
end

complete -c evtopic -l dry-run -s n -d 'Print the plan as commands; do nothing.'
complete -c evtopic -l yes -s y -d 'Do not ask'
complete -c evtopic -l json -s j -d 'Print one JSON document.'
complete -c evtopic -l tsv -d 'Print columns between tabs, without a heading and with plain numbers; - is empty.'
complete -c evtopic -l utc -d 'Read and print times in UTC, not in the local zone.'
complete -c evtopic -l progress -x -a 'auto always never' -d 'Whether long work shows how far it is'
complete -c evtopic -l dir -s d -r -F -d 'The data directory'
complete -c evtopic -l profile -s C -x -a '(__evtopic_ask profiles)' -d 'A profile of ev.conf(5).'
complete -c evtopic -l quiet -s q -d 'Say errors only.'
complete -c evtopic -l verbose -s v -d 'Say more; twice: still more.'
complete -c evtopic -l help -s h -d 'Print a screen of help.'
complete -c evtopic -l help-json -d 'Print the options as JSON, for programs.'
complete -c evtopic -l version -s V -d 'Print the version.'
function __evtopic_command
    set -l name ''
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case -d --dir -C --profile
                set skip 1
            case '-*'
            case '*'
                if test -z "$name"
                    set name $word
                else if contains -- "$name $word" 'group ls' 'group describe' 'group lag' 'group members' 'group offsets' 'group reset' 'group clone' 'group rm' 'group rm-offsets' 'txn ls' 'txn describe' 'txn producers' 'txn abort' 'check lag' 'check age' 'check disk'
                    set name "$name $word"
                end
        end
    end
    echo $name
end
function __evtopic_is
    test "$argv" = (__evtopic_command)
end

complete -c evtopic -f -n '__evtopic_is ' -a ls -d 'list topics'
complete -c evtopic -n '__evtopic_is ls' -l long -s l -d 'Records and bytes, the oldest and the newest.'
complete -c evtopic -n '__evtopic_is ls' -l all -s a -d 'Internal topics too: those that begin with __.'
complete -c evtopic -n '__evtopic_is ls' -l regex -s r -d 'Names are extended regular expressions.'
complete -c evtopic -n '__evtopic_is ls' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a create -d 'make topics'
complete -c evtopic -n '__evtopic_is create' -l parts -s P -x -d 'How many partitions'
complete -c evtopic -n '__evtopic_is create' -l set -s c -x -a '(__evtopic_ask settings)' -d 'A setting, as retention.ms=7d; once for each.'
complete -c evtopic -n '__evtopic_is create' -l if-missing -d 'A topic that exists is no error.'
complete -c evtopic -n '__evtopic_is create' -f -a '(__evtopic_ask nothing)'
complete -c evtopic -f -n '__evtopic_is ' -a rm -d 'remove topics and their records'
complete -c evtopic -n '__evtopic_is rm' -l if-exists -d 'A missing topic is no error.'
complete -c evtopic -n '__evtopic_is rm' -l regex -s r -d 'Names are extended regular expressions.'
complete -c evtopic -n '__evtopic_is rm' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a describe -d 'all about topics: ids, offsets, sizes, settings'
complete -c evtopic -n '__evtopic_is describe' -l section -x -a 'all summary partitions config' -d 'Print this part only'
complete -c evtopic -n '__evtopic_is describe' -l regex -s r -d 'Names are extended regular expressions.'
complete -c evtopic -n '__evtopic_is describe' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a alter -d 'change topics: partitions, settings'
complete -c evtopic -n '__evtopic_is alter' -l parts -s P -x -d 'How many partitions; never fewer than before'
complete -c evtopic -n '__evtopic_is alter' -l set -s c -x -a '(__evtopic_ask settings)' -d 'A setting, as retention.ms=7d; once for each'
complete -c evtopic -n '__evtopic_is alter' -l unset -x -a '(__evtopic_ask settings)' -d 'A setting goes back to its default.'
complete -c evtopic -n '__evtopic_is alter' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a config -d 'the settings of a topic'
complete -c evtopic -n '__evtopic_is config' -l docs -d 'Say what each setting means.'
complete -c evtopic -n '__evtopic_is config' -l defaults -d 'Also settings that have their default.'
complete -c evtopic -n '__evtopic_is config' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a trim -d 'delete the records before a position'
complete -c evtopic -n '__evtopic_is trim' -l before -x -d 'The first record to keep: an offset, a time, end'
complete -c evtopic -n '__evtopic_is trim' -l partitions -s p -x -d 'These partitions only, as 0,2-4.'
complete -c evtopic -n '__evtopic_is trim' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a offsets -d 'where partitions begin and end, and where a position is'
complete -c evtopic -n '__evtopic_is offsets' -l at -x -d 'Also which offset this position means'
complete -c evtopic -n '__evtopic_is offsets' -l partitions -s p -x -d 'These partitions only, as 0,2-4.'
complete -c evtopic -n '__evtopic_is offsets' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a mv -d 'rename a topic'
complete -c evtopic -n '__evtopic_is mv' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a compact -d 'keep the newest record of each key'
complete -c evtopic -n '__evtopic_is compact' -l partitions -s p -x -d 'These partitions only, as 0,2-4.'
complete -c evtopic -n '__evtopic_is compact' -l force -d 'However little there is to gain'
complete -c evtopic -n '__evtopic_is compact' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a clean -d 'delete now what retention allows to delete'
complete -c evtopic -n '__evtopic_is clean' -l partitions -s p -x -d 'These partitions only, as 0,2-4.'
complete -c evtopic -n '__evtopic_is clean' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a check-log -d 'read every byte and say what is damaged'
complete -c evtopic -n '__evtopic_is check-log' -l partitions -s p -x -d 'These partitions only, as 0,2-4.'
complete -c evtopic -n '__evtopic_is check-log' -l repair -d 'Bring back partitions that failed'
complete -c evtopic -n '__evtopic_is check-log' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a dump -d 'topics and settings as commands that make them'
complete -c evtopic -n '__evtopic_is dump' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is ' -a diff -d 'what apply would do; exits 1 if that is something'
complete -c evtopic -n '__evtopic_is diff' -l prune -d 'Topics that FILE does not name are removed.'
complete -c evtopic -n '__evtopic_is diff' -F
complete -c evtopic -f -n '__evtopic_is ' -a apply -d 'make topics and settings what a file says, as dump prints it'
complete -c evtopic -n '__evtopic_is apply' -l prune -d 'Topics that FILE does not name are removed.'
complete -c evtopic -n '__evtopic_is apply' -F
complete -c evtopic -f -n '__evtopic_is ' -a group
complete -c evtopic -f -n '__evtopic_is group' -a ls -d 'list consumer groups'
complete -c evtopic -n '__evtopic_is group ls' -l long -s l -d 'How many partitions, and how far behind.'
complete -c evtopic -n '__evtopic_is group ls' -f -a '(__evtopic_ask nothing)'
complete -c evtopic -f -n '__evtopic_is group' -a describe -d 'where groups are, by partition, and who reads it'
complete -c evtopic -n '__evtopic_is group describe' -f -a '(__evtopic_ask groups)'
complete -c evtopic -f -n '__evtopic_is group' -a lag -d 'how many records groups are behind, by topic'
complete -c evtopic -n '__evtopic_is group lag' -f -a '(__evtopic_ask groups)'
complete -c evtopic -f -n '__evtopic_is group' -a members -d 'who is in groups, and what each owns'
complete -c evtopic -n '__evtopic_is group members' -f -a '(__evtopic_ask groups)'
complete -c evtopic -f -n '__evtopic_is group' -a offsets -d 'the offsets that groups have committed'
complete -c evtopic -n '__evtopic_is group offsets' -f -a '(__evtopic_ask groups)'
complete -c evtopic -f -n '__evtopic_is group' -a reset -d 'have a group go on elsewhere'
complete -c evtopic -n '__evtopic_is group reset' -l to -x -d 'Where to go'
complete -c evtopic -n '__evtopic_is group reset' -l shift -x -d 'So many records on, or back: -100.'
complete -c evtopic -n '__evtopic_is group reset' -l topic -s t -x -a '(__evtopic_ask topics)' -d 'These topics only'
complete -c evtopic -n '__evtopic_is group reset' -l wait -x -d 'Wait so long for members to leave.'
complete -c evtopic -n '__evtopic_is group reset' -f -a '(__evtopic_ask groups)'
complete -c evtopic -f -n '__evtopic_is group' -a clone -d 'have a group go on where another one is'
complete -c evtopic -n '__evtopic_is group clone' -f -a '(__evtopic_ask groups)'
complete -c evtopic -f -n '__evtopic_is group' -a rm -d 'forget groups, and where they are'
complete -c evtopic -n '__evtopic_is group rm' -f -a '(__evtopic_ask groups)'
complete -c evtopic -f -n '__evtopic_is group' -a rm-offsets -d 'forget where a group is in some topics'
complete -c evtopic -n '__evtopic_is group rm-offsets' -l topic -s t -x -a '(__evtopic_ask topics)' -d 'What to forget'
complete -c evtopic -n '__evtopic_is group rm-offsets' -f -a '(__evtopic_ask groups)'
complete -c evtopic -f -n '__evtopic_is ' -a txn
complete -c evtopic -f -n '__evtopic_is txn' -a ls -d 'list transactional ids and their transactions'
complete -c evtopic -n '__evtopic_is txn ls' -f -a '(__evtopic_ask nothing)'
complete -c evtopic -f -n '__evtopic_is txn' -a describe -d 'the partitions of a transaction'
complete -c evtopic -n '__evtopic_is txn describe' -f -a '(__evtopic_ask nothing)'
complete -c evtopic -f -n '__evtopic_is txn' -a producers -d 'the producers that partitions remember'
complete -c evtopic -n '__evtopic_is txn producers' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is txn' -a abort -d 'abort what a dead process left open'
complete -c evtopic -n '__evtopic_is txn abort' -f -a '(__evtopic_ask nothing)'
complete -c evtopic -f -n '__evtopic_is ' -a check
complete -c evtopic -f -n '__evtopic_is check' -a lag -d 'how far a group is behind, for a monitor'
complete -c evtopic -n '__evtopic_is check lag' -l warn -x -d 'So many records behind are a warning.'
complete -c evtopic -n '__evtopic_is check lag' -l crit -x -d 'So many are critical.'
complete -c evtopic -n '__evtopic_is check lag' -f -a '(__evtopic_ask groups)'
complete -c evtopic -f -n '__evtopic_is check' -a age -d 'how old the newest record is, for a monitor'
complete -c evtopic -n '__evtopic_is check age' -l warn -x -d 'A newest record this old is a warning.'
complete -c evtopic -n '__evtopic_is check age' -l crit -x -d 'One this old is critical.'
complete -c evtopic -n '__evtopic_is check age' -f -a '(__evtopic_ask topics)'
complete -c evtopic -f -n '__evtopic_is check' -a disk -d 'how full the disk is, for a monitor'
complete -c evtopic -n '__evtopic_is check disk' -l warn -x -d 'A disk this full is a warning: 80%.'
complete -c evtopic -n '__evtopic_is check disk' -l crit -x -d 'One this full is critical: 90%.'
complete -c evtopic -n '__evtopic_is check disk' -f -a '(__evtopic_ask nothing)'
complete -c evtopic -f -n '__evtopic_is ' -a top -d 'what comes in, live'
complete -c evtopic -n '__evtopic_is top' -l interval -s i -x -d 'How long a look takes'
complete -c evtopic -n '__evtopic_is top' -l by -x -a 'rate name size' -d 'What comes first'
complete -c evtopic -n '__evtopic_is top' -l keys -s k -x -a '(__evtopic_ask topics)' -d 'The most frequent keys of a topic, by a sample.'
complete -c evtopic -n '__evtopic_is top' -l sample -x -d 'With -k: how many records to look at, about'
complete -c evtopic -n '__evtopic_is top' -f -a '(__evtopic_ask nothing)'
