/* Which records a filter wants. */
#include <evl/grep.h>

#include <string.h>

#include "unit.h"

static bool wants(int flags, const char *filter, const struct evl_record *record)
{
    struct evl_grep *grep = evl_grep_open(flags);
    bool wanted = !evl_grep_add(grep, filter) && evl_grep_wants(grep, record);
    evl_grep_close(grep);
    return wanted;
}

static struct evl_record sample(void)
{
    static struct evl_header headers[3];
    struct evl_record record = EVL_RECORD_NONE;
    headers[0] = (struct evl_header){ evl_text("trace"), evl_text("abc") };
    headers[1] = (struct evl_header){ evl_text("empty"), evl_bytes(NULL, 0) };
    headers[2] = (struct evl_header){ evl_text("trace"), evl_text("def") };
    record.topic = evl_text("orders");
    record.value = evl_bytes("an ERROR\0here", 13);
    record.headers = headers;
    record.header_count = 3;
    return record;
}

TEST("a filter looks at the field that it names")
{
    struct evl_record record = sample();
    EXPECT(wants(0, "v:ERROR", &record));
    EXPECT(!wants(0, "v:error", &record) && wants(EVL_GREP_IGNORE_CASE, "v:error", &record));
    EXPECT(wants(0, "t:^ord(er|)s$", &record) && !wants(0, "t:^ord$", &record));
    EXPECT(wants(0, "hk:^empty$", &record) && !wants(0, "hk:abc", &record));
    EXPECT(wants(0, "hv:^def$", &record) && !wants(0, "hv:trace", &record));
    EXPECT(wants(0, "h:trace=d.f", &record) && !wants(0, "h:trac=d.f", &record));
}

TEST("a null or absent field matches nothing, and not matching it is true")
{
    struct evl_record record = sample();
    EXPECT(!wants(0, "k:.*", &record) && wants(0, "!k:.*", &record));
    EXPECT(!wants(0, "h:empty=.*", &record) && wants(0, "!h:empty=.*", &record));
    EXPECT(!wants(0, "h:none=", &record) && wants(0, "!h:none=", &record));
    record.key = evl_text("");
    EXPECT(wants(0, "k:.*", &record) && !wants(0, "!k:.*", &record));
    EXPECT(wants(EVL_GREP_FIXED, "k:", &record));
}

TEST("a field may hold zero bytes")
{
    struct evl_record record = sample();
    EXPECT(wants(0, "v:here$", &record) && wants(EVL_GREP_FIXED, "v:here", &record));
    EXPECT(!wants(0, "v:ERROR$", &record));
}

TEST("fixed text is no expression")
{
    struct evl_record record = sample();
    record.key = evl_text("a.b");
    EXPECT(wants(EVL_GREP_FIXED, "k:.", &record) && !wants(EVL_GREP_FIXED, "k:a.*", &record));
    EXPECT(wants(EVL_GREP_FIXED | EVL_GREP_IGNORE_CASE, "k:A.B", &record));
    EXPECT(!wants(EVL_GREP_FIXED | EVL_GREP_IGNORE_CASE, "k:a.bc", &record));
}

TEST("a record is wanted when all filters want it")
{
    struct evl_record record = sample();
    struct evl_grep *grep = evl_grep_open(0);
    EXPECT(evl_grep_wants(grep, &record));
    EXPECT(!evl_grep_add(grep, "v:ERROR") && evl_grep_wants(grep, &record));
    EXPECT(!evl_grep_add(grep, "!t:orders") && !evl_grep_wants(grep, &record));
    EXPECT(evl_grep_add(grep, "x:y") == EVL_ERR_USAGE && strstr(evl_fault(), "'x:y'"));
    EXPECT(evl_grep_add(grep, "k:(") == EVL_ERR_USAGE && strstr(evl_fault(), "'('"));
    EXPECT(evl_grep_add(grep, "h:name") == EVL_ERR_USAGE && strstr(evl_fault(), "lacks ="));
    evl_grep_close(grep);
}
