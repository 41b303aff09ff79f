/* What is known of a model, as a file: JSON, since people read it, too. Floats are written with
 * digits enough to read back to the same bits. */
#include "selftest_case.h"

#include "json_time.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT     1
#define BYTES_MOST 65536

const char *const selftest_input_name[SELFTEST_INPUTS] = {"dislocation", "fracture", "normal",
                                                          "hand"};

/* ---- reading ---- */

static bool take_text(const json_t *object, const char *key, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(object, key));
    if (value == NULL || strlen(value) >= size)
        return false;
    memcpy(text, value, strlen(value) + 1);
    return true;
}

static bool take_digest(const json_t *object, const char *key, char digest[DX_DIGEST_MAX])
{
    return take_text(object, key, digest, DX_DIGEST_MAX) && strlen(digest) == DX_DIGEST_MAX - 1 &&
           strspn(digest, "0123456789abcdef") == DX_DIGEST_MAX - 1;
}

/* A probability. */
static bool take_number(const json_t *value, float *number)
{
    if (!json_is_number(value))
        return false;
    double real = json_number_value(value);
    *number = (float)real;
    return isfinite(real) && real >= 0 && real <= 1;
}

static bool take_input(const json_t *object, const char *name, int classes,
                       struct selftest_known *known, int i)
{
    const char *called = json_string_value(json_object_get(object, "input"));
    const json_t *scores = json_object_get(object, "scores");
    if (called == NULL || strcmp(called, name) != 0 ||
        !take_digest(object, "pixels", known->input[i].pixels) ||
        !take_digest(object, "grey", known->input[i].grey) ||
        !take_number(json_object_get(object, "gate"), &known->input[i].gate) ||
        json_array_size(scores) != (size_t)classes)
        return false;
    for (int k = 0; k < classes; k++)
        if (!take_number(json_array_get(scores, (size_t)k), &known->input[i].score[k]))
            return false;
    return true;
}

/* NULL, or what is wrong. */
static const char *take(const json_t *root, struct selftest_known *known)
{
    const json_t *inputs = json_object_get(root, "inputs");
    if (json_integer_value(json_object_get(root, "selftest")) != FORMAT)
        return "it is not a lock of this program's format (\"selftest\": 1)";
    if (!take_text(root, "kernels", known->kernels, sizeof known->kernels) ||
        !take_text(root, "build", known->build, sizeof known->build) ||
        !take_text(root, "locked", known->locked, sizeof known->locked) ||
        !take_text(root, "letters", known->letters, sizeof known->letters) ||
        !take_digest(root, "picture", known->picture))
        return "kernels, build, locked, letters or picture is missing or no text of its form";
    json_int_t classes = json_integer_value(json_object_get(root, "classes"));
    if (classes < 1 || classes > NN_MAX_CLASSES)
        return "\"classes\" is not their number";
    known->classes = (int)classes;
    if (json_array_size(inputs) != SELFTEST_INPUTS)
        return "it has another number of inputs";
    for (int i = 0; i < SELFTEST_INPUTS; i++)
        if (!take_input(json_array_get(inputs, (size_t)i), selftest_input_name[i], known->classes,
                        known, i))
            return "an input is not of its form";
    return NULL;
}

enum selftest_known_end selftest_known_parse(const char *text, size_t size, const char *digest,
                                             struct selftest_known *known, char *error,
                                             size_t error_size)
{
    json_error_t why;
    enum selftest_known_end end = SELFTEST_WRONG;
    *known = (struct selftest_known){.classes = 0};
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        (void)snprintf(error, error_size, "line %d: %.160s", why.line, why.text);
        return end;
    }
    const char *wrong = NULL;
    if (!take_digest(root, "model", known->model))
        wrong = "\"model\" is not a model's digest";
    else if (strcmp(known->model, digest) != 0)
        end = SELFTEST_UNKNOWN;
    else
        wrong = take(root, known);
    if (wrong != NULL)
        (void)snprintf(error, error_size, "%s", wrong);
    else if (end == SELFTEST_WRONG)
        end = SELFTEST_KNOWN;
    json_decref(root);
    return end;
}

static enum selftest_known_end load(const char *path, const char *digest,
                                    struct selftest_known *known, char *error, size_t error_size)
{
    static char text[BYTES_MOST + 1];
    char why[200] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL && (errno == ENOENT || errno == ENOTDIR))
        return SELFTEST_UNKNOWN;
    size_t size = file != NULL ? fread(text, 1, sizeof text, file) : 0;
    bool bad = file == NULL || ferror(file) != 0;
    if (bad)
        (void)snprintf(why, sizeof why, "%s", strerror(errno));
    else if (size > BYTES_MOST)
        (void)snprintf(why, sizeof why, "it has more than %d bytes", BYTES_MOST);
    if (file != NULL)
        (void)fclose(file);
    enum selftest_known_end end =
        why[0] ? SELFTEST_WRONG : selftest_known_parse(text, size, digest, known, why, sizeof why);
    if (end == SELFTEST_WRONG)
        (void)snprintf(error, error_size, "%.100s: %s", path, why);
    return end;
}

enum selftest_known_end selftest_known_load(const char *site, const char *folder,
                                            const char *digest, struct selftest_known *known,
                                            char *error, size_t error_size)
{
    char path[4096];
    enum selftest_known_end end = SELFTEST_UNKNOWN;
    if (site != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s.json", site, digest);
        end = load(path, digest, known, error, error_size);
    }
    if (end != SELFTEST_UNKNOWN)
        return end;
    (void)snprintf(path, sizeof path, "%s/" SELFTEST_FILE, folder);
    return load(path, digest, known, error, error_size);
}

/* ---- writing ---- */

static json_t *input_json(const struct selftest_known *known, int i)
{
    json_t *scores = json_array();
    for (int k = 0; k < known->classes; k++)
        (void)json_array_append_new(scores, json_real((double)known->input[i].score[k]));
    return json_pack("{s:s, s:s, s:s, s:f, s:o}", "input", selftest_input_name[i], "pixels",
                     known->input[i].pixels, "grey", known->input[i].grey, "gate",
                     (double)known->input[i].gate, "scores", scores);
}

char *selftest_known_print(const struct selftest_known *known)
{
    json_t *inputs = json_array();
    for (int i = 0; i < SELFTEST_INPUTS; i++)
        (void)json_array_append_new(inputs, input_json(known, i));
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:i, s:o, s:s, s:s}", "selftest", FORMAT, "model", known->model,
        "kernels", known->kernels, "build", known->build, "locked", known->locked, "classes",
        known->classes, "inputs", inputs, "picture", known->picture, "letters", known->letters);
    char *text =
        root ? json_text(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17))
             : NULL;
    json_decref(root);
    return text;
}
