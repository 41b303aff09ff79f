/* The trainer: the same bits on any number of threads and with an interruption; its parts. */
#include "nn_fixture.h"
#include "nn_phantom_source.h"
#include "train/train_internal.h"

#define SIDE 64

/* Two easy classes: a bright spot above or below. */
static int spot_label(void *context, size_t index, uint64_t epoch)
{
    (void)context;
    (void)epoch;
    return (int)(index % 2);
}

static enum nn_status spot_load(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                                struct nn_error *err)
{
    uint64_t state = index * 977 + epoch;
    size_t fail_at = context ? *(size_t *)context : SIZE_MAX;

    if (index == fail_at)
        return nn_fail(err, NN_IO, "sample %zu cannot be read", index);
    *plane = (struct nn_plane){SIDE, SIDE, calloc(SIDE * SIDE, sizeof(float))};
    if (!plane->pixels)
        return nn_fail(err, NN_NO_MEMORY, "no memory");
    for (int i = 0; i < SIDE * SIDE; i++)
        plane->pixels[i] = 0.3f + 0.1f * fixture_random(&state);
    int top = index % 2 ? 40 : 8;
    for (int y = top; y < top + 16; y++) {
        for (int x = 20; x < 44; x++)
            plane->pixels[y * SIDE + x] = 0.9f;
    }
    return NN_OK;
}

static char dir_template[32], init_path[PATH_MAX];

static int make_folder(void **state)
{
    (void)state;
    fixture_path(init_path, fixture_dir(dir_template), "init.safetensors");
    fixture_weights(init_path, 7, SIDE); /* another head: it has to be replaced */
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    fixture_remove(dir_template);
    return 0;
}

static struct nn_train_settings settings(int threads)
{
    return (struct nn_train_settings){
        .network = "googlenet",
        .classes = 2,
        .preprocess = {.side = SIDE, .scale = {255, 255, 255}, .mean = {104, 117, 123}},
        .init = init_path,
        .checkpoint_dir = dir_template,
        .epochs = 2,
        .batch = 4,
        .optimiser = {.kind = NN_SGD, .momentum = 0.9, .weight_decay = 0.0002, .clip_norm = 1},
        .rate = 0.0005,
        .rate_drop_epochs = 1,
        .rate_drop = 0.5,
        .head_rate_factor = 2,
        .seed = 11,
        .threads = threads,
        .augmentation = nn_augmentation_default(),
        .checkpoint_steps = 1,
    };
}

struct stop {
    int epoch;
    long step;
};

static bool stop_at(void *context, const struct nn_train_progress *p)
{
    const struct stop *stop = context;
    return !(p->epoch == stop->epoch && p->step == stop->step);
}

static void digest_of(const char *name, char digest[65])
{
    struct nn_weights *weights;
    struct nn_error err;
    char path[PATH_MAX];

    fixture_path(path, dir_template, name);
    assert_int_equal(nn_weights_open(path, &weights, &err), NN_OK);
    snprintf(digest, 65, "%s", nn_weights_digest(weights));
    nn_weights_close(weights);
}

static enum nn_status train(struct nn_train_settings s, const char *out, struct stop *stop,
                            struct nn_error *err)
{
    struct nn_source training = {NULL, 10, 0, spot_label, spot_load, NULL};
    struct nn_source validation = {NULL, 4, 0, spot_label, spot_load, NULL};
    char path[PATH_MAX], history[PATH_MAX];

    fixture_path(path, dir_template, out);
    fixture_path(history, dir_template, "history.csv");
    struct nn_train_output output = {.weights = path,
                                     .history_csv = history,
                                     .report = stop ? stop_at : NULL,
                                     .report_context = stop};
    return nn_train(&s, &training, &validation, &output, err);
}

static void threads_and_interruptions_change_no_bit(void **state)
{
    static struct stop stops[] = {{1, 1}, {1, 3}, {2, 2}};
    char one[65], other[65];
    struct nn_error err;

    (void)state;
    if (train(settings(1), "one.safetensors", NULL, &err) != NN_OK)
        fail_msg("%s", err.text);
    digest_of("one.safetensors", one);
    assert_int_equal(train(settings(2), "two.safetensors", NULL, &err), NN_OK);
    digest_of("two.safetensors", other);
    assert_string_equal(one, other);
    assert_int_equal(train(settings(3), "two.safetensors", NULL, &err), NN_OK);
    digest_of("two.safetensors", other);
    assert_string_equal(one, other);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct nn_train_settings s = settings(2);
        assert_int_equal(train(s, "two.safetensors", &stops[i], &err), NN_STOPPED);
        s.resume = true;
        s.threads = 1;
        assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_OK);
        digest_of("two.safetensors", other);
        assert_string_equal(one, other);
    }
}

static void history_has_a_line_an_epoch(void **state)
{
    char path[PATH_MAX], line[200];
    int lines = 0;

    (void)state;
    fixture_path(path, dir_template, "history.csv");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (lines == 0)
            assert_string_equal(line, "epoch,rate,train_loss,train_accuracy,validation_loss,"
                                      "validation_accuracy,seconds\n");
        if (lines == 1)
            assert_memory_equal(line, "1,0.0005,", 9);
        if (lines == 2)
            assert_memory_equal(line, "2,0.00025,", 10);
        lines++;
    }
    fclose(file);
    assert_int_equal(lines, 3);
}

static void a_checkpoint_of_other_settings_is_refused(void **state)
{
    struct nn_train_settings s = settings(1);
    struct nn_error err;

    (void)state;
    s.resume = true;
    s.seed = 12;
    assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_INVALID);
    assert_non_null(strstr(err.text, "other settings: seed is 11 there, 12 here"));
}

/* Szegedy et al. 2015, section 5: learned with, written without. */
static void auxiliary_heads_are_for_training_alone(void **state)
{
    struct nn_train_settings s = settings(2);
    struct nn_weights *weights;
    struct nn_graph *graph;
    struct nn_error err;
    char path[PATH_MAX], with[65], without[65];

    (void)state;
    s.preprocess.side = 80;
    s.epochs = 1;
    s.auxiliary = true;
    s.init = NULL;
    s.network = "stacked";
    assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_UNSUPPORTED); /* has none */
    s.network = "googlenet";
    if (train(s, "two.safetensors", NULL, &err) != NN_OK)
        fail_msg("%s", err.text);
    digest_of("two.safetensors", with);
    fixture_path(path, dir_template, "two.safetensors");
    assert_int_equal(nn_weights_open(path, &weights, &err), NN_OK);
    graph = nn_googlenet(2, 80, &err);
    assert_int_equal(nn_weights_count(weights), nn_graph_parameter_count(graph));
    nn_graph_destroy(graph);
    nn_weights_close(weights);
    s.auxiliary = false;
    assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_OK);
    digest_of("two.safetensors", without);
    assert_string_not_equal(with, without);
}

static void settings_are_checked(void **state)
{
    struct nn_train_settings s = settings(1);
    struct nn_error err;

    (void)state;
    s.network = "vgg";
    assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_UNSUPPORTED);
    s = settings(0);
    assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_INVALID);
    s = settings(1);
    s.rate = NAN;
    assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_INVALID);
    s = settings(1);
    s.classes = 1;
    assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_INVALID);
    s = settings(1);
    s.init = "/nonexistent.safetensors";
    assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_MISSING);
    s = settings(1);
    s.checkpoint_dir = "/nonexistent";
    assert_int_equal(train(s, "two.safetensors", NULL, &err), NN_IO);
}

static void a_sample_that_fails_stops_the_training(void **state)
{
    size_t fail_at = 7;
    struct nn_source training = {&fail_at, 10, 0, spot_label, spot_load, NULL};
    struct nn_source validation = {NULL, 4, 0, spot_label, spot_load, NULL};
    struct nn_train_settings s = settings(1);
    struct nn_error err;
    char path[PATH_MAX];

    (void)state;
    fixture_path(path, dir_template, "two.safetensors");
    struct nn_train_output output = {.weights = path};
    assert_int_equal(nn_train(&s, &training, &validation, &output, &err), NN_IO);
    assert_string_equal(err.text, "sample 7 cannot be read");
}

static void augmenting_is_a_function_of_its_keys(void **state)
{
    const struct nn_augmentation how = nn_augmentation_default();
    struct nn_plane a = {0}, b = {0}, c = {0};
    struct nn_error err;

    (void)state;
    assert_int_equal(spot_load(NULL, 1, 0, &a, &err), NN_OK);
    assert_int_equal(spot_load(NULL, 1, 0, &b, &err), NN_OK);
    assert_int_equal(spot_load(NULL, 1, 0, &c, &err), NN_OK);
    assert_int_equal(nn_augment(&a, &how, nn_random_of(1, 2, 3, 4), &err), NN_OK);
    assert_int_equal(nn_augment(&b, &how, nn_random_of(1, 2, 3, 4), &err), NN_OK);
    assert_int_equal(nn_augment(&c, &how, nn_random_of(1, 2, 4, 4), &err), NN_OK);
    assert_memory_equal(a.pixels, b.pixels, SIDE * SIDE * sizeof(float));
    assert_true(memcmp(a.pixels, c.pixels, SIDE * SIDE * sizeof(float)) != 0);
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_true(a.pixels[i] >= 0 && a.pixels[i] <= 1);
    nn_plane_finish(&a);
    nn_plane_finish(&b);
    nn_plane_finish(&c);
}

/* Every sample once an epoch, neighbours of a group side by side, another order every epoch. */
static void batches_cover_an_epoch(void **state)
{
    struct nn_source source = {NULL, 11, 2, spot_label, spot_load, NULL};
    struct nn_preprocess p = {.side = SIDE, .scale = {255, 255, 255}};
    struct nn_loader loader;
    struct nn_error err;
    size_t order[2][11];

    (void)state;
    assert_int_equal(nn_loader_init(&loader, &source, &p, 4, &err), NN_OK);
    loader.shuffle = true;
    loader.seed = 3;
    assert_int_equal(loader.steps, 3);
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        int seen[11] = {0}, slot, total = 0;
        for (size_t step = 0; step < 3; step++) {
            assert_int_equal(nn_loader_start(&loader, epoch, step, &err), NN_OK);
            assert_int_equal(nn_loader_wait(&loader, &slot, &err), NN_OK);
            total += loader.size[slot];
        }
        assert_int_equal(total, 11);
        for (size_t i = 0; i < 11; i++) {
            order[epoch][i] = loader.order[i];
            seen[loader.order[i]]++;
        }
        for (size_t i = 0; i < 11; i++)
            assert_int_equal(seen[i], 1);
        for (size_t i = 0; i < 10; i += 2)
            assert_int_equal(order[epoch][i] + 1, order[epoch][i + 1]);
    }
    assert_true(memcmp(order[0], order[1], sizeof order[0]) != 0);
    nn_loader_finish(&loader);
}

static enum nn_status large_load(void *context, size_t index, uint64_t epoch,
                                 struct nn_plane *plane, struct nn_error *err)
{
    (void)context;
    (void)epoch;
    (void)err;
    *plane = (struct nn_plane){1100, 900, malloc(1100 * 900 * sizeof(float))};
    assert_non_null(plane->pixels);
    for (int i = 0; i < 1100 * 900; i++)
        plane->pixels[i] =
            0.5f + 0.4f * sinf((float)(i % 900) / 60) * cosf((float)(i / 900) / 80 + (float)index);
    return NN_OK;
}

/* A detector's millions of pixels are averaged down before they are augmented: nearly the same
 * input. */
static void large_planes_are_reduced(void **state)
{
    struct nn_source source = {NULL, 2, 0, spot_label, large_load, NULL};
    struct nn_preprocess p = {.side = SIDE, .scale = {1, 1, 1}};
    struct nn_loader loader;
    struct nn_error err;
    float *whole = calloc(2 * 3 * SIDE * SIDE, sizeof *whole);
    int slot;

    (void)state;
    assert_non_null(whole);
    assert_int_equal(nn_loader_init(&loader, &source, &p, 2, &err), NN_OK);
    for (int augmented = 0; augmented < 2; augmented++) {
        if (augmented) /* next to nothing */
            loader.augmentation = (struct nn_augmentation){.brightness = 1e-6};
        assert_int_equal(nn_loader_start(&loader, 0, 0, &err), NN_OK);
        assert_int_equal(nn_loader_wait(&loader, &slot, &err), NN_OK);
        if (!augmented)
            memcpy(whole, loader.input[slot], 2 * 3 * SIDE * SIDE * sizeof *whole);
    }
    assert_true(memcmp(whole, loader.input[slot], 2 * 3 * SIDE * SIDE * sizeof *whole) != 0);
    for (int i = 0; i < 2 * 3 * SIDE * SIDE; i++)
        assert_float_equal(whole[i], loader.input[slot][i], 0.004f);
    nn_loader_finish(&loader);
    free(whole);
}

static void operating_points_and_measures_by_hand(void **state)
{
    /* class 0 is the finding; truth 0 0 1 1 1 1 */
    const float scores[12] = {0.9f, 0.1f, 0.4f, 0.6f, 0.5f, 0.5f,
                              0.3f, 0.7f, 0.2f, 0.8f, 0.1f, 0.9f};
    const int truth[6] = {0, 0, 1, 1, 1, 1};
    struct nn_model_info info = {.classes = 2,
                                 .class_ = {{"finding", true, 0.45}, {"none", false, 0}}};
    struct nn_error err;

    (void)state;
    double all = nn_operating_point(scores, truth, 6, 2, 0, 1, 1.0, 0.0);
    assert_true(all > 0.5 && all < 0.5000001);
    double most = nn_operating_point(scores, truth, 6, 2, 0, 1, 0.75, 0.0);
    assert_true(most > (double)0.3f && most < 0.31);
    assert_true(nn_operating_point(scores, truth, 6, 2, 0, 1, 0.75, 0.6) == 0.6);
    assert_true(nn_operating_point(scores, truth, 0, 2, 0, 1, 0.95, 0.2) == 0.2);
    const double floors[5] = {[2] = 0.3, [3] = 0.2, [4] = 0.15};
    for (int classes = 2; classes <= 4; classes++)
        assert_true(fabs(nn_operating_point_usual(scores, truth, 0, classes, 0, 1) -
                         floors[classes]) < 1e-15);
    assert_true(nn_operating_point_usual(scores, truth, 6, 2, 0, 1) == all);

    assert_int_equal(nn_measures_fill(&info, scores, truth, 6, &err), NN_OK);
    assert_int_equal(info.measures.confusion[0], 1); /* 0.9 is told, 0.4 is not */
    assert_int_equal(info.measures.confusion[1], 1);
    assert_true(info.measures.finding[0].sensitivity == 0.5);
    assert_true(info.measures.finding[0].specificity == 0.75);
    assert_true(info.measures.finding[0].auc == 7.0 / 8);
    const int beyond[6] = {0, 0, 1, 1, 1, 2};
    assert_int_equal(nn_measures_fill(&info, scores, beyond, 6, &err), NN_BAD_DATA);
}

static void phantom_parts_never_meet(void **state)
{
    struct nn_phantom_source from = {
        .settings = {.seed = 4, .rows = 96, .cols = 96, .prevalence = {1.0 / 3, 1.0 / 3, 1.0 / 3}},
        .part = NN_PHANTOM_TRAINING,
        .count = 6};
    struct nn_plane planes[3] = {{0}, {0}, {0}};
    struct nn_error err;

    (void)state;
    for (int part = 0; part < 3; part++) {
        from.part = (enum nn_phantom_part)part;
        struct nn_source source = nn_phantom_source(&from);
        assert_int_equal(source.count, 6);
        assert_int_equal(source.load(source.context, 0, 0, &planes[part], &err), NN_OK);
        for (size_t i = 0; part == 0 && i < 6; i++)
            assert_true((source.label(source.context, i, 2) == 2) == (i % 2 == 1));
    }
    assert_true(memcmp(planes[0].pixels, planes[1].pixels, 96 * 96 * sizeof(float)) != 0);
    assert_true(memcmp(planes[1].pixels, planes[2].pixels, 96 * 96 * sizeof(float)) != 0);
    for (int part = 0; part < 3; part++)
        nn_plane_finish(&planes[part]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_interruptions_change_no_bit),
        cmocka_unit_test(history_has_a_line_an_epoch),
        cmocka_unit_test(a_checkpoint_of_other_settings_is_refused),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(auxiliary_heads_are_for_training_alone),
        cmocka_unit_test(a_sample_that_fails_stops_the_training),
        cmocka_unit_test(augmenting_is_a_function_of_its_keys),
        cmocka_unit_test(batches_cover_an_epoch),
        cmocka_unit_test(large_planes_are_reduced),
        cmocka_unit_test(operating_points_and_measures_by_hand),
        cmocka_unit_test(phantom_parts_never_meet),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
