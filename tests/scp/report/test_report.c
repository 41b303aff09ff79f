/* Results: the same inputs give the same object, anything that can change it another; a late image
 * amends; destinations get what the mode lets them have. */
#include "dx_init.h"
#include "dx_object.h"
#include "report.h"
#include "scp_fixture.h"
#include "spool.h"
#include <fcntl.h>
#include <sys/stat.h>

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct nn_model_info model = {
    .name = "test-model",
    .version = "1.0",
    .intended_use = "tests",
    .digest = DIGEST,
    .weights_digest = DIGEST,
    .classes = 3,
    .class_ = {{"dislocation", true, 0.5}, {"fracture", true, 0.4}, {"normal", false, 0}},
    .preprocess = {.side = 224},
    .provenance = NN_SYNTHETIC,
};
static const struct conf_peer peers[] = {{.name = "pacs"}, {.name = "archive"}};
static const struct conf_destination destinations[] = {
    {.peer = &peers[0], .outputs = CONF_SR | CONF_SC, .demo = true},
    {.peer = &peers[1], .outputs = CONF_SR, .demo = false},
};

struct made {
    struct store *store;
    struct report report;
};

static struct made start(struct fixture *fixture, enum conf_mode mode)
{
    char error[256] = "";
    struct made m = {.store = fixture_open(fixture)};
    struct conf *conf = &fixture->conf;
    conf->mode = mode;
    conf->ae_title = "CERVIGATE";
    conf->manufacturer = "maker";
    conf->station_name = "station";
    conf->destinations = destinations;
    conf->destination_count = 2;
    conf->picture_matrix = 3072;
    static const struct nn_model_info *const models[] = {&model};
    if (!report_init(&m.report, conf, models, 1, error, sizeof error))
        fail_msg("%s", error);
    return m;
}

static void stop(struct made *m)
{
    report_finish(&m->report);
    store_close(m->store);
}

static struct dx_attrs *attrs_of(const struct made *m, const struct instance *in, const char *name)
{
    const struct {
        uint32_t tag;
        const char *vr, *text;
    } list[] = {
        {DX_TAG(0x0008, 0x0005), "CS", "ISO_IR 192"},
        {DX_TAG(0x0008, 0x0016), "UI", in->sop_class},
        {DX_TAG(0x0008, 0x0018), "UI", in->sop_instance},
        {DX_TAG(0x0008, 0x0020), "DA", "20260102"},
        {DX_TAG(0x0008, 0x0030), "TM", "120000"},
        {DX_TAG(0x0008, 0x0060), "CS", "DX"},
        {DX_TAG(0x0010, 0x0010), "PN", name},
        {DX_TAG(0x0010, 0x0020), "LO", "ID-1"},
        {DX_TAG(0x0020, 0x000d), "UI", in->study},
        {DX_TAG(0x0020, 0x000e), "UI", in->series},
        {DX_TAG(0x0028, 0x0010), "US", "4"},
        {DX_TAG(0x0028, 0x0011), "US", "6"},
    };
    struct dx_attrs *attrs = dx_attrs_create();
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        assert_int_equal(dx_attrs_set_text(attrs, list[i].tag, list[i].vr, list[i].text), DX_OK);
    assert_true(report_journal(attrs, &m->report, 0));
    return attrs;
}

static enum srt_coverage coverage; /* of the images that judge enters */
static bool not_taken;             /* the job store takes its picture at the second try only */

/* Enters image `number` of study 1 with its picture, judged with this score of a fracture; a
 * negative score is not processed. */
static void judge(struct made *m, int number, double score, const char *name)
{
    uint8_t *bytes = NULL, rgb[4 * 6 * 3] = {0};
    char error[256] = "";
    enum store_identity identity;
    struct instance in = fixture_instance(number, number, 1, "a");
    const struct picture picture = {.rows = 4, .cols = 6, .rgb = rgb};
    const struct report_drawn drawn = {.picture = &picture, .rows = 4, .cols = 6, .number = number};
    FIXTURE_OK(store_add_instance(m->store, &in, &identity));
    FIXTURE_OK(store_association_end(m->store, "a"));
    struct dx_attrs *attrs = attrs_of(m, &in, name);
    struct judgement j = {
        .state = score < 0 ? INSTANCE_NOT_PROCESSED : INSTANCE_JUDGED,
        .reason = score < 0 ? SRT_WRONG_VIEW : SRT_REASON_NONE,
        .opinion = {{.classes = score < 0 ? 0 : 3, .score = {0.1, score, 0.9 - score}}},
        .coverage = coverage,
        .first_computed_ms = 1700000000000 + number};
    report_patient_digest(attrs, j.patient_digest);
    snprintf(j.pixel_digest, sizeof j.pixel_digest, "%064x", (unsigned)number);
    j.first_computed_ms -= not_taken ? 60000 : 0;
    for (int tries = not_taken ? 2 : 1; score >= 0 && tries > 0; tries--) {
        if (!report_drawn(&m->report, &in, attrs, &drawn, &j, error, sizeof error))
            fail_msg("%s", error);
        j.first_computed_ms += tries == 2 ? 60000 : 0;
    }
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &j.attrs_bytes), DX_OK);
    j.attrs = bytes;
    FIXTURE_OK(store_judge(m->store, in.id, &j));
    free(bytes);
    dx_attrs_destroy(attrs);
}

struct told {
    struct made *made;
    int count;
    enum srt_outcome outcome;
    char uid[DX_UID_MAX];
    struct study study;
};

static bool report_due(void *context, const struct study *study)
{
    char error[256] = "";
    struct told *told = context;
    told->study = *study;
    told->count++;
    if (report_study(&told->made->report, told->made->store, study, &told->outcome, told->uid,
                     error, sizeof error) != REPORT_DONE)
        fail_msg("%s", error);
    return true;
}

static struct told report_all(struct made *m)
{
    struct told told = {.made = m};
    FIXTURE_OK(store_studies_due(m->store, report_due, &told));
    return told;
}

static size_t pending(struct store *store, const char *destination)
{
    static struct delivery list[16];
    size_t count = 0;
    FIXTURE_OK(store_pending(store, destination, INT64_MAX, INT64_MAX, list, 16, &count));
    return count;
}

static void test_report_and_picture_are_files_and_deliveries(void **state)
{
    char path[512];
    struct stat file;
    struct made m = start(*state, CONF_DEMO);
    judge(&m, 1, 0.7, "A^B");
    struct told told = report_all(&m);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.outcome, SRT_FINDING);
    node_path(m.report.conf, path, sizeof path, "results/%s.dcm", told.uid);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(pending(m.store, "pacs"), 2);
    assert_int_equal(pending(m.store, "archive"), 0);
    assert_int_equal(report_all(&m).count, 0);
    stop(&m);
}

static void test_shadow_sends_nothing_and_clinical_all(void **state)
{
    struct made m = start(*state, CONF_SHADOW);
    judge(&m, 1, 0.7, "A^B");
    assert_int_equal(report_all(&m).count, 1);
    assert_int_equal(pending(m.store, "pacs"), 0);
    stop(&m);
    m = start(*state, CONF_CLINICAL);
    judge(&m, 2, 0.1, "A^B");
    assert_int_equal(report_all(&m).count, 1);
    assert_int_equal(pending(m.store, "pacs"), 2);
    assert_int_equal(pending(m.store, "archive"), 1);
    stop(&m);
}

static char node_id = '1'; /* of the fresh spools: SPOOL/node-id is 32 times this digit */

/* Judges and reports in a fresh spool of its own. */
static void fresh(int number, double score, const char *name, char uid[DX_UID_MAX],
                  char digest[DX_DIGEST_MAX])
{
    void *state;
    char path[512];
    struct dx_error err;
    assert_int_equal(fixture_setup(&state), 0);
    char id[SPOOL_NODE_ID_MAX] = "";
    memset(id, node_id, sizeof id - 1);
    node_path(&((struct fixture *)state)->conf, path, sizeof path, "node-id");
    assert_int_equal(spool_write_whole(path, id), 0);
    struct made m = start(state, CONF_DEMO);
    judge(&m, number, score, name);
    struct told told = report_all(&m);
    snprintf(uid, DX_UID_MAX, "%s", told.uid);
    node_path(m.report.conf, path, sizeof path, "results/%s.dcm", uid);
    assert_int_equal(dx_digest_file(path, 0, digest, &err), DX_OK);
    stop(&m);
    assert_int_equal(fixture_teardown(&state), 0);
}

static void test_the_same_inputs_give_the_same_object(void **state)
{
    (void)state;
    char a[DX_UID_MAX], b[DX_UID_MAX], digest_a[DX_DIGEST_MAX], digest_b[DX_DIGEST_MAX];
    fresh(1, 0.7, "A^B", a, digest_a);
    fresh(1, 0.7, "A^B", b, digest_b);
    assert_string_equal(a, b);
    assert_string_equal(digest_a, digest_b);

    fresh(2, 0.7, "A^B", b, digest_b);
    assert_string_not_equal(a, b);
    fresh(1, 0.7, "A^C", b, digest_b);
    assert_string_not_equal(a, b);
    model.digest[0] = 'f';
    fresh(1, 0.7, "A^B", b, digest_b);
    model.digest[0] = '0';
    assert_string_not_equal(a, b);

    char *const printed[] = {model.name, model.version, model.intended_use};
    for (size_t i = 0; i < sizeof printed / sizeof printed[0]; i++) {
        char was = printed[i][0];
        printed[i][0] = 'x';
        fresh(1, 0.7, "A^B", b, digest_b);
        printed[i][0] = was;
        assert_string_not_equal(a, b);
    }
    node_id = '2'; /* the same study on another node is another object */
    fresh(1, 0.7, "A^B", b, digest_b);
    node_id = '1';
    assert_string_not_equal(a, b);
    model.provenance = NN_CLINICAL;
    fresh(1, 0.7, "A^B", b, digest_b);
    model.provenance = NN_SYNTHETIC;
    assert_string_not_equal(a, b);
}

static void test_a_late_image_amends(void **state)
{
    struct made m = start(*state, CONF_DEMO);
    judge(&m, 1, 0.1, "A^B");
    struct told first = report_all(&m);
    assert_int_equal(first.outcome, SRT_NO_FINDING);
    judge(&m, 2, 0.6, "A^B");
    struct told second = report_all(&m);
    assert_int_equal(second.count, 1);
    assert_int_equal(second.study.version, 1);
    assert_string_equal(second.study.last_report, first.uid);
    assert_string_not_equal(second.uid, first.uid);
    assert_int_equal(second.outcome, SRT_FINDING);
    assert_int_equal(pending(m.store, "pacs"), 4);
    stop(&m);
}

static void test_outcomes_of_a_study(void **state)
{
    struct made m = start(*state, CONF_DEMO);
    judge(&m, 1, -1, "A^B");
    assert_int_equal(report_all(&m).outcome, SRT_NOT_PROCESSED);
    assert_int_equal(pending(m.store, "pacs"), 1);
    judge(&m, 2, 0.2, "A^B");
    assert_int_equal(report_all(&m).outcome, SRT_NO_FINDING);
    judge(&m, 3, 0.4, "A^B"); /* at the operating point is a finding */
    assert_int_equal(report_all(&m).outcome, SRT_FINDING);
    stop(&m);
}

/* Without an image that shows C7-T1 a negative study is incomplete, where that is asked. */
static void test_no_finding_needs_the_whole_spine(void **state)
{
    struct made m = start(*state, CONF_DEMO);
    ((struct fixture *)*state)->conf.require_c7_t1 = true;
    judge(&m, 1, 0.1, "A^B");
    assert_int_equal(report_all(&m).outcome, SRT_INCOMPLETE);
    coverage = SRT_COVERAGE_SHORT;
    judge(&m, 2, 0.1, "A^B");
    assert_int_equal(report_all(&m).outcome, SRT_INCOMPLETE);
    coverage = SRT_COVERAGE_FULL;
    judge(&m, 3, 0.1, "A^B");
    assert_int_equal(report_all(&m).outcome, SRT_NO_FINDING);
    coverage = SRT_COVERAGE_UNKNOWN;
    judge(&m, 4, 0.7, "A^B");
    assert_int_equal(report_all(&m).outcome, SRT_FINDING);
    stop(&m);
}

/* A report in every class that a destination may take; none that nobody may. */
static void test_the_kinds_that_destinations_take(void **state)
{
    struct made m = start(*state, CONF_DEMO);
    struct result kinds[3], sr;
    size_t count;
    judge(&m, 1, 0.7, "A^B");
    struct told told = report_all(&m);
    FIXTURE_OK(store_find_result(m.store, told.uid, &sr));
    FIXTURE_OK(store_report_kinds(m.store, sr.report, kinds, &count));
    assert_int_equal(count, 3); /* auto: the first that the peer takes */
    assert_int_equal(kinds[0].kind, RESULT_SR);
    assert_string_not_equal(kinds[0].uid, kinds[1].uid);
    assert_string_not_equal(kinds[0].series, kinds[1].series);
    stop(&m);

    struct conf_destination fixed = destinations[0];
    fixed.report_class = CONF_SR_ENHANCED;
    m = start(*state, CONF_DEMO);
    ((struct fixture *)*state)->conf.destinations = &fixed;
    ((struct fixture *)*state)->conf.destination_count = 1;
    judge(&m, 2, 0.7, "A^B");
    told = report_all(&m);
    FIXTURE_OK(store_find_result(m.store, told.uid, &sr));
    FIXTURE_OK(store_report_kinds(m.store, sr.report, kinds, &count));
    assert_int_equal(count, 2);
    assert_int_equal(kinds[1].kind, RESULT_SR_ENHANCED);
    stop(&m);
}

static void test_scores_are_held_against_the_journal(void **state)
{
    struct made m = start(*state, CONF_DEMO);
    judge(&m, 1, 0.7, "A^B");
    model.class_[1].operating_point = 0.9; /* another model came before the report */
    assert_int_equal(report_all(&m).outcome, SRT_FINDING);
    model.class_[1].operating_point = 0.4;
    stop(&m);
}

/* What a rejection note's file names must be these results, each once. */
static void note_names(const struct made *m, const char *uid, const struct delivery *list,
                       size_t count)
{
    char path[512];
    struct dx_limits limits;
    struct dx_object *object;
    struct dx_rejection note;
    struct dx_error err = {0};
    node_path(m->report.conf, path, sizeof path, "results/%s.dcm", uid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    dx_limits_default(&limits);
    assert_int_equal(dx_object_open(fd, &limits, &object, &err), DX_OK);
    assert_int_equal(dx_object_rejection(object, &note, &err), DX_OK);
    assert_string_equal(note.title.value, "113037");
    assert_int_equal(note.reference_count, count);
    for (size_t i = 0; i < count; i++) {
        size_t times = 0;
        for (size_t k = 0; k < count; k++)
            times += strcmp(note.references[k].sop_instance, list[i].result.uid) == 0 &&
                     strcmp(note.references[k].sop_class, list[i].result.sop_class) == 0 &&
                     strcmp(note.references[k].series, list[i].result.series) == 0;
        assert_int_equal(times, 1);
    }
    dx_rejection_finish(&note);
    dx_object_close(object);
    (void)close(fd);
}

static void test_a_note_names_each_result_that_is_taken_back(void **state)
{
    char error[256] = "", uid[DX_UID_MAX];
    struct delivery list[8];
    size_t count, named;
    struct made m = start(*state, CONF_DEMO);
    judge(&m, 1, 0.7, "A^B");
    judge(&m, 2, 0.8, "A^B");
    struct told told = report_all(&m);
    FIXTURE_OK(store_pending(m.store, "pacs", INT64_MAX, INT64_MAX, list, 8, &count));
    assert_int_equal(count, 3); /* a report, two pictures */
    for (size_t i = 0; i < count; i++)
        FIXTURE_OK(store_delivered(m.store, list[i].id, 0, 1));
    FIXTURE_OK(store_retract(m.store, told.uid, "113037"));
    assert_int_equal(report_reject(&m.report, m.store, "pacs", &named, uid, error, sizeof error),
                     REPORT_DONE);
    assert_int_equal(named, count);
    note_names(&m, uid, list, count);
    assert_int_equal(report_reject(&m.report, m.store, "archive", &named, uid, error, sizeof error),
                     REPORT_DONE);
    assert_int_equal(named, 0); /* it had nothing */
    stop(&m);
}

/* Another time of its making, hence other bytes under the same UID. */
static void test_a_picture_that_was_written_again_has_its_own_digest(void **state)
{
    char path[512], digest[DX_DIGEST_MAX];
    struct delivery list[8];
    struct dx_error err;
    size_t count;
    struct made m = start(*state, CONF_DEMO);
    not_taken = true;
    judge(&m, 1, 0.7, "A^B");
    not_taken = false;
    assert_int_equal(report_all(&m).count, 1);
    FIXTURE_OK(store_pending(m.store, "pacs", INT64_MAX, INT64_MAX, list, 8, &count));
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        node_path(m.report.conf, path, sizeof path, "%s", list[i].result.path);
        assert_int_equal(dx_digest_file(path, 0, digest, &err), DX_OK);
        assert_string_equal(digest, list[i].result.digest);
    }
    stop(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_report_and_picture_are_files_and_deliveries),
        TEST(test_shadow_sends_nothing_and_clinical_all),
        TEST(test_the_same_inputs_give_the_same_object),
        TEST(test_a_late_image_amends),
        TEST(test_outcomes_of_a_study),
        TEST(test_no_finding_needs_the_whole_spine),
        TEST(test_the_kinds_that_destinations_take),
        TEST(test_scores_are_held_against_the_journal),
        TEST(test_a_note_names_each_result_that_is_taken_back),
        TEST(test_a_picture_that_was_written_again_has_its_own_digest),
    };
    struct dx_error err;
    if (dx_init(NULL, NULL, &err) != DX_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
