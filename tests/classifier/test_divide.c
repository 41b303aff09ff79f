/* Divisions: groups stay whole, classes keep their shares, the seed decides, the rest is refused.
 */
#include "nn_divide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PATIENTS = 300, EACH = 2, COUNT = PATIENTS * EACH, CLASSES = 3 };

static char names[COUNT][24], patients[PATIENTS][16];
static struct nn_divide_item items[COUNT];
static size_t group[COUNT], groups;

/* Two images a patient, at some distance; classes 0, 1, 2 by patient. */
static int make_items(void **state)
{
    struct nn_error err;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "f%03d.png", i);
        snprintf(patients[i % PATIENTS], sizeof patients[0], "P%d", i % PATIENTS);
        items[i] =
            (struct nn_divide_item){i % PATIENTS % CLASSES, patients[i % PATIENTS], names[i]};
    }
    return nn_divide_group(items, COUNT, NULL, 0, group, &groups, &err) == NN_OK ? 0 : -1;
}

static struct nn_divide_rule rule(void)
{
    return (struct nn_divide_rule){.classes = CLASSES, .fraction = {0.70, 0.15, 0.15}, .seed = 1};
}

static void divide(const struct nn_divide_rule *by, const size_t *grouped, enum nn_part *part)
{
    struct nn_error err;

    if (nn_divide(items, COUNT, grouped, by, part, &err) != NN_OK)
        fail_msg("%s", err.text);
}

static void groups_are_patients_and_pairs(void **state)
{
    const struct nn_divide_item six[6] = {{0, "a", "1"}, {0, "", "2"}, {0, "b", "3"},
                                          {1, "a", "4"}, {0, "", "5"}, {0, "", "6"}};
    const struct nn_divide_pair pairs[2] = {{4, 1}, {4, 2}}, wrong = {1, 6};
    const size_t expected[6] = {0, 1, 1, 0, 1, 2}, alone[6] = {0, 1, 2, 0, 3, 4};
    size_t found[6], count;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_divide_group(six, 6, NULL, 0, found, &count, &err), NN_OK);
    assert_int_equal(count, 5);
    assert_memory_equal(found, alone, sizeof alone);
    assert_int_equal(nn_divide_group(six, 6, pairs, 2, found, &count, &err), NN_OK);
    assert_int_equal(count, 3);
    assert_memory_equal(found, expected, sizeof expected);
    assert_int_equal(nn_divide_group(six, 6, &wrong, 1, found, &count, &err), NN_INVALID);
}

static void no_group_is_cut_and_classes_keep_their_shares(void **state)
{
    struct nn_divide_rule by = rule();
    enum nn_part part[COUNT];
    size_t has[NN_PARTS][CLASSES] = {{0}}, leaks;
    struct nn_error err;

    (void)state;
    divide(&by, group, part);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(part[i], part[i % PATIENTS]);
        has[part[i]][items[i].label]++;
    }
    for (int c = 0; c < CLASSES; c++) {
        assert_int_equal(has[NN_PART_TRAINING][c], 140);
        assert_int_equal(has[NN_PART_VALIDATION][c], 30);
        assert_int_equal(has[NN_PART_TEST][c], 30);
    }
    assert_int_equal(nn_divide_leaks(group, part, COUNT, groups, &leaks, &err), NN_OK);
    assert_int_equal(leaks, 0);
}

/* Keys p0 .. p9 of one class, worked out apart from this code (Python: fnv1a64, splitmix64's
 * finaliser, the neediest part). */
static void the_order_is_the_documented_one(void **state)
{
    static const char *const key[10] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"};
    static const int expected[2][10] = {{1, 2, 0, 1, 0, 0, 0, 0, 0, 2},
                                        {0, 0, 0, 0, 0, 1, 2, 0, 1, 2}};
    struct nn_divide_item ten[10];
    size_t each[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    enum nn_part part[10];
    struct nn_error err;

    (void)state;
    for (int i = 0; i < 10; i++)
        ten[i] = (struct nn_divide_item){0, key[i], "x"};
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct nn_divide_rule by = {.classes = 1, .fraction = {0.6, 0.2, 0.2}, .seed = seed};
        assert_int_equal(nn_divide(ten, 10, each, &by, part, &err), NN_OK);
        for (int i = 0; i < 10; i++)
            assert_int_equal(part[i], expected[seed - 1][i]);
    }
}

/* Names decide, not the order of the list. */
static void a_shuffled_list_is_divided_alike(void **state)
{
    struct nn_divide_item turned[COUNT];
    size_t turned_group[COUNT], count;
    enum nn_part part[COUNT], other[COUNT];
    struct nn_divide_rule by = rule();
    struct nn_error err;

    (void)state;
    divide(&by, group, part);
    for (int i = 0; i < COUNT; i++)
        turned[i] = items[COUNT - 1 - i];
    assert_int_equal(nn_divide_group(turned, COUNT, NULL, 0, turned_group, &count, &err), NN_OK);
    assert_int_equal(nn_divide(turned, COUNT, turned_group, &by, other, &err), NN_OK);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(other[COUNT - 1 - i], part[i]);
    by.seed = 2;
    divide(&by, group, other);
    assert_memory_not_equal(other, part, sizeof part);
}

/* Every image is tested once, validated once, and patients stay whole. */
static void folds_cover_everything_once(void **state)
{
    int tested[COUNT] = {0}, validated[COUNT] = {0};

    (void)state;
    for (int fold = 0; fold < 5; fold++) {
        struct nn_divide_rule by = {.classes = CLASSES, .folds = 5, .fold = fold, .seed = 3};
        enum nn_part part[COUNT];
        size_t test[CLASSES] = {0};
        divide(&by, group, part);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(part[i], part[i % PATIENTS]);
            tested[i] += part[i] == NN_PART_TEST;
            validated[i] += part[i] == NN_PART_VALIDATION;
            test[items[i].label] += part[i] == NN_PART_TEST;
        }
        for (int c = 0; c < CLASSES; c++)
            assert_int_equal(test[c], 40);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(tested[i], 1);
        assert_int_equal(validated[i], 1);
    }
}

static void a_random_division_leaks(void **state)
{
    struct nn_divide_rule by = rule();
    enum nn_part part[COUNT];
    size_t leaks, expected = 0;
    struct nn_error err;

    (void)state;
    divide(&by, NULL, part);
    for (int i = 0; i < PATIENTS; i++)
        expected += part[i] != part[i + PATIENTS];
    assert_true(expected > PATIENTS / 4);
    assert_int_equal(nn_divide_leaks(group, part, COUNT, groups, &leaks, &err), NN_OK);
    assert_int_equal(leaks, expected);
}

/* Three of one group in three parts are three pairs. */
static void leaks_are_counted_by_pairs(void **state)
{
    const size_t one[5] = {0, 0, 1, 0, 0};
    const enum nn_part part[5] = {NN_PART_TEST, NN_PART_TRAINING, NN_PART_TRAINING,
                                  NN_PART_VALIDATION, NN_PART_TEST};
    struct nn_error err;
    size_t leaks;

    (void)state;
    assert_int_equal(nn_divide_leaks(one, part, 5, 2, &leaks, &err), NN_OK);
    assert_int_equal(leaks, 5);
}

static void refused(const struct nn_divide_rule *by, enum nn_status status, const char *words)
{
    enum nn_part part[COUNT];
    struct nn_error err;

    assert_int_equal(nn_divide(items, COUNT, group, by, part, &err), status);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" lacks \"%s\"", err.text, words);
}

static void rules_that_are_none_are_refused(void **state)
{
    static const char *const class_name[4] = {"a", "b", "c", "burst"};
    struct nn_divide_rule by = rule();

    (void)state;
    by.classes = 2;
    refused(&by, NN_INVALID, "class 2 of 2");
    by = rule();
    by.classes = 0;
    refused(&by, NN_INVALID, "0 classes");
    by = rule();
    by.fraction[0] = 0.5;
    refused(&by, NN_INVALID, "sum to 0.8");
    by.fraction[0] = -0.5;
    refused(&by, NN_INVALID, "training part is -0.5");
    by = rule();
    by.folds = 2;
    refused(&by, NN_INVALID, "2 folds");
    by.folds = 5;
    by.fold = 5;
    refused(&by, NN_INVALID, "fold 5");
    by = rule();
    by.classes = 4;
    refused(&by, NN_BAD_DATA, "the training part would have no image of class 3");
    by.class_name = class_name;
    refused(&by, NN_BAD_DATA, "no image of class burst: bring images of more patients");
}

/* A part that nobody asked for may stay empty. */
static void parts_of_nothing_stay_empty(void **state)
{
    struct nn_divide_rule by = {.classes = CLASSES, .fraction = {0.8, 0.2, 0}};
    enum nn_part part[COUNT];

    (void)state;
    divide(&by, group, part);
    for (int i = 0; i < COUNT; i++)
        assert_int_not_equal(part[i], NN_PART_TEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_patients_and_pairs),
        cmocka_unit_test(no_group_is_cut_and_classes_keep_their_shares),
        cmocka_unit_test(the_order_is_the_documented_one),
        cmocka_unit_test(a_shuffled_list_is_divided_alike),
        cmocka_unit_test(folds_cover_everything_once),
        cmocka_unit_test(a_random_division_leaks),
        cmocka_unit_test(leaks_are_counted_by_pairs),
        cmocka_unit_test(rules_that_are_none_are_refused),
        cmocka_unit_test(parts_of_nothing_stay_empty),
    };
    return cmocka_run_group_tests(tests, make_items, NULL);
}
