# fish completion of evstream(1); `make docs` writes it

function __evstream_ask
    set -l place
    set -l tokens (commandline -opc)
    for i in (seq (count $tokens))
        if contains -- $tokens[$i] -d --dir -C --profile
            set place $tokens[$i] $tokens[(math $i + 1)]
        end
    end
    evtopic $place --complete $argv (commandline -ct) 2>/dev/null
end

complete -c evstream -l from -x -a '(__evstream_ask topics)' -d 'Read this topic'
complete -c evstream -l to -x -a '(__evstream_ask topics)' -d 'Write to this one, unless the output says another.'
complete -c evstream -l group -s g -x -a '(__evstream_ask groups)' -d 'The stream\'s name'
complete -c evstream -l instance -x -d 'A member of the group with a name'
complete -c evstream -l since -s S -x -d 'Where a new stream begins'
complete -c evstream -l follow -s f -d 'Go on at the end, and wait for more.'
complete -c evstream -l output -s o -x -a 'line tsv json msgpack frame' -d 'What FILTER is given'
complete -c evstream -l input -s i -x -a 'line tsv json msgpack frame' -d 'What is read back from it'
complete -c evstream -l columns -x -d 'The columns of tsv, both ways'
complete -c evstream -l batch -x -d 'How much one run of FILTER gets'
complete -c evstream -l coprocess -d 'One FILTER for all, that answers each line at once with one line, as sed -u does.'
complete -c evstream -l keep -x -d 'With --coprocess: what an answer has of its record'
complete -c evstream -l on-error -x -d 'What to do when FILTER fails, or writes what is no record'
complete -c evstream -l at -x -d 'reset: where to'
complete -c evstream -l json -s j -d 'describe: print one JSON document.'
complete -c evstream -l tsv -d 'describe: print columns between tabs.'
complete -c evstream -l progress -x -a 'auto always never' -d 'Whether long work shows how far it is'
complete -c evstream -l dir -s d -r -F -d 'The data directory'
complete -c evstream -l profile -s C -x -a '(__evstream_ask profiles)' -d 'A profile of ev.conf(5).'
complete -c evstream -l quiet -s q -d 'Say errors only.'
complete -c evstream -l verbose -s v -d 'Say more; twice: still more.'
complete -c evstream -l help -s h -d 'Print a screen of help.'
complete -c evstream -l help-json -d 'Print the options as JSON, for programs.'
complete -c evstream -l version -s V -d 'Print the version.'
complete -c evstream -f -a '(__evstream_ask nothing)'
