/* WADO-RS for people's eyes (PS3.18 10.4.1.1.3): pictures as PNG or JPEG, reports as text. */
#include "dicomweb.h"

#include "nn_image.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MOST 32768 /* srt_text makes no more */

static enum MHD_Result picture(struct console *console, const struct http_request *request,
                               const struct result *result, int frame)
{
    static const struct accept_offer offers[] = {{"image/jpeg", NULL}, {"image/png", NULL}};
    struct dicomweb_pixels pixels;
    struct nn_error err;
    uint8_t *bytes = NULL;
    size_t size = 0;
    int choice = http_accepts(request, offers, 2);
    if (choice < 0)
        return http_error(request, MHD_HTTP_NOT_ACCEPTABLE,
                          "pictures are rendered as image/jpeg or image/png", 0);
    if (!dicomweb_pixels(console, result, &pixels))
        return http_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "the picture cannot be read", 0);
    uint8_t *plane = malloc(pixels.frame_bytes);
    bool good = plane != NULL && pixels.bits == 8 && pixels.samples == 3 &&
                frame <= pixels.frames &&
                pread(pixels.fd, plane, pixels.frame_bytes,
                      pixels.offset + (off_t)pixels.frame_bytes * (frame - 1)) ==
                    (ssize_t)pixels.frame_bytes &&
                nn_image_encode(choice == 0 ? NN_IMAGE_JPEG : NN_IMAGE_PNG, plane, pixels.rows,
                                pixels.cols, pixels.samples, &bytes, &size, &err) == NN_OK;
    (void)close(pixels.fd);
    free(plane);
    enum MHD_Result answered =
        good ? http_text(request, MHD_HTTP_OK, offers[choice].type, (const char *)bytes, size)
             : http_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "the picture cannot be rendered",
                          0);
    free(bytes);
    return answered;
}

/* The text beside the report; malloc, NULL: it is not there. */
static char *words_of(struct console *console, const struct result *result)
{
    char path[PATH_MAX], *text = malloc(TEXT_MOST);
    node_path(console->node->conf, path, sizeof path, "results/%s.txt", result->uid);
    FILE *file = text != NULL ? fopen(path, "re") : NULL;
    if (file == NULL) {
        free(text);
        return NULL;
    }
    text[fread(text, 1, TEXT_MOST - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static void escaped(FILE *to, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '<')
            (void)fputs("&lt;", to);
        else if (*text == '&')
            (void)fputs("&amp;", to);
        else
            (void)fputc(*text, to);
}

/* malloc; NULL: no memory. */
static char *page_of(const struct conf *conf, const char *words, size_t *size)
{
    char *page = NULL;
    FILE *to = open_memstream(&page, size);
    if (to == NULL)
        return NULL;
    (void)fprintf(to,
                  "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
                  "<title>cervigate</title></head><body><pre>",
                  conf->language);
    escaped(to, words);
    (void)fputs("</pre></body></html>\n", to);
    if (fclose(to) == 0)
        return page;
    free(page);
    return NULL;
}

static enum MHD_Result report(struct console *console, const struct http_request *request,
                              const struct result *result)
{
    static const struct accept_offer offers[] = {{"text/html", NULL}, {"text/plain", NULL}};
    int choice = http_accepts(request, offers, 2);
    if (choice < 0)
        return http_error(request, MHD_HTTP_NOT_ACCEPTABLE,
                          "reports are rendered as text/html or text/plain", 0);
    char *words = words_of(console, result);
    if (words == NULL)
        return http_error(request, MHD_HTTP_NOT_FOUND, "the report's text is not here any more", 0);
    size_t size = strlen(words);
    char *page = choice == 0 ? page_of(console->node->conf, words, &size) : NULL;
    enum MHD_Result answered =
        choice == 0 && page == NULL
            ? MHD_NO
            : http_text(request, MHD_HTTP_OK,
                        choice == 0 ? "text/html; charset=utf-8" : "text/plain; charset=utf-8",
                        choice == 0 ? page : words, size);
    free(page);
    free(words);
    return answered;
}

enum MHD_Result dicomweb_rendered(struct console *console, const struct http_request *request,
                                  const struct result *result, int frame)
{
    if (result->kind == RESULT_SC)
        return picture(console, request, result, frame);
    if (result->kind == RESULT_SR)
        return report(console, request, result);
    return http_error(request, MHD_HTTP_NOT_ACCEPTABLE,
                      "only pictures and reports can be rendered; this is neither", 0);
}
