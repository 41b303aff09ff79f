/* ups_held_fixture.h: an item of the node's own, as test_ups_manager.c and test_ups_performer.c
 * have it. */
#ifndef UPS_HELD_FIXTURE_H
#define UPS_HELD_FIXTURE_H

#include "dx_ups_scp.h"
#include "tree.h"
#include "ups_tags.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(call)                                                                                   \
    do {                                                                                           \
        struct dx_error err = {.status = DX_OK};                                                   \
        if ((call) != DX_OK)                                                                       \
            fail_msg("%s", err.text);                                                              \
    } while (0)

static struct dx_ups_held held = {
    .item = {.priority = DX_UPS_HIGH,
             .label = "Read",
             .worklist_label = "READING",
             .comments = "cervigate: HIGH",
             .start = "20261127120000+0000",
             .workitem = {"110005", "DCM", "Interpretation"},
             .study = "1.2.3",
             .patient_name = "M\xc3\xbcller^J\xc3\xb6rg^^Dr=\xe5\xb1\xb1",
             .patient_id = "P-1",
             .birth_date = "19700228",
             .sex = "M",
             .accession = "A1",
             .issuer_of_accession = "HERE"},
    .sop_instance = "2.25.1",
    .state = DX_UPS_SCHEDULED,
    .modified = "20261127120001+0000"};

static struct dx_writing written(void)
{
    struct dx_writing to = {.count = 0};
    dx_ups_write_held(&held, &to);
    assert_false(to.failed);
    return to;
}

static bool has(const struct dx_writing *data, uint32_t tag)
{
    struct dx_tree tree;
    OK(dx_tree_read(data->bytes, data->count, &tree, &err));
    bool is = dx_tree_find(&tree, 0, tree.count, tag) != NULL;
    dx_tree_finish(&tree);
    return is;
}

#endif
