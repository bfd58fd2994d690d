// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/operation.h"

#include "base/reader.h"
#include "state/clock.h"

#include <assert.h>
#include <sodium.h>

enum { MAJOR = 1, MINOR = 0, MINOR_WITH_PROOF = 1, HEAD_BYTES = 64 };

static const struct {
    const char *name;
    enum operation_class class;
} kinds[] = {
#define KIND(id, name, class, payload) [KIND_##id] = {name, OPERATION_##class},
#include "state/kinds.def"
#undef KIND
};

enum operation_kind operation_kind_from(struct text name)
{
    for (unsigned kind = 0; kind < KIND_UNKNOWN; kind++)
        if (text_equal(name, text_of(kinds[kind].name)))
            return (enum operation_kind)kind;
    return KIND_UNKNOWN;
}

const char *operation_kind_name(enum operation_kind kind) { return kinds[kind].name; }

enum operation_class operation_kind_class(enum operation_kind kind)
{
    return kind == KIND_UNKNOWN ? OPERATION_MERGEABLE : kinds[kind].class;
}

struct operation_order operation_order(const struct operation *operation)
{
    uint64_t latest = clock_stamp(operation->accepted_ms + OPERATION_FUTURE_MS);
    uint64_t hlc = operation->hlc < latest ? operation->hlc : latest;
    return (struct operation_order){false, hlc, operation->device, operation->seq};
}

int operation_order_compare(const struct operation_order *a, const struct operation_order *b)
{
    if (a->is_final != b->is_final)
        return a->is_final ? 1 : -1;
    if (a->hlc != b->hlc)
        return a->hlc < b->hlc ? -1 : 1;
    int devices = memcmp(a->device.bytes, b->device.bytes, UID_BYTES);
    if (devices)
        return devices;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static void put_le(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void encode_head(const struct operation *operation, int64_t accepted_ms,
                        uint8_t head[HEAD_BYTES])
{
    head[0] = MAJOR;
    head[1] = MINOR;
    head[2] = (uint8_t)operation->kind.size;
    head[3] = 0;
    memcpy(head + 4, operation->device.bytes, UID_BYTES);
    put_le(head + 20, operation->seq, 8);
    put_le(head + 28, operation->hlc, 8);
    put_le(head + 36, (uint64_t)accepted_ms, 8);
    memcpy(head + 44, operation->account.bytes, UID_BYTES);
    put_le(head + 60, operation->payload.size, 4);
}

void operation_encode(const struct operation *operation, struct buffer *out)
{
    uint8_t head[HEAD_BYTES];
    assert(operation->kind.size <= OPERATION_MAX_KIND_BYTES &&
           operation->payload.size <= OPERATION_MAX_PAYLOAD_BYTES);
    assert(operation->proof.size <= OPERATION_MAX_PROOF_BYTES);
    encode_head(operation, operation->accepted_ms, head);
    if (operation->proof.size)
        head[1] = MINOR_WITH_PROOF;
    buffer_append(out, head, sizeof head);
    buffer_text(out, operation->kind);
    buffer_text(out, operation->payload);
    if (operation->proof.size) {
        buffer_u16(out, (uint16_t)operation->proof.size);
        buffer_text(out, operation->proof);
    }
}

uint64_t operation_digest(const struct operation *operation)
{
    uint8_t head[HEAD_BYTES], digest[crypto_generichash_BYTES_MIN];
    uint64_t first;
    crypto_generichash_state hash;
    encode_head(operation, 0, head);
    crypto_generichash_init(&hash, NULL, 0, sizeof digest);
    crypto_generichash_update(&hash, head, sizeof head);
    crypto_generichash_update(&hash, (const uint8_t *)operation->kind.data, operation->kind.size);
    crypto_generichash_update(&hash, (const uint8_t *)operation->payload.data,
                              operation->payload.size);
    crypto_generichash_final(&hash, digest, sizeof digest);
    memcpy(&first, digest, sizeof first);
    return first;
}

static bool is_kind_name(struct text name)
{
    if (name.size == 0 || name.size > OPERATION_MAX_KIND_BYTES)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.'))
            return false;
    }
    return true;
}

static const char *fault_in(const struct operation *operation)
{
    if (!is_kind_name(operation->kind))
        return "kind must be 1 to 32 lower-case letters, digits and dots";
    if (operation->seq == 0)
        return "seq starts at 1";
    if (operation->accepted_ms < 0 || operation->accepted_ms > INT64_MAX >> 17 ||
        operation->hlc > INT64_MAX)
        return "a time is out of range";
    if (operation->payload.size > OPERATION_MAX_PAYLOAD_BYTES)
        return "payload is over 256 KiB";
    if (operation->proof.size > OPERATION_MAX_PROOF_BYTES)
        return "its proof is over 1,536 bytes";
    if (operation->payload.size < 2 || operation->payload.data[0] != '{' ||
        !text_is_utf8(operation->payload))
        return "payload must be a JSON object";
    return NULL;
}

bool operation_decode(struct text bytes, struct operation *ret, const char **ret_why)
{
    struct reader reader = reader_of(bytes);
    struct operation operation = {0};
    uint8_t major = reader_u8(&reader), minor = reader_u8(&reader), kind_size = reader_u8(&reader);
    (void)reader_u8(&reader);
    operation.device = uid_read(&reader);
    operation.seq = reader_u64(&reader);
    operation.hlc = reader_u64(&reader);
    operation.accepted_ms = (int64_t)reader_u64(&reader);
    operation.account = uid_read(&reader);
    uint32_t payload_size = reader_u32(&reader);
    operation.kind = reader_bytes(&reader, kind_size);
    operation.payload = reader_bytes(&reader, payload_size);
    if (minor >= MINOR_WITH_PROOF)
        operation.proof = reader_bytes(&reader, reader_u16(&reader));
    *ret_why = reader.failed                       ? "shorter than it says"
               : major != MAJOR                    ? "of another major version"
               : minor == MINOR && reader.left > 0 ? "longer than it says"
                                                   : fault_in(&operation);
    if (*ret_why)
        return false;
    *ret = operation;
    return true;
}

static void hash_text(crypto_generichash_state *hash, struct text t)
{
    uint64_t size = t.size; /* little-endian on every target */
    crypto_generichash_update(hash, (const uint8_t *)&size, sizeof size);
    crypto_generichash_update(hash, (const uint8_t *)t.data, t.size);
}

void operation_derive_id(struct operation *operation, struct text client, struct subject subject,
                         int64_t time_ms)
{
    uint8_t meant[crypto_generichash_BYTES_MIN];
    crypto_generichash_state hash;
    crypto_generichash_init(&hash, NULL, 0, UID_BYTES);
    hash_text(&hash, TEXT("sostenuto derived device 1"));
    hash_text(&hash, uid_view(&operation->account));
    hash_text(&hash, client);
    crypto_generichash_final(&hash, operation->device.bytes, UID_BYTES);
    crypto_generichash_init(&hash, NULL, 0, sizeof meant);
    hash_text(&hash, operation->kind);
    hash_text(&hash, subject_view(&subject));
    hash_text(&hash, text_make((const char *)&time_ms, sizeof time_ms));
    crypto_generichash_final(&hash, meant, sizeof meant);
    memcpy(&operation->seq, meant, sizeof operation->seq);
    operation->seq = operation->seq >> 2 | OPERATION_DERIVED;
}
