/* Configuration bytes: what is accepted must print to a configuration that is accepted again. */
#include "conf_private.h"
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_complaints complaints;
    struct conf *first, *second;
    char *text = malloc(size + 1);
    size_t length = 0;

    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    enum conf_status status = conf_load_text(text, size, "input", &first, &complaints);
    if (status == CONF_BAD && complaints.count == 0)
        abort(); /* refused without a word */
    conf_complaints_finish(&complaints);
    free(text);
    if (status != CONF_OK)
        return 0;
    text = print(first, &length);
    if (conf_load_text(text, length, "input", &second, &complaints) != CONF_OK)
        abort();
    conf_complaints_finish(&complaints);
    free(text);
    conf_destroy(first);
    conf_destroy(second);
    return 0;
}
