// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"
#include "state/views.h"

enum { MAX_PASSKEYS = 200000 };

struct passkeys {
    struct map *map; /* id → account_passkey, its label behind it */
};

struct passkeys *passkeys_new(void)
{
    struct passkeys *passkeys = MEM_NEW(struct passkeys);
    passkeys->map = map_new(random_u64(), MAX_PASSKEYS);
    return passkeys;
}

void passkeys_free(struct passkeys **passkeys)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    if (!*passkeys)
        return;
    while (map_next((*passkeys)->map, &cursor, &key, &value))
        mem_free(value);
    map_free(&(*passkeys)->map);
    mem_free_p(passkeys);
}

static struct account_passkey *record_new(struct uid account, struct uid id,
                                          const struct passkey_value *value)
{
    struct account_passkey *record = mem_zalloc(sizeof *record + value->label.size + 1);
    char *label = (char *)(record + 1);
    bytes_copy(label, value->label.data, value->label.size);
    *record = (struct account_passkey){.id = id,
                                       .account = account,
                                       .label = text_make(label, value->label.size),
                                       .created_ms = value->created_ms,
                                       .used_ms = value->used_ms};
    struct passkey *passkey = &record->passkey;
    passkey->count = value->count;
    passkey->algorithm = value->algorithm;
    passkey->credential_size = value->credential.size;
    passkey->key_size = value->key.size;
    memcpy(passkey->credential, value->credential.data, value->credential.size);
    memcpy(passkey->key, value->key.data, value->key.size);
    return record;
}

void passkeys_apply(struct passkeys *passkeys, struct uid account, enum space space,
                    struct text key, struct text value)
{
    struct passkey_value read;
    struct uid id;
    if (space != SPACE_PASSKEY || key.size != UID_BYTES)
        return;
    memcpy(id.bytes, key.data, UID_BYTES);
    struct account_passkey *before = map_get(passkeys->map, key);
    if (before && !uid_equal(before->account, account))
        return; /* a credential is its first owner's */
    if (before) {
        map_remove(passkeys->map, key);
        mem_free(before);
    }
    if (value.size == 0 || !passkey_value_read(value, &read))
        return;
    struct account_passkey *record = record_new(account, id, &read);
    if (!map_put(passkeys->map, uid_view(&id), record))
        mem_free(record);
}

const struct account_passkey *passkeys_get(const struct passkeys *passkeys, struct uid id)
{
    return map_get(passkeys->map, uid_view(&id));
}

const struct account_passkey *passkeys_next(const struct passkeys *passkeys, struct uid account,
                                            size_t *cursor)
{
    struct text key;
    void *value;
    while (map_next(passkeys->map, cursor, &key, &value)) {
        const struct account_passkey *passkey = value;
        if (uid_equal(passkey->account, account))
            return passkey;
    }
    return NULL;
}
