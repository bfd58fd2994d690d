// SPDX-License-Identifier: GPL-3.0-or-later
/* Operations as bytes, their order, the clock, and what was seen. */
#include "state/clock.h"
#include "state/operation.h"
#include "state/seen.h"
#include "tap.h"

static void test_bytes(void)
{
    struct operation operation = {uid_random(),          7, 1234567, 99, uid_random(), TEXT("star"),
                                  TEXT("{\"id\":\"x\"}")},
                     got;
    struct buffer bytes;
    const char *why = NULL;
    unsigned taken = 0;
    buffer_init(&bytes, 4096);
    operation_encode(&operation, &bytes);
    OK(bytes.size == 64 + 4 + 10, "an operation is 64 bytes, its kind and its payload");
    OK(operation_decode(buffer_view(&bytes), &got, &why) &&
           uid_equal(got.device, operation.device) && got.seq == 7 && got.hlc == 1234567 &&
           got.accepted_ms == 99 && uid_equal(got.account, operation.account) &&
           text_equal(got.kind, operation.kind) && text_equal(got.payload, operation.payload),
       "it reads back");
    for (size_t size = 0; size < bytes.size; size++)
        taken += operation_decode(text_make(bytes.data, size), &got, &why);
    buffer_byte(&bytes, 0);
    OK(taken == 0 && !operation_decode(buffer_view(&bytes), &got, &why),
       "a shorter or longer one is refused");
    bytes.size--;
    bytes.data[1] = 1;
    buffer_u16(&bytes, 3);
    buffer_text(&bytes, TEXT("Tok"));
    OK(operation_decode(buffer_view(&bytes), &got, &why) && text_equal(got.proof, TEXT("Tok")),
       "a visitor's may have a proof behind it");
    bytes.data[1] = 2;
    buffer_byte(&bytes, 0);
    OK(operation_decode(buffer_view(&bytes), &got, &why),
       "and one of a newer minor version may be longer");
    bytes.data[0] = 2;
    OK(!operation_decode(buffer_view(&bytes), &got, &why) && strstr(why, "major"),
       "another major version is refused");
    buffer_release(&bytes);
    OK(operation_kind_from(TEXT("star")) == KIND_STAR &&
           operation_kind_from(TEXT("dance")) == KIND_UNKNOWN,
       "kinds go by name");
}

static void test_order(void)
{
    struct operation sane = {uid_random(), 1,         clock_stamp(1000000), 1000000, uid_random(),
                             TEXT("star"), TEXT("{}")};
    struct operation future = sane, later = sane;
    future.hlc = clock_stamp(4102444800000);
    later.hlc = clock_stamp(1000000 + 60001);
    later.accepted_ms = 1060001;
    struct operation_order a = operation_order(&sane), b = operation_order(&future),
                           c = operation_order(&later);
    OK(operation_order_compare(&a, &b) < 0, "a later stamp wins");
    OK(operation_order_compare(&b, &c) < 0,
       "but a clock set to 2100 loses to what is said a minute later");
    c = a;
    c.seq++;
    OK(operation_order_compare(&a, &c) < 0 && operation_order_compare(&a, &a) == 0,
       "ties are broken by device and number");
    b.is_final = false;
    c.is_final = true;
    OK(operation_order_compare(&c, &b) > 0, "a tombstone beats everything");
}

static void test_clock(void)
{
    struct clock clock = {0};
    uint64_t first = clock_next(&clock, 1000), second = clock_next(&clock, 1000),
             third = clock_next(&clock, 500);
    OK(first < second && second < third, "stamps grow even when time stands still or goes back");
    clock_observe(&clock, clock_stamp(1000 + 60000), 1000);
    OK(clock_next(&clock, 1000) > clock_stamp(61000), "a stamp that was seen is passed");
    clock_observe(&clock, clock_stamp(4102444800000), 1000);
    OK(clock_ms(clock_next(&clock, 1000)) == 61000, "one more than a minute ahead moves nothing");
}

static void test_derived(void)
{
    struct operation a = {.account = uid_random(), .kind = TEXT("play")}, b = a;
    struct subject subject = {{'t', 'r'}, uid_random()};
    operation_derive_id(&a, TEXT("app"), subject, 1000);
    operation_derive_id(&b, TEXT("app"), subject, 1000);
    OK(uid_equal(a.device, b.device) && a.seq == b.seq && a.seq >= OPERATION_DERIVED &&
           a.seq < 1ULL << 63,
       "the same meaning has the same id");
    operation_derive_id(&b, TEXT("app"), subject, 1001);
    OK(uid_equal(a.device, b.device) && a.seq != b.seq, "another time another number");
    operation_derive_id(&b, TEXT("other"), subject, 1000);
    OK(!uid_equal(a.device, b.device), "another app another device");
}

static void test_seen(void)
{
    struct seen *seen = seen_new(2, 3);
    struct seen_change change;
    struct uid device = uid_random();
    OK(seen_add(seen, device, 1, 11, &change) == SEEN_NEW && change.first == 1 && change.last == 1,
       "the first is new");
    OK(seen_add(seen, device, 3, 33, &change) == SEEN_NEW && change.first == 3 &&
           seen_range_count(seen, device) == 2,
       "a gap begins a range");
    OK(seen_check(seen, device, 2, 22) == SEEN_NEW &&
           seen_check(seen, device, 3, 33) == SEEN_BEFORE,
       "what is in the gap is new, what is in a range is not");
    OK(seen_check(seen, device, 3, 34) == SEEN_CONFLICT,
       "the same id for something else is a conflict");
    OK(seen_add(seen, device, 2, 22, &change) == SEEN_NEW && change.first == 1 &&
           change.last == 3 && change.gone == 3 && seen_range_count(seen, device) == 1,
       "filling the gap joins both, and says which row goes");
    OK(seen_add(seen, device, 9, 1, &change) == SEEN_NEW &&
           seen_add(seen, device, 7, 1, &change) == SEEN_NEW &&
           seen_add(seen, device, 5, 1, &change) == SEEN_FULL,
       "gaps are bounded");
    OK(seen_add(seen, device, 8, 1, &change) == SEEN_NEW && change.first == 7 && change.last == 9,
       "but filling one is always possible");
    OK(seen_last(seen, device) == 9, "the last number is known");
    OK(seen_add(seen, uid_random(), 1, 1, &change) == SEEN_NEW &&
           seen_add(seen, uid_random(), 1, 1, &change) == SEEN_FULL,
       "devices are bounded");
    OK(!seen_load(seen, device, 3, 4) && !seen_load(seen, device, 0, 4),
       "impossible ranges are not loaded");
    seen_free(&seen);
}

int main(void)
{
    test_bytes();
    test_order();
    test_clock();
    test_derived();
    test_seen();
    return tap_done();
}
