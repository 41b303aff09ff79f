#include "evaluate_page.h"
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define SAY_MAX 2000

/* Length of the UTF-8 sequence at text, 0 when it is none (RFC 3629: shortest form, no surrogates),
 * or holds what XML 1.0 does not allow. */
static size_t character(const unsigned char *at)
{
    if (at[0] < 0x80)
        return at[0] >= 0x20 || at[0] == '\t' || at[0] == '\n' || at[0] == '\r' ? 1 : 0;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    uint32_t code = at[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    bool fine = code >= (length == 4   ? 0x10000u
                         : length == 3 ? 0x800u
                                       : 0x80u) &&
                code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) && code != 0xfffe &&
                code != 0xffff;
    return fine ? length : 0;
}

void page_text(struct page *page, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        size_t length = character(at);
        if (length == 0)
            fputs("\xef\xbf\xbd", page->out);
        else if (*at == '&')
            fputs("&amp;", page->out);
        else if (*at == '<')
            fputs("&lt;", page->out);
        else if (*at == '>')
            fputs("&gt;", page->out);
        else if (*at == '"')
            fputs("&quot;", page->out);
        else if (*at == '\'')
            fputs("&#39;", page->out);
        else
            fwrite(at, 1, length, page->out);
        at += length ? length : 1;
    }
}

static void say(struct page *page, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void say(struct page *page, const char *format, va_list arguments)
{
    char text[SAY_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    page_text(page, text);
}

void page_say(struct page *page, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(page, format, arguments);
    va_end(arguments);
}

void page_raw(struct page *page, const char *markup)
{
    fputs(markup, page->out);
}

void page_section(struct page *page, const char *anchor, const char *heading)
{
    fprintf(page->out, "<section id=\"%s\">\n<h2>", anchor);
    page_text(page, heading);
    fputs("</h2>\n", page->out);
}

void page_section_end(struct page *page)
{
    fputs("</section>\n", page->out);
}

void page_paragraph(struct page *page, const char *kind, const char *format, ...)
{
    va_list arguments;
    fprintf(page->out, "<p class=\"%s\">", kind);
    va_start(arguments, format);
    say(page, format, arguments);
    va_end(arguments);
    fputs("</p>\n", page->out);
}

void page_caption(struct page *page, const char *caption)
{
    if (page->mark[0]) {
        fputs("<b class=\"mark\">", page->out);
        page_text(page, page->mark);
        fputs(".</b> ", page->out);
    }
    page_text(page, caption);
}

void page_table(struct page *page, const char *caption, const char *const *columns, size_t count)
{
    fputs("<div class=\"wide\"><table>\n<caption>", page->out);
    page_caption(page, caption);
    fputs("</caption>\n<thead><tr>", page->out);
    for (size_t i = 0; i < count; i++) {
        fputs("<th scope=\"col\">", page->out);
        page_text(page, columns[i]);
        fputs("</th>", page->out);
    }
    fputs("</tr></thead>\n<tbody>\n", page->out);
}

void page_table_end(struct page *page)
{
    fputs("</tbody></table></div>\n", page->out);
}

void page_row(struct page *page, const char *format, ...)
{
    va_list arguments;
    fputs("<tr><th scope=\"row\">", page->out);
    va_start(arguments, format);
    say(page, format, arguments);
    va_end(arguments);
    fputs("</th>", page->out);
}

void page_cell(struct page *page, const char *format, ...)
{
    va_list arguments;
    fputs("<td>", page->out);
    va_start(arguments, format);
    say(page, format, arguments);
    va_end(arguments);
    fputs("</td>", page->out);
}

void page_row_end(struct page *page)
{
    fputs("</tr>\n", page->out);
}

/* Colours after Okabe and Ito (2008), told apart by every kind of colour vision; curves differ in
 * their dashes too. The dark page has its own, lighter ones; paper has the light ones. */
#define LIGHT                                                                                      \
    "--ground:#fcfcfb;--ink:#1a1e23;--quiet:#59626d;--rule:#d8dce1;--panel:#f3f4f5;"               \
    "--accent:#0072b2;--warn:#8a4b00;--warn-ground:#fff4e2;--good:#00694c;--bad:#a33800;"          \
    "--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#b0588a;--s4:#8a6d00;--s5:#3a8fc2;--s6:#444a52;"  \
    "--s7:#6f4bb8;"
static const char colours[] =
    ":root{color-scheme:light dark;" LIGHT "}\n"
    "@media (prefers-color-scheme:dark){:root{--ground:#13161a;--ink:#e7eaee;--quiet:#9ba5b1;"
    "--rule:#2e343c;--panel:#1b1f25;--accent:#56b4e9;--warn:#f2b457;--warn-ground:#2a2213;"
    "--good:#4fd0a8;--bad:#ff9a5c;--s0:#56b4e9;--s1:#ff8a3d;--s2:#2cc79b;--s3:#e69ac1;"
    "--s4:#f0e442;--s5:#8fd3ff;--s6:#c3c9d1;--s7:#b79aef;}}\n"
    "@media print{:root{color-scheme:light;" LIGHT "--ground:#fff;}}\n";
static const char drawing[] =
    "svg text{fill:var(--quiet);font-size:12px}\nsvg text.ink{fill:var(--ink)}\n"
    "svg .axis{stroke:var(--quiet);stroke-width:1;fill:none}\n"
    "svg .grid{stroke:var(--rule);stroke-width:1;fill:none}\n"
    "svg .track{stroke:var(--quiet);stroke-opacity:.45;fill:none}\n"
    "svg .guide{stroke:var(--quiet);stroke-width:1;stroke-dasharray:3 4;fill:none}\n"
    "svg .bar{fill:var(--rule)}\n";
static const char style[] =
    "*{box-sizing:border-box}\n"
    "html{font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif;"
    "color:var(--ink);background:var(--ground);-webkit-text-size-adjust:100%}\n"
    "body{max-width:64rem;margin:0 auto;padding:2rem 1.25rem 4rem}\n"
    "h1{font-size:2.05rem;line-height:1.2;margin:.4rem 0 .6rem;letter-spacing:-.015em;"
    "font-weight:650}\n"
    "h2{font-size:1.25rem;margin:3rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--rule);"
    "font-weight:650}\n"
    "h3{font-size:1rem;margin:1.4rem 0 .4rem;font-weight:650}\n"
    "p{margin:.5rem 0;max-width:46rem}\n"
    "a{color:var(--accent)}\n"
    "nav{font-size:.875rem;margin:1.2rem 0}\nnav a{margin-right:1rem;white-space:nowrap}\n"
    ".over{color:var(--quiet);font-size:.875rem;margin:0}\n"
    ".lead{font-size:1.1rem}\n.quiet{color:var(--quiet);font-size:.875rem}\n"
    ".warn{color:var(--warn);background:var(--warn-ground);border-left:4px solid var(--warn);"
    "padding:.6rem .9rem;max-width:none}\n"
    ".mark{color:var(--warn);font-weight:650}\n"
    ".good{color:var(--good);font-weight:650}\n.bad{color:var(--bad);font-weight:650}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(12.5rem,1fr));gap:.8rem;"
    "margin:1.4rem 0 .6rem}\n"
    ".tile{background:var(--panel);border-radius:6px;padding:.8rem 1rem}\n"
    ".tile b{display:block;font-size:1.75rem;line-height:1.2;font-weight:650;"
    "font-variant-numeric:tabular-nums}\n"
    ".tile span{display:block;color:var(--quiet);font-size:.8125rem}\n"
    ".tile .name{color:var(--ink);font-size:.875rem}\n"
    ".wide{overflow-x:auto;margin:1rem 0}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem;"
    "min-width:24rem}\n"
    "caption{text-align:left;color:var(--quiet);font-size:.875rem;padding:0 0 .4rem;"
    "max-width:46rem}\n"
    "th,td{padding:.32rem .9rem .32rem 0;text-align:right;border-bottom:1px solid var(--rule);"
    "vertical-align:baseline;white-space:nowrap}\n"
    "thead th{color:var(--quiet);font-weight:500;border-bottom:1px solid var(--quiet);"
    "white-space:normal;vertical-align:bottom}\n"
    "tr th:first-child{text-align:left;font-weight:500}\n"
    "td.words,th.words{text-align:left;white-space:normal}\n"
    "td small{color:var(--quiet);font-size:.8125rem}\n"
    ".matrix td,.matrix th{padding:.5rem .9rem;text-align:center}\n.matrix th:first-child{"
    "padding-left:0}\n"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(21rem,1fr));gap:1.2rem;"
    "margin:1rem 0}\n"
    "figure{margin:0;break-inside:avoid}\n"
    "figcaption{color:var(--quiet);font-size:.875rem;margin-top:.3rem}\n"
    "svg{display:block;width:100%;height:auto;max-width:32rem;overflow:visible}\n"
    "svg.line{display:inline-block;width:7rem;height:.9rem;vertical-align:-.1rem}\n"
    ".tile svg.line{display:block;width:100%;height:auto;margin:.35rem 0}\n"
    ".mistakes{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1.4rem;"
    "margin:1rem 0}\n"
    ".pair{display:grid;grid-template-columns:1fr 1fr;gap:3px;background:#000;border-radius:4px;"
    "overflow:hidden}\n.pair img{display:block;width:100%;height:100%;object-fit:contain}\n"
    "pre{background:var(--panel);padding:.8rem 1rem;overflow-x:auto;font-size:.8125rem;"
    "border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}\n"
    "code{font-size:.9em;overflow-wrap:anywhere}\n"
    "@media print{html{font-size:10.5pt}body{padding:0;max-width:none}nav{display:none}"
    "h2{break-after:avoid}tr,figure,.tile{break-inside:avoid}.warn,.tile,pre{"
    "-webkit-print-color-adjust:exact;print-color-adjust:exact}@page{margin:16mm}}\n";

void page_head(struct page *page, const char *title)
{
    fputs("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\" "
          "xml:lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; img-src data:\"/>\n<title>",
          page->out);
    page_text(page, title);
    fputs("</title>\n<style>\n", page->out);
    fputs(colours, page->out);
    fputs(drawing, page->out);
    fputs(style, page->out);
    fputs("</style>\n</head>\n<body>\n", page->out);
}

void page_foot(struct page *page)
{
    fputs("</body>\n</html>\n", page->out);
}

const char *page_colour(const struct page *page, const char *name, char text[PAGE_COLOUR_MAX])
{
    char key[PAGE_COLOUR_MAX];
    const char *at;
    snprintf(key, sizeof key, "--%s:", name);
    if (page->is_picture && (at = strstr(LIGHT, key)) != NULL) {
        at += strlen(key);
        snprintf(text, PAGE_COLOUR_MAX, "%.*s", (int)strcspn(at, ";"), at);
    } else {
        snprintf(text, PAGE_COLOUR_MAX, "var(--%.8s)", name);
    }
    return text;
}

/* The page's rules for drawings, with a picture's colours. */
static void draw_rules(struct page *page)
{
    for (const char *at = drawing; *at;) {
        char name[9], text[PAGE_COLOUR_MAX];
        int length = 0;
        if (sscanf(at, "var(--%8[a-z0-9])%n", name, &length) == 1 && length > 0) {
            fputs(page_colour(page, name, text), page->out);
            at += length;
        } else {
            fputc(*at++, page->out);
        }
    }
}

void page_picture(struct page *page, double width, double height, const char *title)
{
    char ink[PAGE_COLOUR_MAX], ground[PAGE_COLOUR_MAX];
    page->is_picture = true;
    fprintf(page->out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" "
            "viewBox=\"0 0 %g %g\" role=\"img\" aria-labelledby=\"name\"><title id=\"name\">",
            width, height, width, height);
    page_text(page, title);
    fputs("</title>\n<style>\n", page->out);
    draw_rules(page);
    fprintf(page->out,
            "svg{font-family:\"DejaVu Sans\",sans-serif}\n"
            "svg text.heading{fill:%s;font-size:15px;font-weight:600}\n"
            "</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"%s\"/>\n",
            page_colour(page, "ink", ink), page_colour(page, "ground", ground));
}

void page_picture_end(struct page *page)
{
    fputs("</svg>\n", page->out);
}

void page_picture_text(struct page *page, double x, double y, const char *kind, const char *words)
{
    fprintf(page->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", kind, x, y);
    page_text(page, words);
    fputs("</text>\n", page->out);
}
