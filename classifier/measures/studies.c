/* studies.c: the primary endpoint, any injury per study. */
#include "measures_internal.h"

#include <stdlib.h>
#include <string.h>

#define NO_ROW UINT32_MAX

void nn_studies_finish(struct nn_studies *studies)
{
    free(studies->study);
    free(studies->patient);
    free(studies->images);
    free(studies->score);
    free(studies->positive);
    free(studies->called);
    memset(studies, 0, sizeof *studies);
}

static enum nn_status make_room(struct nn_studies *s, size_t count, struct nn_error *err)
{
    size_t room = count ? count : 1;

    s->study = calloc(room, sizeof *s->study);
    s->patient = calloc(room, sizeof *s->patient);
    s->images = calloc(room, sizeof *s->images);
    s->score = calloc(room, sizeof *s->score);
    s->positive = calloc(room, sizeof *s->positive);
    s->called = calloc(room, sizeof *s->called);
    if (!s->study || !s->patient || !s->images || !s->score || !s->positive || !s->called)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu studies", count);
    return NN_OK;
}

static void add_image(struct nn_studies *s, uint32_t row, const struct nn_cases *cases, size_t i)
{
    const float *scores = cases->scores + i * (size_t)cases->classes;
    double none = 0;

    for (int c = 0; c < cases->classes; c++) {
        none += cases->finding[c] ? 0 : (double)scores[c];
        if (cases->point && cases->finding[c] && (double)scores[c] >= cases->point[c])
            s->called[row] = true;
    }
    if (s->images[row]++ == 0 || 1 - none > s->score[row])
        s->score[row] = 1 - none;
    s->positive[row] = s->positive[row] || cases->finding[cases->truth[i]];
}

enum nn_status nn_studies_create(const struct nn_cases *cases, struct nn_studies *studies,
                                 struct nn_error *err)
{
    uint32_t *group = NULL, *row_of = NULL;
    size_t groups, count = cases->count;
    enum nn_status status;

    memset(studies, 0, sizeof *studies);
    if ((status = nn_measures_scores(cases->scores, cases->truth, count, cases->classes, err)) !=
        NN_OK)
        return status;
    group = calloc(count ? count : 1, sizeof *group);
    row_of = calloc(count ? count : 1, sizeof *row_of);
    if (!group || !row_of) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu images", count);
        goto out;
    }
    if ((status = nn_groups_number(cases->study, count, group, &groups, err)) != NN_OK ||
        (status = make_room(studies, groups, err)) != NN_OK)
        goto out;
    for (size_t g = 0; g < groups; g++)
        row_of[g] = NO_ROW;
    for (size_t i = 0; i < count; i++) {
        uint32_t patient = cases->patient ? cases->patient[i] : group[i];
        uint32_t row = row_of[group[i]];
        if (row == NO_ROW) {
            row = row_of[group[i]] = (uint32_t)studies->count++;
            studies->study[row] = cases->study ? cases->study[i] : (uint32_t)i;
            studies->patient[row] = patient;
        }
        if (studies->patient[row] != patient) {
            status = nn_fail(err, NN_BAD_DATA, "study %u belongs to patients %u and %u",
                             studies->study[row], studies->patient[row], patient);
            goto out;
        }
        add_image(studies, row, cases, i);
    }
out:
    if (status != NN_OK)
        nn_studies_finish(studies);
    free(group);
    free(row_of);
    return status;
}

struct nn_binary nn_studies_binary(const struct nn_studies *studies)
{
    return (struct nn_binary){.count = studies->count,
                              .score = studies->score,
                              .positive = studies->positive,
                              .called = studies->called,
                              .patient = studies->patient};
}
