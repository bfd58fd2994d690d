// SPDX-License-Identifier: GPL-3.0-or-later
/* system: what a client asks first, and what this server honestly has none of. */
#include "api/endpoints.h"
#include "api/inside.h"
#include "library/library.h"

enum call_end rest_ping(struct call *call)
{
    (void)call;
    return CALL_OK;
}

enum call_end rest_getLicense(struct call *call)
{
    answer_begin(&call->answer, "license");
    answer_bool(&call->answer, "valid", true);
    answer_end(&call->answer);
    return CALL_OK;
}

/* Only what is true: a client turns features on by this list. */
static const struct {
    struct text name;
    unsigned version;
} extensions[] = {
    {TEXT_INIT("apiKeyAuthentication"), 1}, {TEXT_INIT("formPost"), 1},
    {TEXT_INIT("indexBasedQueue"), 1},      {TEXT_INIT("songLyrics"), 1},
    {TEXT_INIT("transcodeOffset"), 1},      {TEXT_INIT("transcoding"), 1},
};

enum call_end rest_getOpenSubsonicExtensions(struct call *call)
{
    answer_list(&call->answer, "openSubsonicExtensions");
    for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
        answer_item(&call->answer);
        answer_text(&call->answer, "name", extensions[i].name);
        answer_list(&call->answer, "versions");
        answer_list_u64(&call->answer, extensions[i].version);
        answer_end(&call->answer);
        answer_end(&call->answer);
    }
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_tokenInfo(struct call *call)
{
    answer_begin(&call->answer, "tokenInfo");
    answer_text(&call->answer, "username", call->account->name);
    answer_end(&call->answer);
    return CALL_OK;
}

/* --- scan --- */

enum call_end rest_getScanStatus(struct call *call)
{
    struct library_status status;
    library_status(call->api->config.library, &status);
    bool is_scanning = status.phase != LIBRARY_IDLE;
    answer_begin(&call->answer, "scanStatus");
    answer_bool(&call->answer, "scanning", is_scanning);
    answer_u64(&call->answer, "count", is_scanning ? status.files_seen : status.tracks);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_startScan(struct call *call)
{
    library_scan(call->api->config.library, (struct library_scan_options){0});
    return rest_getScanStatus(call);
}

/* --- accounts --- */

static void write_folders(struct call *call, const struct account *account)
{
    uint32_t libraries = (uint32_t)account->libraries & catalog_libraries(call->catalog);
    answer_list(&call->answer, "folder");
    for (unsigned id = 1; id <= 32; id++)
        if (libraries & catalog_library_bit(id))
            answer_list_u64(&call->answer, id);
    answer_end(&call->answer);
}

static void write_user(struct call *call, const struct account *account)
{
    struct answer *answer = &call->answer;
    answer_text(answer, "username", account->name);
    answer_bool(answer, "scrobblingEnabled", true);
    answer_bool(answer, "adminRole", account->is_admin);
    answer_bool(answer, "settingsRole", true);
    answer_bool(answer, "downloadRole", true);
    answer_bool(answer, "uploadRole", false);
    answer_bool(answer, "playlistRole", true);
    answer_bool(answer, "coverArtRole", false);
    answer_bool(answer, "commentRole", true);
    answer_bool(answer, "podcastRole", false);
    answer_bool(answer, "streamRole", true);
    answer_bool(answer, "jukeboxRole", false);
    answer_bool(answer, "shareRole", false);
    answer_bool(answer, "videoConversionRole", false);
    write_folders(call, account);
}

enum call_end rest_getUser(struct call *call)
{
    struct text name = call_text(call, "username");
    const struct account *account = call->account;
    if (name.size && !text_equal_nocase(name, account->name)) {
        if (!account->is_admin)
            return call_fail(call, API_ERROR_FORBIDDEN, NULL);
        account = state_account_by_name(call->api->config.state, name);
        if (!account)
            return call_fail(call, API_ERROR_NOT_FOUND, NULL);
    }
    answer_begin(&call->answer, "user");
    write_user(call, account);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_getUsers(struct call *call)
{
    const struct account *account;
    size_t cursor = 0;
    answer_begin(&call->answer, "users");
    answer_list(&call->answer, "user");
    while ((account = state_account_next(call->api->config.state, &cursor))) {
        answer_item(&call->answer);
        write_user(call, account);
        answer_end(&call->answer);
    }
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

/* --- what we have none of: an empty list, since clients ask on start and show errors --- */

static enum call_end write_empty(struct call *call, const char *name, const char *list)
{
    answer_begin(&call->answer, name);
    answer_list(&call->answer, list);
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_getPodcasts(struct call *call)
{
    return write_empty(call, "podcasts", "channel");
}
enum call_end rest_getNewestPodcasts(struct call *call)
{
    return write_empty(call, "newestPodcasts", "episode");
}
enum call_end rest_getVideos(struct call *call) { return write_empty(call, "videos", "video"); }
enum call_end rest_getShares(struct call *call) { return write_empty(call, "shares", "share"); }
enum call_end rest_getInternetRadioStations(struct call *call)
{
    return write_empty(call, "internetRadioStations", "internetRadioStation");
}
