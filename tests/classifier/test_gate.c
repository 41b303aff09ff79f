/* The input gate: a model beside a model. Attached, opened, refused when it is another, judging. */
#include "nn_fixture.h"
#include "nn_network.h"

#include <sys/stat.h>

enum { SIDE = 64, MAX_LAYERS = 256 };

/* The folder of one test: a model, the gates that it is given, and the gate's own place. */
struct folders {
    char root[32];
    char model[64], gate[64], other[64], inside[96];
};

static void write_model(const char *dir, const char *network, const char *first, uint64_t seed)
{
    static struct nn_model_info info;
    struct nn_error err = {0};
    struct nn_graph *graph = nn_network_find(network)->build(3, SIDE, &err);
    struct nn_values *values = NULL;
    struct nn_tensor tensors[MAX_LAYERS] = {0};
    const char *fresh[MAX_LAYERS + 1] = {NULL};

    assert_non_null(graph);
    int layers = nn_graph_count(graph), count = nn_graph_parameter_count(graph);
    assert_true(layers < MAX_LAYERS && count < MAX_LAYERS);
    for (int i = 0; i < layers; i++)
        fresh[i] = nn_graph_name(graph, i);
    assert_int_equal(nn_values_create(graph, NULL, true, fresh, seed, &values, &err), NN_OK);
    for (int i = 0; i < count; i++) {
        const struct nn_parameter *p = nn_graph_parameter(graph, i);
        tensors[i] = (struct nn_tensor){.name = p->name,
                                        .dims = p->dims,
                                        .elements = p->elements,
                                        .data = nn_values_peek(values, i)};
        for (int d = 0; d < p->dims; d++)
            tensors[i].dim[d] = p->dim[d];
    }
    info = fixture_info(SIDE);
    info.weights_digest[0] = '\0';
    snprintf(info.network, sizeof info.network, "%s", network);
    snprintf(info.class_[2].name, sizeof info.class_[2].name, "%s", first);
    if (nn_model_save(dir, &info, NULL, tensors, (size_t)count, NN_F16, &err) != NN_OK)
        fail_msg("%s", err.text);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
}

static int setup(void **state)
{
    static struct folders f;

    fixture_dir(f.root);
    snprintf(f.model, sizeof f.model, "%s/model", f.root);
    snprintf(f.gate, sizeof f.gate, "%s/kinds", f.root);
    snprintf(f.other, sizeof f.other, "%s/other", f.root);
    snprintf(f.inside, sizeof f.inside, "%s/gate", f.model);
    assert_int_equal(mkdir(f.model, 0700) | mkdir(f.gate, 0700) | mkdir(f.other, 0700), 0);
    write_model(f.model, "googlenet", "normal", 1);
    write_model(f.gate, "gate", "lateral", 2);
    write_model(f.other, "gate", "lateral", 3);
    *state = &f;
    return 0;
}

static void remove_model(const char *dir)
{
    char path[PATH_MAX];
    static const char *const files[] = {"model.xml", "weights.safetensors"};

    for (int i = 0; i < 2; i++) {
        fixture_path(path, dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

static int teardown(void **state)
{
    static const char *const dirs[] = {"model/gate/gate", "model/gate", "model",
                                       "kinds/gate",      "kinds",      "other"};
    struct folders *f = *state;
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        fixture_path(path, f->root, dirs[i]);
        remove_model(path);
    }
    return rmdir(f->root);
}

/* The digest of the model in dir. */
static const char *digest_of(const char *dir, char digest[65])
{
    struct nn_model *model;
    struct nn_error err = {0};

    if (nn_model_open(dir, &model, &err) != NN_OK)
        fail_msg("%s", err.text);
    snprintf(digest, 65, "%s", nn_model_info(model)->digest);
    nn_model_close(model);
    return digest;
}

static void attach(const char *dir, const char *gate, double least)
{
    struct nn_error err = {0};

    if (nn_model_attach_gate(dir, gate, "lateral", least, &err) != NN_OK)
        fail_msg("%s", err.text);
}

static void not_attached(const char *dir, const char *gate, const char *accept, double least,
                         const char *words)
{
    struct nn_error err = {0};

    assert_int_equal(nn_model_attach_gate(dir, gate, accept, least, &err), NN_INVALID);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" lacks \"%s\"", err.text, words);
}

static void not_opened(const char *dir, const char *words)
{
    struct nn_model *model;
    struct nn_error err = {0};

    assert_int_equal(nn_model_open(dir, &model, &err), NN_BAD_DATA);
    assert_null(model);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" lacks \"%s\"", err.text, words);
}

/* In DIR/model.xml, all of `from` becomes `to`, by hand. */
static void edit(const char *dir, const char *from, const char *to)
{
    char path[PATH_MAX], xml[16384];

    fixture_path(path, dir, "model.xml");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(xml, 1, sizeof xml - 1, file);
    fclose(file);
    xml[size] = '\0';
    char *at = strstr(xml, from);
    assert_non_null(at);
    file = fopen(path, "wb");
    assert_non_null(file);
    fprintf(file, "%.*s%s%s", (int)(at - xml), xml, to, at + strlen(from));
    assert_int_equal(fclose(file), 0);
}

static void a_gate_is_attached_and_opened(void **state)
{
    const struct folders *f = *state;
    struct nn_model *model;
    struct nn_error err = {0};
    char plain[65], gate[65];

    digest_of(f->model, plain);
    digest_of(f->gate, gate);
    attach(f->model, f->gate, 0.25);
    assert_int_equal(nn_model_open(f->model, &model, &err), NN_OK);
    const struct nn_model_info *info = nn_model_info(model);
    assert_string_equal(info->gate_digest, gate);
    assert_string_equal(info->gate_accept, "lateral");
    assert_true(info->gate_least == 0.25);
    assert_string_not_equal(info->digest, plain);
    assert_non_null(nn_model_gate(model));
    assert_string_equal(nn_model_info(nn_model_gate(model))->digest, gate);
    nn_model_close(model);
    assert_int_equal(nn_model_open(f->gate, &model, &err), NN_OK);
    assert_null(nn_model_gate(model));
    nn_model_close(model);
}

/* Another gate, another least score, another class: another model. The same: the same. */
static void the_digest_follows_the_gate(void **state)
{
    const struct folders *f = *state;
    char first[65], next[65];

    attach(f->model, f->gate, 0.5);
    digest_of(f->model, first);
    attach(f->model, f->gate, nextafter(0.5, 1));
    assert_string_not_equal(digest_of(f->model, next), first);
    attach(f->model, f->other, 0.5);
    assert_string_not_equal(digest_of(f->model, next), first);
    attach(f->model, f->gate, 0.5);
    assert_string_equal(digest_of(f->model, next), first);
    edit(f->model, "accept=\"lateral\"", "accept=\"fracture\"");
    assert_string_not_equal(digest_of(f->model, next), first);
}

static void a_validation_falls_away(void **state)
{
    const struct folders *f = *state;
    struct nn_model *model;
    struct nn_error err = {0};
    char element[400], digest[65];

    digest_of(f->model, digest);
    snprintf(element, sizeof element,
             "<validation site=\"S\" person=\"P\" date=\"2026-01-31\" data=\"D\" measures=\"M\" "
             "digest=\"%s\"/>\n<weights",
             digest);
    edit(f->model, "<weights", element);
    assert_int_equal(nn_model_open(f->model, &model, &err), NN_OK);
    assert_true(nn_model_info(model)->validated);
    nn_model_close(model);
    attach(f->model, f->gate, 0.5);
    assert_int_equal(nn_model_open(f->model, &model, &err), NN_OK);
    assert_false(nn_model_info(model)->validated);
    nn_model_close(model);
}

static void what_is_no_gate_is_not_attached(void **state)
{
    const struct folders *f = *state;
    struct nn_error err = {0};
    char before[65], after[65];

    digest_of(f->model, before);
    not_attached(f->model, f->gate, "sideways", 0.5, "has no class sideways");
    not_attached(f->model, f->gate, "lateral", -0.01, "not in 0..1");
    not_attached(f->model, f->gate, "lateral", 1.01, "not in 0..1");
    not_attached(f->model, f->gate, "lateral", NAN, "not in 0..1");
    assert_int_equal(nn_model_attach_gate(f->model, "/nonexistent", "lateral", 0.5, &err),
                     NN_MISSING);
    assert_int_equal(nn_model_attach_gate("/nonexistent", f->gate, "lateral", 0.5, &err),
                     NN_MISSING);
    attach(f->gate, f->other, 0.5);
    not_attached(f->model, f->gate, "lateral", 0.5, "must not have a gate");
    assert_string_equal(digest_of(f->model, after), before);
    assert_int_equal(access(f->inside, F_OK), -1);
}

static void another_gate_is_refused_and_can_be_attached_anew(void **state)
{
    const struct folders *f = *state;
    char gate[65], digest[65];

    attach(f->model, f->gate, 0.5);
    digest_of(f->model, digest);
    write_model(f->inside, "gate", "lateral", 4);
    not_opened(f->model, "the gate's digest is ");
    not_opened(f->model, "attach it anew (cervigate import gate)");
    attach(f->model, f->inside, 0.5); /* as it lies there */
    assert_string_not_equal(digest_of(f->model, gate), digest);
    write_model(f->inside, "gate", "lateral", 5);
    attach(f->model, f->gate, 0.5); /* over the stale one */
    assert_string_equal(digest_of(f->model, gate), digest);
    remove_model(f->inside);
    struct nn_model *model;
    struct nn_error err = {0};
    assert_int_equal(nn_model_open(f->model, &model, &err), NN_MISSING);
}

static void what_was_written_by_hand_is_checked(void **state)
{
    const struct folders *f = *state;
    char old[65], changed[65];

    attach(f->model, f->gate, 0.5);
    edit(f->model, "accept=\"lateral\"", "accept=\"sideways\"");
    not_opened(f->model, "the gate has no class sideways, which model.xml accepts");
    edit(f->model, "accept=\"sideways\"", "accept=\"lateral\"");
    digest_of(f->inside, old);
    attach(f->inside, f->other, 0.5);
    edit(f->model, old, digest_of(f->inside, changed));
    not_opened(f->model, "a gate must not have a gate");
}

static void judged(const char *dir, const float *plane, struct nn_verdict *verdict, char kind[64])
{
    struct nn_model *model;
    struct nn_judge *judge;
    struct nn_judgement scores;
    struct nn_error err = {0};

    assert_int_equal(nn_model_open(dir, &model, &err), NN_OK);
    assert_int_equal(nn_judge_create(model, NULL, &judge, &err), NN_OK);
    if (nn_judge_gate(judge, plane, 80, 70, verdict, &err) != NN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(nn_judge_plane(judge, plane, 80, 70, &scores, &err), NN_OK);
    assert_true(scores.score[0] > 0);
    snprintf(kind, 64, "%s", verdict->kind);
    verdict->kind = NULL;
    nn_judge_destroy(judge);
    nn_model_close(model);
}

/* The score of the accepted class decides, at `least` to the bit. */
static void a_gate_judges(void **state)
{
    const struct folders *f = *state;
    static float plane[80 * 70];
    struct nn_verdict verdict;
    struct nn_judge *judge;
    struct nn_model *gate;
    struct nn_judgement kinds;
    struct nn_error err = {0};
    char kind[64];
    uint64_t random = 3;

    for (size_t i = 0; i < sizeof plane / sizeof *plane; i++)
        plane[i] = 0.5f + 0.5f * fixture_random(&random);
    judged(f->model, plane, &verdict, kind);
    assert_true(verdict.accepted && verdict.score == 1);
    assert_string_equal(kind, "");

    assert_int_equal(nn_model_open(f->gate, &gate, &err), NN_OK);
    assert_int_equal(nn_judge_create(gate, NULL, &judge, &err), NN_OK);
    assert_int_equal(nn_judge_plane(judge, plane, 80, 70, &kinds, &err), NN_OK);
    nn_judge_destroy(judge);
    double score = (double)kinds.score[2];
    attach(f->model, f->gate, score);
    judged(f->model, plane, &verdict, kind);
    assert_true(verdict.accepted);
    assert_true((double)verdict.score == score);
    assert_string_equal(kind, nn_model_info(gate)->class_[kinds.top].name);
    attach(f->model, f->gate, nextafter(score, 1));
    judged(f->model, plane, &verdict, kind);
    assert_false(verdict.accepted);
    nn_model_close(gate);
}

static void a_plane_that_is_none_is_an_error(void **state)
{
    const struct folders *f = *state;
    static float plane[32 * 32];
    struct nn_verdict verdict;
    struct nn_model *model;
    struct nn_judge *judge;
    struct nn_error err = {0};

    attach(f->model, f->gate, 0);
    assert_int_equal(nn_model_open(f->model, &model, &err), NN_OK);
    assert_int_equal(nn_judge_create(model, NULL, &judge, &err), NN_OK);
    plane[5] = NAN;
    assert_int_equal(nn_judge_gate(judge, plane, 32, 32, &verdict, &err), NN_BAD_DATA);
    assert_int_equal(nn_judge_gate(judge, plane, 0, 32, &verdict, &err), NN_INVALID);
    nn_judge_destroy(judge);
    nn_model_close(model);
}

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static enum nn_status parse(const char *gate, struct nn_model_info *info, struct nn_error *err)
{
    char xml[4096];
    int size = snprintf(
        xml, sizeof xml,
        "<model name=\"m\" version=\"1\" network=\"googlenet\">\n<intended-use>t</intended-use>\n"
        "<scope modalities=\"CR\" body-parts=\"CSPINE\" views=\"LL\" minimum-age=\"16\"/>\n"
        "<input side=\"64\" fit=\"stretch\" scale=\"255\" mean=\"104 117 123\"/>\n<classes>\n"
        "<class number=\"0\" name=\"fracture\" finding=\"true\" operating-point=\"0.25\"/>\n"
        "<class number=\"1\" name=\"normal\" finding=\"false\"/>\n</classes>\n"
        "<calibration method=\"none\"/>\n<provenance kind=\"synthetic\">a test</provenance>\n"
        "%s\n<weights sha256=\"" DIGEST "\"/>\n</model>\n",
        gate);

    *err = (struct nn_error){0};
    return nn_model_info_parse("m.xml", xml, (size_t)size, info, err);
}

static void model_xml_names_the_line_of_a_bad_gate(void **state)
{
    static const char *const bad[] = {
        "<input-gate/>",
        "<input-gate accept=\"lateral\" least=\"0.5\"/>",
        "<input-gate accept=\"lateral\" digest=\"" DIGEST "\"/>",
        "<input-gate least=\"0.5\" digest=\"" DIGEST "\"/>",
        "<input-gate accept=\"\" least=\"0.5\" digest=\"" DIGEST "\"/>",
        "<input-gate accept=\"a b\" least=\"0.5\" digest=\"" DIGEST "\"/>",
        "<input-gate accept=\"lateral\" least=\"1.5\" digest=\"" DIGEST "\"/>",
        "<input-gate accept=\"lateral\" least=\"-0.1\" digest=\"" DIGEST "\"/>",
        "<input-gate accept=\"lateral\" least=\"NaN\" digest=\"" DIGEST "\"/>",
        "<input-gate accept=\"lateral\" least=\"half\" digest=\"" DIGEST "\"/>",
        "<input-gate accept=\"lateral\" least=\"0.5\" digest=\"12\"/>",
        "<input-gate accept=\"lateral\" least=\"0.5\" digest=\"" DIGEST "\" model=\"x\"/>",
        "<input-gate accept=\"lateral\" least=\"0.5\" digest=\"" DIGEST "\">x</input-gate>"};
    static struct nn_model_info info;
    struct nn_error err;

    (void)state;
    assert_int_equal(parse("", &info, &err), NN_OK);
    assert_string_equal(info.gate_digest, "");
    assert_int_equal(
        parse("<input-gate accept=\"lateral\" least=\"0.5\" digest=\"" DIGEST "\"/>", &info, &err),
        NN_OK);
    assert_string_equal(info.gate_digest, DIGEST);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse(bad[i], &info, &err), NN_BAD_DATA);
        if (strncmp(err.text, "m.xml:11: ", 10) != 0)
            fail_msg("%s: \"%s\"", bad[i], err.text);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_gate_is_attached_and_opened),
        T(the_digest_follows_the_gate),
        T(a_validation_falls_away),
        T(what_is_no_gate_is_not_attached),
        T(another_gate_is_refused_and_can_be_attached_anew),
        T(what_was_written_by_hand_is_checked),
        T(a_gate_judges),
        T(a_plane_that_is_none_is_an_error),
        cmocka_unit_test(model_xml_names_the_line_of_a_bad_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
