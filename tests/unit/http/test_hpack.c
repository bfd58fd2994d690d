// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/buffer.h"
#include "http/hpack.h"
#include "tap.h"

#include <string.h>

static char scratch[8192];
static struct hpack_reader reader;

static struct text bytes_of(const char *hex, char *out)
{
    size_t size = 0;
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        unsigned high = (unsigned)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10), low;
        hex++;
        low = (unsigned)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
        out[size++] = (char)(high << 4 | low);
    }
    return text_make(out, size);
}

/* The fields of a block as "name: value" lines; "error" at the end when there is one. */
static struct text read_block(struct text block, struct buffer *out)
{
    struct hpack_field field;
    int more;
    buffer_reset(out);
    hpack_reader_start(&reader);
    while ((more = hpack_next(&reader, &block, scratch, &field)) > 0) {
        buffer_text(out, field.name);
        buffer_text(out, TEXT(": "));
        buffer_text(out, field.value);
        buffer_text(out, TEXT("\n"));
    }
    if (more < 0)
        buffer_text(out, TEXT("error"));
    return buffer_view(out);
}

static bool reads(const char *hex, const char *lines)
{
    char bytes[512];
    struct buffer out;
    buffer_init(&out, 4096);
    bool is_so = text_equal(read_block(bytes_of(hex, bytes), &out), text_of(lines));
    if (!is_so)
        printf("# %.*s\n", TEXT_ARGS(buffer_view(&out)));
    buffer_release(&out);
    return is_so;
}

#define FIRST ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n"

/* RFC 7541 C.3, C.4 */
static void test_requests(void)
{
    hpack_reader_init(&reader);
    OK(reads("828684410f7777772e6578616d706c652e636f6d", FIRST), "C.3.1");
    OK(reads("828684be58086e6f2d6361636865", FIRST "cache-control: no-cache\n"), "C.3.2");
    OK(reads("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
             ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\n"
             "custom-key: custom-value\n"),
       "C.3.3");
    OK(reader.table.count == 3 && reader.table.size_bytes == 164, "three entries of 164 bytes");
    hpack_reader_release(&reader);
    OK(reads("828684418cf1e3c2e5f23a6ba0ab90f4ff", FIRST), "C.4.1");
    OK(reads("828684be5886a8eb10649cbf", FIRST "cache-control: no-cache\n"), "C.4.2");
    OK(reads("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
             ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\n"
             "custom-key: custom-value\n"),
       "C.4.3");
    hpack_reader_release(&reader);
}

#define PLACE "location: https://www.example.com\n"

/* RFC 7541 C.6: a table of 256 bytes, so that entries go. */
static void test_evictions(void)
{
    hpack_reader_init(&reader);
    hpack_table_limit(&reader.table, 256);
    OK(reads("488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad1718"
             "63c78f0b97c8e9ae82ae43d3",
             ":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n" PLACE),
       "C.6.1");
    OK(reads("4883640effc1c0bf", ":status: 307\ncache-control: private\n"
                                 "date: Mon, 21 Oct 2013 20:13:21 GMT\n" PLACE),
       "C.6.2");
    OK(reads("88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7"
             "b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
             ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n" PLACE
             "content-encoding: gzip\n"
             "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"),
       "C.6.3");
    OK(reader.table.count == 3 && reader.table.size_bytes == 215, "three entries of 215 bytes");
    hpack_reader_release(&reader);
}

static const struct {
    const char *hex, *claim;
} errors[] = {
    {"80", "index 0"},
    {"be", "an index beyond the table"},
    {"ff8080808001", "an index that never ends"},
    {"7f", "an index that stops"},
    {"40", "a name that is not there"},
    {"4003616263", "a value that is not there"},
    {"400461", "a name longer than the block"},
    {"4081ff0161", "a name of padding alone, a whole byte of it"},
    {"823f00", "a table size that is not in front"},
    {"3fe2ff03", "a table size beyond what was said"},
};

static void test_errors(void)
{
    hpack_reader_init(&reader);
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        char bytes[64];
        struct buffer out;
        buffer_init(&out, 4096);
        OK(text_ends(read_block(bytes_of(errors[i].hex, bytes), &out), TEXT("error")),
           errors[i].claim);
        buffer_release(&out);
    }
    hpack_reader_release(&reader);
}

static void test_sizes(void)
{
    hpack_reader_init(&reader);
    OK(reads("4001610162", "a: b\n"), "an entry");
    OK(reads("be", "a: b\n"), "is there");
    hpack_reader_limit(&reader, 100);
    OK(reads("be", "error"), "a smaller limit must be acknowledged first");
    OK(reads("3f45be", "a: b\n"), "100 is within it, and the entry fits");
    OK(reads("20be", "error"), "0 empties the table");
    OK(reads("3f454001610162", "a: b\n"), "and it may grow again");
    hpack_reader_release(&reader);
}

/* An entry that takes its name from the one that makes room for it. */
static void test_name_of_the_evicted(void)
{
    hpack_reader_init(&reader);
    hpack_table_limit(&reader.table, 40);
    OK(reads("40046e616d65 0161", "name: a\n"), "an entry that fills the table");
    OK(reads("7e0162", "name: b\n"), "its name serves the next one");
    OK(reads("be", "name: b\n"), "which is there");
    OK(reads("7e0a30313233343536373839", "name: 0123456789\n"), "one that is too large is a field");
    OK(reader.table.count == 0, "and leaves an empty table (RFC 7541 4.4)");
    hpack_reader_release(&reader);
}

/* --- writing --- */

static struct hpack_writer writer;
static char block[4096];

static struct text write_answer(unsigned second)
{
    char date[] = "Sat, 21 Nov 2026 18:48:50 GMT";
    char *at = hpack_write_start(&writer, block);
    date[24] = (char)('0' + second % 10);
    at = hpack_write_status(at, second % 2 ? 206 : 416);
    at = hpack_write(&writer, at, TEXT("Date"), text_of(date));
    at = hpack_write(&writer, at, TEXT("Server"), TEXT("sostenuto"));
    at = hpack_write(&writer, at, TEXT("ETag"), TEXT("\"1\""));
    at = hpack_write(&writer, at, TEXT("X-Long-Field"), TEXT("a value of some bytes"));
    return text_make(block, (size_t)(at - block));
}

static bool is_read(unsigned second)
{
    struct buffer out;
    char expected[256];
    buffer_init(&out, 4096);
    snprintf(expected, sizeof expected,
             ":status: %s\ndate: Sat, 21 Nov 2026 18:48:5%u GMT\nserver: sostenuto\netag: \"1\"\n"
             "x-long-field: a value of some bytes\n",
             second % 2 ? "206" : "416", second % 10);
    bool is_so = text_equal(read_block(write_answer(second), &out), text_of(expected));
    buffer_release(&out);
    return is_so;
}

static void test_writing(void)
{
    hpack_reader_init(&reader);
    hpack_writer_init(&writer);
    OK(is_read(1), "what was written is read, names in lower case");
    OK(reader.table.max_bytes == HPACK_WRITER_BYTES, "and the size that the writer wants");
    OK(write_answer(1).size < 12, "what comes again takes a byte each");
    bool all = true;
    for (unsigned i = 0; i < 100; i++)
        all &= is_read(i);
    OK(all && writer.table.count == reader.table.count &&
           writer.table.size_bytes == reader.table.size_bytes,
       "both tables stay the same while entries come and go");
    OK(writer.table.capacity <= 2 * HPACK_WRITER_BYTES, "in little memory");
    hpack_writer_limit(&writer, 0);
    hpack_writer_limit(&writer, 4096);
    OK(is_read(1) && reader.table.count == writer.table.count,
       "a client that takes its table away for a moment gets an empty one");
    hpack_writer_limit(&writer, 0);
    OK(is_read(2) && is_read(3) && reader.table.count == 0, "one that wants none gets none");
    hpack_reader_release(&reader);
    hpack_writer_release(&writer);
}

int main(void)
{
    test_requests();
    test_evictions();
    test_errors();
    test_sizes();
    test_name_of_the_evicted();
    test_writing();
    return tap_done();
}
