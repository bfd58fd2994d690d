// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/alternates.h"
#include "tap.h"
#include "base/buffer.h"
#include "trust/node_list.h"

static const struct uid own = {{1}};

static void write_node(struct buffer *out, uint8_t number, const char *role, const char *rest)
{
    struct uid_text storage;
    struct uid id = {{number}};
    buffer_printf(out, "%s{\"id\":\"%.*s\",\"name\":\"n%u\",\"role\":\"%s\",\"since\":1,%s}",
                  out->size > 20 ? "," : "", TEXT_ARGS(uid_text(&storage, id)), number, role, rest);
}

/* The origin is 0x0a; the others are written as origins too, since an edge's id is its key's. */
static struct node_list *list_of(const char *own_urls)
{
    const char *why = NULL;
    struct buffer body;
    char rest[200];
    buffer_init(&body, 8192);
    snprintf(rest, sizeof rest, "\"urls\":[%s]", own_urls);
    buffer_text(&body, TEXT("{\"nodes\":["));
    write_node(&body, 1, "origin", rest);
    write_node(&body, 2, "origin", "\"urls\":[\"http://two:1\",\"https://two\"]");
    write_node(&body, 3, "origin", "\"urls\":[]");
    write_node(&body, 4, "moon", "\"urls\":[\"https://four\"]");
    write_node(&body, 5, "origin", "\"urls\":[\"http://five\"]");
    write_node(&body, 6, "origin", "\"urls\":[\"https://six\"]");
    write_node(&body, 7, "origin", "\"urls\":[\"https://seven\"]");
    buffer_text(&body, TEXT("]}"));
    struct node_list *list = node_list_read(buffer_view(&body), &why);
    OK(list, "a list is read");
    buffer_release(&body);
    return list;
}

static void chosen_are_others_that_are_reached(void)
{
    struct node_list *list = list_of("\"http://one\"");
    struct alternate found[ALTERNATES_MAX];
    struct alternates_wish wish = {.own = own};
    OK(alternates_choose(list, &wish, found) == 3, "as many as there may be");
    OK_TEXT(found[0].origin, TEXT("http://two:1"), "by the first of its addresses");
    OK_TEXT(found[1].origin, TEXT("http://five"),
            "without this node, one that is reached nowhere, and one of a role that is not known");
    OK_TEXT(found[2].origin, TEXT("https://six"), "in the list's order");
    OK(uid_equal(found[2].id, (struct uid){{6}}), "with its id");
    wish.seed = 12;
    OK(alternates_choose(list, &wish, found) == 3 && uid_equal(found[0].id, (struct uid){{6}}) &&
           uid_equal(found[2].id, (struct uid){{2}}),
       "another listener begins elsewhere in the list, which goes round");
    wish.without_origins = true;
    OK(alternates_choose(list, &wish, found) == 0, "nobody is sent to an origin that is away");
    node_list_unref(&list);
}

static void who_came_by_https_stays_with_it(void)
{
    struct node_list *list = list_of("\"http://one\"");
    struct alternate found[ALTERNATES_MAX];
    struct alternates_wish wish = {.own = own, .is_secure = true};
    OK(alternates_choose(list, &wish, found) == 3, "who came by TLS is sent to https alone");
    OK_TEXT(found[0].origin, TEXT("https://two"), "by the address that has it");
    OK_TEXT(found[1].origin, TEXT("https://six"), "past nodes that have none");
    node_list_unref(&list);
    list = list_of("\"https://one\"");
    wish.is_secure = false;
    OK(alternates_choose(list, &wish, found) == 3, "a node that is listed by https sends nobody");
    OK_TEXT(found[0].origin, TEXT("https://two"), "to the open either: its proxy had the TLS");
    node_list_unref(&list);
}

static void nobody_is_an_answer(void)
{
    struct alternate found[ALTERNATES_MAX];
    struct alternates_wish wish = {.own = own, .seed = UINT64_MAX};
    OK(alternates_choose(NULL, &wish, found) == 0, "without a list there is nobody");
}

int main(void)
{
    chosen_are_others_that_are_reached();
    who_came_by_https_stays_with_it();
    nobody_is_an_answer();
    return tap_done();
}
