// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/peers_state.h"
#include "http/caching.h"
#include "store/cache.h"
#include "tap.h"

static enum peer_object kind(const char *target, const char *manifest)
{
    struct buffer name;
    buffer_init(&name, CACHE_KEY_MAX);
    enum peer_object object = peer_object_of(text_of(target), &name);
    if (!text_equal(buffer_view(&name), text_of(manifest)))
        object = PEER_OBJECT_OTHER;
    buffer_release(&name);
    return object;
}

static void what_can_prove_itself(void)
{
    OK(kind("/m/tr-a/manifest", "") == PEER_OBJECT_SIGNED &&
           kind("/m/tr-a/lyrics", "") == PEER_OBJECT_SIGNED,
       "a manifest and lyrics are signed");
    OK(kind("/m/tr-a/aac-128.9f2c11d07ae35b60/3.m4s", "/m/tr-a/manifest") == PEER_OBJECT_DIGEST &&
           kind("/m/tr-a/aac-128.9f2c11d07ae35b60/3.lead.m4s", "/m/tr-a/manifest") ==
               PEER_OBJECT_DIGEST &&
           kind("/m/tr-a/flac.9f2c11d07ae35b60/init.mp4", "/m/tr-a/manifest") == PEER_OBJECT_DIGEST,
       "of a segment the track's manifest knows the digest");
    OK(kind("/m/tr-a/original.12ab.flac", "/m/tr-a/original.12ab.flac/pieces") ==
               PEER_OBJECT_PIECES &&
           kind("/art/art-a/300.jpg", "/art/art-a/300.jpg/pieces") == PEER_OBJECT_PIECES &&
           kind("/m/tr-a/original.12ab.flac/pieces", "") == PEER_OBJECT_SIGNED &&
           kind("/art/art-a/300.jpg/pieces", "") == PEER_OBJECT_SIGNED,
       "an original of one version and a picture have signed pieces");
    OK(kind("/m/tr-a/original", "") == PEER_OBJECT_OTHER &&
           kind("/m/tr-a/x.12ab.flac/pieces", "") == PEER_OBJECT_OTHER &&
           kind("/art/300.jpg", "") == PEER_OBJECT_OTHER &&
           kind("/rest/ping", "") == PEER_OBJECT_OTHER && kind("/m/", "") == PEER_OBJECT_OTHER &&
           kind("/m/tr-a/manifest?g=x", "") == PEER_OBJECT_OTHER,
       "nothing else is asked of a peer");
}

static const char body[] =
    "{\"format\":\"manifest 1.0\",\"track\":\"tr-4f0hYbLkQ1u6m1pH8t2k3A\",\"isProvisional\":false,"
    "\"source\":{\"rate\":44100,\"channels\":2,\"bitDepth\":16,\"length\":44100,\"isExact\":true},"
    "\"loudness\":{\"gainDb\":null,\"peak\":null,\"albumGainDb\":null,\"albumPeak\":null,"
    "\"origin\":\"unknown\"},\"renditions\":[{\"name\":\"aac-128\",\"generation\":"
    "\"9f2c11d07ae35b60\",\"state\":\"complete\",\"mime\":\"audio/mp4\",\"codec\":\"mp4a.40.2\","
    "\"rate\":44100,\"channels\":2,\"bandwidth\":141000,\"averageBandwidth\":130000,\"length\":"
    "44100,"
    "\"trim\":{\"start\":3072,\"end\":908},\"preroll\":1024,\"firstDuration\":179200,"
    "\"segmentDuration\":176128,\"init\":{\"bytes\":701,\"sha256\":"
    "\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\"},\"segments\":[{\"at\":0,\"duration\":48080,"
    "\"bytes\":6921,\"sha256\":\"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\",\"lead\":null}]}]}";

static int digest(const char *target)
{
    uint8_t sha256[32] = {0};
    return peer_digest_of(text_of(body), text_of(target), sha256) ? sha256[31] : -1;
}

#define OF "/m/tr-4f0hYbLkQ1u6m1pH8t2k3A/"
static void which_digest_a_segment_has(void)
{
    OK(digest(OF "aac-128.9f2c11d07ae35b60/init.mp4") == 1 &&
           digest(OF "aac-128.9f2c11d07ae35b60/0.m4s") == 2,
       "it stands in the manifest");
    OK(digest(OF "aac-128.9f2c11d07ae35b60/1.m4s") < 0 &&
           digest(OF "aac-128.9f2c11d07ae35b60/0.lead.m4s") < 0 &&
           digest(OF "aac-256.9f2c11d07ae35b60/0.m4s") < 0,
       "what the manifest does not list has none");
    OK(digest(OF "aac-128.9f2c11d07ae35b61/0.m4s") < 0, "another generation has none");
    OK(digest("/m/tr-5f0hYbLkQ1u6m1pH8t2k3A/aac-128.9f2c11d07ae35b60/0.m4s") < 0,
       "another track has none");
}

static void who_is_put_aside(void)
{
    const struct text urls[] = {TEXT("http://127.0.0.1:1"), TEXT("not a url"),
                                TEXT("http://127.0.0.1:2")};
    const struct fetch_limits limits = fetch_limits_default();
    struct peers *peers = peers_new(urls, 3, NULL, &limits);
    OK(peers_count(peers) == 2, "what is no URL is left out");
    peers_put_aside(peers, 0, 1000, 500);
    OK(!peers_may_ask(peers, 0, 1499) && peers_may_ask(peers, 0, 1500),
       "one that gave something wrong is not asked for a while");
    OK(peers_may_ask(peers, 1, 1000), "the other is");
    peers_unref(&peers);
}

int main(void)
{
    what_can_prove_itself();
    which_digest_a_segment_has();
    who_is_put_aside();
    return tap_done();
}
