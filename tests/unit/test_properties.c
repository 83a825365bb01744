/* Java's .properties, and meta.properties. */
#include "config/meta.h"
#include "config/properties.h"
#include "unit.h"

static bool gives(const char *text, const char *key, const char *value)
{
    struct properties p;
    bool same = properties_read(evl_text(text), &p) == EVL_OK;
    const char *got = same ? properties_get(&p, key) : NULL;
    same = got && strcmp(got, value) == 0;
    properties_release(&p);
    return same;
}

TEST("a property's key ends at an equals sign, a colon or a blank")
{
    EXPECT(gives("a=b", "a", "b") && gives("a:b", "a", "b") && gives("a b", "a", "b"));
    EXPECT(gives("  a  =  b  \n", "a", "b  ") && gives("a\t:\tb", "a", "b"));
    EXPECT(gives("a==b", "a", "=b") && gives("a = : b", "a", ": b") && gives("a", "a", ""));
    EXPECT(gives("a=1\r\nb=2\rc=3\n", "c", "3") && gives("a=1\na=2", "a", "2"));
    EXPECT(gives("=x", "", "x"));
}

TEST("a property may go on on the next line")
{
    EXPECT(gives("a = b, \\\n    c", "a", "b, c") && gives("a\\\r\n  b=c", "ab", "c"));
    EXPECT(gives("a=b\\\\\nc=d", "a", "b\\") && gives("a=b\\\\\nc=d", "c", "d"));
    EXPECT(gives("a=b\\", "a", "b") && gives("a=b\\\n\nc=d", "c", "d"));
}

TEST("comments are whole lines and do not go on")
{
    EXPECT(gives("# a=1\\\na=2", "a", "2") && gives("  ! x\na=#3", "a", "#3"));
    EXPECT(gives("\n \n\t\na=1", "a", "1"));
}

TEST("escapes stand for letters, and \\u for those of all the world")
{
    EXPECT(gives("a\\ b\\=c = \\t\\n\\x\\\\", "a b=c", "\t\nx\\"));
    EXPECT(gives("a=\\u0041\\u00e9\\u20AC", "a", "A\xc3\xa9\xe2\x82\xac"));
    EXPECT(gives("a=\\ud83d\\ude00", "a", "\xf0\x9f\x98\x80"));
    EXPECT(gives("a=\\ud83dx", "a", "\xef\xbf\xbdx") && gives("a=\xc3\xa9", "a", "\xc3\xa9"));
}

TEST("a broken escape or a zero byte is refused with its line")
{
    struct properties p;
    EXPECT(properties_read(evl_text("a=1\nb=\\u12"), &p) == EVL_ERR_CONFIG);
    EXPECT(strstr(evl_fault(), "line 2"));
    properties_release(&p);
    EXPECT(properties_read(evl_text("a=\\u0000"), &p) == EVL_ERR_CONFIG);
    properties_release(&p);
    EXPECT(properties_read(evl_bytes("a=\0", 3), &p) == EVL_ERR_CONFIG);
    properties_release(&p);
}

TEST("a property that was written is read back as it was")
{
    static const char *const texts[] = { "",          "plain",        " a b ",       "a=b:c#d!e",
                                         "\\",        "\t\n\r\f\x01", "caf\xc3\xa9", "#",
                                         "ends in \\" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct evl_buffer out = { 0 };
        properties_add(&out, texts[i], texts[i]);
        properties_add(&out, "last", "1");
        EXPECT(gives(buf_text(&out), texts[i], texts[i]) && gives(buf_text(&out), "last", "1"));
        buf_release(&out);
    }
}

TEST("meta.properties says whose directory this is")
{
    struct meta meta = { .cluster = "MkU3OEVBNTcwNTJENDM2Qg", .node = 1 };
    struct meta back;
    struct evl_buffer out = { 0 };
    meta.directory = uuid_make(7, 8);
    meta.format = 1;
    meta_print(&meta, &out);
    EXPECT(strncmp(buf_text(&out), "version=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\nnode.id=1\n",
                   52) == 0);
    REQUIRE(meta_read(buf_bytes(&out), &back) == EVL_OK);
    EXPECT(back.node == 1 && uuid_equal(&back.directory, &meta.directory) && back.format == 1);
    EXPECT(strcmp(back.cluster, meta.cluster) == 0);
    buf_release(&out);
}

TEST("a meta.properties of old Kafka is read, one of the future is not")
{
    struct meta meta;
    EXPECT(meta_read(evl_text("#\n#Tue\nbroker.id=3\nversion=0\n"), &meta) == EVL_OK);
    EXPECT(meta.node == 3 && meta.cluster[0] == '\0' && uuid_is_zero(&meta.directory));
    EXPECT(meta.format == 0);
    EXPECT(meta_read(evl_text("version=2\nnode.id=1\ncluster.id=x"), &meta) == EVL_ERR_CONFIG);
    EXPECT(meta_read(evl_text("version=1\ncluster.id=x"), &meta) == EVL_ERR_CONFIG);
    EXPECT(strstr(evl_fault(), "there is no node.id"));
    EXPECT(meta_read(evl_text("version=1\nnode.id=x\ncluster.id=x"), &meta) == EVL_ERR_CONFIG);
    EXPECT(meta_read(evl_text("version=1\nnode.id=1"), &meta) == EVL_ERR_CONFIG);
    EXPECT(meta_read(evl_text("version=1\nnode.id=1\ncluster.id=x\ndirectory.id=!"), &meta) ==
           EVL_ERR_CONFIG);
}
