// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/build_words.h"
#include "base/mem.h"
#include "catalog/bytes.h"
#include "catalog/edits.h"
#include "catalog/fold.h"
#include "catalog/format.h"

void dictionary_init(struct dictionary *dictionary)
{
    *dictionary = (struct dictionary){0};
    string_pool_init(&dictionary->pool);
}

void dictionary_release(struct dictionary *dictionary)
{
    string_pool_release(&dictionary->pool);
    for (unsigned kind = 0; kind < DICTIONARY_KINDS; kind++) {
        mem_free_p(&dictionary->tokens[kind].items);
        mem_free_p(&dictionary->posting_starts[kind]);
        mem_free_p(&dictionary->postings[kind]);
    }
    mem_free_p(&dictionary->starts);
    mem_free_p(&dictionary->letters);
    mem_free_p(&dictionary->bytes);
}

static void add_token(struct token_list *list, uint32_t word, uint32_t row, unsigned place)
{
    for (size_t i = list->count; i-- > 0 && list->items[i].posting >> POSTING_PLACE_BITS == row;)
        if (list->items[i].word == word) {
            list->items[i].posting |= place;
            return;
        }
    if (list->count == list->capacity) {
        list->capacity += list->capacity / 2 + 1024;
        list->items = mem_realloc_array(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = (struct dictionary_token){word, row << POSTING_PLACE_BITS | place};
}

void dictionary_name(struct dictionary *dictionary, enum dictionary_kind kind, uint32_t row,
                     struct text name, bool more)
{
    struct words words;
    words_of_name(&words, name);
    for (unsigned i = 0; i < words.count; i++) {
        uint32_t word = string_pool_put(&dictionary->pool, words.items[i].text);
        /* A track is not compared by its sort title, so that has no first word. */
        unsigned place = more && kind == DICTIONARY_TRACKS ? 0 : words.items[i].place;
        if (word)
            add_token(&dictionary->tokens[kind], word, row, place);
    }
}

static int compare_words(const void *a, const void *b, void *context)
{
    const struct string_pool *pool = context;
    return bytes_compare(string_pool_at(pool, *(const uint32_t *)a),
                         string_pool_at(pool, *(const uint32_t *)b));
}

/* Columns of the words themselves; returns the rank of each pool number. */
static uint32_t *write_words(struct dictionary *dictionary)
{
    const struct string_pool *pool = &dictionary->pool;
    uint32_t count = pool->count - 1;
    uint32_t *order = mem_alloc((count + 1) * sizeof *order),
             *rank = mem_zalloc((count + 1) * sizeof *rank);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i + 1;
    qsort_r(order, count, sizeof *order, compare_words, &dictionary->pool);
    dictionary->count = count;
    dictionary->bytes = mem_alloc(pool->size + (size_t)count);
    dictionary->starts = mem_alloc((count + 1) * sizeof(uint32_t));
    dictionary->letters = mem_alloc((count + 1) * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++) {
        struct text word = string_pool_at(pool, order[i]);
        rank[order[i]] = i;
        dictionary->starts[i] = dictionary->size;
        dictionary->letters[i] = edits_letters(word);
        bytes_copy(dictionary->bytes + dictionary->size, word.data, word.size);
        dictionary->size += (uint32_t)word.size;
        dictionary->bytes[dictionary->size++] = 0;
    }
    dictionary->starts[count] = dictionary->size;
    mem_free(order);
    return rank;
}

/* Tokens come in order of row, so each word's postings ascend by themselves. */
static void write_postings(struct dictionary *dictionary, enum dictionary_kind kind,
                           const uint32_t *rank)
{
    struct token_list *list = &dictionary->tokens[kind];
    uint32_t *starts = mem_zalloc((dictionary->count + 2) * sizeof *starts);
    uint32_t *postings = mem_alloc((list->count + 1) * sizeof *postings);
    for (size_t i = 0; i < list->count; i++)
        starts[rank[list->items[i].word] + 2]++;
    for (uint32_t word = 2; word < dictionary->count + 2; word++)
        starts[word] += starts[word - 1];
    for (size_t i = 0; i < list->count; i++)
        postings[starts[rank[list->items[i].word] + 1]++] = list->items[i].posting;
    dictionary->posting_starts[kind] = starts;
    dictionary->postings[kind] = postings;
    dictionary->posting_counts[kind] = (uint32_t)list->count;
    mem_free_p(&list->items);
}

void dictionary_finish(struct dictionary *dictionary)
{
    uint32_t *rank = write_words(dictionary);
    for (unsigned kind = 0; kind < DICTIONARY_KINDS; kind++)
        write_postings(dictionary, (enum dictionary_kind)kind, rank);
    mem_free(rank);
}
