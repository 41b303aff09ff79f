#include "config_fixture.h"
#include <stdlib.h>
#include <string.h>

char *tell(const struct conf_complaints *complaints)
{
    static char *text; /* static: gcc does not see that fclose sets it */
    static size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    for (size_t i = 0; i < complaints->count; i++) {
        const struct conf_complaint *complaint = &complaints->list[i];
        if (complaint->file != complaints->files[0])
            fprintf(out, "%s:", strrchr(complaint->file, '/') + 1);
        fprintf(out, "%d: %s%s\n", complaint->line, complaint->warning ? "warning: " : "",
                complaint->text);
    }
    fclose(out);
    return text;
}

char *slurp(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = calloc(1, 65536);

    assert_non_null(text);
    if (in) {
        size_t n = fread(text, 1, 65535, in);
        text[n] = '\0';
        fclose(in);
    }
    return text;
}

char *print(const struct conf *conf)
{
    static char *text; /* static: gcc does not see that fclose sets it */
    static size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    conf_print(conf, out);
    fclose(out);
    return text;
}

/* Of what was loaded, with these complaints and no others. */
static struct conf *told(struct conf *conf, enum conf_status status,
                         struct conf_complaints *complaints, const char *warnings)
{
    char *text = tell(complaints);

    assert_string_equal(text, warnings);
    assert_int_equal(status, CONF_OK);
    free(text);
    conf_complaints_finish(complaints);
    return conf;
}

struct conf *load_good(const char *path)
{
    struct conf_complaints complaints;
    struct conf *conf;
    enum conf_status status = conf_load(path, &conf, &complaints);
    return told(conf, status, &complaints, "");
}

struct conf *load_texts(const struct conf_text *texts, size_t count)
{
    struct conf_complaints complaints;
    struct conf *conf;
    enum conf_status status = conf_load_texts(texts, count, &conf, &complaints);
    return told(conf, status, &complaints, "");
}

struct conf *load_text(const char *text, const char *warnings)
{
    struct conf_complaints complaints;
    struct conf *conf;
    enum conf_status status = conf_load_text(text, strlen(text), "-", &conf, &complaints);
    return told(conf, status, &complaints, warnings);
}

struct conf *load_print_of(const struct conf *conf)
{
    char *text = print(conf);
    struct conf *again = load_text(text, "");
    char *printed = print(again);
    assert_string_equal(text, printed);
    free(text);
    free(printed);
    return again;
}
