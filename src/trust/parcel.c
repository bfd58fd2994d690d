// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/parcel.h"

#include "base/json.h"
#include "base/json_tree.h"
#include "base/reader.h"

#include <stdio.h>

static const char MAGIC[] = "sostparc";
enum { MAJOR = 1, MINOR = 0, MAGIC_BYTES = 8, COUNT_AT = 12, RECORD_HEAD_BYTES = 12 };

/* --- writing --- */

void parcel_begin(struct buffer *out, struct uid journal)
{
    buffer_append(out, MAGIC, MAGIC_BYTES);
    buffer_u16(out, MAJOR);
    buffer_u16(out, MINOR);
    buffer_u32(out, 0); /* operations; counted as they come */
    buffer_text(out, uid_view(&journal));
}

bool parcel_add(struct buffer *out, uint64_t lsn, struct text record)
{
    uint32_t count;
    memcpy(&count, out->data + COUNT_AT, sizeof count); /* little-endian here */
    if (count == PARCEL_MAX_OPERATIONS ||
        out->size + RECORD_HEAD_BYTES + record.size > PARCEL_MAX_BYTES)
        return false;
    buffer_u64(out, lsn);
    buffer_u32(out, (uint32_t)record.size);
    buffer_text(out, record);
    count++;
    memcpy(out->data + COUNT_AT, &count, sizeof count);
    return true;
}

void parcel_name(struct uid node, char ret[PARCEL_NAME_BYTES])
{
    struct uid_text storage;
    (void)snprintf(ret, PARCEL_NAME_BYTES, "/operations/%.*s", TEXT_ARGS(uid_text(&storage, node)));
}

void parcel_receipt_name(struct uid node, char ret[PARCEL_NAME_BYTES])
{
    struct uid_text storage;
    (void)snprintf(ret, PARCEL_NAME_BYTES, "/operations/%.*s/receipt",
                   TEXT_ARGS(uid_text(&storage, node)));
}

/* --- reading --- */

static bool take_record(struct reader *reader, struct parcel_record *ret)
{
    ret->lsn = reader_u64(reader);
    ret->bytes = reader_bytes(reader, reader_u32(reader));
    return !reader->failed && ret->bytes.size > 0;
}

static const char *walk(struct parcel *parcel)
{
    struct reader reader = reader_of(parcel->records);
    struct parcel_record record;
    for (size_t i = 0; i < parcel->count; i++) {
        if (!take_record(&reader, &record))
            return "shorter than it says";
        if (record.lsn <= parcel->last_lsn)
            return "LSNs must grow from 1";
        parcel->last_lsn = record.lsn;
        if (i == 0)
            parcel->first_lsn = record.lsn;
    }
    return reader.left ? "longer than it says" : NULL;
}

bool parcel_read(struct text body, struct parcel *ret, const char **ret_why)
{
    struct reader reader = reader_of(body);
    struct parcel parcel = {.count = 0};
    struct text magic = reader_bytes(&reader, MAGIC_BYTES);
    uint16_t major = reader_u16(&reader);
    (void)reader_u16(&reader);
    parcel.count = reader_u32(&reader);
    parcel.journal = uid_read(&reader);
    *ret_why = NULL;
    if (reader.failed || !text_equal(magic, text_of(MAGIC)) || body.size > PARCEL_MAX_BYTES)
        *ret_why = "is no parcel of operations";
    else if (major != MAJOR)
        *ret_why = "is of another major version";
    else if (parcel.count == 0 || parcel.count > PARCEL_MAX_OPERATIONS)
        *ret_why = "must hold 1 to 500 operations";
    if (*ret_why)
        return false;
    parcel.records = text_from(body, PARCEL_HEADER_BYTES);
    *ret_why = walk(&parcel);
    if (*ret_why)
        return false;
    *ret = parcel;
    return true;
}

bool parcel_next(const struct parcel *parcel, size_t *cursor, struct parcel_record *ret)
{
    struct text rest = text_from(parcel->records, *cursor);
    struct reader reader = reader_of(rest);
    if (rest.size == 0 || !take_record(&reader, ret))
        return false;
    *cursor += rest.size - reader.left;
    return true;
}

/* --- receipts --- */

static const struct text words[] = {[RECEIPT_TAKEN] = TEXT_INIT("taken"),
                                    [RECEIPT_DUPLICATE] = TEXT_INIT("duplicate"),
                                    [RECEIPT_CONFLICT] = TEXT_INIT("conflict"),
                                    [RECEIPT_REFUSED] = TEXT_INIT("refused")};

/* LSNs go as text: JSON's numbers are doubles to many readers. */
static void member_lsn(struct json *json, const char *name, uint64_t lsn)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)lsn);
    json_member_text(json, name, text_make(digits, (size_t)size));
}

void receipt_write(const struct receipt *receipt, struct buffer *out)
{
    struct json json;
    struct uid_text storage;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "journal", uid_text(&storage, receipt->journal));
    member_lsn(&json, "first", receipt->first_lsn);
    member_lsn(&json, "last", receipt->last_lsn);
    json_member_i64(&json, "at", receipt->at_ms);
    json_name(&json, "but");
    json_begin_array(&json);
    for (size_t i = 0; i < receipt->count; i++) {
        json_begin_object(&json);
        member_lsn(&json, "lsn", receipt->items[i].lsn);
        json_member_text(&json, "outcome", words[receipt->items[i].word]);
        if (receipt->items[i].why[0])
            json_member_text(&json, "why", text_of(receipt->items[i].why));
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
}

static bool read_lsn(const struct json_node *object, struct text name, uint64_t *ret)
{
    const struct json_node *node = json_tree_member(object, name);
    return json_tree_is(node, JSON_NODE_TEXT) && text_to_u64(node->text, ret) && *ret > 0;
}

static bool read_item(const struct json_node *object, struct receipt_item *ret)
{
    const struct json_node *outcome = json_tree_member(object, TEXT("outcome")),
                           *why = json_tree_member(object, TEXT("why"));
    if (!read_lsn(object, TEXT("lsn"), &ret->lsn) || !json_tree_is(outcome, JSON_NODE_TEXT))
        return false;
    ret->word = RECEIPT_REFUSED; /* a word that we do not know is none that we may send again for */
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (text_equal(outcome->text, words[i]))
            ret->word = (enum receipt_word)i;
    ret->why[0] = '\0';
    if (json_tree_is(why, JSON_NODE_TEXT))
        (void)snprintf(ret->why, sizeof ret->why, "%.*s", TEXT_ARGS(why->text));
    return true;
}

static bool read_items(const struct json_node *but, struct receipt *receipt)
{
    uint64_t last = 0;
    if (!json_tree_is(but, JSON_NODE_ARRAY) || but->count > PARCEL_MAX_OPERATIONS)
        return false;
    for (const struct json_node *one = json_tree_items(but); one; one = one->next) {
        struct receipt_item *item = &receipt->items[receipt->count];
        if (!read_item(one, item) || item->lsn <= last || item->lsn < receipt->first_lsn ||
            item->lsn > receipt->last_lsn)
            return false;
        last = item->lsn;
        receipt->count++;
    }
    return true;
}

static bool read_receipt(const struct json_node *root, struct receipt *receipt)
{
    const struct json_node *journal = json_tree_member(root, TEXT("journal")),
                           *at = json_tree_member(root, TEXT("at"));
    receipt->count = 0;
    if (!json_tree_is(journal, JSON_NODE_TEXT) || !uid_from_text(journal->text, &receipt->journal))
        return false;
    if (!read_lsn(root, TEXT("first"), &receipt->first_lsn) ||
        !read_lsn(root, TEXT("last"), &receipt->last_lsn) || receipt->first_lsn > receipt->last_lsn)
        return false;
    if (!json_tree_is(at, JSON_NODE_INTEGER) || at->integer < 0)
        return false;
    receipt->at_ms = at->integer;
    return read_items(json_tree_member(root, TEXT("but")), receipt);
}

bool receipt_read(struct text body, struct receipt *ret, const char **ret_why)
{
    if (body.size > RECEIPT_MAX_BYTES) {
        *ret_why = "is larger than a receipt may be";
        return false;
    }
    struct arena *arena = arena_new((size_t)8 * RECEIPT_MAX_BYTES);
    const struct json_node *root = json_tree_read(arena, body, ret_why);
    bool is_good = root && read_receipt(root, ret);
    if (root && !is_good)
        *ret_why = "is no receipt";
    arena_free(&arena);
    return is_good;
}

enum receipt_word receipt_of(const struct receipt *receipt, uint64_t lsn, size_t *cursor)
{
    while (*cursor < receipt->count && receipt->items[*cursor].lsn < lsn)
        (*cursor)++;
    return *cursor < receipt->count && receipt->items[*cursor].lsn == lsn
               ? receipt->items[*cursor].word
               : RECEIPT_TAKEN;
}
