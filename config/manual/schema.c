/* The documentation of the elements and attributes in config/cervigate.xsd; that of its types, from
 * which complaints are worded, stays. The file is read line by line: an element or attribute opens
 * a line, and its <xs:documentation> ends before its next sibling begins. */
#include "words.h"
#include <stdlib.h>
#include <string.h>

#define WIDTH 110
#define DEPTH 8

struct scan {
    char element[DEPTH][64];
    int depth;
    char attribute[64]; /* "": the element itself */
    bool due;           /* its documentation comes next */
};

static const char opening[] = "<xs:documentation>", closing[] = "</xs:documentation>";

/* The name of the <xs:KIND name="..."> that this line opens. */
static bool opens(const char *line, const char *kind, char name[64])
{
    char head[48];
    const char *at = line + strspn(line, " ");

    snprintf(head, sizeof head, "<xs:%s name=\"", kind);
    if (strncmp(at, head, strlen(head)) != 0)
        return false;
    at += strlen(head);
    snprintf(name, 64, "%.*s", (int)strcspn(at, "\""), at);
    return true;
}

/* One text: values as "value: words". */
static void flatten(const char *says, char *text, size_t size)
{
    size_t used = 0;

    for (const char *c = says + (*says == '\n'); *c && used + 8 < size; c++) {
        const char *put = *c == '\t'   ? ": "
                          : *c == '\n' ? " "
                          : *c == '&'  ? "&amp;"
                          : *c == '<'  ? "&lt;"
                          : *c == '>'  ? "&gt;"
                                       : NULL;
        if (put)
            used += (size_t)snprintf(text + used, size - used, "%s", put);
        else
            text[used++] = *c;
    }
    text[used] = '\0';
}

static void put_wrapped(FILE *out, const char *text, size_t column, size_t indent)
{
    for (bool begun = false; *text; begun = true) {
        size_t word = strcspn(text, " ");
        if (column + 1 + word > WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (begun) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, word, out);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
}

/* From the line that has the opening tag to that with the closing one; returns behind it. */
static const char *replace(const struct scan *scan, const char *line, FILE *out)
{
    const char *open = strstr(line, opening) + strlen(opening), *close = strstr(open, closing);
    const struct conf_word *word =
        words_about(scan->element[scan->depth - 1], scan->attribute[0] ? scan->attribute : NULL);
    char text[4096];

    if (!close || !word) { /* an entry of a list needs no words beside those of the list */
        fwrite(line, 1, (size_t)(open - line), out);
        return open;
    }
    flatten(word->says, text, sizeof text);
    fwrite(line, 1, (size_t)(open - line), out);
    put_wrapped(out, text, (size_t)(open - line), strspn(line, " ") + 2);
    return close;
}

static void look(struct scan *scan, const char *line)
{
    char name[64];

    if (opens(line, "element", name) && scan->depth < DEPTH) {
        memcpy(scan->element[scan->depth++], name, sizeof name);
        scan->attribute[0] = '\0';
        scan->due = true;
    } else if (opens(line, "attribute", name)) {
        memcpy(scan->attribute, name, sizeof name);
        scan->due = true;
    } else if (strncmp(line + strspn(line, " "), "</xs:element>", 13) == 0 && scan->depth > 0) {
        scan->depth--;
    }
}

bool schema_write(const char *path, FILE *out)
{
    FILE *in = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    struct scan scan = {.depth = 0};

    if (!in || !text || fread(text, 1, (1 << 20) - 1, in) == 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    fclose(in);
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n") + 1;
        const char *tag = strstr(line, opening);
        look(&scan, line);
        if (scan.due && scan.depth > 0 && tag && tag < line + length) {
            line = replace(&scan, line, out);
            scan.due = false;
            length = strcspn(line, "\n") + 1;
        }
        fwrite(line, 1, strnlen(line, length), out);
        line += strnlen(line, length);
    }
    free(text);
    return true;
}
