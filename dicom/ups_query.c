/* C-FIND's keys against an item (PS3.4 C.2.2.2, CC.2.8.3), and what of it is answered. */
#include "dx_ups_scp.h"

#include "tree.h"
#include "ups_tags.h"
#include "ups_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dx_ups_query {
    uint8_t *bytes; /* the tree's */
    struct dx_tree keys;
    const struct dx_node *zone;
};

static bool is_sequence(const struct dx_node *node)
{
    return strcmp(node->vr, "SQ") == 0;
}

/* How a query is written; no key of it. A Transaction UID is nobody's to ask for. */
static bool is_no_key(uint32_t tag)
{
    return tag == UPS_CHARACTER_SET || tag == UPS_TIMEZONE || tag == UPS_TRANSACTION;
}

/* ---- reading ---- */

static enum dx_status check(const struct dx_ups_query *query, struct dx_error *err)
{
    const struct dx_tree *keys = &query->keys;
    bool has_key = false;
    for (size_t i = 0; i < keys->count; i = keys->node[i].end)
        has_key = has_key || !is_no_key(keys->node[i].tag);
    if (!has_key)
        return dx_fail(err, DX_INVALID, "the identifier has no key");
    for (size_t i = 0; i < keys->count; i++) {
        const struct dx_node *node = &keys->node[i];
        if (is_sequence(node) && i + 1 < node->end && keys->node[i + 1].end != node->end)
            return dx_fail(err, DX_INVALID, "(%04x,%04x) has more than one item", node->tag >> 16,
                           node->tag & 0xffffu);
    }
    return DX_OK;
}

enum dx_status dx_ups_query_read(const uint8_t *bytes, size_t count, struct dx_ups_query **to,
                                 struct dx_error *err)
{
    *to = NULL;
    struct dx_ups_query *query = calloc(1, sizeof *query);
    if (query != NULL)
        query->bytes = malloc(count > 0 ? count : 1);
    if (query == NULL || query->bytes == NULL) {
        free(query);
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    }
    if (count > 0)
        memcpy(query->bytes, bytes, count);
    enum dx_status status = dx_tree_read(query->bytes, count, &query->keys, err);
    if (status == DX_OK)
        status = check(query, err);
    if (status != DX_OK) {
        dx_ups_query_destroy(query);
        return status;
    }
    query->zone = dx_tree_find(&query->keys, 0, query->keys.count, UPS_TIMEZONE);
    *to = query;
    return DX_OK;
}

void dx_ups_query_destroy(struct dx_ups_query *query)
{
    if (query == NULL)
        return;
    dx_tree_finish(&query->keys);
    free(query->bytes);
    free(query);
}

/* ---- what it says ---- */

unsigned dx_ups_query_states(const struct dx_ups_query *query)
{
    unsigned states = 0;
    const struct dx_node *key = dx_tree_find(&query->keys, 0, query->keys.count, UPS_STATE);
    for (int state = DX_UPS_SCHEDULED; state <= DX_UPS_COMPLETED; state++) {
        const char *word = dx_ups_state_word((enum dx_ups_state)state);
        const struct dx_node value = {
            .tag = UPS_STATE, .vr = "CS", .value = word, .length = strlen(word)};
        if (key == NULL || key->length == 0 || dx_ups_value_matches(key, &value, NULL))
            states |= 1u << state;
    }
    return states;
}

bool dx_ups_query_is_known(const struct dx_ups_query *query)
{
    const struct dx_tree *keys = &query->keys;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->node[i].tag != DX_TREE_ITEM && strcmp(dx_ups_vr(keys->node[i].tag), "UN") == 0)
            return false;
    return true;
}

void dx_ups_query_words(const struct dx_ups_query *query, char *words, size_t size)
{
    size_t at = 0;
    words[0] = '\0';
    for (size_t i = 0; i < query->keys.count && at + 1 < size; i++) {
        const struct dx_node *node = &query->keys.node[i];
        if (node->length == 0 || is_no_key(node->tag) || strcmp(node->vr, "UN") == 0)
            continue;
        int most = node->length < 256 ? (int)node->length : 256;
        int n = snprintf(words + at, size - at, "%s(%04x,%04x)=%.*s", at > 0 ? " " : "",
                         node->tag >> 16, node->tag & 0xffffu, most, node->value);
        at += n > 0 ? (size_t)n : size;
    }
}

/* ---- matching ---- */

struct matching {
    const struct dx_ups_query *query;
    const struct dx_tree *item;
};

/* An empty key, or a sequence of empty ones: whatever there is, also nothing. */
static bool is_universal(const struct dx_tree *keys, const struct dx_node *key)
{
    for (size_t i = dx_tree_at(keys, key); i < key->end; i++)
        if (keys->node[i].length > 0)
            return false;
    return true;
}

static bool all_match(const struct matching *m, size_t key, size_t key_end, size_t first,
                      size_t end);

/* Any item of the entity's against the one of the key's. */
static bool sequence_matches(const struct matching *m, const struct dx_node *key,
                             const struct dx_node *has)
{
    size_t wanted = dx_tree_at(&m->query->keys, key) + 1;
    if (has == NULL || !is_sequence(has))
        return false;
    for (size_t i = dx_tree_at(m->item, has) + 1; i < has->end; i = m->item->node[i].end)
        if (all_match(m, wanted + 1, m->query->keys.node[wanted].end, i + 1, m->item->node[i].end))
            return true;
    return false;
}

static bool all_match(const struct matching *m, size_t key, size_t key_end, size_t first,
                      size_t end)
{
    const struct dx_tree *keys = &m->query->keys;
    for (size_t i = key; i < key_end; i = keys->node[i].end) {
        const struct dx_node *wanted = &keys->node[i];
        const struct dx_node *has = dx_tree_find(m->item, first, end, wanted->tag);
        if (is_no_key(wanted->tag) || is_universal(keys, wanted) ||
            strcmp(dx_ups_vr(wanted->tag), "UN") == 0)
            continue;
        if (is_sequence(wanted) ? !sequence_matches(m, wanted, has)
                                : !dx_ups_value_matches(wanted, has, m->query->zone))
            return false;
    }
    return true;
}

/* ---- what is answered ---- */

static void put_keys(const struct matching *m, size_t key, size_t key_end, size_t first, size_t end,
                     struct dx_writing *to);

/* Whole where no attribute of its items is named. */
static void put_sequence(const struct matching *m, const struct dx_node *key,
                         const struct dx_node *has, struct dx_writing *to)
{
    const struct dx_tree *keys = &m->query->keys;
    size_t wanted = dx_tree_at(keys, key) + 1;
    bool is_named = wanted < key->end && wanted + 1 < keys->node[wanted].end;
    if (has != NULL && !is_named) {
        dx_tree_put(m->item, has, to);
        return;
    }
    dx_put_begin(to, key->tag);
    for (size_t i = has != NULL ? dx_tree_at(m->item, has) + 1 : 0; has != NULL && i < has->end;
         i = m->item->node[i].end) {
        dx_put_item(to);
        put_keys(m, wanted + 1, keys->node[wanted].end, i + 1, m->item->node[i].end, to);
        dx_put_item_end(to);
    }
    dx_put_end(to);
}

static void put_keys(const struct matching *m, size_t key, size_t key_end, size_t first, size_t end,
                     struct dx_writing *to)
{
    const struct dx_tree *keys = &m->query->keys;
    for (size_t i = key; i < key_end; i = keys->node[i].end) {
        const struct dx_node *wanted = &keys->node[i];
        const struct dx_node *has = dx_tree_find(m->item, first, end, wanted->tag);
        if (is_no_key(wanted->tag) || strcmp(dx_ups_vr(wanted->tag), "UN") == 0)
            continue;
        if (is_sequence(wanted))
            put_sequence(m, wanted, has, to);
        else if (has != NULL)
            dx_tree_put(m->item, has, to);
        else
            dx_put_value(to, wanted->tag, "", 0, ' ');
    }
}

static void put_character_set(const struct dx_tree *item, struct dx_writing *to)
{
    const struct dx_node *has = dx_tree_find(item, 0, item->count, UPS_CHARACTER_SET);
    if (has != NULL)
        dx_tree_put(item, has, to);
}

enum dx_status dx_ups_query_match(const struct dx_ups_query *query, const struct dx_writing *item,
                                  bool *matches, struct dx_writing *answer, struct dx_error *err)
{
    struct dx_tree tree = {.count = 0};
    *matches = false;
    if (item->failed)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    enum dx_status status = dx_tree_read(item->bytes, item->count, &tree, err);
    const struct matching m = {query, &tree};
    if (status == DX_OK && all_match(&m, 0, query->keys.count, 0, tree.count)) {
        *matches = true;
        put_character_set(&tree, answer);
        put_keys(&m, 0, query->keys.count, 0, tree.count, answer);
        if (answer->failed)
            status = dx_fail(err, DX_NO_MEMORY, "out of memory");
    }
    dx_tree_finish(&tree);
    return status;
}

static bool is_asked(const uint32_t *tags, size_t count, uint32_t tag)
{
    if (count == 0 || tag == UPS_CHARACTER_SET)
        return true;
    for (size_t i = 0; i < count; i++)
        if (tags[i] == tag)
            return true;
    return false;
}

enum dx_status dx_ups_select(const struct dx_writing *item, const uint32_t *tags, size_t count,
                             struct dx_writing *answer, bool *is_known, struct dx_error *err)
{
    struct dx_tree tree = {.count = 0};
    *is_known = true;
    if (item->failed)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        *is_known =
            *is_known && strcmp(dx_ups_vr(tags[i]), "UN") != 0 && tags[i] != UPS_TRANSACTION;
    enum dx_status status = dx_tree_read(item->bytes, item->count, &tree, err);
    for (size_t i = 0; status == DX_OK && i < tree.count; i = tree.node[i].end)
        if (is_asked(tags, count, tree.node[i].tag))
            dx_tree_put(&tree, &tree.node[i], answer);
    if (status == DX_OK && answer->failed)
        status = dx_fail(err, DX_NO_MEMORY, "out of memory");
    dx_tree_finish(&tree);
    return status;
}
