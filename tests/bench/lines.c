/* lines.c - text to measure with: lines of one length that compress as logs do.
 *
 *   lines BYTES WIDTH     BYTES of lines, each of WIDTH bytes with its newline
 *
 * A line begins with its number, as far as there is room, and goes on with words
 * by chance from a fixed seed: the same arguments give the same bytes. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MIN = 2, WIDTH_MAX = 1 << 20, NUMBER_DIGITS = 9 };

static const char words[32][8] = {
    "order ", "user ",  "paid ",   "view ",  "basket ", "price ", "error ",  "retry ",
    "north ", "south ", "stock ",  "item ",  "sold ",   "open ",  "closed ", "email ",
    "phone ", "card ",  "refund ", "label ", "box ",    "truck ", "route ",  "delay ",
    "late ",  "early ", "noon ",   "green ", "amber ",  "red ",   "low ",    "high ",
};

static uint64_t chance = 88172645463325252;

/* Marsaglia's xorshift. */
static uint64_t chance_next(void)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return chance;
}

static void number_put(char *line, uint64_t number, size_t digits)
{
    for (size_t i = digits; i > 0; i--, number /= 10)
        line[i - 1] = (char)('0' + number % 10);
}

static void words_put(char *line, size_t count)
{
    uint64_t bits = 0;
    for (size_t at = 0; at < count; bits >>= 5) {
        if (bits == 0)
            bits = chance_next();
        const char *word = words[bits & 31];
        size_t length = strlen(word);
        size_t room = count - at;
        memcpy(line + at, word, length < room ? length : room);
        at += length;
    }
}

static bool line_put(uint64_t number, char *line, size_t width)
{
    size_t text = width - 1;
    size_t digits = text < NUMBER_DIGITS ? text : NUMBER_DIGITS;
    number_put(line, number, digits);
    if (digits < text)
        line[digits++] = ' ';
    words_put(line + digits, text - digits);
    line[text] = '\n';
    return fwrite(line, 1, width, stdout) == width;
}

int main(int argc, char **argv)
{
    static char line[WIDTH_MAX];
    uint64_t bytes = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    size_t width = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (width < WIDTH_MIN || width > WIDTH_MAX) {
        fprintf(stderr, "usage: lines BYTES WIDTH\n");
        return 64;
    }
    for (uint64_t i = 0; i < bytes / width; i++)
        if (!line_put(i, line, width))
            break;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    perror("lines");
    return 74;
}
