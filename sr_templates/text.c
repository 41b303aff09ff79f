/* The report as plain text: outcome first, then the images with their scores beside the operating
 * points, the models, the limits. Lines are broken at COLUMNS characters. */
#include "srt_private.h"
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 96, NAMES = 28 };

struct page {
    struct srt_scope scope;
    char *text;
    size_t size, used;
};

static bool is_start(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static void put(struct page *page, const char *text, size_t length)
{
    size_t room = page->size - 1 - page->used;

    if (length > room) { /* a whole number of characters, then nothing more */
        for (length = room; length > 0 && !is_start(text[length]); length--)
            ;
        memcpy(page->text + page->used, text, length);
        page->size = page->used + length + 1;
    } else {
        memcpy(page->text + page->used, text, length);
    }
    page->used += length;
    page->text[page->used] = '\0';
}

static void put_blanks(struct page *page, size_t count)
{
    while (count-- > 0)
        put(page, " ", 1);
}

static size_t characters(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += is_start(text[i]);
    return count;
}

/* A paragraph: indented, broken between words, its further lines indented by `hang` more. */
static void put_paragraph(struct page *page, size_t indent, size_t hang, const char *words)
{
    char text[SRT_MAX_TEXT];
    size_t column = indent;
    bool is_first = true;

    srt_copy(text, sizeof text, words);
    srt_clean(text, page->scope.result->ascii, page->scope.template_->language);
    put_blanks(page, indent);
    for (const char *word = text + strspn(text, " "); *word;) {
        size_t length = strcspn(word, " ");
        size_t width = characters(word, length);
        if (!is_first && column + 1 + width > COLUMNS) {
            put(page, "\n", 1);
            put_blanks(page, indent + hang);
            column = indent + hang;
        } else if (!is_first) {
            put(page, " ", 1);
            column++;
        }
        put(page, word, length);
        column += width;
        is_first = false;
        word += length + strspn(word + length, " ");
    }
    put(page, "\n", 1);
}

static void say(struct page *page, const struct srt_scope *scope, size_t indent, const char *id)
{
    char text[SRT_MAX_TEXT];

    srt_say(scope, id, text, sizeof text);
    put_paragraph(page, indent, 2, text);
}

static void say_item(struct page *page, const struct srt_scope *scope, const char *id)
{
    char text[SRT_MAX_TEXT], item[SRT_MAX_TEXT];

    srt_say(scope, id, text, sizeof text);
    snprintf(item, sizeof item, "- %.4000s", text);
    put_paragraph(page, 2, 2, item);
}

static void put_heading(struct page *page, const char *id)
{
    put(page, "\n", 1);
    say(page, &page->scope, 0, id);
}

/* "name    0.9100   operating point 0.25   at or above", in columns. */
static void put_class(struct page *page, const struct srt_scope *scope)
{
    const struct srt_class *class_ = scope->class_;
    const struct srt_template *template_ = scope->template_;
    char name[256], line[1024];

    snprintf(name, sizeof name, "%s",
             srt_words_of(template_, "class", class_->finding ? class_->name : "none"));
    srt_clean(name, scope->result->ascii, template_->language);
    size_t width = characters(name, strlen(name));
    put_blanks(page, 6);
    put(page, name, strlen(name));
    put_blanks(page, width < NAMES ? NAMES - width : 1);
    if (class_->finding)
        snprintf(line, sizeof line, "%.4f   %s %-7.6g %s\n", class_->score,
                 srt_phrase(template_, "text.operating-point"), class_->operating_point,
                 srt_phrase(template_, srt_is_finding(class_) ? "text.at-or-above" : "text.below"));
    else
        snprintf(line, sizeof line, "%.4f\n", class_->score);
    line[strcspn(line, "\n")] = '\0';
    srt_clean(line, scope->result->ascii, template_->language);
    put(page, line, strlen(line));
    put(page, "\n", 1);
}

static void put_scores(struct page *page, const struct srt_scope *image)
{
    for (size_t m = 0; m < image->result->model_count; m++) {
        const struct srt_opinion *opinion = &image->image->opinion[m];
        struct srt_scope scope = *image;
        if (opinion->classes == 0)
            continue;
        scope.model = m;
        put_paragraph(page, 4, 2, scope.result->models[m].name ? scope.result->models[m].name : "");
        for (size_t i = 0; i < opinion->classes && i < SRT_MAX_CLASSES; i++) {
            scope.class_ = &opinion->class_[i];
            put_class(page, &scope);
        }
    }
}

static void put_image(struct page *page, size_t index)
{
    static const char *const states[] = {[SRT_FINDING] = "text.finding",
                                         [SRT_NO_FINDING] = "text.no-finding",
                                         [SRT_NOT_PROCESSED] = "text.not-judged",
                                         [SRT_UNDETERMINED] = "text.undetermined",
                                         [SRT_INCOMPLETE] = "text.no-finding"};
    const struct srt_image *image = &page->scope.result->images[index];
    struct srt_scope scope = page->scope;
    char head[1024], state[2048], line[SRT_MAX_TEXT];

    scope.image = image;
    scope.image_number = index + 1;
    srt_say(&scope, image->slices ? "text.series" : "text.image", head, sizeof head);
    srt_say(&scope, states[image->outcome], state, sizeof state);
    snprintf(line, sizeof line, "%s: %s", head, state);
    put_paragraph(page, 2, 2, line);
    if (!srt_is_judged(image))
        return;
    put_scores(page, &scope);
    if (srt_has_dispute(image))
        say(page, &scope, 4, "comment.disagreement");
    srt_value(&scope, "coverage", 8, line, sizeof line);
    if (line[0])
        say(page, &scope, 4, "comment.coverage");
    if (image->detail && image->detail[0])
        say(page, &scope, 4, "comment.note");
    if (image->region)
        say(page, &scope, 4, "comment.region");
}

static void put_models(struct page *page)
{
    struct srt_scope scope = page->scope;
    bool uncalibrated = false;

    put_heading(page, "text.models");
    for (scope.model = 0; scope.model < scope.result->model_count; scope.model++) {
        const struct srt_model *model = &scope.result->models[scope.model];
        say_item(page, &scope, "comment.model");
        if (model->intended_use && model->intended_use[0])
            say_item(page, &scope, "comment.intended-use");
        uncalibrated |= !model->calibrated;
    }
    put_heading(page, "text.limits");
    if (uncalibrated && srt_count_judged(scope.result) > 0)
        say_item(page, &page->scope, "comment.scores");
    say_item(page, &page->scope, "comment.priors");
}

void srt_text(const struct srt_template *template_, const struct srt_result *result, char *text,
              size_t size)
{
    struct page page = {{.template_ = template_, .result = result}, text, size, 0};
    char line[SRT_MAX_TEXT];

    if (size == 0)
        return;
    text[0] = '\0';
    if (srt_is_synthetic(result)) {
        put_paragraph(&page, 0, 0, srt_research_line);
        put(&page, "\n", 1);
    }
    say(&page, &page.scope, 0, "text.title");
    srt_put_sentence(&page.scope, line, sizeof line);
    put_paragraph(&page, 0, 0, line);
    srt_value(&page.scope, "rule", 4, line, sizeof line);
    put_paragraph(&page, 0, 2, line);
    if (result->amends)
        say(&page, &page.scope, 0, "comment.amends");
    put_heading(&page, "text.images");
    for (size_t i = 0; i < result->image_count; i++)
        put_image(&page, i);
    put_models(&page);
}
