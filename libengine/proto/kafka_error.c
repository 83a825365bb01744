/* kafka_error.c - the table of error codes, in the order of their numbers. */
#include "proto/kafka_error.h"

#include <stddef.h>

struct kafka_error_row {
    int number;
    const char *name;
    enum evl_error error;
    enum kafka_todo todo;
};

static const struct kafka_error_row rows[] = {
#define CODE(number, name, error, todo) { number, #name, error, KAFKA_##todo },
#include "proto/kafka_errors.def"
#undef CODE
};
enum { FIRST = KAFKA_UNKNOWN_SERVER_ERROR, ROWS = sizeof rows / sizeof rows[0] };

/* The numbers have no gaps. */
static const struct kafka_error_row *row_of(int number)
{
    return &rows[number >= FIRST && number - FIRST < ROWS ? number - FIRST : 0];
}

const char *kafka_error_name(int number) { return row_of(number)->name; }
enum evl_error kafka_error_to_evl(int number) { return row_of(number)->error; }
enum kafka_todo kafka_error_todo(int number) { return row_of(number)->todo; }
