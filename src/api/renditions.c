// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/renditions.h"

#include "api/gain.h"
#include "api/held.h"
#include "api/hot.h"
#include "api/inside.h"
#include "api/kept.h"
#include "io/workers.h"
#include "media/manifest_read.h"

static int32_t gain_of(int16_t cdb) { return cdb == CATALOG_NO_GAIN ? MANIFEST_NO_GAIN : cdb * 10; }

static struct manifest_loudness loudness_of(const struct api *api, const struct track_row *row)
{
    struct catalog_gain gain;
    struct catalog *catalog = library_catalog(api->config.library);
    const struct catalog_view view = {catalog, UINT32_MAX};
    struct gain_memo memo = {0};
    bool is_measured = gain_complete(api->config.loudness, view, row, &memo, &gain);
    catalog_unref(&catalog);
    return (struct manifest_loudness){.gain_mdb = gain_of(gain.track_cdb),
                                      .album_gain_mdb = gain_of(gain.album_cdb),
                                      .peak_ppm = gain.track_peak_ppm,
                                      .album_peak_ppm = gain.album_peak_ppm,
                                      .is_measured = is_measured};
}

static void describe(struct manifest *manifest, const struct track_row *row)
{
    manifest->source = (struct rendition_source){.rate = row->sampling_rate_hz,
                                                 .channels = row->channels,
                                                 .depth = row->bit_depth,
                                                 .duration_ms = row->duration_ms};
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        manifest->is_offered[i] = rendition_is_offered((enum rendition)i, &manifest->source);
}

/* What was measured before there was a book of it stands in its index. */
static void take_loudness(struct manifest *manifest)
{
    for (unsigned i = 0; i < RENDITION_COUNT; i++) {
        const struct package_view *view = &manifest->views[i];
        if (manifest->loudness.gain_mdb != MANIFEST_NO_GAIN || view->state != PACKAGE_COMPLETE ||
            !view->has_index || view->index.loudness_mlufs == PACKETS_NO_LOUDNESS)
            continue;
        manifest->loudness.gain_mdb = manifest_gain_of(view->index.loudness_mlufs);
        manifest->loudness.peak_ppm = view->index.peak_ppm;
        manifest->loudness.is_measured = true;
    }
}

static void read_indexes(void *context)
{
    struct renditions_gathering *gathering = context;
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        if (gathering->manifest.is_offered[i])
            (void)!packager_load(gathering->api->config.packager, gathering->track.bytes,
                                 (enum rendition)i);
}

static void look(void *context);

/* One look; true when all that is encoded is there. */
static bool look_once(struct renditions_gathering *gathering)
{
    struct manifest *manifest = &gathering->manifest;
    bool is_whole = true;
    for (unsigned i = 0; i < RENDITION_COUNT; i++) {
        struct package_view *view = &manifest->views[i];
        package_view_release(view);
        if (!manifest->is_offered[i])
            continue;
        manifest->is_offered[i] = packager_view(gathering->api->config.packager,
                                                gathering->track.bytes, (enum rendition)i, view);
        is_whole = is_whole && (view->state != PACKAGE_COMPLETE || view->has_index);
    }
    return is_whole;
}

static bool has_encoded(const struct manifest *manifest)
{
    bool has = false;
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        has = has || (manifest->is_offered[i] && (manifest->views[i].state == PACKAGE_COMPLETE ||
                                                  manifest->views[i].state == PACKAGE_ENCODING));
    return has;
}

static bool look_or_read(struct renditions_gathering *gathering)
{
    struct api_config *config = &gathering->api->config;
    if (look_once(gathering) || gathering->was_read) {
        for (unsigned i = 0; i < RENDITION_COUNT; i++) /* gone cold again: not today */
            if (gathering->manifest.views[i].state == PACKAGE_COMPLETE &&
                !gathering->manifest.views[i].has_index)
                gathering->manifest.is_offered[i] = false;
        take_loudness(&gathering->manifest);
        gathering->is_unknown = gathering->is_away && !has_encoded(&gathering->manifest);
        gathering->on_gathered(gathering);
        return true;
    }
    gathering->was_read = true;
    return workers_submit(config->workers, config->loop, read_indexes, look, gathering);
}

static void look(void *context) { (void)look_or_read(context); }

/* --- of a node that follows, or once did: what the manifest says --- */

static void take_rendition(struct manifest *manifest, enum rendition rendition,
                           const struct manifest_rendition *from)
{
    struct package_view *view = &manifest->views[rendition];
    manifest->is_offered[rendition] = from->is_there;
    if (!from->is_there)
        return;
    *view = (struct package_view){.generation = from->generation,
                                  .has_index = from->state == MANIFEST_COMPLETE,
                                  .state = from->state == MANIFEST_COMPLETE   ? PACKAGE_COMPLETE
                                           : from->state == MANIFEST_ENCODING ? PACKAGE_ENCODING
                                                                              : PACKAGE_PLANNED};
    view->index = (struct package_index){
        .rate = from->rate, .channels = from->channels, .length = from->length, .init = from->init};
    for (uint32_t i = 0; view->has_index && i < from->count; i++)
        package_index_add(&view->index, &from->segments[i]);
}

static void on_manifest(void *context, struct text body)
{
    struct renditions_gathering *gathering = context;
    struct manifest_body read = {0};
    char why[MANIFEST_WHY_BYTES];
    gathering->is_unknown = !body.data || !manifest_read(body, &read, why);
    if (gathering->is_unknown && gathering->is_away) {
        if (!look_or_read(gathering))
            look(gathering); /* what is in memory */
        return;
    }
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        take_rendition(&gathering->manifest, (enum rendition)i, &read.renditions[i]);
    manifest_body_release(&read);
    gathering->on_gathered(gathering);
}

bool renditions_gather(struct renditions_gathering *gathering, struct api *api,
                       const struct track_row *row, renditions_on_gathered *on_gathered)
{
    gathering->api = api;
    gathering->track = row->id;
    gathering->on_gathered = on_gathered;
    describe(&gathering->manifest, row);
    gathering->manifest.loudness = loudness_of(api, row);
    gathering->manifest.track =
        catalog_id_print(&gathering->track_text, CATALOG_TRACK, &gathering->track);
    gathering->is_away = kept_is_wanted(api, row);
    if (!api_follows(api) && !gathering->is_away)
        return look_or_read(gathering);
    held_read(api, &gathering->track, "manifest", on_manifest, gathering);
    return true;
}

void renditions_release(struct renditions_gathering *gathering)
{
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        package_view_release(&gathering->manifest.views[i]);
}

bool renditions_find_row(const struct catalog *catalog, const struct hot_proof *proof,
                         const struct catalog_id *id, struct track_row *ret)
{
    struct catalog_view view = {catalog, (uint32_t)proof->libraries};
    uint32_t number = hot_proof_opens(proof, id->bytes) ? catalog_find(view, CATALOG_TRACK, id)
                                                        : (uint32_t)CATALOG_NONE;
    if (number == (uint32_t)CATALOG_NONE)
        return false;
    catalog_track(catalog, number, ret);
    return true;
}
