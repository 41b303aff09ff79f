/* What a training can be told beside the papers' protocol: Adam, frozen layers, class weights,
 * label smoothing, dropout, early stop, the best epoch; each with its effect and its ways to fail.
 */
#include "train_fixture.h"

static char dir[32], out_path[PATH_MAX], other_path[PATH_MAX], init_path[PATH_MAX],
    history_path[PATH_MAX];
static struct nn_graph *graph;

static int make_folder(void **state)
{
    (void)state;
    fixture_dir(dir);
    fixture_path(out_path, dir, "one.safetensors");
    fixture_path(other_path, dir, "two.safetensors");
    fixture_path(init_path, dir, "init.safetensors");
    fixture_path(history_path, dir, "history.csv");
    graph = tiny_graph();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    nn_graph_destroy(graph);
    fixture_remove(dir);
    return 0;
}

struct watch {
    int stop_epoch;
    long stop_step;
    double first_loss; /* after the first step */
    bool seen;
};

static bool watch(void *context, const struct nn_train_progress *p)
{
    struct watch *w = context;
    if (!w->seen)
        w->first_loss = p->loss;
    w->seen = true;
    assert_true(p->images_per_second >= 0 && p->eta_seconds >= 0);
    return !(p->epoch == w->stop_epoch && p->step == w->stop_step && !p->epoch_done);
}

struct made {
    struct nn_train_output output;
    struct watch watch;
    struct nn_error err;
};

static enum nn_status train(struct nn_train_settings s, struct spots *training,
                            struct spots *validation, const char *out, struct made *made)
{
    struct nn_source a = spots_source(training, 23), b = spots_source(validation, 8);
    made->output = (struct nn_train_output){.weights = out,
                                            .history_csv = history_path,
                                            .report = watch,
                                            .report_context = &made->watch};
    return nn_train(&s, &a, &b, &made->output, &made->err);
}

/* Trains to the end; the digest of what was written. */
static void digest_after(struct nn_train_settings s, char digest[65])
{
    struct made made = {0};
    if (train(s, NULL, NULL, out_path, &made) != NN_OK)
        fail_msg("%s", made.err.text);
    weights_digest(out_path, digest);
}

static double first_loss(struct nn_train_settings s, struct spots *spots)
{
    struct made made = {0};
    s.epochs = 1;
    if (train(s, spots, NULL, out_path, &made) != NN_OK)
        fail_msg("%s", made.err.text);
    return made.watch.first_loss;
}

/* history.csv without its last column, the seconds. */
static void read_history(char *text, size_t size)
{
    char line[256];
    size_t used = 0;
    FILE *file = fopen(history_path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        *strrchr(line, ',') = '\0';
        used += (size_t)snprintf(text + used, size - used, "%s\n", line);
    }
    fclose(file);
}

/* Adam, batch norm's running statistics, dropout, the best epoch, early stop: all of the state. */
static void threads_and_interruptions_change_no_bit(void **state)
{
    static const struct watch stops[] = {{1, 1, 0, 0}, {1, 5, 0, 0}, {2, 3, 0, 0}, {4, 4, 0, 0}};
    struct nn_train_settings s = tiny_settings(graph, dir);
    char one[65], other[65], history[2048], again[2048];

    (void)state;
    s.keep = NN_KEEP_BEST;
    s.patience = 3;
    s.average = 0.8;
    s.label_smoothing = 0.1;
    s.augmentation = nn_augmentation_default();
    s.optimiser.weight_decay = 0.001;
    digest_after(s, one);
    read_history(history, sizeof history);
    for (int threads = 2; threads <= 3; threads++) {
        s.threads = threads;
        digest_after(s, other);
        assert_string_equal(one, other);
    }
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct made made = {.watch = stops[i]};
        s.resume = false;
        assert_int_equal(train(s, NULL, NULL, out_path, &made), NN_STOPPED);
        s.resume = true;
        s.threads = 1 + (int)i % 3;
        digest_after(s, other);
        assert_string_equal(one, other);
        read_history(again, sizeof again);
        assert_string_equal(history, again);
    }
    digest_after(s, other); /* resumed when all is done: written again */
    assert_string_equal(one, other);
    s.epochs = 6; /* longer than first meant */
    digest_after(s, other);
    s.resume = false;
    digest_after(s, one);
    assert_string_equal(one, other);
}

/* Validation labels are the wrong way round: the more it learns, the worse; the first epoch wins.
 */
static void early_stop_keeps_the_best_epoch(void **state)
{
    struct nn_train_settings s = tiny_settings(graph, dir);
    struct spots inverted = {.inverted = true};
    struct made made = {0};
    char kept[65], first[65], last[65];

    (void)state;
    s.epochs = 9;
    s.rate = 0.01;
    s.patience = 2;
    s.keep = NN_KEEP_BEST;
    assert_int_equal(train(s, NULL, &inverted, out_path, &made), NN_OK);
    assert_int_equal(made.output.epochs, made.output.best_epoch + 2);
    assert_int_equal(made.output.kept_epoch, made.output.best_epoch);
    assert_true(made.output.epochs < 9);
    weights_digest(out_path, kept);
    int best = made.output.best_epoch, done = made.output.epochs;

    s.patience = 0;
    s.keep = NN_KEEP_LAST;
    s.epochs = best;
    assert_int_equal(train(s, NULL, &inverted, out_path, &made), NN_OK);
    weights_digest(out_path, first);
    assert_string_equal(kept, first);
    s.epochs = done;
    assert_int_equal(train(s, NULL, &inverted, out_path, &made), NN_OK);
    assert_int_equal(made.output.kept_epoch, done);
    weights_digest(out_path, last);
    assert_string_not_equal(kept, last);
}

static void frozen_layers_stay_and_others_move(void **state)
{
    static const struct {
        const char *freeze;
        bool first, second;
    } cases[] = {{"none", true, true},
                 {"first", false, true},
                 {"second,first/n*", true, false},
                 {"all", false, false}};
    struct nn_train_settings s = tiny_settings(graph, dir);
    struct made made = {0};
    struct nn_weights *before, *after;

    (void)state;
    assert_int_equal(train(s, NULL, NULL, init_path, &made), NN_OK);
    s.init = init_path;
    s.optimiser.weight_decay = 0.01;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s.freeze = cases[i].freeze;
        assert_int_equal(train(s, NULL, NULL, out_path, &made), NN_OK);
        assert_int_equal(nn_weights_open(init_path, &before, &made.err), NN_OK);
        assert_int_equal(nn_weights_open(out_path, &after, &made.err), NN_OK);
        for (size_t k = 0; k < nn_weights_count(before); k++) {
            const struct nn_tensor *a = nn_weights_at(before, k);
            const struct nn_tensor *b = nn_weights_find(after, a->name);
            bool moved = memcmp(a->data, b->data, a->elements * sizeof(float)) != 0;
            bool norm = strncmp(a->name, "first/norm", 10) == 0;
            bool expected = strncmp(a->name, "head", 4) == 0     ? true
                            : strncmp(a->name, "second", 6) == 0 ? cases[i].second
                            : norm ? cases[i].first && cases[i].second /* by name in case 2 */
                                   : cases[i].first;
            if (moved != expected)
                fail_msg("freeze %s: %s %s", cases[i].freeze, a->name, moved ? "moved" : "stayed");
        }
        nn_weights_close(before);
        nn_weights_close(after);
    }
}

static void what_freezing_refuses(void **state)
{
    static const char *const bad[] = {"third",         "first,third*",      "",
                                      "first,,second", "first,second,head", "drop"};
    struct nn_train_settings s = tiny_settings(graph, dir);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct made made = {0};
        s.freeze = bad[i];
        assert_int_equal(train(s, NULL, NULL, out_path, &made), NN_INVALID);
        if (i < 2) /* it says what there is */
            assert_true(strstr(made.err.text, "third") && strstr(made.err.text, "first/conv") &&
                        strstr(made.err.text, "head"));
    }
}

static void class_weights_weigh_the_loss(void **state)
{
    struct nn_train_settings s = tiny_settings(graph, dir);
    struct spots rare = {.lone_every = 4};
    char alike[65], same[65];

    (void)state;
    s.set_dropout = true;
    double plain = first_loss(s, NULL);
    digest_after(s, alike);
    s.class_weighting = NN_CLASSES_GIVEN;
    s.class_weight[0] = s.class_weight[1] = 1;
    digest_after(s, same);
    assert_string_equal(alike, same);
    s.class_weight[0] = s.class_weight[1] = 2;
    assert_true(fabs(first_loss(s, NULL) - 2 * plain) < 1e-6);

    /* 23 samples, 5 of class 1: balanced is 23 / 36 and 23 / 10 */
    s.class_weight[0] = 23.0f / 36;
    s.class_weight[1] = 2.3f;
    double given = first_loss(s, &rare);
    s.class_weighting = NN_CLASSES_BALANCED;
    assert_true(fabs(first_loss(s, &rare) - given) < 1e-6);
    s.class_weighting = NN_CLASSES_ALIKE;
    assert_true(fabs(first_loss(s, &rare) - given) > 1e-4);
}

/* The loss is linear in the smoothing. */
static void label_smoothing_smooths(void **state)
{
    struct nn_train_settings s = tiny_settings(graph, dir);
    double loss[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        s.label_smoothing = 0.2 * i;
        loss[i] = first_loss(s, NULL);
    }
    assert_true(fabs(loss[1] - loss[0]) > 1e-6);
    assert_true(fabs((loss[2] - loss[0]) - 2 * (loss[1] - loss[0])) < 1e-6);
}

static void dropout_is_set(void **state)
{
    struct nn_graph *own = tiny_graph();
    struct nn_train_settings s = tiny_settings(own, dir);
    char digest[3][65];

    (void)state;
    digest_after(s, digest[0]);
    s.set_dropout = true;
    s.dropout = (double)0.3f; /* the network's own */
    digest_after(s, digest[1]);
    assert_string_equal(digest[0], digest[1]);
    s.dropout = 0.6;
    digest_after(s, digest[2]);
    assert_string_not_equal(digest[0], digest[2]);
    nn_graph_destroy(own);
}

static void what_is_no_setting(void **state)
{
    struct nn_train_settings good = tiny_settings(graph, dir), bad[17];
    struct made made = {0};

    (void)state;
    for (int i = 0; i < 17; i++)
        bad[i] = good;
    bad[0].label_smoothing = 1;
    bad[1].label_smoothing = NAN;
    bad[2].set_dropout = true;
    bad[2].dropout = 1;
    bad[3].class_weighting = NN_CLASSES_GIVEN; /* zeros */
    bad[4].patience = -1;
    bad[5].optimiser.beta2 = 1;
    bad[6].augmentation.rotation = 90; /* lying patients are another anatomy */
    bad[7].augmentation.crop = 0.9;
    bad[8].augmentation.scale_low = 0.5; /* without its end */
    bad[9].augmentation.noise = NAN;
    bad[10].batch = 0;
    bad[11].rate = 0;
    bad[12].checkpoint_seconds = -1;
    bad[13].optimiser.kind = (enum nn_optimiser_kind)7;
    bad[14].average = 0.4;
    bad[15].average = 1;
    bad[16].average = NAN;
    for (int i = 0; i < 17; i++) {
        if (train(bad[i], NULL, NULL, out_path, &made) != NN_INVALID)
            fail_msg("setting %d was taken", i);
    }
    good.preprocess.side = 40;
    assert_int_equal(train(good, NULL, NULL, out_path, &made), NN_SHAPE);
    good = tiny_settings(graph, dir);
    good.classes = 3;
    assert_int_equal(train(good, NULL, NULL, out_path, &made), NN_SHAPE);
}

static void numbers_that_are_none_stop_the_training(void **state)
{
    struct nn_train_settings s = tiny_settings(graph, dir);
    struct spots planted = {.nan_at = 9};
    struct made made = {0};

    (void)state;
    assert_int_equal(train(s, &planted, NULL, out_path, &made), NN_BAD_DATA);
    assert_int_equal(train(s, NULL, &planted, out_path, &made), NN_OK); /* only 8 are there */
    planted.nan_at = 3;
    assert_int_equal(train(s, NULL, &planted, out_path, &made), NN_BAD_DATA);
    s.optimiser = (struct nn_optimiser_settings){.kind = NN_SGD, .momentum = 0.99};
    s.rate = 1e6;
    s.epochs = 50;
    assert_int_equal(train(s, NULL, NULL, out_path, &made), NN_BAD_DATA);
    assert_memory_equal(made.err.text, "epoch ", 6); /* says where */
}

/* 21 samples in fives leave one alone, for a batch norm of one value a channel. */
static void a_last_batch_of_one_is_refused_at_once(void **state)
{
    struct nn_source a = spots_source(NULL, 21), b = spots_source(NULL, 8);
    struct watch watched = {0};
    struct nn_train_output output = {
        .weights = out_path, .report = watch, .report_context = &watched};
    struct nn_graph *g = nn_graph_create();
    struct nn_error err;

    (void)state;
    int x = nn_graph_input(g, "data", (struct nn_shape){3, SPOT_SIDE, SPOT_SIDE});
    x = nn_graph_batch_norm(g, "norm", nn_graph_linear(g, "first", x, 4, false),
                            (struct nn_batch_norm){1e-5f, 0.1f});
    nn_graph_softmax(g, "prob", nn_graph_linear(g, "head", x, 2, false));
    assert_int_equal(nn_graph_finish(g, &err), NN_OK);
    struct nn_train_settings s = tiny_settings(g, dir);
    assert_int_equal(nn_train(&s, &a, &b, &output, &err), NN_INVALID);
    assert_memory_equal(err.text, "layer norm: ", 12);
    assert_false(watched.seen);
    a.count = 22;
    s.epochs = 1;
    assert_int_equal(nn_train(&s, &a, &b, &output, &err), NN_OK);
    nn_graph_destroy(g);
}

static int unknown_label(void *context, size_t index, uint64_t epoch)
{
    return index == 5 ? 2 : spots_label(context, index, epoch);
}

static void validation_knows_the_classes(void **state)
{
    struct nn_source a = spots_source(NULL, 23), b = spots_source(NULL, 8);
    struct nn_train_output output = {.weights = out_path};
    struct nn_error err;

    (void)state;
    b.label = unknown_label;
    struct nn_train_settings s = tiny_settings(graph, dir);
    assert_int_equal(nn_train(&s, &a, &b, &output, &err), NN_BAD_DATA);
    assert_string_equal(err.text, "validation: sample 5: class 2 of 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_interruptions_change_no_bit),
        cmocka_unit_test(early_stop_keeps_the_best_epoch),
        cmocka_unit_test(frozen_layers_stay_and_others_move),
        cmocka_unit_test(what_freezing_refuses),
        cmocka_unit_test(class_weights_weigh_the_loss),
        cmocka_unit_test(label_smoothing_smooths),
        cmocka_unit_test(dropout_is_set),
        cmocka_unit_test(what_is_no_setting),
        cmocka_unit_test(numbers_that_are_none_stop_the_training),
        cmocka_unit_test(validation_knows_the_classes),
        cmocka_unit_test(a_last_batch_of_one_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
