/* Thousands of results drawn from a seed, in every language: what a report must never say, and what
 * it must always have. CERVIGATE_SEED names another seed, CERVIGATE_DRAWS another number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "srt_private.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { IMAGES = 5, SLICES = 4, STRINGS = 64 };

struct drawn {
    struct srt_result result;
    struct srt_image images[IMAGES];
    struct dx_reference slices[IMAGES][SLICES];
    char strings[STRINGS][64];
    size_t used;
    bool is_wild; /* some string has bytes that are no UTF-8 */
};

static uint64_t seed;

static unsigned draw(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static const char *format_of(struct drawn *drawn, const char *format, unsigned a, unsigned b)
    __attribute__((format(printf, 2, 0)));
static const char *format_of(struct drawn *drawn, const char *format, unsigned a, unsigned b)
{
    char *text = drawn->strings[drawn->used++];

    assert_true(drawn->used < STRINGS);
    snprintf(text, 64, format, a, b);
    return text;
}

/* Words, letters with marks, or bytes of no character set. */
static const char *draw_detail(struct drawn *drawn)
{
    char *text = drawn->strings[drawn->used++];
    static const char *const plain[] = {"", "frontal",
                                        "Gr\xc3\xb6\xc3\x9f"
                                        "e",
                                        "\xc3\xa9tude", "a{b}c"};

    assert_true(drawn->used < STRINGS);
    if (draw(3) > 0) {
        snprintf(text, 64, "%s", plain[draw(5)]);
        return text;
    }
    size_t length = draw(40);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)(1 + draw(255));
    text[length] = '\0';
    drawn->is_wild = true;
    return text;
}

static void draw_opinion(struct srt_opinion *opinion)
{
    static const double points[] = {0, 0.25, 0.5, 1};
    static const char *const names[] = {"fracture", "dislocation"};
    size_t first = draw(2);

    opinion->classes = 2 + draw(2);
    for (size_t i = 0; i < opinion->classes; i++)
        opinion->class_[i] = (struct srt_class){i < 2 ? names[(first + i) % 2] : "normal", i < 2,
                                                draw(9) / 8.0, points[1 + draw(3)]};
}

static void draw_slices(struct drawn *drawn, size_t index)
{
    struct srt_image *image = &drawn->images[index];

    for (size_t i = 0; i < SLICES; i++) {
        drawn->slices[index][i] = image->reference;
        snprintf(drawn->slices[index][i].sop_instance, DX_UID_MAX, "1.2.3.%zu.%zu", index + 1, i);
    }
    image->reference = drawn->slices[index][draw(SLICES)];
    image->slices = drawn->slices[index];
    image->slice_count = SLICES;
}

static void draw_image(struct drawn *drawn, size_t index)
{
    static const float region[] = {1, 1, 9, 1, 9, 9, 1, 1};
    static const char *const views[] = {"lateral", "AP", "swimmer's", "", "left oblique", "odd"};
    static const char *const modalities[] = {"DX", "CR", "CT", "ZZ", ""};
    struct srt_image *image = &drawn->images[index];

    snprintf(image->reference.sop_class, DX_UID_MAX, "1.2.840.10008.5.1.4.1.1.1");
    snprintf(image->reference.sop_instance, DX_UID_MAX, "1.2.3.%zu", index + 1);
    snprintf(image->reference.series, DX_UID_MAX, "1.2.3");
    image->modality = modalities[draw(5)];
    image->rows = draw(2) ? "512" : NULL;
    image->columns = image->rows;
    image->view = views[draw(6)];
    image->detail = draw_detail(drawn);
    image->coverage = (enum srt_coverage)draw(3);
    if (draw(4) == 0)
        draw_slices(drawn, index);
    image->outcome = SRT_NOT_PROCESSED;
    if (draw(4) == 0) {
        image->reason = (enum srt_reason)(1 + draw(SRT_C7_T1_NOT_SHOWN - 1));
        return;
    }
    image->tracking_uid = format_of(drawn, "2.25.7%u%u", (unsigned)index, 7);
    size_t only = draw(4); /* 0, 1: one model alone */
    for (size_t m = 0; m < drawn->result.model_count; m++)
        if (drawn->result.model_count == 1 || only > 1 || only == m)
            draw_opinion(&image->opinion[m]);
    image->outcome = srt_image_outcome(image);
    if (draw(3) == 0) {
        image->region = region;
        image->region_points = 4;
    }
}

static void draw_result(struct drawn *drawn)
{
    memset(drawn, 0, sizeof *drawn);
    drawn->result = (struct srt_result){.images = drawn->images,
                                        .image_count = 1 + draw(IMAGES),
                                        .device_uid = "1.2.9",
                                        .manufacturer = draw(2) ? "maker" : "",
                                        .model_name = draw(2) ? "node" : NULL,
                                        .station_ae = draw(4) ? "AE" : "",
                                        .software_version = draw(2) ? "1.0" : NULL,
                                        .model_count = 1 + draw(2),
                                        .mode = "demo",
                                        .amends = draw(3) == 0 ? "1.2.8" : NULL,
                                        .amendment = (enum srt_amendment)draw(4),
                                        .ascii = draw(2)};
    for (size_t m = 0; m < drawn->result.model_count; m++)
        drawn->result.models[m] = (struct srt_model){.name = m ? "second" : "first",
                                                     .version = "1",
                                                     .weights_digest = "abc",
                                                     .parameters = draw(2) ? "p" : NULL,
                                                     .intended_use = draw(2) ? "lateral views" : "",
                                                     .synthetic = draw(2),
                                                     .calibrated = draw(3) == 0};
    for (size_t i = 0; i < drawn->result.image_count; i++)
        draw_image(drawn, i);
    drawn->result.outcome = srt_study_outcome(&drawn->result);
    if (drawn->result.outcome == SRT_INCOMPLETE && draw(2)) /* nobody asked for C7-T1 */
        drawn->result.outcome = SRT_NO_FINDING;
}

/* ---- what must not be said ---- */

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = strcasestr(text, word); at; at = strcasestr(at + 1, word))
        if ((at == text || !isalpha((unsigned char)at[-1])) && !isalpha((unsigned char)at[length]))
            return true;
    return false;
}

static void check_words(const struct drawn *drawn, const char *text)
{
    static const char *const never[] = {"absent",       "absente",
                                        "absence",      "ausente",
                                        "ausencia",     "abwesend",
                                        "normal",       "normale",
                                        "normality",    "normalit\xc3\xa4t",
                                        "normaler",     "normales",
                                        "normalidad",   "confidence",
                                        "konfidenz",    "confiance",
                                        "confianza",    "unauff\xc3\xa4llig",
                                        "unauffaellig", "negative",
                                        "negativo",     "n\xc3\xa9gatif",
                                        "clear",        "gesund"};
    static const char *const calibrated[] = {"probability", "wahrscheinlichkeit",
                                             "probabilit\xc3\xa9", "probabilite", "probabilidad"};
    bool may = false;

    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        if (has_word(text, never[i]))
            print_error("\"%s\" in: %s\n", never[i], text);
        assert_false(has_word(text, never[i]));
    }
    for (size_t m = 0; m < drawn->result.model_count; m++)
        may |= drawn->result.models[m].calibrated;
    for (size_t i = 0; i < sizeof calibrated / sizeof *calibrated; i++)
        assert_true(may || !has_word(text, calibrated[i]));
}

static void check_bytes(const struct drawn *drawn, const char *text, const char *language)
{
    char copy[SRT_MAX_TEXT];

    snprintf(copy, sizeof copy, "%s", text);
    srt_clean(copy, false, language);
    assert_string_equal(copy, text); /* printable UTF-8 */
    for (const unsigned char *c = (const unsigned char *)text; *c && drawn->result.ascii; c++)
        assert_true(*c < 0x7F);
    if (!drawn->is_wild)
        assert_null(strchr(text, '?'));
}

/* ---- what must be there ---- */

struct seen {
    size_t findings, groups, regions, reasons, scores, probabilities, research, uids;
    char uid[256][DX_UID_MAX];
    bool is_answered[IMAGES];
};

static bool is_named(const struct dx_sr_item *item, const char *value)
{
    return item->concept.value && strcmp(item->concept.value, value) == 0;
}

static size_t count_named(const struct dx_sr_item *list, const char *value)
{
    size_t count = 0;

    for (; list; list = list->next)
        count += is_named(list, value);
    return count;
}

static void look_at(const struct drawn *drawn, const struct dx_sr_item *item, struct seen *seen)
{
    if (is_named(item, "121071"))
        seen->findings++;
    if (is_named(item, "reason"))
        seen->reasons++;
    if (is_named(item, "122157"))
        seen->probabilities++;
    if (item->type == DX_SR_NUM && item->concept.value &&
        strncmp(item->concept.value, "ms-", 3) == 0)
        seen->scores++;
    if (item->type == DX_SR_NUM)
        assert_true(strlen(item->text) <= 16);
    if (item->text && strstr(item->text, srt_research_line))
        seen->research++;
    if (is_named(item, "112040"))
        snprintf(seen->uid[seen->uids++], DX_UID_MAX, "%s", item->text);
    /* In a group: its source, or its region's. In a comment: the unjudged one's UID. */
    for (size_t i = 0; i < drawn->result.image_count; i++) {
        const struct srt_image *image = &drawn->images[i];
        const char *uid = image->reference.sop_instance;
        char end[DX_UID_MAX + 24];
        snprintf(end, sizeof end, "SOP Instance UID %s", uid);
        if (srt_is_judged(image))
            seen->is_answered[i] |=
                item->type == DX_SR_IMAGE && strcmp(item->image.sop_instance, uid) == 0 &&
                (is_named(item, "121112") || item->relation == DX_SR_SELECTED_FROM);
        else
            seen->is_answered[i] |= is_named(item, "121106") && strstr(item->text, end) != NULL;
    }
}

static void check_group(const struct dx_sr_item *group, struct seen *seen)
{
    const struct dx_sr_item *child = group->child;
    bool is_planar = strcmp(group->template_id, "1410") == 0;

    seen->groups++;
    assert_int_equal(count_named(child, "112039"), 1);
    assert_int_equal(count_named(child, "112040"), 1);
    assert_true(count_named(child, "121071") <= 1);
    assert_int_equal(count_named(child, "363698007"), count_named(child, "121071"));
    assert_int_equal(count_named(child, "111030"), is_planar);
    assert_int_equal(count_named(child, "121112"), !is_planar);
    assert_int_equal(count_named(child, "111001"), !is_planar);
    assert_int_equal(count_named(child, "111003"), !is_planar);
    for (; child; child = child->next) {
        if (child->type == DX_SR_NUM && is_planar) {
            assert_int_equal(count_named(child->child, "111001"), 1);
            assert_int_equal(count_named(child->child, "111003"), 1);
        }
        if (child->type == DX_SR_SCOORD) {
            seen->regions++;
            assert_true(child->point_count == 4 && child->child &&
                        child->child->type == DX_SR_IMAGE);
        }
    }
}

static void walk(const struct drawn *drawn, const struct dx_sr_item *item, const char *language,
                 struct seen *seen)
{
    for (; item; item = item->next) {
        const struct dx_code *codes[] = {&item->concept, &item->code};
        for (size_t i = 0; i < 2; i++)
            if (codes[i]->value) {
                assert_in_range(strlen(codes[i]->value), 1, 16);
                assert_in_range(strlen(codes[i]->meaning), 1, 64);
                check_words(drawn, codes[i]->meaning);
            }
        if (item->text) {
            assert_true(item->text[0] != '\0');
            check_words(drawn, item->text);
            check_bytes(drawn, item->text, language);
        }
        look_at(drawn, item, seen);
        if (is_named(item, "125007"))
            check_group(item, seen);
        walk(drawn, item->child, language, seen);
    }
}

/* The root's rows, each once. */
static void check_root(const struct dx_sr_item *root, bool some_judged)
{
    static const char *const always[] = {"121049", "121005", "121012",
                                         "121058", "111028", "C0034375"};

    assert_true(is_named(root, "126000"));
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        assert_int_equal(count_named(root->child, always[i]), 1);
    assert_int_equal(count_named(root->child, "126010"), some_judged);
    for (const struct dx_sr_item *child = root->child; child; child = child->next)
        if (is_named(child, "C0034375")) {
            assert_int_equal(count_named(child->child, "study-outcome"), 1);
            assert_int_equal(count_named(child->child, "111017"), 1);
        }
}

static bool is_found(const struct srt_opinion *opinion, const char *name)
{
    for (size_t i = 0; i < opinion->classes; i++)
        if (opinion->class_[i].finding &&
            opinion->class_[i].score >= opinion->class_[i].operating_point &&
            (!name || strcmp(opinion->class_[i].name, name) == 0))
            return true;
    return false;
}

/* By the words of the rule, and not by the code's way. */
static bool must_be_named(const struct srt_image *image, size_t model, const char *name)
{
    const struct srt_opinion *a = &image->opinion[model], *b = &image->opinion[1 - model];

    if (!is_found(a, name) || b->classes == 0)
        return is_found(a, name);
    if (is_found(b, name))
        return true;
    for (size_t i = 0; i < a->classes; i++)
        if (is_found(a, a->class_[i].name) && is_found(b, a->class_[i].name))
            return false; /* they share another one */
    return is_found(b, NULL);
}

struct wanted {
    size_t findings, groups, regions, unjudged, scores, probabilities;
};

static void count_wanted(const struct drawn *drawn, struct wanted *wanted)
{
    memset(wanted, 0, sizeof *wanted);
    for (size_t i = 0; i < drawn->result.image_count; i++) {
        const struct srt_image *image = &drawn->images[i];
        wanted->unjudged += !srt_is_judged(image);
        for (size_t m = 0; m < drawn->result.model_count; m++) {
            const struct srt_opinion *opinion = &image->opinion[m];
            size_t agreed = 0;
            for (size_t c = 0; c < opinion->classes; c++)
                agreed += must_be_named(image, m, opinion->class_[c].name);
            if (opinion->classes == 0)
                continue;
            size_t further = agreed > 1 ? agreed - 1 : 0;
            wanted->findings += agreed;
            wanted->groups += 1 + further;
            wanted->regions += image->region && m == 0 ? 1 + further : 0;
            *(drawn->result.models[m].calibrated ? &wanted->probabilities : &wanted->scores) +=
                opinion->classes + further;
        }
    }
}

static void check_tree(const struct drawn *drawn, const struct dx_sr_item *root,
                       const char *language)
{
    static struct seen seen;
    struct wanted wanted;
    bool synthetic = srt_is_synthetic(&drawn->result);

    memset(&seen, 0, sizeof seen);
    check_root(root, srt_count_judged(&drawn->result) > 0);
    walk(drawn, root, language, &seen);
    count_wanted(drawn, &wanted);
    assert_int_equal(seen.findings, wanted.findings);
    assert_int_equal(seen.groups, wanted.groups);
    assert_int_equal(seen.regions, wanted.regions);
    assert_int_equal(seen.scores, wanted.scores);
    assert_int_equal(seen.probabilities, wanted.probabilities);
    assert_int_equal(seen.reasons, wanted.unjudged + (drawn->result.outcome == SRT_INCOMPLETE));
    assert_int_equal(seen.research, synthetic ? 2 : 0);
    for (size_t i = 0; i < drawn->result.image_count; i++)
        assert_true(seen.is_answered[i]);
    for (size_t i = 0; i < seen.uids; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(seen.uid[i], seen.uid[j]);
}

static void check_texts(const struct drawn *drawn, const struct srt_template *template_,
                        const char *language)
{
    static char text[65536];
    char sentence[1024], small[64];

    srt_sentence(template_, &drawn->result, sentence, sizeof sentence);
    assert_true(sentence[0] != '\0');
    check_words(drawn, sentence);
    check_bytes(drawn, sentence, language);
    srt_text(template_, &drawn->result, text, sizeof text);
    check_words(drawn, text);
    assert_int_equal(strncmp(text, srt_research_line, strlen(srt_research_line)) == 0,
                     srt_is_synthetic(&drawn->result));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        check_bytes(drawn, line, language);
    size_t size = 1 + draw(sizeof small);
    srt_text(template_, &drawn->result, small, size);
    assert_true(strlen(small) < size);
}

static void results_are_told_rightly(void **state)
{
    static const char *const languages[] = {"en", "de", "fr", "es"};
    const char *given = getenv("CERVIGATE_DRAWS");
    unsigned long draws = given ? strtoul(given, NULL, 10) : 4000;
    struct srt_template *templates[4];
    struct srt_error err = {SRT_OK, ""};
    static struct drawn drawn;
    size_t outcomes[SRT_INCOMPLETE + 1] = {0};

    (void)state;
    given = getenv("CERVIGATE_SEED");
    seed = given ? strtoull(given, NULL, 10) : 6;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(srt_template_open(NULL, languages[i], &templates[i], &err), SRT_OK);
    for (unsigned long n = 0; n < draws; n++) {
        struct srt_template *template_ = templates[n % 4];
        struct srt_tree *tree;
        draw_result(&drawn);
        outcomes[drawn.result.outcome]++;
        if (srt_fill(template_, &drawn.result, &tree, &err) != SRT_OK)
            print_error("draw %lu: %s\n", n, err.text);
        assert_non_null(tree);
        check_tree(&drawn, srt_tree_root(tree), languages[n % 4]);
        check_texts(&drawn, template_, languages[n % 4]);
        srt_tree_destroy(tree);
    }
    for (size_t i = 0; i <= SRT_INCOMPLETE; i++)
        assert_true(outcomes[i] > draws / 100);
    for (size_t i = 0; i < 4; i++)
        srt_template_close(templates[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(results_are_told_rightly)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
