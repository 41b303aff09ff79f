/* Divisions of labelled data: patients and copies stay on one side, what leaks is counted, what
 * cannot be divided is refused. */
#include "data_fixture.h"
#include "phantom/phantom.h"
#include "phantom_dicom.h"
#include "retouch.h"

enum { SIDE = 256, CLASSES = 3 };
static const char *const class_names[CLASSES] = {"dislocation", "fracture", "normal"};

static struct data_division by(enum data_split split, bool find)
{
    return (struct data_division){
        .split = split, .fraction = {0.70, 0.15, 0.15}, .seed = 1, .find_duplicates = find};
}

static void divided(struct data_set *set, enum data_split split, bool find)
{
    const struct data_division division = by(split, find);
    struct nn_error err;

    if (data_divide(set, &division, NULL, NULL, &err) != NN_OK)
        fail_msg("%s", err.text);
}

/* A box beyond its image is known when the image is. */
static void a_box_outside_its_image_is_refused(void **state)
{
    const struct data_division division = by(DATA_SPLIT_GIVEN, true);
    struct nn_plane plane;
    struct nn_error err;

    (void)state;
    write_text("box.csv", "file,class,part,x0,y0,x1,y1\nimg/00.png,a,test,1,1,5,3\n"
                          "img/01.png,b,test,1,1,4,3\n");
    struct data_set *set = opened("box.csv");
    assert_int_equal(data_read(set, 0, &plane, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "outside the image of 4 x 3"));
    assert_null(plane.pixels);
    assert_int_equal(data_read(set, 1, &plane, &err), NN_OK);
    nn_plane_finish(&plane);
    assert_int_equal(data_divide(set, &division, NULL, NULL, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "(line 2)"));
    data_close(set);
}

static void list_of(char *text, size_t size, const char *header, const char *format)
{
    snprintf(text, size, "%s\n", header);
    for (int i = 0; i < 40; i++) {
        size_t at = strlen(text);
        snprintf(text + at, size - at, format, i, i % 2 ? "b" : "a", i / 4);
    }
}

/* Two classes a patient is fine; a division keeps patients whole and hands each image out once. */
static void parts_are_handed_out(void **state)
{
    char text[4096];
    size_t sum = 0;
    struct nn_error err;

    (void)state;
    list_of(text, sizeof text, "file,class,patient", "img/%02d.png,%s,p%d\n");
    write_text("list.csv", text);
    struct data_set *set = opened("list.csv");
    divided(set, DATA_SPLIT_GROUPED, true);
    assert_int_equal(set->groups, 10);
    assert_int_equal(set->leaking_pairs, 0);
    assert_int_equal(set->duplicate_pairs, 0);
    assert_int_equal(strlen(set->digest), 64);
    for (int p = 0; p < DATA_PARTS; p++) {
        struct data_view view;
        assert_int_equal(data_view_init(&view, set, (enum data_part)p, &err), NN_OK);
        struct nn_source source = data_source(&view);
        assert_int_equal(source.count % 4, 0);
        sum += source.count;
        for (size_t i = 0; i < source.count; i++) {
            struct nn_plane plane;
            assert_int_equal(source.load(source.context, i, 3, &plane, &err), NN_OK);
            int label = source.label(source.context, i, 3);
            assert_float_equal(plane.pixels[0], (float)(10 * label) / 255, 1e-6f);
            nn_plane_finish(&plane);
        }
        data_view_finish(&view);
    }
    assert_int_equal(sum, 40);
    data_close(set);
}

static void the_digest_knows_every_byte_and_label(void **state)
{
    char text[4096], first[65];

    (void)state;
    list_of(text, sizeof text, "file,class", "img/%02d.png,%s\n");
    write_text("list.csv", text);
    struct data_set *set = opened("list.csv");
    divided(set, DATA_SPLIT_RANDOM, false);
    snprintf(first, sizeof first, "%s", set->digest);
    write_small("img/39.png", 99);
    divided(set, DATA_SPLIT_RANDOM, false);
    assert_string_not_equal(set->digest, first);
    write_small("img/39.png", 10);
    divided(set, DATA_SPLIT_GROUPED, false);
    assert_string_equal(set->digest, first);
    data_close(set);
    text[strlen(text) - 2] = 'a';
    write_text("list.csv", text);
    set = opened("list.csv");
    divided(set, DATA_SPLIT_GROUPED, false);
    assert_string_not_equal(set->digest, first);
    data_close(set);
}

static void divisions_that_cannot_be_are_refused(void **state)
{
    struct data_division division = by(DATA_SPLIT_GIVEN, false);
    struct data_view view;
    struct nn_error err;

    (void)state;
    write_text("few.csv", "file,class\nimg/00.png,a\nimg/02.png,a\nimg/01.png,b\n");
    struct data_set *set = opened("few.csv");
    assert_int_equal(data_divide(set, &division, NULL, NULL, &err), NN_INVALID);
    assert_non_null(strstr(err.text, "no column part"));
    division.split = DATA_SPLIT_GROUPED;
    assert_int_equal(data_divide(set, &division, NULL, NULL, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "no image of class a: bring images of more patients"));
    assert_int_equal(data_view_init(&view, set, DATA_TEST, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "the test part is empty"));
    data_close(set);

    write_text("few.csv", "file,class,part\nimg/00.png,a,test\nimg/02.png,a,training\n"
                          "img/01.png,b,test\n");
    set = opened("few.csv");
    division.split = DATA_SPLIT_GIVEN;
    assert_int_equal(data_divide(set, &division, NULL, NULL, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "given training part has no image of class b"));
    set->items[1].part = DATA_TEST;
    divided(set, DATA_SPLIT_GIVEN, false);
    data_close(set);
}

/* A given division that cuts a patient is taken, and told. */
static void a_given_division_tells_its_leaks(void **state)
{
    (void)state;
    write_text("given.csv",
               "file,class,patient,part\nimg/00.png,a,1,training\nimg/02.png,a,1,test\n"
               "img/04.png,a,1,test\nimg/01.png,b,2,training\nimg/03.png,b,3,test\n");
    struct data_set *set = opened("given.csv");
    divided(set, DATA_SPLIT_GIVEN, false);
    assert_int_equal(set->leaking_pairs, 2);
    assert_int_equal(set->items[1].part, DATA_TEST);
    data_close(set);
}

static void a_file_that_is_cut_off_is_named(void **state)
{
    const struct data_division division = by(DATA_SPLIT_GROUPED, true);
    char text[4096], path[PATH_MAX];
    struct nn_error err;

    (void)state;
    list_of(text, sizeof text, "file,class", "img/%02d.png,%s\n");
    write_text("list.csv", text);
    fixture_path(path, dir, "img/20.png");
    assert_int_equal(truncate(path, 50), 0);
    struct data_set *set = opened("list.csv");
    assert_int_equal(data_divide(set, &division, NULL, NULL, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "img/20.png"));
    data_close(set);
    write_small("img/20.png", 0);
}

/* ---- copies ---- */

static void draw(int index, struct nn_plane *plane, struct nn_phantom_truth *truth)
{
    struct nn_phantom_settings settings = {.seed = 5, .rows = SIDE, .cols = SIDE};
    struct nn_error err;

    settings.prevalence[index % CLASSES] = 1;
    assert_int_equal(nn_phantom_draw(&settings, (uint64_t)index, plane, NULL, truth, &err), NN_OK);
}

static void planted_path(char path[PATH_MAX], int index, const char *how)
{
    snprintf(path, PATH_MAX, "%s/planted/c-spine_%s/%03d_%s.png", dir, class_names[index % CLASSES],
             index, how);
}

/* One phantom a retouch with its copy, and as many that have none: no patient is known. */
static void plant(void)
{
    char path[PATH_MAX];

    make_folder(path, "planted");
    for (int c = 0; c < CLASSES; c++) {
        char name[64];
        snprintf(name, sizeof name, "planted/c-spine_%s", class_names[c]);
        make_folder(path, name);
    }
    for (int i = 0; i < 2 * (int)retouch_count; i++) {
        struct nn_plane plane, copy;
        draw(i, &plane, NULL);
        planted_path(path, i, "original");
        retouch_write(path, &plane);
        if (i < (int)retouch_count) {
            retouches[i].make(&plane, &copy);
            planted_path(path, i, retouches[i].name);
            retouch_write(path, &copy);
            nn_plane_finish(&copy);
        }
        nn_plane_finish(&plane);
    }
}

/* Number of the phantom in the file's name: what the data themselves do not know. */
static int phantom_of(const struct data_item *item)
{
    return (int)strtol(strchr(item->name, '/') + 1, NULL, 10);
}

static size_t crossing(const struct data_set *set)
{
    size_t pairs = 0;

    for (size_t a = 0; a < set->count; a++) {
        for (size_t b = 0; b < a; b++)
            pairs += phantom_of(&set->items[a]) == phantom_of(&set->items[b]) &&
                     set->items[a].part != set->items[b].part;
    }
    return pairs;
}

static void no_planted_copy_crosses_a_grouped_division(void **state)
{
    (void)state;
    plant();
    struct data_set *set = opened("planted");
    assert_int_equal(set->count, 3 * retouch_count);
    divided(set, DATA_SPLIT_GROUPED, true);
    for (size_t i = 0; i < set->duplicate_pairs; i++) {
        const struct data_item *a = &set->items[set->copies[i].a];
        const struct data_item *b = &set->items[set->copies[i].b];
        if (phantom_of(a) != phantom_of(b))
            fail_msg("%s and %s are no copies", a->name, b->name);
    }
    assert_int_equal(set->duplicate_pairs, retouch_count);
    assert_int_equal(set->groups, 2 * retouch_count);
    assert_int_equal(set->leaking_pairs, 0);
    assert_int_equal(crossing(set), 0);

    divided(set, DATA_SPLIT_RANDOM, true);
    assert_int_equal(set->leaking_pairs, crossing(set));
    print_message("random division: %zu of %zu planted pairs leak\n", set->leaking_pairs,
                  retouch_count);
    assert_true(set->leaking_pairs > retouch_count / 5);
    data_close(set);
}

static size_t lines_of(const char *name, char first[256], char second[256])
{
    char path[PATH_MAX], line[256];
    size_t count = 0;

    fixture_path(path, dir, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (count < 2)
            snprintf(count ? second : first, 256, "%s", line);
        count++;
    }
    fclose(file);
    return count;
}

static void the_division_and_the_copies_are_written(void **state)
{
    char first[256], second[256], path[PATH_MAX];
    struct nn_error err;

    (void)state;
    make_folder(path, "out");
    struct data_set *set = opened("planted");
    divided(set, DATA_SPLIT_GROUPED, true);
    assert_int_equal(data_write_split(set, path, &err), NN_OK);
    assert_int_equal(lines_of("out/split.csv", first, second), 3 * retouch_count + 1);
    assert_string_equal(first, "file,class,patient,group,part,sha256,before\n");
    assert_int_equal(strncmp(second, "c-spine_dislocation/000_eight_bits.png,dislocation,,0,", 54),
                     0);
    assert_int_equal(strlen(set->items[0].digest), 64);
    assert_non_null(strstr(second, set->items[0].digest));
    assert_string_equal(strrchr(second, ','), ",\n");
    assert_int_equal(lines_of("out/duplicates.csv", first, second), retouch_count + 1);
    assert_string_equal(second, "c-spine_dislocation/000_eight_bits.png,"
                                "c-spine_dislocation/000_original.png,1.000,upright,,,dislocation,"
                                "dislocation\n");
    data_close(set);
    fixture_path(path, dir, "nowhere");
    set = opened("planted");
    assert_int_equal(data_write_split(set, path, &err), NN_IO);
    data_close(set);
}

/* ---- DICOM ---- */

static void dicom_tells_the_patient(void **state)
{
    char path[PATH_MAX];
    struct nn_phantom_truth truth[2];
    struct nn_plane plane, read;
    struct nn_error err;
    const struct phantom_header header = {.seed = 5};

    (void)state;
    assert_true(phantom_dicom_begin(&err));
    make_folder(path, "dicom");
    make_folder(path, "dicom/a");
    make_folder(path, "dicom/b");
    for (int i = 0; i < 2; i++) {
        draw(i, &plane, &truth[i]);
        fixture_path(path, dir, i ? "dicom/b/two" : "dicom/a/one.dcm");
        assert_true(phantom_dicom_write(path, &plane, &truth[i], &header, &err));
        if (i == 0)
            nn_plane_finish(&plane);
    }
    struct data_set *set = opened("dicom");
    assert_int_equal(set->count, 2);
    for (int i = 0; i < 2; i++) {
        const struct data_item *item = &set->items[i];
        assert_true(item->dicom);
        assert_int_not_equal(item->patient[0], '\0');
        assert_int_not_equal(item->study[0], '\0');
        assert_int_equal(item->sex[0], truth[i].sex);
        assert_int_equal(item->age, truth[i].age);
    }
    assert_string_not_equal(set->items[0].patient, set->items[1].patient);
    assert_int_equal(data_read(set, 1, &read, &err), NN_OK);
    assert_int_equal(read.rows, SIDE);
    assert_float_equal(read.pixels[SIDE * SIDE / 2 + 77], plane.pixels[SIDE * SIDE / 2 + 77],
                       0.02f);
    nn_plane_finish(&read);
    nn_plane_finish(&plane);
    data_close(set);

    write_text("dicom/a/one.dcm", "DICM it is not");
    refused_as("dicom", NN_BAD_DATA, "dicom/a/one.dcm: no PNG, JPEG or DICOM image");
}

int main(void)
{
    const struct CMUnitTest folders[] = {
        cmocka_unit_test(no_planted_copy_crosses_a_grouped_division),
        cmocka_unit_test(the_division_and_the_copies_are_written),
        cmocka_unit_test(dicom_tells_the_patient),
    };
    const struct CMUnitTest lists[] = {
        cmocka_unit_test(a_box_outside_its_image_is_refused),
        cmocka_unit_test(parts_are_handed_out),
        cmocka_unit_test(the_digest_knows_every_byte_and_label),
        cmocka_unit_test(divisions_that_cannot_be_are_refused),
        cmocka_unit_test(a_given_division_tells_its_leaks),
        cmocka_unit_test(a_file_that_is_cut_off_is_named),
    };
    int failed = cmocka_run_group_tests(folders, make_dir, remove_dir);
    return failed + cmocka_run_group_tests(lists, make_listed, remove_dir);
}
