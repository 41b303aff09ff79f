/* Checkpoints: refused by the name of the setting that differs, damaged ones refused, written in
 * time, never half. */
#include "train_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[32], out_path[PATH_MAX], checkpoint[PATH_MAX];
static struct nn_graph *graph;
static long stop_step;

static int make_folder(void **state)
{
    (void)state;
    fixture_dir(dir);
    fixture_path(out_path, dir, "one.safetensors");
    fixture_path(checkpoint, dir, "checkpoint.safetensors");
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

static bool stop_in_epoch_2(void *context, const struct nn_train_progress *p)
{
    (void)context;
    return !(p->epoch == 2 && p->step == 2);
}

static enum nn_status train(struct nn_train_settings s, size_t samples,
                            bool (*report)(void *, const struct nn_train_progress *),
                            struct nn_error *err)
{
    struct nn_source a = spots_source(NULL, samples), b = spots_source(NULL, 8);
    struct nn_train_output output = {.weights = out_path, .report = report};
    return nn_train(&s, &a, &b, &output, err);
}

static void the_setting_that_differs_is_named(void **state)
{
    struct nn_train_settings good = tiny_settings(graph, dir), s[13];
    static const char *const names[13] = {
        "beta1",    "decay",     "freeze",  "class-weight0", "smoothing", "keep",   "patience",
        "rotation", "optimiser", "dropout", "normalise",     "data",      "average"};
    struct nn_error err;

    (void)state;
    good.data = "abc";
    assert_int_equal(train(good, 23, stop_in_epoch_2, &err), NN_STOPPED);
    good.resume = true;
    for (int i = 0; i < 13; i++)
        s[i] = good;
    s[0].optimiser.beta1 = 0.8;
    s[1].optimiser.weight_decay = 0.5;
    s[2].freeze = "first";
    s[3].class_weighting = NN_CLASSES_BALANCED;
    s[4].label_smoothing = 0.1;
    s[5].keep = NN_KEEP_BEST;
    s[6].patience = 3;
    s[7].augmentation.rotation = 3;
    s[8].optimiser = (struct nn_optimiser_settings){.kind = NN_SGD, .momentum = 0.9};
    s[9].set_dropout = true;
    s[9].dropout = (double)0.3f;
    s[10].preprocess.normalise = NN_NORMALISE_PERCENTILE;
    s[11].data = "abd";
    s[12].average = 0.9;
    for (int i = 0; i < 13; i++) {
        assert_int_equal(train(s[i], 23, NULL, &err), NN_INVALID);
        if (!strstr(err.text, "other settings: ") || !strstr(err.text, names[i]))
            fail_msg("%s is not named: %s", names[i], err.text);
    }
    struct nn_train_settings other = good; /* parameters of the same names and sizes */
    other.graph = tiny_graph_of(1e-3f);
    assert_int_equal(train(other, 23, NULL, &err), NN_INVALID);
    assert_non_null(strstr(err.text, "other settings: graph is "));
    nn_graph_destroy(other.graph);
    assert_int_equal(train(good, 24, NULL, &err), NN_INVALID);
    assert_non_null(strstr(err.text, "samples is 23 there, 24 here"));
    assert_int_equal(train(good, 23, NULL, &err), NN_OK);
}

static bool stop_at_step(void *context, const struct nn_train_progress *p)
{
    (void)context;
    return p->step != stop_step || p->epoch_done;
}

/* "second"'s weights in a file, its first `count`; `kind` as in a checkpoint. */
static void read_second(const char *path, const char *kind, float *to, size_t count)
{
    struct nn_weights *weights = NULL;
    char name[64];

    snprintf(name, sizeof name, "%ssecond.weight", kind);
    assert_int_equal(nn_weights_open(path, &weights, NULL), NN_OK);
    const struct nn_tensor *tensor = nn_weights_find(weights, name);
    assert_non_null(tensor);
    assert_true(tensor->elements >= count);
    memcpy(to, tensor->data, count * sizeof *to);
    nn_weights_close(weights);
}

#define SEEN 40

/* After each step the mean moves by max(1 - average, 9 / (n + 10)) of the way to the values, which
 * are those of a training without it; the file holds the mean. */
static void the_average_follows_the_values(void **state)
{
    struct nn_train_settings plain = tiny_settings(graph, dir), s = plain;
    float value[SEEN], mean[SEEN], told[SEEN];
    int apart = 0;

    (void)state;
    s.average = 0.5;
    s.epochs = plain.epochs = 1;
    plain.rate = 1e-12; /* as they begin */
    stop_step = 1;
    assert_int_equal(train(plain, 23, stop_at_step, NULL), NN_STOPPED);
    read_second(checkpoint, "value/", mean, SEEN);
    plain.rate = s.rate;
    for (stop_step = 1; stop_step <= 4; stop_step++) {
        double share = fmax(0.5, 9.0 / ((double)stop_step + 10));
        assert_int_equal(train(plain, 23, stop_at_step, NULL), NN_STOPPED);
        read_second(checkpoint, "value/", value, SEEN);
        assert_int_equal(train(s, 23, stop_at_step, NULL), NN_STOPPED);
        read_second(checkpoint, "value/", told, SEEN);
        assert_memory_equal(told, value, sizeof value);
        read_second(checkpoint, "average/", told, SEEN);
        for (int i = 0; i < SEEN; i++) {
            mean[i] += (float)share * (value[i] - mean[i]);
            assert_true(fabsf(mean[i] - told[i]) < 1e-6f);
            apart += fabsf(value[i] - told[i]) > 1e-4f;
        }
    }
    assert_true(apart > SEEN);
    assert_int_equal(train(s, 23, NULL, NULL), NN_OK);
    read_second(checkpoint, "average/", mean, SEEN);
    read_second(out_path, "", told, SEEN);
    assert_memory_equal(told, mean, sizeof mean);
    read_second(checkpoint, "value/", value, SEEN);
    assert_memory_not_equal(told, value, sizeof value);
}

static void a_damaged_checkpoint_is_refused(void **state)
{
    struct nn_train_settings s = tiny_settings(graph, dir);
    struct nn_error err;
    struct stat st;

    (void)state;
    assert_int_equal(train(s, 23, stop_in_epoch_2, &err), NN_STOPPED);
    assert_int_equal(stat(checkpoint, &st), 0);
    assert_int_equal(truncate(checkpoint, st.st_size - 64), 0);
    s.resume = true;
    assert_int_equal(train(s, 23, NULL, &err), NN_BAD_DATA);
    assert_int_equal(unlink(checkpoint), 0);
    assert_int_equal(train(s, 23, NULL, &err), NN_OK); /* none: from the start */
}

/* Waits longer than checkpoint_seconds at step 2; at step 4 there has to be one. */
static bool dawdle(void *context, const struct nn_train_progress *p)
{
    (void)context;
    if (p->epoch == 1 && p->step == 1)
        assert_int_equal(access(checkpoint, F_OK), -1);
    if (p->epoch == 1 && p->step == 2)
        usleep(1100000);
    if (p->epoch == 1 && p->step == 4)
        assert_int_equal(access(checkpoint, F_OK), 0);
    return true;
}

static void time_is_a_reason_to_write(void **state)
{
    struct nn_train_settings s = tiny_settings(graph, dir);
    struct nn_error err;

    (void)state;
    unlink(checkpoint);
    s.epochs = 1;
    s.checkpoint_seconds = 1;
    assert_int_equal(train(s, 23, dawdle, &err), NN_OK);
}

static bool start_a_second(void *context, const struct nn_train_progress *p)
{
    struct nn_error err;
    (void)context;
    (void)p;
    assert_int_equal(train(tiny_settings(graph, dir), 23, NULL, &err), NN_INVALID);
    assert_non_null(strstr(err.text, "another training"));
    return false;
}

static void one_training_a_folder(void **state)
{
    struct nn_error err;

    (void)state;
    assert_int_equal(train(tiny_settings(graph, dir), 23, start_a_second, &err), NN_STOPPED);
    assert_int_equal(train(tiny_settings(graph, dir), 23, NULL, &err), NN_OK);
}

/* A child that writes a checkpoint every step is killed at some moment; what it left behind is
 * whole, going on from there gives the bits of no interruption, and nothing half written stays. */
static void kill_loses_no_more_than_a_step(void **state)
{
    struct nn_train_settings s = tiny_settings(graph, dir);
    char whole[65], resumed[65];
    struct nn_error err;

    (void)state;
    s.epochs = 3;
    s.checkpoint_steps = 1;
    assert_int_equal(train(s, 23, NULL, &err), NN_OK);
    weights_digest(out_path, whole);
    for (int i = 0; i < 8; i++) {
        unlink(checkpoint);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(train(s, 23, NULL, &err) == NN_OK ? 0 : 1);
        usleep((useconds_t)(1000 + 9000 * i));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        s.resume = true;
        assert_int_equal(train(s, 23, NULL, &err), NN_OK);
        s.resume = false;
        weights_digest(out_path, resumed);
        assert_string_equal(whole, resumed);
    }
}

/* Of each file that a training writes; what a living process writes, and other files, stay. */
static void what_killed_writers_left_goes(void **state)
{
    static const char *const left[3] = {"checkpoint.safetensors", "history.csv", "one.safetensors"};
    struct nn_source a = spots_source(NULL, 23), b = spots_source(NULL, 8);
    struct nn_train_settings s = tiny_settings(graph, dir);
    char history[PATH_MAX], path[5][PATH_MAX];
    struct nn_error err;

    (void)state;
    fixture_path(history, dir, "history.csv");
    for (int i = 0; i < 3; i++) /* no process has such a number */
        snprintf(path[i], PATH_MAX, "%s/%s.999999999.tmp", dir, left[i]);
    snprintf(path[3], PATH_MAX, "%s/history.csv.%ld.tmp", dir, (long)getppid());
    snprintf(path[4], PATH_MAX, "%s/history.csv.999999999.tmp.kept", dir);
    for (int i = 0; i < 5; i++) {
        FILE *file = fopen(path[i], "we");
        assert_non_null(file);
        assert_int_equal(fclose(file), 0);
    }
    s.epochs = 1;
    struct nn_train_output output = {.weights = out_path, .history_csv = history};
    assert_int_equal(nn_train(&s, &a, &b, &output, &err), NN_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(unlink(path[i]) == 0, i >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_killed_writers_left_goes),
        cmocka_unit_test(the_setting_that_differs_is_named),
        cmocka_unit_test(the_average_follows_the_values),
        cmocka_unit_test(a_damaged_checkpoint_is_refused),
        cmocka_unit_test(time_is_a_reason_to_write),
        cmocka_unit_test(one_training_a_folder),
        cmocka_unit_test(kill_loses_no_more_than_a_step),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
