// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/ledger.h"

#include "base/mem.h"

#include <assert.h>

struct cell {
    uint64_t before;
    uint32_t acknowledged, unknown, found; /* plays */
    uint8_t star;                          /* enum star */
    bool has_star;                         /* found */
};

enum star { STAR_FREE, STAR_TAKEN, STAR_ACKNOWLEDGED, STAR_UNKNOWN };

struct playlist {
    uint32_t account;
    uint8_t word; /* enum ledger_word */
    uint32_t found;
};

struct ledger {
    uint32_t accounts, tracks, most_playlists, playlist_count;
    struct cell *cells;
    struct playlist *playlists;
    uint32_t *made;    /* playlists of each account */
    uint64_t stolen;   /* found */
    uint8_t *readable; /* of each account: 0 not read, 1 read, 2 could not be */
};

struct ledger *ledger_new(uint32_t accounts, uint32_t tracks, uint32_t playlists)
{
    struct ledger *ledger = MEM_NEW(struct ledger);
    size_t cells = (size_t)accounts * tracks;
    *ledger = (struct ledger){accounts, tracks, playlists, 0, NULL, NULL, NULL, 0, NULL};
    ledger->cells = mem_zalloc((cells + 1) * sizeof *ledger->cells);
    ledger->playlists = mem_zalloc(((size_t)accounts * playlists + 1) * sizeof *ledger->playlists);
    ledger->made = mem_zalloc((accounts + 1) * sizeof *ledger->made);
    ledger->readable = mem_zalloc(accounts + 1);
    return ledger;
}

void ledger_free(struct ledger **ledger)
{
    if (!*ledger)
        return;
    mem_free((*ledger)->cells);
    mem_free((*ledger)->playlists);
    mem_free((*ledger)->made);
    mem_free((*ledger)->readable);
    mem_free_p(ledger);
}

static struct cell *cell_of(struct ledger *ledger, uint32_t account, uint32_t track)
{
    assert(account < ledger->accounts && track < ledger->tracks);
    return &ledger->cells[(size_t)account * ledger->tracks + track];
}

void ledger_before(struct ledger *ledger, uint32_t account, uint32_t track, uint64_t plays,
                   bool is_starred)
{
    struct cell *cell = cell_of(ledger, account, track);
    cell->before = plays;
    cell->star = is_starred ? STAR_TAKEN : STAR_FREE;
}

void ledger_play(struct ledger *ledger, uint32_t account, uint32_t track, enum ledger_word word)
{
    struct cell *cell = cell_of(ledger, account, track);
    cell->acknowledged += word == LEDGER_ACKNOWLEDGED;
    cell->unknown += word == LEDGER_UNKNOWN;
}

bool ledger_take_star(struct ledger *ledger, uint32_t account, uint32_t track)
{
    struct cell *cell = cell_of(ledger, account, track);
    if (cell->star != STAR_FREE)
        return false;
    cell->star = STAR_TAKEN;
    return true;
}

void ledger_star(struct ledger *ledger, uint32_t account, uint32_t track, enum ledger_word word)
{
    struct cell *cell = cell_of(ledger, account, track);
    cell->star = word == LEDGER_ACKNOWLEDGED ? STAR_ACKNOWLEDGED
                 : word == LEDGER_UNKNOWN    ? STAR_UNKNOWN
                                             : STAR_FREE;
}

uint32_t ledger_take_playlist(struct ledger *ledger, uint32_t account)
{
    assert(account < ledger->accounts);
    if (ledger->made[account] == ledger->most_playlists)
        return UINT32_MAX;
    ledger->made[account]++;
    ledger->playlists[ledger->playlist_count] =
        (struct playlist){.account = account, .word = LEDGER_REFUSED};
    return ledger->playlist_count++;
}

void ledger_playlist(struct ledger *ledger, uint32_t number, enum ledger_word word)
{
    assert(number < ledger->playlist_count);
    ledger->playlists[number].word = (uint8_t)word;
}

/* --- reading back --- */

void ledger_read_anew(struct ledger *ledger)
{
    memset(ledger->readable, 0, ledger->accounts);
    ledger->stolen = 0;
    for (uint32_t i = 0; i < ledger->playlist_count; i++)
        ledger->playlists[i].found = 0;
}

void ledger_found_track(struct ledger *ledger, uint32_t account, uint32_t track, uint64_t plays,
                        bool is_starred)
{
    struct cell *cell = cell_of(ledger, account, track);
    cell->found = plays > cell->before ? (uint32_t)(plays - cell->before) : 0;
    cell->has_star = is_starred;
}

void ledger_found_playlist(struct ledger *ledger, uint32_t number)
{
    if (number < ledger->playlist_count)
        ledger->playlists[number].found++;
}

void ledger_found_stolen(struct ledger *ledger) { ledger->stolen++; }

void ledger_read(struct ledger *ledger, uint32_t account, bool is_readable)
{
    assert(account < ledger->accounts);
    ledger->readable[account] = is_readable ? 1 : 2;
}

static void judge_cell(const struct cell *cell, struct load_readback *ret)
{
    struct load_written *plays = &ret->kinds[LOAD_WRITE_PLAY];
    struct load_written *stars = &ret->kinds[LOAD_WRITE_STAR];
    plays->acknowledged += cell->acknowledged;
    plays->unknown += cell->unknown;
    if (cell->found < cell->acknowledged)
        plays->lost += cell->acknowledged - cell->found;
    if (cell->found > cell->acknowledged + cell->unknown)
        plays->duplicated += cell->found - cell->acknowledged - cell->unknown;
    stars->acknowledged += cell->star == STAR_ACKNOWLEDGED;
    stars->unknown += cell->star == STAR_UNKNOWN;
    stars->lost += cell->star == STAR_ACKNOWLEDGED && !cell->has_star;
}

static void judge_playlist(const struct playlist *playlist, struct load_readback *ret)
{
    struct load_written *playlists = &ret->kinds[LOAD_WRITE_PLAYLIST];
    playlists->acknowledged += playlist->word == LEDGER_ACKNOWLEDGED;
    playlists->unknown += playlist->word == LEDGER_UNKNOWN;
    playlists->lost += playlist->word == LEDGER_ACKNOWLEDGED && playlist->found == 0;
    playlists->duplicated += playlist->found > 1 ? playlist->found - 1 : 0;
}

void ledger_judge(const struct ledger *ledger, struct load_readback *ret)
{
    uint64_t acknowledged = 0;
    *ret = (struct load_readback){.stolen = ledger->stolen};
    for (uint32_t account = 0; account < ledger->accounts; account++) {
        ret->accounts_read += ledger->readable[account] == 1;
        ret->accounts_unreadable += ledger->readable[account] != 1;
        for (uint32_t i = 0; ledger->readable[account] == 1 && i < ledger->tracks; i++)
            judge_cell(&ledger->cells[(size_t)account * ledger->tracks + i], ret);
    }
    for (uint32_t i = 0; i < ledger->playlist_count; i++)
        if (ledger->readable[ledger->playlists[i].account] == 1)
            judge_playlist(&ledger->playlists[i], ret);
    for (int kind = 0; kind < LOAD_WRITE_KINDS; kind++)
        acknowledged += ret->kinds[kind].acknowledged;
    ret->is_proven = acknowledged > 0 && ret->accounts_unreadable == 0;
}
