/* What results were computed from and by, gathered for the record of their transfer. */
#include "audit_made.h"

#include "report.h"
#include "store_health.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fact { MODEL, WEIGHTS, PARAMETERS, BUILD, KERNELS, FACTS };

struct maker {
    char fact[FACTS][384];
};

struct audit_made {
    int64_t *seen; /* images that were added */
    size_t seen_count, seen_room;
    char inputs[AUDIT_INPUTS * DX_DIGEST_MAX], count[16];
    struct maker maker[AUDIT_MAKERS];
    size_t makers;
    bool unread;
};

struct audit_made *audit_made_create(void)
{
    return calloc(1, sizeof(struct audit_made));
}

void audit_made_destroy(struct audit_made *made)
{
    if (made == NULL)
        return;
    free(made->seen);
    free(made);
}

/* False: it was there before, or there is no memory. */
static bool is_new(struct audit_made *made, int64_t id)
{
    for (size_t i = 0; i < made->seen_count; i++)
        if (made->seen[i] == id)
            return false;
    if (made->seen_count == made->seen_room) {
        size_t room = made->seen_room == 0 ? 8 : made->seen_room * 2;
        int64_t *more = reallocarray(made->seen, room, sizeof *more);
        made->unread |= more == NULL;
        if (more == NULL)
            return false;
        made->seen = more;
        made->seen_room = room;
    }
    made->seen[made->seen_count++] = id;
    return true;
}

static void add_input(struct audit_made *made, const char *digest)
{
    size_t used = strlen(made->inputs);
    if (made->seen_count <= AUDIT_INPUTS)
        (void)snprintf(made->inputs + used, sizeof made->inputs - used, "%s%s", used > 0 ? " " : "",
                       digest);
    (void)snprintf(made->count, sizeof made->count, "%zu", made->seen_count);
}

static void add_maker(struct audit_made *made, const struct dx_attrs *attrs, int m)
{
    struct report_recalled was;
    struct maker maker = {.fact = {""}};
    report_recall(attrs, m, &was);
    (void)snprintf(maker.fact[MODEL], sizeof maker.fact[MODEL], "%s %s", was.name, was.version);
    const char *const rest[] = {[WEIGHTS] = was.weights_digest,
                                [PARAMETERS] = was.parameters,
                                [BUILD] = was.build,
                                [KERNELS] = was.kernels};
    for (enum fact f = WEIGHTS; f < FACTS; f++)
        (void)snprintf(maker.fact[f], sizeof maker.fact[f], "%s", rest[f]);
    for (size_t i = 0; i < made->makers; i++)
        if (memcmp(&made->maker[i], &maker, sizeof maker) == 0)
            return;
    if (made->makers < AUDIT_MAKERS)
        made->maker[made->makers++] = maker;
}

static enum store_status add_image(struct audit_made *made, struct store *store, int64_t id)
{
    struct instance instance;
    struct judgement judgement;
    struct dx_attrs *attrs = NULL;
    struct dx_error err = {.status = DX_OK};
    uint8_t *bytes = NULL;
    enum store_status status = store_get_instance(store, id, &instance);
    if (status != STORE_OK || instance.state != INSTANCE_JUDGED || !is_new(made, id))
        return status;
    add_input(made, instance.digest);
    status = store_get_judgement(store, id, &judgement, &bytes);
    if (status == STORE_OK && dx_attrs_unpack(bytes, judgement.attrs_bytes, &attrs, &err) == DX_OK)
        for (int m = 0; m < SRT_MAX_MODELS; m++)
            if (judgement.opinion[m].classes > 0)
                add_maker(made, attrs, m);
    free(bytes);
    dx_attrs_destroy(attrs);
    return status;
}

void audit_made_add(struct audit_made *made, struct store *store, const struct result *result)
{
    int64_t *ids = NULL;
    size_t count = 0;
    enum store_status status =
        store != NULL ? store_result_images(store, result, &ids, &count) : STORE_BROKEN;
    for (size_t i = 0; status == STORE_OK && i < count; i++) {
        status = add_image(made, store, ids[i]);
        if (status == STORE_NONE) /* forgotten meanwhile */
            status = STORE_OK;
    }
    made->unread |= status != STORE_OK;
    free(ids);
}

size_t audit_made_details(const struct audit_made *made, struct audit_detail *list)
{
    static const char *const names[AUDIT_MAKERS][FACTS] = {
        {"model", "weights", "parameters", "build", "kernels"},
        {"model 2", "weights 2", "parameters 2", "build 2", "kernels 2"},
        {"model 3", "weights 3", "parameters 3", "build 3", "kernels 3"},
        {"model 4", "weights 4", "parameters 4", "build 4", "kernels 4"}};
    size_t count = 0;
    if (made->inputs[0] != '\0') {
        list[count++] = (struct audit_detail){"inputs", made->inputs};
        list[count++] = (struct audit_detail){"input count", made->count};
    }
    for (size_t i = 0; i < made->makers; i++)
        for (enum fact f = MODEL; f < FACTS; f++)
            list[count++] = (struct audit_detail){names[i][f], made->maker[i].fact[f]};
    if (made->unread)
        list[count++] = (struct audit_detail){"unknown", "the job store did not tell all of it"};
    return count;
}
