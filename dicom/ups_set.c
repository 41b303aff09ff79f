/* What a performer says of an item: N-ACTION's state, N-SET's progress and what was performed. */
#include "dx_ups_scp.h"

#include "tree.h"
#include "ups_tags.h"

#include <stdio.h>
#include <string.h>

/* "" where it does not fit, or is no UID. */
static void take_uid(const struct dx_node *node, char uid[DX_UID_MAX])
{
    uid[0] = '\0';
    if (node == NULL || node->length >= DX_UID_MAX)
        return;
    if (node->length > 0)
        memcpy(uid, node->value, node->length);
    uid[node->length] = '\0';
    if (strlen(uid) != node->length || !dx_uid_is_usable(uid))
        uid[0] = '\0';
}

enum dx_status dx_ups_action_read(const uint8_t *bytes, size_t count, struct dx_ups_action *action,
                                  struct dx_error *err)
{
    struct dx_tree tree;
    *action = (struct dx_ups_action){.state = DX_UPS_STATE_UNKNOWN};
    enum dx_status status = dx_tree_read(bytes, count, &tree, err);
    if (status == DX_OK) {
        const struct dx_node *state = dx_tree_find(&tree, 0, tree.count, UPS_STATE);
        if (state != NULL)
            action->state = dx_ups_state_parse(state->value, state->length);
        take_uid(dx_tree_find(&tree, 0, tree.count, UPS_TRANSACTION), action->transaction);
    }
    dx_tree_finish(&tree);
    return status;
}

/* ---- N-SET ---- */

/* All of it that is known; *is_whole false: something is not. */
static void put_known(const struct dx_tree *tree, const struct dx_node *node, bool *is_whole,
                      struct dx_writing *to)
{
    bool is_item = node->tag == DX_TREE_ITEM;
    if (!is_item && strcmp(dx_ups_vr(node->tag), node->vr) != 0) {
        *is_whole = false; /* a sequence where there is none */
        return;
    }
    if (!is_item && strcmp(node->vr, "UN") == 0) {
        *is_whole = false;
        return;
    }
    if (!is_item && strcmp(node->vr, "SQ") != 0) {
        dx_tree_put(tree, node, to);
        return;
    }
    if (is_item)
        dx_put_item(to);
    else
        dx_put_begin(to, node->tag);
    for (size_t i = dx_tree_at(tree, node) + 1; i < node->end; i = tree->node[i].end)
        put_known(tree, &tree->node[i], is_whole, to);
    if (is_item)
        dx_put_item_end(to);
    else
        dx_put_end(to);
}

static void take_one(struct dx_ups_setting *setting, const struct dx_tree *tree,
                     const struct dx_node *node)
{
    bool is_whole = true;
    switch (node->tag) {
    case UPS_CHARACTER_SET:
        break;
    case UPS_TRANSACTION:
        take_uid(node, setting->transaction);
        break;
    case UPS_STATE:
        setting->has_state = true;
        break;
    case UPS_PROGRESS:
    case UPS_PERFORMED:
        put_known(tree, node, &is_whole, &setting->said);
        setting->has_unknown = setting->has_unknown || !is_whole;
        break;
    default:
        if (strcmp(dx_ups_vr(node->tag), "UN") == 0)
            setting->has_unknown = true;
        else
            setting->has_ours = true;
        break;
    }
}

/* Texts are UTF-8 here: whoever reads it back must know. */
static void put_character_set(const struct dx_tree *tree, size_t trees, struct dx_writing *to)
{
    bool is_ascii = true;
    for (size_t t = 0; t < trees; t++)
        for (size_t i = 0; i < tree[t].count; i = tree[t].node[i].end)
            is_ascii = is_ascii && dx_tree_is_ascii(&tree[t], &tree[t].node[i]);
    if (!is_ascii)
        dx_put_text(to, UPS_CHARACTER_SET, "ISO_IR 192");
}

enum dx_status dx_ups_setting_read(const uint8_t *bytes, size_t count,
                                   struct dx_ups_setting *setting, struct dx_error *err)
{
    struct dx_tree tree;
    *setting = (struct dx_ups_setting){.has_state = false};
    enum dx_status status = dx_tree_read(bytes, count, &tree, err);
    if (status == DX_OK)
        put_character_set(&tree, 1, &setting->said);
    for (size_t i = 0; status == DX_OK && i < tree.count; i = tree.node[i].end)
        take_one(setting, &tree, &tree.node[i]);
    dx_tree_finish(&tree);
    if (status == DX_OK && setting->said.failed)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    return status;
}

/* ---- what was said ---- */

enum dx_status dx_ups_said_merge(const uint8_t *before, size_t before_bytes,
                                 const struct dx_writing *now, struct dx_writing *to,
                                 struct dx_error *err)
{
    static const uint32_t tags[] = {UPS_PROGRESS, UPS_PERFORMED};
    struct dx_tree tree[2] = {{.count = 0}, {.count = 0}};
    enum dx_status status = dx_tree_read(now->bytes, now->count, &tree[0], err);
    if (status == DX_OK)
        status = dx_tree_read(before, before_bytes, &tree[1], err);
    if (status == DX_OK)
        put_character_set(tree, 2, to);
    for (size_t i = 0; status == DX_OK && i < sizeof tags / sizeof *tags; i++) {
        const struct dx_tree *from = &tree[0];
        const struct dx_node *node = dx_tree_find(from, 0, from->count, tags[i]);
        if (node == NULL) {
            from = &tree[1];
            node = dx_tree_find(from, 0, from->count, tags[i]);
        }
        if (node != NULL)
            dx_tree_put(from, node, to);
    }
    dx_tree_finish(&tree[0]);
    dx_tree_finish(&tree[1]);
    if (status == DX_OK && to->failed)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    if (status == DX_OK && to->count > DX_UPS_SAID_MOST)
        return dx_fail(err, DX_LIMIT, "more than %u bytes of a performer's", DX_UPS_SAID_MOST);
    return status;
}

/* Type P of table CC.2.5-3; of output there may be none (then without items). */
static const struct {
    uint32_t tag;
    bool may_be_empty;
} final[] = {{UPS_PERFORMED_WORKITEM, false},
             {UPS_PERFORMED_STATION, false},
             {UPS_OUTPUT, true},
             {UPS_PERFORMED_START, false},
             {UPS_PERFORMED_END, false}};

static uint32_t first_missing(const struct dx_tree *tree)
{
    const struct dx_node *performed = dx_tree_find(tree, 0, tree->count, UPS_PERFORMED);
    size_t at = performed != NULL ? dx_tree_at(tree, performed) + 1 : 0;
    if (performed == NULL || at == performed->end)
        return UPS_PERFORMED;
    for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
        const struct dx_node *node = dx_tree_find(tree, at + 1, tree->node[at].end, final[i].tag);
        bool is_empty =
            node == NULL || (node->length == 0 && node->end == dx_tree_at(tree, node) + 1);
        if (node == NULL || (is_empty && !final[i].may_be_empty))
            return final[i].tag;
    }
    return 0;
}

bool dx_ups_said_is_final(const uint8_t *said, size_t bytes, char missing[65])
{
    struct dx_tree tree;
    struct dx_error err;
    bool is_read = dx_tree_read(said, bytes, &tree, &err) == DX_OK;
    uint32_t tag = is_read ? first_missing(&tree) : UPS_PERFORMED;
    dx_tree_finish(&tree);
    missing[0] = '\0';
    if (tag != 0)
        (void)snprintf(missing, 65, "no value in (%04x,%04x)%s", tag >> 16, tag & 0xffffu,
                       tag == UPS_PERFORMED ? "" : " of (0074,1216)");
    return tag == 0;
}
