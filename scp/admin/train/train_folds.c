/* train_folds.c: k-fold cross-validation's table. */
#include "train_folds.h"
#include "whole_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const measure_name[3] = {"sensitivity", "specificity", "auc"};

void train_folds_add(struct train_folds *folds, int fold, const size_t images[DATA_PARTS],
                     const struct nn_model_info *info)
{
    long right = 0, all = 0;
    int at = folds->count++;

    folds->classes = info->classes;
    folds->row[at].fold = fold;
    memcpy(folds->row[at].images, images, sizeof folds->row[at].images);
    for (int t = 0; t < info->classes; t++) {
        for (int a = 0; a < info->classes; a++)
            all += info->measures.confusion[t * info->classes + a];
        right += info->measures.confusion[t * info->classes + t];
        folds->finding[t] = info->class_[t].finding;
        snprintf(folds->class_name[t], sizeof folds->class_name[t], "%s", info->class_[t].name);
        folds->row[at].finding[t][0] = info->measures.finding[t].sensitivity;
        folds->row[at].finding[t][1] = info->measures.finding[t].specificity;
        folds->row[at].finding[t][2] = info->measures.finding[t].auc;
    }
    folds->row[at].accuracy = all > 0 ? (double)right / (double)all : 0;
}

/* class -1: accuracy. */
static double value_at(const struct train_folds *folds, int row, int class_, int measure)
{
    return class_ < 0 ? folds->row[row].accuracy : folds->row[row].finding[class_][measure];
}

static void mean_of(const struct train_folds *folds, int class_, int measure, double *mean,
                    double *deviation)
{
    double sum = 0, squares = 0;

    for (int i = 0; i < folds->count; i++)
        sum += value_at(folds, i, class_, measure);
    *mean = sum / folds->count;
    for (int i = 0; i < folds->count; i++) {
        double d = value_at(folds, i, class_, measure) - *mean;
        squares += d * d;
    }
    *deviation = folds->count > 1 ? sqrt(squares / (folds->count - 1)) : 0;
}

static void print_table(FILE *file, const struct train_folds *folds)
{
    fputs("fold,training,validation,test,accuracy", file);
    for (int c = 0; c < folds->classes; c++) {
        for (int m = 0; folds->finding[c] && m < 3; m++)
            fprintf(file, ",%s_%s", folds->class_name[c], measure_name[m]);
    }
    for (int i = 0; i < folds->count + 2; i++) {
        bool row = i < folds->count, mean = i == folds->count;
        if (row)
            fprintf(file, "\n%d,%zu,%zu,%zu", folds->row[i].fold, folds->row[i].images[0],
                    folds->row[i].images[1], folds->row[i].images[2]);
        else
            fputs(mean ? "\nmean,,," : "\nsd,,,", file);
        for (int c = -1; c < folds->classes; c++) {
            for (int m = 0; (c < 0 || folds->finding[c]) && m < (c < 0 ? 1 : 3); m++) {
                double average, deviation;
                mean_of(folds, c, m, &average, &deviation);
                fprintf(file, ",%.6f", row ? value_at(folds, i, c, m) : mean ? average : deviation);
            }
        }
    }
    fputc('\n', file);
}

static void print_means(const struct train_folds *folds)
{
    double mean, deviation;

    mean_of(folds, -1, 0, &mean, &deviation);
    printf("%d folds: accuracy %.4f +- %.4f", folds->count, mean, deviation);
    for (int c = 0; c < folds->classes; c++) {
        for (int m = 0; folds->finding[c] && m < 3; m++) {
            mean_of(folds, c, m, &mean, &deviation);
            printf("; %s %s %.4f +- %.4f", folds->class_name[c], measure_name[m], mean, deviation);
        }
    }
    putchar('\n');
}

enum nn_status train_folds_write(const struct train_folds *folds, const char *out,
                                 struct nn_error *err)
{
    struct whole_file file;
    bool open = whole_file_open(&file, out, "folds.csv");

    if (open)
        print_table(file.out, folds);
    if (!open || !whole_file_close(&file, true))
        return nn_fail(err, NN_IO, "%s: %s", file.path, strerror(errno));
    print_means(folds);
    return NN_OK;
}
