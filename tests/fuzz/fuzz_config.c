/* Configuration bytes, a form feed between files: what is accepted must print to a configuration
 * that is accepted again. */
#include "conf_private.h"
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FILES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct conf *conf, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);

    if (!out)
        abort();
    conf_print(conf, out);
    fclose(out);
    return text;
}

/* The files of an input, each terminated; how many. */
static size_t split(char *text, size_t size, struct conf_text texts[MOST_FILES])
{
    size_t count = 0;

    for (char *end = text + size; count < MOST_FILES; count++) {
        char *next = memchr(text, '\f', (size_t)(end - text));
        if (next && count + 1 < MOST_FILES)
            *next = '\0';
        else
            next = end;
        texts[count] = (struct conf_text){"input.d/1.xml", text, (size_t)(next - text)};
        if (next == end)
            return count + 1;
        text = next + 1;
    }
    return count;
}

static void check_print(const struct conf *first)
{
    struct conf_complaints complaints;
    struct conf *second;
    size_t length = 0;
    char *text = print(first, &length);

    if (conf_load_text(text, length, "input", &second, &complaints) != CONF_OK)
        abort();
    conf_complaints_finish(&complaints);
    free(text);
    conf_destroy(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_text texts[MOST_FILES];
    struct conf_complaints complaints;
    struct conf *conf;
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    enum conf_status status = conf_load_texts(texts, split(text, size, texts), &conf, &complaints);
    if (status == CONF_BAD && complaints.count == 0)
        abort(); /* refused without a word */
    for (size_t i = 0; i < complaints.count; i++)
        if (!complaints.list[i].file)
            abort();
    conf_complaints_finish(&complaints);
    free(text);
    if (status == CONF_OK)
        check_print(conf);
    conf_destroy(conf);
    return 0;
}
