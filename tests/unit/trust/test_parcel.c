// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/parcel.h"
#include "tap.h"

static const struct uid journal = {{1, 2, 3}};

static void goes_through(void)
{
    struct buffer out;
    struct parcel parcel;
    struct parcel_record record;
    const char *why = "";
    size_t cursor = 0;
    buffer_init(&out, PARCEL_MAX_BYTES);
    parcel_begin(&out, journal);
    OK(!parcel_read(buffer_view(&out), &parcel, &why), "an empty parcel is none");
    OK(parcel_add(&out, 7, TEXT("one")) && parcel_add(&out, 9, TEXT("three")), "two go in");
    OK(parcel_read(buffer_view(&out), &parcel, &why) && parcel.count == 2 &&
           parcel.first_lsn == 7 && parcel.last_lsn == 9 && uid_equal(parcel.journal, journal),
       "and are found again");
    OK(parcel_next(&parcel, &cursor, &record) && record.lsn == 7 &&
           text_equal(record.bytes, TEXT("one")) && parcel_next(&parcel, &cursor, &record) &&
           record.lsn == 9 && text_equal(record.bytes, TEXT("three")) &&
           !parcel_next(&parcel, &cursor, &record),
       "in order, with their bytes");
    for (size_t size = 0; size < out.size; size++)
        if (parcel_read(text_make(out.data, size), &parcel, &why))
            OK(false, "a parcel that was cut is none");
    buffer_byte(&out, 0);
    OK(!parcel_read(buffer_view(&out), &parcel, &why), "nor one with something behind it");
    buffer_release(&out);
}

static void is_bounded(void)
{
    struct buffer out;
    struct parcel parcel;
    const char *why = "";
    uint64_t lsn = 1;
    static char large[300 * 1024];
    memset(large, 'x', sizeof large);
    buffer_init(&out, PARCEL_MAX_BYTES);
    parcel_begin(&out, journal);
    while (parcel_add(&out, lsn, TEXT("x")))
        lsn++;
    OK(lsn == PARCEL_MAX_OPERATIONS + 1 && parcel_read(buffer_view(&out), &parcel, &why),
       "at most so many operations");
    buffer_reset(&out);
    parcel_begin(&out, journal);
    for (lsn = 1; parcel_add(&out, lsn, text_make(large, sizeof large));)
        lsn++;
    OK(lsn == 4 && !out.overflowed && parcel_read(buffer_view(&out), &parcel, &why),
       "and so many bytes");
    buffer_reset(&out);
    parcel_begin(&out, journal);
    OK(parcel_add(&out, 5, TEXT("x")) && parcel_add(&out, 5, TEXT("x")) &&
           !parcel_read(buffer_view(&out), &parcel, &why),
       "numbers that do not grow are refused");
    buffer_release(&out);
}

static void receipts(void)
{
    static struct receipt receipt, read;
    struct buffer out;
    const char *why = "";
    size_t cursor = 0;
    receipt = (struct receipt){.journal = journal,
                               .first_lsn = 1,
                               .last_lsn = UINT64_MAX,
                               .at_ms = 1795287000000,
                               .count = 2,
                               .items = {{2, RECEIPT_DUPLICATE, ""}, {5, RECEIPT_REFUSED, "no"}}};
    buffer_init(&out, RECEIPT_MAX_BYTES);
    receipt_write(&receipt, &out);
    OK(receipt_read(buffer_view(&out), &read, &why) && read.count == 2 &&
           read.last_lsn == UINT64_MAX && read.at_ms == receipt.at_ms &&
           strcmp(read.items[1].why, "no") == 0,
       "a receipt is read as it was written, also with numbers that JavaScript cannot count");
    OK(receipt_of(&read, 1, &cursor) == RECEIPT_TAKEN &&
           receipt_of(&read, 2, &cursor) == RECEIPT_DUPLICATE &&
           receipt_of(&read, 4, &cursor) == RECEIPT_TAKEN &&
           receipt_of(&read, 5, &cursor) == RECEIPT_REFUSED &&
           receipt_of(&read, 6, &cursor) == RECEIPT_TAKEN,
       "what it does not name was taken");
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"journal\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"first\":\"9\",\"last\":\"1\",\"at\":1,\"but\":[]"
        "}",
        "{\"journal\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"first\":\"1\",\"last\":\"9\",\"at\":1}",
        "{\"journal\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"first\":\"1\",\"last\":\"9\",\"at\":1,\"but\":[{"
        "\"lsn\":\"10\",\"outcome\":\"refused\"}]}"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        OK(!receipt_read(text_of(bad[i]), &read, &why), "what is no receipt is none");
    OK(receipt_read(
           TEXT("{\"journal\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"first\":\"1\",\"last\":\"9\",\"at\":1,"
                "\"but\":[{\"lsn\":\"3\",\"outcome\":\"later-word\"}]}"),
           &read, &why) &&
           read.items[0].word == RECEIPT_REFUSED,
       "a word of a newer origin means that sending it again is of no use");
    buffer_release(&out);
}

int main(void)
{
    goes_through();
    is_bounded();
    receipts();
    return tap_done();
}
