/* Are our tables Kafka's?  Compares them, field by field, with the official
 * schemas: the JSON files of Apache Kafka's sources, anywhere below the folder
 * that the environment variable KAFKA_SCHEMAS names.  Versions may be newer
 * here or there; what both know must agree. */
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "message_kit.h"
#include "unit.h"

enum { FOREVER = INT16_MAX };

struct versions {
    int first, last; /* first > last: none */
};

static struct versions versions_parse(const char *text)
{
    struct versions v = { 1, 0 };
    char *end;
    if (!text || strcmp(text, "none") == 0)
        return v;
    v.first = (int)strtol(text, &end, 10);
    v.last = *end == '+' ? FOREVER : *end == '-' ? (int)strtol(end + 1, NULL, 10) : v.first;
    return v;
}

static struct versions versions_within(struct versions a, int oldest, int latest)
{
    a.first = a.first < oldest ? oldest : a.first;
    a.last = a.last > latest ? latest : a.last;
    return a.first > a.last ? (struct versions){ 1, 0 } : a;
}

static bool versions_equal(struct versions a, struct versions b)
{
    return a.first == b.first && a.last == b.last;
}

static struct versions versions_of(const struct field *f, int oldest, int latest)
{
    struct versions all = { f->since, f->gone ? f->gone - 1 : FOREVER };
    return versions_within(all, oldest, latest);
}

static struct versions versions_null(const struct field *f, int oldest, int latest)
{
    struct versions none = { 1, 0 };
    struct versions all = { f->nullable - 1, f->never_null ? f->never_null - 1 : FOREVER };
    struct versions in = versions_of(f, oldest, latest);
    return f->nullable ? versions_within(all, in.first, in.last) : none;
}

/* ---- types and values ---------------------------------------------------- */

static const char *type_name(enum field_type type)
{
    static const char *const names[] = {
        [FIELD_BOOL] = "bool",     [FIELD_I8] = "int8",      [FIELD_I16] = "int16",
        [FIELD_I32] = "int32",     [FIELD_I64] = "int64",    [FIELD_U16] = "uint16",
        [FIELD_U32] = "uint32",    [FIELD_F64] = "float64",  [FIELD_UUID] = "uuid",
        [FIELD_STRING] = "string", [FIELD_BYTES] = "bytes",  [FIELD_RECORDS] = "records",
        [FIELD_NESTED] = "struct", [FIELD_MAYBE] = "struct", [FIELD_ARRAY] = "array",
    };
    return names[type];
}

static bool type_is(const struct field *f, const char *theirs)
{
    enum field_type type = f->type;
    if (strncmp(theirs, "[]", 2) == 0) {
        if (type != FIELD_ARRAY)
            return false;
        type = f->item;
        theirs += 2;
    }
    if (*theirs >= 'A' && *theirs <= 'Z')
        return type == FIELD_NESTED || type == FIELD_MAYBE;
    return strcmp(type_name(type), theirs) == 0;
}

static bool default_is(const struct field *f, const json_t *theirs)
{
    const char *text = json_string_value(theirs);
    bool null = text && strcmp(text, "null") == 0;
    if (f->init_null || null)
        return (f->type == FIELD_MAYBE && !f->tag) || (f->init_null && null);
    if (!text && !json_is_boolean(theirs) && !json_is_integer(theirs)) /* null says nothing */
        return f->init == 0;
    if (json_is_boolean(theirs))
        return json_is_true(theirs) == (f->init != 0);
    if (json_is_integer(theirs))
        return json_integer_value(theirs) == f->init;
    if (f->type == FIELD_BOOL)
        return (strcmp(text, "true") == 0) == (f->init != 0);
    return *text == '\0' || strtoll(text, NULL, 0) == f->init;
}

/* ---- one struct against another ------------------------------------------ */

static int compared;

/* Numbers are sometimes written as text. */
static int tag_of(const json_t *field)
{
    const json_t *tag = json_object_get(field, "tag");
    if (!tag)
        return 0;
    const char *text = json_string_value(tag);
    return TAG(text ? (int)strtol(text, NULL, 10) : (int)json_integer_value(tag));
}

#define AGREE(condition, what)                                             \
    ((condition) ? (void)0                                                 \
                 : (printf("# %s.%s: %s differs\n", where, f->name, what), \
                    unit_failed(__FILE__, __LINE__, #condition)))

static void compare_structs(const char *where, const struct field *ours, const json_t *theirs,
                            const json_t *commons, int oldest, int latest);

static const json_t *common_fields(const json_t *commons, const char *type)
{
    size_t i;
    json_t *common;
    json_array_foreach((json_t *)commons, i,
                       common) if (strcmp(json_string_value(json_object_get(common, "name")),
                                          type) == 0) return json_object_get(common, "fields");
    return NULL;
}

static void compare_field(const char *where, const struct field *f, const json_t *theirs,
                          const json_t *commons, int oldest, int latest)
{
    const char *type = json_string_value(json_object_get(theirs, "type"));
    const char *tagged = json_string_value(json_object_get(theirs, "taggedVersions"));
    const char *in = json_string_value(json_object_get(theirs, "versions"));
    struct versions versions = versions_within(versions_parse(in ? in : tagged), oldest, latest);
    struct versions null =
        versions_parse(json_string_value(json_object_get(theirs, "nullableVersions")));
    compared++;
    AGREE(type_is(f, type), "type");
    AGREE(versions_equal(versions_of(f, oldest, latest), versions), "versions");
    AGREE(versions_equal(versions_null(f, oldest, latest),
                         versions_within(null, versions.first, versions.last)),
          "nullable versions");
    AGREE(f->tag == tag_of(theirs), "tag");
    AGREE(default_is(f, json_object_get(theirs, "default")), "default");
    AGREE(f->plain == (json_object_get(theirs, "flexibleVersions") != NULL), "flexibility");
    if (!f->of)
        return;
    const json_t *fields = json_object_get(theirs, "fields");
    if (!fields)
        fields = common_fields(commons, type + 2 * (*type == '['));
    compare_structs(where, f->of(), fields, commons, versions.first, versions.last);
}

static bool name_is(const struct field *f, const json_t *theirs)
{
    char room[FIELD_NAME];
    const char *name = json_string_value(json_object_get(theirs, "name"));
    return strcasecmp(field_name(f->name, room), name) == 0;
}

/* In the same order; a field that we lack may only be one of newer versions. */
static void compare_structs(const char *where, const struct field *ours, const json_t *theirs,
                            const json_t *commons, int oldest, int latest)
{
    const struct field *f = ours;
    size_t i;
    json_t *field;
    json_array_foreach((json_t *)theirs, i, field)
    {
        const char *in = json_string_value(json_object_get(field, "versions"));
        while (f->type != FIELD_END && versions_of(f, oldest, latest).first == 1 &&
               versions_of(f, oldest, latest).last == 0 && !name_is(f, field))
            f++; /* newer here */
        if (f->type != FIELD_END && name_is(f, field))
            compare_field(where, f++, field, commons, oldest, latest);
        else if (versions_parse(in).first <= latest) {
            printf("# %s: no %s\n", where, json_string_value(json_object_get(field, "name")));
            unit_failed(__FILE__, __LINE__, "every field is in our table");
        }
    }
    for (; f->type != FIELD_END; f++)
        AGREE(f->since > latest, "presence");
}

/* ---- files --------------------------------------------------------------- */

static char wanted[FIELD_NAME + 8], found[4096];

static int look(const char *path, const struct stat *stat, int flag, struct FTW *ftw)
{
    (void)stat;
    if (flag != FTW_F || strcasecmp(path + ftw->base, wanted) != 0)
        return 0;
    snprintf(found, sizeof found, "%s", path);
    return 1;
}

/* The file without its // comments, which JSON has not. */
static json_t *schema_load(const char *path)
{
    char line[8192];
    struct evl_buffer text = { 0 };
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof line, in))
        if (strncmp(line + strspn(line, " \t"), "//", 2) != 0)
            buf_add_text(&text, line);
    if (in)
        fclose(in);
    json_t *schema = json_loadb((const char *)text.at, text.count, 0, NULL);
    buf_release(&text);
    return schema;
}

static bool schema_find(const char *dir, const struct message *m)
{
    char name[FIELD_NAME];
    field_name(m->name, name);
    snprintf(wanted, sizeof wanted, "%s.json", name);
    if (nftw(dir, look, 16, FTW_PHYS) == 1)
        return true;
    /* The one whose file is not called as the record. */
    if (strcmp(m->name, "zk_migration_state_record") != 0)
        return false;
    snprintf(wanted, sizeof wanted, "ZkMigrationRecord.json");
    return nftw(dir, look, 16, FTW_PHYS) == 1;
}

static void compare_message(const struct message *m, const json_t *schema)
{
    struct versions valid =
        versions_parse(json_string_value(json_object_get(schema, "validVersions")));
    struct versions flexible =
        versions_parse(json_string_value(json_object_get(schema, "flexibleVersions")));
    EXPECT(json_integer_value(json_object_get(schema, "apiKey")) == m->key);
    EXPECT(flexible.first <= flexible.last ? flexible.first == m->flexible
                                           : m->flexible == NEVER_FLEXIBLE);
    valid = versions_within(valid, m->oldest, m->latest);
    EXPECT(valid.first <= valid.last);
    compare_structs(m->name, m->fields(), json_object_get(schema, "fields"),
                    json_object_get(schema, "commonStructs"), valid.first, valid.last);
}

TEST("the tables of messages are Kafka's")
{
    const char *dir = getenv("KAFKA_SCHEMAS");
    int missing = 0;
    compared = 0;
    if (!dir)
        printf("# SKIPPED: KAFKA_SCHEMAS names no folder of Kafka's message schemas\n");
    for (size_t i = 0; dir && kit_message(i); i++) {
        const struct message *m = kit_message(i);
        if (!schema_find(dir, m)) {
            printf("# SKIPPED: no schema of %s below %s\n", m->name, dir);
            missing++;
            continue;
        }
        json_t *schema = schema_load(found);
        REQUIRE(schema);
        compare_message(m, schema);
        json_decref(schema);
    }
    if (dir)
        printf("# %d fields compared, %d messages without schema\n", compared, missing);
}
