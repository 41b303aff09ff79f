/* Digests by OpenSSL's EVP, and UIDs derived from them (PS3.5 B.2). */
#include "dx_uid.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct dx_sha256 {
    EVP_MD_CTX *context;
    bool failed; /* EVP refused once: the digest stays empty rather than wrong */
};

struct dx_sha256 *dx_sha256_create(void)
{
    struct dx_sha256 *sha = calloc(1, sizeof *sha);
    if (sha == NULL)
        return NULL;

    sha->context = EVP_MD_CTX_new();
    if (sha->context == NULL || EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL) != 1) {
        dx_sha256_destroy(sha);
        return NULL;
    }
    return sha;
}

void dx_sha256_add(struct dx_sha256 *sha, const void *bytes, size_t count)
{
    if (count > 0 && EVP_DigestUpdate(sha->context, bytes, count) != 1)
        sha->failed = true;
}

void dx_sha256_add_text(struct dx_sha256 *sha, const char *text)
{
    uint64_t count = strlen(text);
    uint8_t prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (uint8_t)(count >> (8 * (7 - i)));
    dx_sha256_add(sha, prefix, sizeof prefix);
    dx_sha256_add(sha, text, (size_t)count);
}

bool dx_sha256_pixels(uint32_t rows, uint32_t cols, const uint16_t *pixels,
                      char digest[DX_DIGEST_MAX])
{
    const uint32_t size[2] = {rows, cols};
    struct dx_sha256 *sha = dx_sha256_create();
    if (!sha)
        return false;
    dx_sha256_add(sha, size, sizeof size);
    dx_sha256_add(sha, pixels, (size_t)rows * cols * sizeof *pixels);
    dx_sha256_take(sha, digest);
    return true;
}

void dx_sha256_take(struct dx_sha256 *sha, char digest[DX_DIGEST_MAX])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t value[EVP_MAX_MD_SIZE];
    unsigned int count = 0;

    digest[0] = '\0';
    if (sha != NULL && !sha->failed && EVP_DigestFinal_ex(sha->context, value, &count) == 1 &&
        count == 32) {
        for (unsigned int i = 0; i < count; i++) {
            digest[2 * i] = hex[value[i] >> 4];
            digest[2 * i + 1] = hex[value[i] & 15];
        }
        digest[64] = '\0';
    }
    dx_sha256_destroy(sha);
}

void dx_sha256_destroy(struct dx_sha256 *sha)
{
    if (sha == NULL)
        return;
    EVP_MD_CTX_free(sha->context);
    free(sha);
}

/* A moment, for what another thread writes. */
static void wait_a_moment(void)
{
    (void)poll(NULL, 0, 1);
}

static bool is_whole(const bool *whole)
{
    return whole == NULL || __atomic_load_n(whole, __ATOMIC_ACQUIRE);
}

static enum dx_status digest_rest(int fd, const char *name, off_t at, const bool *whole,
                                  struct dx_sha256 *sha, struct dx_error *err)
{
    uint8_t buffer[65536];
    for (;;) {
        bool last = is_whole(whole);
        ssize_t got = pread(fd, buffer, sizeof buffer, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dx_fail(err, DX_IO, "%s: %s", name, strerror(errno));
        if (got == 0 && last)
            return DX_OK;
        if (got == 0)
            wait_a_moment();
        dx_sha256_add(sha, buffer, (size_t)got);
        at += got;
    }
}

static enum dx_status digest_from(int fd, const char *name, uint64_t offset, const bool *whole,
                                  char digest[DX_DIGEST_MAX], struct dx_error *err)
{
    digest[0] = '\0';
    if (offset > INT64_MAX)
        return dx_fail(err, DX_IO, "%s: cannot seek", name);
    struct dx_sha256 *sha = dx_sha256_create();
    if (sha == NULL)
        return dx_fail(err, DX_NO_MEMORY, "%s: no memory for a digest", name);

    enum dx_status status = digest_rest(fd, name, (off_t)offset, whole, sha, err);
    if (status != DX_OK) {
        dx_sha256_destroy(sha);
        return status;
    }
    dx_sha256_take(sha, digest);
    if (digest[0] == '\0')
        return dx_fail(err, DX_INTERNAL, "%s: SHA-256 failed", name);
    return DX_OK;
}

enum dx_status dx_digest_descriptor(int fd, const char *name, uint64_t offset,
                                    char digest[DX_DIGEST_MAX], struct dx_error *err)
{
    return digest_from(fd, name, offset, NULL, digest, err);
}

enum dx_status dx_digest_growing(const char *path, const bool *whole, char digest[DX_DIGEST_MAX],
                                 struct dx_error *err)
{
    bool last;
    int fd;
    digest[0] = '\0';
    do {
        last = is_whole(whole);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && !last)
            wait_a_moment();
    } while (fd < 0 && !last);
    if (fd < 0)
        return dx_fail(err, errno == ENOENT ? DX_MISSING : DX_IO, "%s: %s", path, strerror(errno));
    enum dx_status status = digest_from(fd, path, 0, whole, digest, err);
    close(fd);
    return status;
}

enum dx_status dx_digest_file(const char *path, uint64_t offset, char digest[DX_DIGEST_MAX],
                              struct dx_error *err)
{
    digest[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dx_fail(err, errno == ENOENT ? DX_MISSING : DX_IO, "%s: %s", path, strerror(errno));
    enum dx_status status = dx_digest_descriptor(fd, path, offset, digest, err);
    close(fd);
    return status;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum dx_status dx_uid_from_digest(const char *digest, char uid[DX_UID_MAX])
{
    uint8_t bytes[16];
    char digits[40];
    size_t count = 0;

    uid[0] = '\0';
    if (digest == NULL || strlen(digest) != 64 || strspn(digest, "0123456789abcdefABCDEF") != 64)
        return DX_INVALID;
    for (int i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(hex_value(digest[2 * i]) * 16 + hex_value(digest[2 * i + 1]));
    /* RFC 9562 5.8: version 8 (a custom hash), variant 10. */
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);

    /* The 128-bit number in decimal: long division by ten, least digit first. The variant bit
     * may leave leading zero bytes, never a zero number. */
    bool is_zero;
    do {
        unsigned int remainder = 0;
        is_zero = true;
        for (int i = 0; i < 16; i++) {
            unsigned int value = remainder * 256 + bytes[i];
            bytes[i] = (uint8_t)(value / 10);
            remainder = value % 10;
            is_zero = is_zero && bytes[i] == 0;
        }
        digits[count++] = (char)('0' + remainder);
    } while (!is_zero);

    memcpy(uid, "2.25.", 5);
    for (size_t i = 0; i < count; i++)
        uid[5 + i] = digits[count - 1 - i];
    uid[5 + count] = '\0';
    return DX_OK;
}

bool dx_uid_is_valid(const char *uid)
{
    size_t i = 0;
    if (uid == NULL || uid[0] == '\0')
        return false;

    while (uid[i] != '\0') {
        size_t digits = strspn(uid + i, "0123456789");
        if (digits == 0 || (digits > 1 && uid[i] == '0'))
            return false;
        i += digits;
        if (i > 64)
            return false;
        if (uid[i] == '.') {
            i++;
            if (uid[i] == '\0')
                return false;
        } else if (uid[i] != '\0') {
            return false;
        }
    }
    return true;
}

bool dx_uid_is_usable(const char *uid)
{
    size_t length = uid != NULL ? strlen(uid) : 0;
    return length >= 1 && length <= 64 && strspn(uid, "0123456789.") == length;
}
