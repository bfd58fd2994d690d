// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_authority.h"

#include "base/mem.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define FILE_NAME "nodes.authority"
enum { FILE_MAX_BYTES = NODE_SEED_BYTES + NODE_CHAIN_MAX_BYTES };

struct node_authority {
    struct key_folder files;
    char *path, *credentials;
    size_t size;
    uint8_t bytes[FILE_MAX_BYTES]; /* of the file */
};

static struct text chain_of(const struct node_authority *authority)
{
    return text_make((const char *)authority->bytes + NODE_SEED_BYTES,
                     authority->size - NODE_SEED_BYTES);
}

static bool read_facts(const struct node_authority *authority, struct node_certificate_facts *ret)
{
    uint8_t key[SIGNED_PUBLIC_BYTES];
    if (authority->size <= NODE_SEED_BYTES || !node_certificate_read(chain_of(authority), ret))
        return false;
    node_key_of_seed(authority->bytes, key);
    return memcmp(key, ret->key, sizeof key) == 0;
}

/* --- making --- */

static bool write_chain(const uint8_t root_seed[NODE_SEED_BYTES],
                        const uint8_t seed[NODE_SEED_BYTES], int64_t now_s, struct buffer *out)
{
    uint8_t key[SIGNED_PUBLIC_BYTES];
    struct buffer root;
    node_key_of_seed(seed, key);
    buffer_init(&root, NODE_CHAIN_MAX_BYTES);
    bool is_good = node_certificate_root(root_seed, now_s, &root) &&
                   node_certificate_authority(root_seed, buffer_view(&root), key, now_s, out);
    buffer_text(out, buffer_view(&root));
    buffer_release(&root);
    return is_good && !out->overflowed;
}

static int make(struct node_authority *authority, const struct keyfolder *keyfolder, int64_t now_s,
                struct keys_error *ret_error)
{
    uint8_t root_seed[NODE_SEED_BYTES], seed[NODE_SEED_BYTES];
    struct buffer bytes;
    int error = keyfolder_root_seed(keyfolder, root_seed, ret_error);
    if (error)
        return error;
    randombytes_buf(seed, sizeof seed);
    buffer_init(&bytes, FILE_MAX_BYTES);
    buffer_append(&bytes, seed, sizeof seed);
    if (!write_chain(root_seed, seed, now_s, &bytes))
        error = keys_fail(ret_error, EIO, authority->path, FILE_NAME,
                          "cannot be made: libcrypto failed");
    sodium_memzero(root_seed, sizeof root_seed);
    sodium_memzero(seed, sizeof seed);
    if (!error)
        error = key_file_replace(&authority->files, FILE_NAME, buffer_view(&bytes), ret_error);
    if (!error) {
        authority->size = bytes.size;
        memcpy(authority->bytes, bytes.data, bytes.size);
    }
    explicit_bzero(bytes.data, bytes.size);
    buffer_release(&bytes);
    return error;
}

static int load(struct node_authority *authority, const struct keyfolder *keyfolder, int64_t now_s,
                struct keys_error *ret_error)
{
    struct node_certificate_facts facts;
    if (!key_file_is_there(&authority->files, FILE_NAME))
        return make(authority, keyfolder, now_s, ret_error);
    int size = key_file_load(&authority->files, FILE_NAME, NODE_SEED_BYTES + 1, FILE_MAX_BYTES,
                             authority->bytes, ret_error);
    if (size < 0)
        return size;
    authority->size = (size_t)size;
    return read_facts(authority, &facts)
               ? 0
               : keys_fail(ret_error, EBADMSG, authority->path, FILE_NAME,
                           "is damaged: put it back from a backup, or remove it to have another "
                           "made");
}

int node_authority_open(const struct key_place *place, const struct keyfolder *keyfolder,
                        int64_t now_s, struct node_authority **ret, struct keys_error *ret_error)
{
    struct node_authority *authority = MEM_NEW(struct node_authority);
    authority->path = mem_strdup(place->folder);
    authority->credentials = place->credentials ? mem_strdup(place->credentials) : NULL;
    const struct key_place own = {authority->path, authority->credentials};
    authority->files = (struct key_folder){.fd = -1, .credentials_fd = -1};
    int error = key_folder_open(&own, false, &authority->files, ret_error);
    if (!error)
        error = load(authority, keyfolder, now_s, ret_error);
    if (error)
        node_authority_close(&authority);
    else
        *ret = authority;
    return error;
}

void node_authority_close(struct node_authority **authority)
{
    if (!*authority)
        return;
    key_folder_close(&(*authority)->files);
    sodium_memzero((*authority)->bytes, sizeof(*authority)->bytes);
    mem_free((*authority)->path);
    mem_free((*authority)->credentials);
    mem_free_p(authority);
}

int node_authority_settle(struct node_authority *authority, const struct keyfolder *keyfolder,
                          int64_t now_s, struct keys_error *ret_error)
{
    struct node_certificate_facts facts;
    if (read_facts(authority, &facts) &&
        now_s < facts.until_s - (NODE_AUTHORITY_LIFE_S - NODE_AUTHORITY_RENEW_S))
        return 0;
    int error = make(authority, keyfolder, now_s, ret_error);
    return error ? error : 1;
}

bool node_authority_issue(const struct node_authority *authority, enum node_role role,
                          const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s, struct buffer *out)
{
    struct text chain = chain_of(authority);
    bool is_good = node_certificate_leaf(authority->bytes, chain, role, key, now_s, out);
    buffer_text(out, chain);
    return is_good && !out->overflowed;
}
