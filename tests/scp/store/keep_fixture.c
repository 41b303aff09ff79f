#include "keep_fixture.h"

#include "scp_fixture.h"

int64_t keep_receive(struct store *store, int number, int study, int64_t when)
{
    struct instance in = fixture_instance(number, number, study, "a");
    enum store_identity identity;
    in.received_ms = when;
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    FIXTURE_OK(store_association_end(store, "a"));
    return in.id;
}

int64_t keep_judged(struct store *store, int number, int study, int64_t when)
{
    const struct judgement judgement = {.state = INSTANCE_JUDGED};
    int64_t id = keep_receive(store, number, study, when);
    FIXTURE_OK(store_judge(store, id, &judgement));
    return id;
}

int64_t keep_report(struct store *store, int number, int study, int64_t image, int64_t when,
                    size_t places, bool held)
{
    const struct addressee to[] = {{"pacs", 1u << RESULT_SR, held},
                                   {"archive", 1u << RESULT_SR, held}};
    struct result r = {.kind = RESULT_SR, .outcome = SRT_FINDING, .created_ms = when, .bytes = 100};
    snprintf(r.uid, sizeof r.uid, "2.25.%d", number);
    snprintf(r.path, sizeof r.path, "results/2.25.%d.dcm", number);
    snprintf(r.study, sizeof r.study, "1.2.4.%d", study);
    const struct store_report all = {.study = r.study,
                                     .results = &r,
                                     .count = 1,
                                     .instances = &image,
                                     .instance_count = 1,
                                     .to = to,
                                     .to_count = places};
    FIXTURE_OK(store_add_report(store, &all));
    FIXTURE_OK(store_find_result(store, r.uid, &r));
    return r.id;
}

int64_t keep_delivery(struct store *store, const char *place)
{
    struct delivery list[8];
    size_t count;
    FIXTURE_OK(store_pending(store, place, INT64_MAX, INT64_MAX, list, 8, &count));
    assert_true(count > 0);
    return list[0].id;
}

size_t keep_retire(struct store *store, bool objects, int64_t before)
{
    struct store_walk walk = {.id = 0};
    struct store_step step = {.before_ms = before, .now_ms = 7, .look = 100, .most = 100};
    FIXTURE_OK(objects ? store_retire_objects(store, &walk, &step)
                       : store_retire_results(store, &walk, &step));
    return step.gone;
}
