/* fuzz.h - what a fuzzer is.
 *
 * A file fuzz_NAME.c defines one function that gives any bytes to one reader
 * of the engine and checks what it promises; it returns 0, and must not crash,
 * hang, or leak.  `make fuzz NAME=batch` lets libFuzzer search for inputs;
 * `make check` runs the folder corpus/NAME through the same function. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

#endif
