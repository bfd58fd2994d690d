// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/visits.h"

#include "api/renewal.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"

struct visit {
    struct uid session, account;
    int64_t issued_s, noted_s; /* by the browser's clock, by ours */
    struct text proof, token;  /* the token is a part of the proof */
    char *bytes;
};

struct visits {
    struct map *by_session;
    int64_t swept_s;
};

struct visits *visits_new(void)
{
    struct visits *visits = MEM_NEW(struct visits);
    visits->by_session = map_new(random_u64(), VISITS_MAX);
    return visits;
}

static void visit_free(struct visit *visit)
{
    if (visit)
        mem_free(visit->bytes);
    mem_free(visit);
}

void visits_free(struct visits **visits_at)
{
    struct visits *visits = *visits_at;
    struct text key;
    void *value;
    if (!visits)
        return;
    for (size_t cursor = 0; map_next(visits->by_session, &cursor, &key, &value);)
        visit_free(value);
    map_free(&visits->by_session);
    mem_free_p(visits_at);
}

size_t visits_count(const struct visits *visits) { return map_count(visits->by_session); }

/* What is not good any more; the whole table, so not at each renewal of a full one. */
static void sweep(struct visits *visits, int64_t now_s)
{
    struct visit **old = mem_zalloc(VISITS_MAX * sizeof(struct visit *));
    size_t count = 0;
    struct text key;
    void *value;
    for (size_t cursor = 0; map_next(visits->by_session, &cursor, &key, &value);) {
        struct visit *visit = value;
        if (now_s - visit->noted_s > VISITS_GOOD_S || now_s < visit->noted_s)
            old[count++] = visit;
    }
    for (size_t i = 0; i < count; i++)
        visit_free(map_remove(visits->by_session, uid_view(&old[i]->session)));
    mem_free(old);
    visits->swept_s = now_s;
}

void visits_note(struct visits *visits, const struct renewal *renewal, struct text proof,
                 int64_t now_s)
{
    struct visit *visit = MEM_NEW(struct visit);
    visit->session = renewal->session;
    visit->account = renewal->account;
    visit->issued_s = renewal->issued_s;
    visit->noted_s = now_s;
    visit->bytes = mem_dup(proof.data, proof.size);
    visit->proof = text_make(visit->bytes, proof.size);
    visit->token = text_from(visit->proof, proof.size - renewal->token.size);
    if (map_count(visits->by_session) == VISITS_MAX &&
        (now_s - visits->swept_s >= VISITS_SWEEP_S || now_s < visits->swept_s))
        sweep(visits, now_s);
    struct visit *before = map_get(visits->by_session, uid_view(&visit->session));
    visit_free(map_put(visits->by_session, uid_view(&visit->session), visit) ? before : visit);
}

bool visits_find(const struct visits *visits, struct uid session, struct uid account, int64_t now_s,
                 struct text *ret)
{
    const struct visit *visit = map_get(visits->by_session, uid_view(&session));
    if (!visit || !uid_equal(visit->account, account) || now_s > visit->issued_s + VISITS_GOOD_S ||
        now_s < visit->issued_s - VISITS_GOOD_S)
        return false;
    *ret = visit->proof;
    return true;
}

struct text visits_token(const struct visits *visits, struct uid session)
{
    const struct visit *visit = map_get(visits->by_session, uid_view(&session));
    return visit ? visit->token : TEXT_NONE;
}
