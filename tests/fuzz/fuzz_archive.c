/* Any bytes as a backup's archive, packed or not: each member within its size, and only a whole one
 * comes to its end. */
#include "archive.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_member(struct archive *archive, const struct archive_member *member)
{
    char bytes[4096];
    uint64_t all = 0;
    size_t count = 0;
    do {
        if (archive_read(archive, bytes, sizeof bytes, &count) != ARCHIVE_OK)
            return;
        all += count;
    } while (count > 0 && all < 1u << 22);
    if (all > member->bytes || (count == 0 && all != member->bytes))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct archive_member member;
    enum archive_status status = ARCHIVE_OK;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    struct archive *archive = archive_open_fd(fd);
    if (archive == NULL)
        abort();
    for (int i = 0; i < 64 && (status = archive_next(archive, &member)) == ARCHIVE_OK; i++) {
        if (memchr(member.name, '\0', sizeof member.name) == NULL || member.name[0] == '\0')
            abort();
        if (size % 2 == 0) /* else it is passed over */
            read_member(archive, &member);
    }
    if (status != ARCHIVE_OK && status != ARCHIVE_END && archive_error(archive)[0] == '\0')
        abort();
    archive_close(archive);
    return 0;
}
