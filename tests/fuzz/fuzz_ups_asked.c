/* What is asked of the node's own items (Unified Procedure Step as their manager). The first byte
 * chooses: an identifier of C-FIND, action information, a modification list, tags of N-GET. */
#include "dx_ups_scp.h"
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#define MOST 65536u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static struct dx_ups_held held = {.item = {.priority = DX_UPS_HIGH,
                                           .label = "RESEARCH - Read",
                                           .worklist_label = "READING",
                                           .comments = "cervigate: HIGH; x [2.25.1]",
                                           .start = "20261127120000+0000",
                                           .workitem = {"110005", "DCM", "Interpretation"},
                                           .study = "1.2.3",
                                           .patient_name = "M\xc3\xbcller^Anna",
                                           .patient_id = "P1",
                                           .birth_date = "19700102",
                                           .sex = "F",
                                           .accession = "A1"},
                                  .sop_instance = "2.25.1",
                                  .modified = "20261127120000+0000",
                                  .ended = "20261127130000+0000",
                                  .why = "x"};

/* What goes out can be read. */
static void check(const struct dx_writing *data)
{
    struct dx_tree tree;
    struct dx_error err;
    if (data->count > 0 && dx_tree_read(data->bytes, data->count, &tree, &err) == DX_OK)
        dx_tree_finish(&tree);
    else if (data->count > 0)
        abort();
}

static void ask(const uint8_t *bytes, size_t count)
{
    struct dx_ups_query *query;
    struct dx_error err;
    struct dx_writing item = {.count = 0}, answer = {.count = 0};
    char words[64];
    bool matches;
    if (dx_ups_query_read(bytes, count, &query, &err) != DX_OK)
        return;
    dx_ups_query_words(query, words, sizeof words);
    if (memchr(words, '\0', sizeof words) == NULL || (dx_ups_query_states(query) & ~0x1eu) != 0)
        abort();
    held.state = DX_UPS_SCHEDULED;
    dx_ups_write_held(&held, &item);
    if (dx_ups_query_match(query, &item, &matches, &answer, &err) != DX_OK ||
        (!matches && answer.count > 0))
        abort();
    check(&answer);
    dx_writing_finish(&item);
    dx_writing_finish(&answer);
    dx_ups_query_destroy(query);
}

static void act(const uint8_t *bytes, size_t count)
{
    struct dx_ups_action action;
    struct dx_error err;
    if (dx_ups_action_read(bytes, count, &action, &err) == DX_OK &&
        (action.state > DX_UPS_COMPLETED ||
         (action.transaction[0] != '\0' && !dx_uid_is_usable(action.transaction))))
        abort();
}

/* Said twice it is said once; it is a part of the item in every state. */
static void keep(const struct dx_writing *said)
{
    struct dx_writing merged = {.count = 0}, again = {.count = 0};
    struct dx_error err;
    char missing[65];
    if (dx_ups_said_merge(NULL, 0, said, &merged, &err) == DX_OK) {
        if (dx_ups_said_merge(merged.bytes, merged.count, said, &again, &err) != DX_OK ||
            again.count != merged.count ||
            (again.count > 0 && memcmp(again.bytes, merged.bytes, again.count) != 0))
            abort();
        if (dx_ups_said_is_final(merged.bytes, merged.count, missing) == (missing[0] != '\0'))
            abort();
        held.said = merged.bytes;
        held.said_bytes = merged.count;
        for (int state = DX_UPS_SCHEDULED; state <= DX_UPS_COMPLETED; state++) {
            struct dx_writing item = {.count = 0};
            held.state = (enum dx_ups_state)state;
            dx_ups_write_held(&held, &item);
            check(&item);
            dx_writing_finish(&item);
        }
        held.said = NULL;
        held.said_bytes = 0;
    }
    dx_writing_finish(&merged);
    dx_writing_finish(&again);
}

static void set(const uint8_t *bytes, size_t count)
{
    struct dx_ups_setting setting;
    struct dx_error err;
    if (dx_ups_setting_read(bytes, count, &setting, &err) == DX_OK) {
        check(&setting.said);
        keep(&setting.said);
    }
    dx_writing_finish(&setting.said);
}

static void get(const uint8_t *bytes, size_t count)
{
    uint32_t tags[64];
    struct dx_error err;
    struct dx_writing item = {.count = 0}, answer = {.count = 0};
    bool is_known;
    size_t n = count / 4 < 64 ? count / 4 : 64;
    if (n > 0)
        memcpy(tags, bytes, 4 * n);
    held.state = DX_UPS_IN_PROGRESS;
    dx_ups_write_held(&held, &item);
    if (dx_ups_select(&item, tags, n, &answer, &is_known, &err) != DX_OK)
        abort();
    check(&answer);
    dx_writing_finish(&item);
    dx_writing_finish(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static void (*const what[])(const uint8_t *, size_t) = {ask, act, set, get};
    if (count < 1 || count > MOST)
        return 0;
    uint8_t *copy = malloc(count); /* exact: the sanitizer sees beyond */
    if (copy == NULL)
        abort();
    memcpy(copy, bytes + 1, count - 1);
    what[bytes[0] & 3u](copy, count - 1);
    free(copy);
    return 0;
}
