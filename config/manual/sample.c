/* The comments of config/cervigate.xml: each begins with the tag of its block.
 *
 *   <!-- <study>  When a study is complete. ...
 *        quietTime    Seconds without ...
 *                     VALUE  about a value -->   */
#include "words.h"
#include <stdlib.h>
#include <string.h>

#define WIDTH       104
#define INDENT      7
#define NAMES_WIDTH 20 /* longer names stand on a line of their own */

struct pen {
    FILE *out;
    size_t column, indent; /* where lines begin */
    const char *sample;    /* the whole file as it is */
};

static void begin_line(struct pen *pen, size_t indent)
{
    if (pen->column > 0)
        fputc('\n', pen->out);
    for (size_t i = 0; i < indent; i++)
        fputc(' ', pen->out);
    pen->column = pen->indent = indent;
}

/* Words up to the end of the line of text; what does not fit goes on below. */
static void put_words(struct pen *pen, const char *text, size_t length)
{
    const char *end = text + length;

    while (text < end) {
        size_t word = strcspn(text, " \n\t");
        if (word > (size_t)(end - text))
            word = (size_t)(end - text);
        if (pen->column > pen->indent && pen->column + 1 + word > WIDTH)
            begin_line(pen, pen->indent);
        else if (pen->column > pen->indent) {
            fputc(' ', pen->out);
            pen->column++;
        }
        fwrite(text, 1, word, pen->out);
        pen->column += word;
        text += word;
        text += strspn(text, " ");
    }
}

static size_t longest_value(const char *says)
{
    size_t most = 0;

    for (const char *at = says; at; at = strchr(at, '\n'), at += at != NULL) {
        const char *tab = memchr(at, '\t', strcspn(at, "\n"));
        if (tab && (size_t)(tab - at) > most)
            most = (size_t)(tab - at);
    }
    return most;
}

/* What is said of an option from this column on, values in a column of their own. */
static void put_says(struct pen *pen, const char *says, size_t column)
{
    size_t values = longest_value(says);
    bool begun = false;

    for (const char *at = says; at; at = strchr(at, '\n'), at += at != NULL) {
        size_t length = strcspn(at, "\n");
        const char *tab = memchr(at, '\t', length);
        if (length == 0)
            continue;
        if (begun)
            begin_line(pen, column);
        begun = true;
        if (tab) {
            fprintf(pen->out, "%-*.*s  ", (int)values, (int)(tab - at), at);
            pen->column = pen->indent = column + values + 2;
            put_words(pen, tab + 1, length - (size_t)(tab + 1 - at));
        } else {
            put_words(pen, at, length);
        }
    }
}

static void name_of(const struct conf_word *word, char name[256])
{
    size_t used = 0;

    for (const char *c = word->attribute; *c && used + 2 < 255; c++) {
        if (*c == ' ')
            name[used++] = ',';
        name[used++] = *c;
    }
    name[used] = '\0';
}

/* The next row of the same block; NULL: that was its last. */
static const struct conf_word *next_in_block(const struct conf_word *word, const char *block)
{
    word = words_next(word);
    return word && facts_is_block(word->element) && strcmp(word->element, block) != 0 ? NULL : word;
}

static size_t names_width(const struct conf_word *word, const char *block)
{
    size_t most = 0;
    char name[256];

    for (; word; word = next_in_block(word, block)) {
        if (!word->attribute || !word->attribute[0])
            continue;
        name_of(word, name);
        if (strlen(name) <= NAMES_WIDTH && strlen(name) > most)
            most = strlen(name);
    }
    return most;
}

/* The element stands in the sample itself, where its options are seen with their defaults. */
static bool is_shown(const struct pen *pen, const char *element)
{
    char once[80], entry[80];

    snprintf(once, sizeof once, "\n  <%s ", element);
    snprintf(entry, sizeof entry, "\n    <%s ", element);
    return strstr(pen->sample, once) || strstr(pen->sample, entry);
}

/* "Default: 30." of each option that has one, where that is not seen below. */
static void put_defaults(struct pen *pen, const char *element, const char *attributes)
{
    const char *before = "Default: ";
    char attribute[64], text[400] = "";
    struct facts facts;
    size_t used = 0;

    while (!is_shown(pen, element) && words_take(&attributes, attribute))
        if (facts_of(element, attribute, &facts) && facts.fallback) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", before,
                                     facts.fallback[0] ? facts.fallback : "empty");
            before = ", ";
        }
    if (used == 0)
        return;
    snprintf(text + used, sizeof text - used, ".");
    put_words(pen, text, strlen(text));
}

static void put_option(struct pen *pen, const struct conf_word *word, size_t width)
{
    size_t column = INDENT + width + 2;
    struct facts facts = {.required = false};
    const char *list = word->element, *names = word->attribute;
    char name[256], element[64], attribute[64];

    name_of(word, name);
    begin_line(pen, INDENT);
    fputs(name, pen->out);
    pen->column += strlen(name);
    if (strlen(name) > width)
        begin_line(pen, column);
    for (; pen->column < column; pen->column++)
        fputc(' ', pen->out);
    pen->indent = column;
    if (!words_take(&list, element) || !words_take(&names, attribute))
        return;
    if (facts_of(element, attribute, &facts) && facts.required)
        put_words(pen, "Required.", strlen("Required."));
    put_defaults(pen, element, word->attribute);
    if (pen->column > column && word->says[0] == '\n')
        begin_line(pen, column);
    put_says(pen, word->says, column);
}

static void put_example(struct pen *pen, const char *says)
{
    for (const char *at = says; at && *at; at = strchr(at, '\n'), at += at != NULL) {
        begin_line(pen, INDENT + 2);
        fprintf(pen->out, "%.*s", (int)strcspn(at, "\n"), at);
    }
}

/* Of which elements the options below are, where that is not the block itself. */
static void put_elements(struct pen *pen, const char *elements)
{
    char element[64];

    begin_line(pen, INDENT);
    while (words_take(&elements, element)) {
        char tag[68];
        snprintf(tag, sizeof tag, "<%s>", element);
        put_words(pen, tag, strlen(tag));
    }
    fputc(':', pen->out);
    pen->column++;
}

static void put_block(FILE *out, const char *sample, const struct conf_word *word)
{
    struct pen pen = {.out = out, .sample = sample};
    const char *block = word->element, *before = block;
    size_t width = names_width(word, block);

    fprintf(out, "  <!-- <%s> ", block);
    pen.column = INDENT + strlen(block) + 4;
    pen.indent = INDENT;
    put_says(&pen, word->says, INDENT);
    while ((word = next_in_block(word, block)) != NULL) {
        bool option = word->attribute && word->attribute[0];
        if (option && strcmp(word->element, before) != 0)
            put_elements(&pen, word->element);
        if (option) {
            before = word->element;
            put_option(&pen, word, width);
        } else if (word->attribute) {
            put_example(&pen, word->says);
        } else {
            begin_line(&pen, INDENT);
            put_says(&pen, word->says, INDENT);
        }
    }
    fputs(" -->", out);
}

static char *read_whole(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = calloc(1, 1 << 20);

    if (!in || !text || fread(text, 1, (1 << 20) - 1, in) == 0)
        fprintf(stderr, "%s: cannot be read\n", path);
    if (in)
        fclose(in);
    return text;
}

/* The blocks must come in the words' order, each once. */
bool sample_write(const char *path, FILE *out)
{
    char *text = read_whole(path), *at = text;

    for (const struct conf_word *word = words_first(); text && word; word = words_next(word)) {
        char head[80];
        const char *block = word->element;
        if (!facts_is_block(block) || word->attribute || word != words_about(block, NULL))
            continue;
        snprintf(head, sizeof head, "  <!-- <%s>  ", block);
        char *begin = strstr(at, head), *end = begin ? strstr(begin, "-->") : NULL;
        if (!end) {
            fprintf(stderr, "%s: no comment \"%s\" at its place\n", path, head);
            free(text);
            return false;
        }
        fwrite(at, 1, (size_t)(begin - at), out);
        put_block(out, text, word);
        at = end + 3;
    }
    if (text)
        fputs(at, out);
    free(text);
    return text != NULL;
}
