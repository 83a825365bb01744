/* unit.h - a unit test is a sentence and a body:
 *
 *     TEST("an empty list is its own next")
 *     {
 *         struct list l;
 *         list_init(&l);
 *         EXPECT(l.next == &l);
 *     }
 *
 * EXPECT goes on after a failure, REQUIRE leaves the test.  The runner
 * (unit.c) prints one TAP line per test, and takes words that select tests by
 * file or sentence. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <stdbool.h>

struct unit_test {
    const char *file, *sentence;
    void (*run)(void);
    struct unit_test *next;
};

void unit_add(struct unit_test *test);
void unit_failed(const char *file, int line, const char *what);

#define UNIT_JOIN2(a, b) a##b
#define UNIT_JOIN(a, b)  UNIT_JOIN2(a, b)

#define TEST(text)                                                                        \
    static void UNIT_JOIN(test_, __LINE__)(void);                                         \
    __attribute__((constructor)) static void UNIT_JOIN(add_, __LINE__)(void)              \
    {                                                                                     \
        static struct unit_test test = { __FILE__, text, UNIT_JOIN(test_, __LINE__), 0 }; \
        unit_add(&test);                                                                  \
    }                                                                                     \
    static void UNIT_JOIN(test_, __LINE__)(void)

#define EXPECT(condition) ((condition) ? (void)0 : unit_failed(__FILE__, __LINE__, #condition))
#define REQUIRE(condition)                               \
    do {                                                 \
        if (!(condition)) {                              \
            unit_failed(__FILE__, __LINE__, #condition); \
            return;                                      \
        }                                                \
    } while (0)

#endif
