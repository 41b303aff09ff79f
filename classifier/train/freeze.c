/* freeze.c: words on the command line become frozen layers ("Classification of Cervical Spine
 * Fracture using Deep Learning", B.Tech. report, 2024, freezes the pre-trained ones). */
#include "train_internal.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define MAX_PATTERN 128

static bool has_parameters(const struct nn_graph *graph, int layer)
{
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        if (nn_graph_parameter(graph, i)->layer == layer)
            return true;
    }
    return false;
}

bool nn_is_head(const struct nn_graph *graph, const char *const *heads, int layer)
{
    for (; heads && *heads; heads++) {
        if (nn_graph_find(graph, *heads) == layer)
            return true;
    }
    return false;
}

/* As many layers' names as fit, the first and the last among them. */
static enum nn_status fail_unknown(const struct nn_graph *graph, const char *pattern,
                                   struct nn_error *err)
{
    char names[160] = "";
    const char *last = "";
    size_t used = 0;

    for (int i = 0; i < nn_graph_count(graph); i++) {
        const char *name = nn_graph_name(graph, i);
        if (!has_parameters(graph, i))
            continue;
        last = name;
        if (used + strlen(name) + 3 < sizeof names - 40)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s, ", name);
    }
    return nn_fail(err, NN_INVALID,
                   "freeze: no layer is called \"%.40s\" or begins so: %s... %.40s", pattern, names,
                   last);
}

static enum nn_status freeze_pattern(const struct nn_graph *graph, const char *pattern,
                                     bool *frozen, struct nn_error *err)
{
    bool glob = strpbrk(pattern, "*?[") != NULL, found = false;

    for (int i = 0; i < nn_graph_count(graph); i++) {
        const char *name = nn_graph_name(graph, i);
        bool named =
            glob ? fnmatch(pattern, name, 0) == 0 : strncmp(name, pattern, strlen(pattern)) == 0;
        if (!named || !has_parameters(graph, i))
            continue;
        frozen[i] = true;
        found = true;
    }
    return found ? NN_OK : fail_unknown(graph, pattern, err);
}

static bool something_learns(const struct nn_graph *graph, const bool *frozen)
{
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        const struct nn_parameter *p = nn_graph_parameter(graph, i);
        if (!p->statistic && !frozen[p->layer])
            return true;
    }
    return false;
}

enum nn_status nn_freeze(const struct nn_graph *graph, const char *const *heads,
                         const char *patterns, bool *frozen, struct nn_error *err)
{
    memset(frozen, 0, (size_t)nn_graph_count(graph) * sizeof *frozen);
    if (!patterns || strcmp(patterns, "none") == 0)
        return NN_OK;
    if (strcmp(patterns, "all") == 0) {
        for (int i = 0; i < nn_graph_count(graph); i++)
            frozen[i] = has_parameters(graph, i) && !nn_is_head(graph, heads, i);
    } else {
        for (const char *at = patterns;; at++) {
            char pattern[MAX_PATTERN];
            size_t length = strcspn(at, ",");
            if (length == 0 || length >= sizeof pattern)
                return nn_fail(err, NN_INVALID, "freeze: \"%.60s\": all, none or names of layers",
                               patterns);
            memcpy(pattern, at, length);
            pattern[length] = '\0';
            enum nn_status status = freeze_pattern(graph, pattern, frozen, err);
            if (status != NN_OK)
                return status;
            at += length;
            if (*at == '\0')
                break;
        }
    }
    if (!something_learns(graph, frozen))
        return nn_fail(err, NN_INVALID, "freeze: \"%.60s\" leaves no layer that learns", patterns);
    return NN_OK;
}
