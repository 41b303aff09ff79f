/* Certificate and key of the console. */
#include "tls.h"

#include "clock.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST (256u * 1024)

/* BCP 195 as dicom/tls.c has it for OpenSSL: ECDHE and AEAD, no SHA-1, no tickets; MHD keeps no
 * sessions to be resumed. */
#define RULES(versions)                                                                            \
    "SECURE128:-VERS-ALL:" versions ":-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:"   \
    "+AES-128-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE:%NO_TICKETS"

/* The console's files in the place of those of <tls>. */
static struct conf in_place_of_tls(const struct conf *conf)
{
    struct conf other = *conf;
    other.tls.certificate = conf->web.certificate;
    other.tls.key = conf->web.key;
    other.tls.authorities = other.tls.revoked = NULL;
    return other;
}

static void say_as_console(struct keys_wrong *wrong)
{
    static const char tls[] = "<tls ";
    char text[sizeof wrong->text];
    if (strncmp(wrong->text, tls, sizeof tls - 1) != 0)
        return;
    (void)snprintf(text, sizeof text, "<console %s", wrong->text + sizeof tls - 1);
    memcpy(wrong->text, text, sizeof text);
}

size_t console_tls_find_wrong(const struct conf *conf, struct keys_wrong wrong[DX_TLS_FILES])
{
    struct dx_tls_facts facts;
    const struct conf other = in_place_of_tls(conf);
    size_t count = keys_find_wrong(&other, clock_utc_ms(), &facts, wrong);
    for (int i = 0; i < DX_TLS_FILES; i++)
        say_as_console(&wrong[i]);
    return count;
}

bool console_tls_judge(const struct conf *conf, struct keys_wrong *wrong)
{
    struct dx_tls_files files;
    struct dx_tls_facts facts;
    if (conf->web.certificate == NULL)
        return true;
    const struct conf other = in_place_of_tls(conf);
    bool good = keys_open(&other, &files, wrong);
    if (good) {
        good = keys_judge_apart(&other, &files, clock_utc_ms(), &facts, wrong);
        keys_close(&files);
    }
    say_as_console(wrong);
    return good || wrong->kind == KEYS_ENDED || wrong->kind == KEYS_EARLY;
}

/* malloc, NUL after it; NULL: it cannot be read. */
static char *text_of(int fd)
{
    struct stat at;
    char *text = fstat(fd, &at) == 0 && at.st_size > 0 && at.st_size <= (off_t)FILE_MOST
                     ? malloc((size_t)at.st_size + 1)
                     : NULL;
    ssize_t n = text != NULL ? pread(fd, text, (size_t)at.st_size, 0) : -1;
    if (n <= 0) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

bool console_tls_read(const struct conf *conf, struct console_tls *tls)
{
    struct dx_tls_files files;
    struct keys_wrong wrong;
    *tls = (struct console_tls){.rules = conf->tls.newest ? RULES("+VERS-TLS1.3")
                                                          : RULES("+VERS-TLS1.3:+VERS-TLS1.2")};
    if (conf->web.certificate == NULL)
        return true;
    const struct conf other = in_place_of_tls(conf);
    if (!keys_open(&other, &files, &wrong))
        return false;
    tls->certificate = text_of(files.fd[DX_TLS_CERTIFICATE]);
    tls->key = text_of(files.fd[DX_TLS_KEY]);
    keys_close(&files);
    return tls->certificate != NULL && tls->key != NULL;
}

void console_tls_finish(struct console_tls *tls)
{
    if (tls->key != NULL)
        OPENSSL_cleanse(tls->key, strlen(tls->key));
    free(tls->certificate);
    free(tls->key);
    tls->certificate = tls->key = NULL;
}
