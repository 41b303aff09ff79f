/* Labelled files: folders and lists, their division, and what is wrong with them. */
#include "nn_fixture.h"
#include "train_files.h"

#include <sys/stat.h>

#define PATIENTS 40

static char dir[32];

static void write_image(const char *path, uint8_t level)
{
    uint8_t pixels[4] = {level, level, level, level};
    struct nn_error err;

    assert_int_equal(nn_image_write_png(path, pixels, 2, 2, 1, &err), NN_OK);
}

static void write_list(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Two images a patient; the level tells the class. */
static int make_images(void **state)
{
    static const char *const classes[3] = {"c-spine_dislocation", "fracture", "c-spine_normal"};
    char path[PATH_MAX], list[PATH_MAX];

    (void)state;
    fixture_dir(dir);
    fixture_path(list, dir, "list.csv");
    FILE *file = fopen(list, "w");
    assert_non_null(file);
    fputs("file,level,class,patient\n", file);
    for (int c = 0; c < 3; c++) {
        snprintf(path, sizeof path, "%s/%s", dir, classes[c]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (int i = 0; i < 2 * PATIENTS; i++) {
        int c = i / 2 % 3;
        snprintf(path, sizeof path, "%s/%s/i%02d.png", dir, classes[c], i);
        write_image(path, (uint8_t)(51 * c));
        fprintf(file, "%s/i%02d.png,0,\"%s\",%d\r\n", classes[c], i, classes[c], i / 2);
    }
    assert_int_equal(fclose(file), 0);
    return 0;
}

static int remove_images(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static void check_parts(struct train_files *files)
{
    size_t sum = 0;
    struct nn_error err;

    for (int part = 0; part < 3; part++) {
        struct nn_source source = train_files_source(files, (enum train_part)part);
        assert_true(source.count > 0);
        sum += source.count;
        for (size_t i = 0; i < source.count; i++) {
            struct nn_plane plane;
            assert_int_equal(source.load(source.context, i, 3, &plane, &err), NN_OK);
            int label = source.label(source.context, i, 3);
            assert_float_equal(plane.pixels[0], (float)label * 0.2f, 1e-6f);
            nn_plane_finish(&plane);
        }
    }
    assert_int_equal(sum, 2 * PATIENTS);
    assert_true(train_files_source(files, TRAIN_PART_TRAINING).count > PATIENTS);
}

static void a_folder_is_divided(void **state)
{
    struct train_files *files;
    struct nn_error err;

    (void)state;
    if (train_files_open(dir, &files, &err) != NN_OK)
        fail_msg("%s", err.text);
    check_parts(files);
    train_files_close(files);
    train_files_close(NULL);
}

/* Both images of a patient go to the same part, so every part has an even number. */
static void a_list_keeps_patients_together(void **state)
{
    struct train_files *files;
    struct nn_error err;
    char path[PATH_MAX];

    (void)state;
    fixture_path(path, dir, "list.csv");
    if (train_files_open(path, &files, &err) != NN_OK)
        fail_msg("%s", err.text);
    check_parts(files);
    for (int part = 0; part < 3; part++)
        assert_int_equal(train_files_source(files, (enum train_part)part).count % 2, 0);
    train_files_close(files);
}

static void refused(const char *text, enum nn_status status, const char *where)
{
    struct train_files *files;
    struct nn_error err;
    char path[PATH_MAX];

    fixture_path(path, dir, "bad.csv");
    write_list(path, text);
    assert_int_equal(train_files_open(path, &files, &err), status);
    assert_null(files);
    if (!strstr(err.text, where))
        fail_msg("\"%s\" lacks \"%s\"", err.text, where);
}

static void what_is_wrong_is_named(void **state)
{
    struct train_files *files;
    struct nn_error err;

    (void)state;
    assert_int_equal(train_files_open("/nonexistent", &files, &err), NN_MISSING);
    refused("", NN_BAD_DATA, "too few images");
    refused("name,class\n", NN_BAD_DATA, "bad.csv:1:");
    refused("file,class\na.png,normal\nb.png,broken\n", NN_BAD_DATA, "bad.csv:3: class \"broken\"");
    refused("file,class\na.png\n", NN_BAD_DATA, "bad.csv:2:");
    refused("file,class\na.png,normal\n", NN_BAD_DATA, "too few images");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_divided),
        cmocka_unit_test(a_list_keeps_patients_together),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, make_images, remove_images);
}
