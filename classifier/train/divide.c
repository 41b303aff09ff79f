/* divide.c: groups by union-find, then each class's groups in hashed order to the neediest part. */
#include "mix_internal.h"
#include "nn_divide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CLASSES 1024
#define MAX_SHARES  1024 /* parts or folds */

const char *nn_part_name(enum nn_part part)
{
    static const char *const names[NN_PARTS] = {"training", "validation", "test"};

    return names[part];
}

static size_t root_of(size_t *parent, size_t item)
{
    while (parent[item] != item) {
        parent[item] = parent[parent[item]];
        item = parent[item];
    }
    return item;
}

/* The smaller number is the root, so a group's root is its first item. */
static void unite(size_t *parent, size_t a, size_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

struct named {
    const char *patient;
    size_t item;
};

static int by_patient(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->patient, y->patient);

    return order != 0 ? order : (x->item > y->item) - (x->item < y->item);
}

enum nn_status nn_divide_group(const struct nn_divide_item *items, size_t count,
                               const struct nn_divide_pair *pairs, size_t pair_count, size_t *group,
                               size_t *groups, struct nn_error *err)
{
    struct named *names = calloc(count ? count : 1, sizeof *names);
    size_t *parent = calloc(count ? count : 1, sizeof *parent);
    enum nn_status status = NN_OK;
    size_t known = 0;

    *groups = 0;
    if (!names || !parent) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu groups", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        parent[i] = i;
        if (items[i].patient[0] != '\0')
            names[known++] = (struct named){items[i].patient, i};
    }
    qsort(names, known, sizeof *names, by_patient);
    for (size_t i = 1; i < known; i++) {
        if (strcmp(names[i - 1].patient, names[i].patient) == 0)
            unite(parent, names[i - 1].item, names[i].item);
    }
    for (size_t i = 0; i < pair_count; i++) {
        if (pairs[i].a >= count || pairs[i].b >= count) {
            status = nn_fail(err, NN_INVALID, "pair %zu of %zu and %zu: there are %zu items", i,
                             pairs[i].a, pairs[i].b, count);
            goto out;
        }
        unite(parent, pairs[i].a, pairs[i].b);
    }
    for (size_t i = 0; i < count; i++) {
        size_t root = root_of(parent, i);
        group[i] = root == i ? (*groups)++ : group[root];
    }
out:
    free(parent);
    free(names);
    return status;
}

/* A group as the division sees it. */
struct share {
    uint64_t order;
    const char *key;
    size_t first, size; /* items */
    int label;
};

static int by_order(const void *a, const void *b)
{
    const struct share *x = a, *y = b;

    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (x->first > y->first) - (x->first < y->first);
}

static uint64_t fnv1a64(const char *key)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
    return hash;
}

/* Gives the shares of one class away; to (by first item) gets a number below `parts`. */
static void give(const struct share *shares, size_t count, const double *fraction, int parts,
                 int *to)
{
    size_t has[MAX_SHARES] = {0}, total = 0;

    for (size_t i = 0; i < count; i++)
        total += shares[i].size;
    for (size_t i = 0; i < count; i++) {
        int neediest = 0;
        double most = 0;
        for (int p = 0; p < parts; p++) {
            double lack = fraction[p] * (double)total - (double)has[p];
            if (p == 0 || lack > most) {
                most = lack;
                neediest = p;
            }
        }
        has[neediest] += shares[i].size;
        to[shares[i].first] = neediest;
    }
}

static size_t make_shares(const struct nn_divide_item *items, size_t count, const size_t *group,
                          uint64_t seed, struct share *shares)
{
    uint64_t salt = nn_mix64(seed);
    size_t made = 0;

    for (size_t i = 0; i < count; i++) {
        size_t g = group ? group[i] : i;
        if (g < made) {
            shares[g].size++;
            continue;
        }
        bool known = group && items[i].patient[0] != '\0';
        const char *key = known ? items[i].patient : items[i].name;
        shares[made++] = (struct share){.order = nn_mix64(fnv1a64(key) ^ salt),
                                        .key = key,
                                        .first = i,
                                        .size = 1,
                                        .label = items[i].label};
    }
    return made;
}

/* Every part that should hold something must hold every class. */
static enum nn_status check_parts(const struct nn_divide_item *items, size_t count,
                                  const struct nn_divide_rule *rule, const enum nn_part *part,
                                  struct nn_error *err)
{
    size_t has[NN_PARTS][MAX_CLASSES] = {0};

    for (size_t i = 0; i < count; i++)
        has[part[i]][items[i].label]++;
    for (int p = 0; p < NN_PARTS; p++) {
        if (rule->folds == 0 && !(rule->fraction[p] > 0))
            continue;
        for (int c = 0; c < rule->classes; c++) {
            if (has[p][c] > 0)
                continue;
            char number[16];
            snprintf(number, sizeof number, "%d", c);
            return nn_fail(err, NN_BAD_DATA,
                           "the %s part would have no image of class %.64s: bring images of more "
                           "patients of that class, or divide otherwise",
                           nn_part_name((enum nn_part)p),
                           rule->class_name ? rule->class_name[c] : number);
        }
    }
    return NN_OK;
}

static enum nn_status check_rule(const struct nn_divide_item *items, size_t count,
                                 const struct nn_divide_rule *rule, struct nn_error *err)
{
    double sum = 0;

    if (rule->classes < 1 || rule->classes > MAX_CLASSES)
        return nn_fail(err, NN_INVALID, "%d classes: 1 to %d are expected", rule->classes,
                       MAX_CLASSES);
    for (size_t i = 0; i < count; i++) {
        if (items[i].label < 0 || items[i].label >= rule->classes)
            return nn_fail(err, NN_INVALID, "item %zu has class %d of %d", i, items[i].label,
                           rule->classes);
    }
    if (rule->folds != 0) {
        if (rule->folds < 3 || rule->folds > MAX_SHARES)
            return nn_fail(err, NN_INVALID,
                           "%d folds: 3 to %d are expected (one tests, one validates, the others "
                           "train)",
                           rule->folds, MAX_SHARES);
        if (rule->fold < 0 || rule->fold >= rule->folds)
            return nn_fail(err, NN_INVALID, "fold %d: 0 to %d is expected", rule->fold,
                           rule->folds - 1);
        return NN_OK;
    }
    for (int p = 0; p < NN_PARTS; p++) {
        if (!(rule->fraction[p] >= 0 && rule->fraction[p] <= 1))
            return nn_fail(err, NN_INVALID, "the %s part is %g: 0 to 1 is expected",
                           nn_part_name((enum nn_part)p), rule->fraction[p]);
        sum += rule->fraction[p];
    }
    if (sum < 0.999999 || sum > 1.000001)
        return nn_fail(err, NN_INVALID, "the parts sum to %g: 1 is expected", sum);
    return NN_OK;
}

static enum nn_part part_of_fold(int fold, const struct nn_divide_rule *rule)
{
    if (fold == rule->fold)
        return NN_PART_TEST;
    return fold == (rule->fold + 1) % rule->folds ? NN_PART_VALIDATION : NN_PART_TRAINING;
}

enum nn_status nn_divide(const struct nn_divide_item *items, size_t count, const size_t *group,
                         const struct nn_divide_rule *rule, enum nn_part *part,
                         struct nn_error *err)
{
    double fraction[MAX_SHARES];
    int parts = rule->folds != 0 ? rule->folds : NN_PARTS;
    struct share *shares = NULL;
    int *to = NULL;
    enum nn_status status = check_rule(items, count, rule, err);

    if (status != NN_OK)
        return status;
    for (int p = 0; p < parts; p++)
        fraction[p] = rule->folds != 0 ? 1.0 / parts : rule->fraction[p];
    shares = calloc(count ? count : 1, sizeof *shares);
    to = calloc(count ? count : 1, sizeof *to);
    if (!shares || !to) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory to divide %zu images", count);
        goto out;
    }
    size_t made = make_shares(items, count, group, rule->seed, shares);
    qsort(shares, made, sizeof *shares, by_order);
    for (size_t begin = 0, end; begin < made; begin = end) {
        for (end = begin; end < made && shares[end].label == shares[begin].label;)
            end++;
        give(shares + begin, end - begin, fraction, parts, to);
    }
    /* The first items carry what was given; the others follow their group's. */
    for (size_t i = 0, seen = 0; i < count; i++) {
        bool first = !group || group[i] == seen;
        if (first)
            shares[seen].first = i;
        int given = to[shares[group ? group[i] : seen].first];
        seen += first;
        part[i] = rule->folds != 0 ? part_of_fold(given, rule) : (enum nn_part)given;
    }
    status = check_parts(items, count, rule, part, err);
out:
    free(to);
    free(shares);
    return status;
}

enum nn_status nn_divide_leaks(const size_t *group, const enum nn_part *part, size_t count,
                               size_t groups, size_t *pairs, struct nn_error *err)
{
    size_t(*has)[NN_PARTS] = calloc(groups ? groups : 1, sizeof *has);

    *pairs = 0;
    if (!has)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu groups", groups);
    for (size_t i = 0; i < count; i++) {
        for (int p = 0; p < NN_PARTS; p++) {
            if (p != (int)part[i])
                *pairs += has[group[i]][p];
        }
        has[group[i]][part[i]]++;
    }
    free(has);
    return NN_OK;
}
