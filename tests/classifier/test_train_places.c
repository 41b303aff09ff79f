/* Learning what is where: a phantom's places, a training with them, what it refuses. */
#include "nn_fixture.h"
#include "nn_phantom_source.h"

#define SIDE  96
#define CELLS 12 /* a side; 8 pixels each */

static char dir_template[32], init_path[PATH_MAX];

static int make_folder(void **state)
{
    (void)state;
    fixture_path(init_path, fixture_dir(dir_template), "init.safetensors");
    fixture_weights(init_path, 3, SIDE);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    fixture_remove(dir_template);
    return 0;
}

static struct nn_phantom_source phantoms(enum nn_phantom_part part)
{
    return (struct nn_phantom_source){
        .settings = {.seed = 4, .rows = SIDE, .cols = SIDE, .prevalence = {0.4, 0.4, 0.2}},
        .part = part,
        .count = 6};
}

/* Which part of the cell lies in the truth's box, by looking at 16 x 16 points. */
static double share_of(const struct nn_phantom_truth *truth, int row, int col)
{
    int inside = 0;
    for (int i = 0; i < 256; i++) {
        double x = (col + (i % 16 + 0.5) / 16) * SIDE / CELLS;
        double y = (row + (i / 16 + 0.5) / 16) * SIDE / CELLS;
        inside += x > truth->box[0] && x < truth->box[2] && y > truth->box[1] && y < truth->box[3];
    }
    return inside / 256.0;
}

static void places_are_in_the_box(void **state)
{
    struct nn_phantom_source from = phantoms(NN_PHANTOM_TEST);
    struct nn_source source = nn_phantom_source(&from);
    uint8_t places[CELLS * CELLS];
    int found[3] = {0}, injured = 0;

    (void)state;
    for (size_t n = 0; n < 40; n++) {
        struct nn_phantom_truth truth;
        int here = 0;
        nn_phantom_truth(&from.settings, NN_PHANTOM_TEST_FIRST + n, &truth);
        source.places(source.context, n, 3, CELLS, CELLS, places);
        for (int i = 0; i < CELLS * CELLS; i++) {
            double share = share_of(&truth, i / CELLS, i % CELLS);
            if (places[i] == NN_PLACE_UNKNOWN) {
                assert_true(share > 0 && share < 0.6);
                continue;
            }
            assert_true(places[i] == NN_PHANTOM_NORMAL ? share < 0.2 : share > 0);
            assert_true(places[i] == NN_PHANTOM_NORMAL || (int)places[i] == (int)truth.class_);
            found[places[i]]++;
            here += places[i] != NN_PHANTOM_NORMAL;
        }
        injured += truth.class_ != NN_PHANTOM_NORMAL;
        if (truth.class_ == NN_PHANTOM_NORMAL)
            assert_int_equal(here, 0);
        else
            assert_true(here > 0);
    }
    assert_true(injured > 20 && injured < 40 && found[0] > 0 && found[1] > 0);
}

/* A box that no cell holds half of. */
static void a_small_injury_has_a_place(void **state)
{
    struct nn_phantom_source from = phantoms(NN_PHANTOM_TEST);
    struct nn_source source = nn_phantom_source(&from);
    uint8_t places[4];

    (void)state;
    for (size_t n = 0; n < 40; n++) {
        struct nn_phantom_truth truth;
        nn_phantom_truth(&from.settings, NN_PHANTOM_TEST_FIRST + n, &truth);
        source.places(source.context, n, 0, 1, 1, places);
        assert_int_equal(places[0], truth.class_);
    }
}

static void a_twin_is_uninjured_everywhere(void **state)
{
    struct nn_phantom_source from = phantoms(NN_PHANTOM_TRAINING);
    struct nn_source source = nn_phantom_source(&from);
    uint8_t places[2][CELLS * CELLS];

    (void)state;
    for (size_t n = 0; n < 6; n += 2) {
        source.places(source.context, n, 1, CELLS, CELLS, places[0]);
        source.places(source.context, n + 1, 1, CELLS, CELLS, places[1]);
        assert_true(memchr(places[0], source.label(source.context, n, 1), CELLS * CELLS) != NULL);
        for (int i = 0; i < CELLS * CELLS; i++)
            assert_int_equal(places[1][i], NN_PHANTOM_NORMAL);
    }
}

static struct nn_train_settings settings(double places, int threads)
{
    return (struct nn_train_settings){.network = "googlenet",
                                      .classes = 3,
                                      .preprocess = {.side = SIDE, .scale = {255, 255, 255}},
                                      .init = init_path,
                                      .checkpoint_dir = dir_template,
                                      .epochs = 1,
                                      .batch = 4,
                                      .optimiser = {.kind = NN_SGD, .clip_norm = 1},
                                      .rate = 0.0005,
                                      .rate_drop = 0.5,
                                      .head_rate_factor = 1,
                                      .seed = 11,
                                      .threads = threads,
                                      .places = places,
                                      .augmentation = {.noise = 0.02}};
}

static enum nn_status train(struct nn_train_settings s, bool places, struct nn_error *err)
{
    struct nn_phantom_source from = phantoms(NN_PHANTOM_TRAINING);
    struct nn_phantom_source other = phantoms(NN_PHANTOM_VALIDATION);
    struct nn_source training = nn_phantom_source(&from), validation = nn_phantom_source(&other);
    char path[PATH_MAX];

    fixture_path(path, dir_template, "one.safetensors");
    if (!places)
        training.places = NULL;
    struct nn_train_output output = {.weights = path};
    return nn_train(&s, &training, &validation, &output, err);
}

/* The digest of the weights of a training of `network`, which have `head` and not `other`. */
static void trained(const char *network, const char *head, const char *other, double places,
                    int threads, char digest[65])
{
    struct nn_train_settings s = settings(places, threads);
    struct nn_weights *weights;
    struct nn_error err;
    char path[PATH_MAX];

    s.network = network;
    if (train(s, true, &err) != NN_OK)
        fail_msg("%s", err.text);
    fixture_path(path, dir_template, "one.safetensors");
    assert_int_equal(nn_weights_open(path, &weights, &err), NN_OK);
    assert_null(nn_weights_find(weights, other));
    assert_non_null(nn_weights_find(weights, head));
    snprintf(digest, 65, "%s", nn_weights_digest(weights));
    nn_weights_close(weights);
}

static void check_network(const char *network, const char *head, const char *other)
{
    char none[65], one[65], two[65], strong[65];

    trained(network, head, other, 0, 1, none);
    trained(network, head, other, 1, 1, one);
    trained(network, head, other, 1, 2, two);
    trained(network, head, other, 2, 1, strong);
    assert_string_equal(one, two);
    assert_string_not_equal(none, one);
    assert_string_not_equal(one, strong);
}

static void they_change_what_is_learned_alone(void **state)
{
    (void)state;
    check_network("googlenet", "loss3/classifier.weight", "places/classifier.weight");
}

/* Where the scores at places are the answer's they are part of the model. */
static void they_are_what_a_peak_is_of(void **state)
{
    (void)state;
    check_network("googlenet-peak", "places/classifier.weight", "loss3/classifier.weight");
}

static void refused(struct nn_train_settings s, bool places, enum nn_status status,
                    const char *words)
{
    struct nn_error err = {0};

    assert_int_equal(train(s, places, &err), status);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" does not say %s", err.text, words);
}

static void what_cannot_be_meant_is_refused(void **state)
{
    struct nn_train_settings s = settings(1, 1);

    (void)state;
    refused(s, false, NN_INVALID, "phantoms do");
    s.auxiliary = true;
    refused(s, true, NN_INVALID, "not both");
    s = settings(1, 1);
    s.preprocess.region = NN_REGION_SPINE;
    refused(s, true, NN_INVALID, "whole image");
    s = settings(1, 1);
    s.augmentation.shift = 0.1;
    refused(s, true, NN_INVALID, "moves");
    s = settings(-1, 1);
    refused(s, true, NN_INVALID, "places -1");
    s = settings(1, 1);
    s.network = "alexnet";
    refused(s, true, NN_UNSUPPORTED, "no scores at places");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_in_the_box),
        cmocka_unit_test(a_small_injury_has_a_place),
        cmocka_unit_test(a_twin_is_uninjured_everywhere),
        cmocka_unit_test(they_change_what_is_learned_alone),
        cmocka_unit_test(they_are_what_a_peak_is_of),
        cmocka_unit_test(what_cannot_be_meant_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
