/* fault.c - the last failure of each thread, in words.  Owns the text only. */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { FAULT_BYTES = sizeof(struct fault) };

static _Thread_local char fault[FAULT_BYTES];

enum evl_error fail(enum evl_error err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault, sizeof fault, format, args);
    va_end(args);
    return err;
}

enum evl_error failed(enum evl_error err, const char *format, ...)
{
    char noun[FAULT_BYTES];
    char tail[FAULT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(noun, sizeof noun, format, args);
    va_end(args);
    memcpy(tail, fault, sizeof tail);
    if (snprintf(fault, sizeof fault, "%s: %s", noun, tail) >= FAULT_BYTES)
        memcpy(fault + FAULT_BYTES - 4, "...", 4); /* a long tale loses its end */
    return err;
}

const char *evl_fault(void) { return fault; }

void fault_keep(struct fault *kept) { memcpy(kept->text, fault, sizeof kept->text); }

enum evl_error fault_again(enum evl_error err, const struct fault *kept)
{
    memcpy(fault, kept->text, sizeof kept->text);
    return err;
}

const char *evl_error_text(enum evl_error err)
{
    switch (err) {
    case EVL_OK: return "done";
#define ERROR(name, exit, text) \
    case EVL_ERR_##name:        \
        return text;
#include <evl/errors.def>
#undef ERROR
    }
    return "unknown error";
}

int evl_error_exit(enum evl_error err)
{
    switch (err) {
    case EVL_OK: return 0;
#define ERROR(name, exit, text) \
    case EVL_ERR_##name:        \
        return exit;
#include <evl/errors.def>
#undef ERROR
    }
    return 70;
}

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this should hold: %s\n", file, line, condition);
    abort();
}
