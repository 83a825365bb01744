/* replay.c - run a fuzzer's corpus without libFuzzer: replay FILE... */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

enum { INPUT_BYTES_MAX = 1 << 24 };

/* A copy that ends where the input does, so that a sanitizer sees a read past it. */
static uint8_t *input_read(const char *name, size_t *count)
{
    FILE *in = fopen(name, "rb");
    uint8_t *room = malloc(INPUT_BYTES_MAX);
    if (!in || !room) {
        perror(name);
        exit(1);
    }
    *count = fread(room, 1, INPUT_BYTES_MAX, in);
    fclose(in);
    uint8_t *exact = realloc(room, *count ? *count : 1);
    return exact ? exact : room;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t count;
        uint8_t *input = input_read(argv[i], &count);
        printf("# %s\n", argv[i]); /* the last one named is the one that crashed */
        fflush(stdout);
        LLVMFuzzerTestOneInput(input, count);
        free(input);
    }
    printf("ok 1 - it survives its corpus, of size %d\n1..1\n", argc - 1);
    return 0;
}
