#include "build_id.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct search {
    char *text;
    size_t size;
};

static size_t aligned(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

/* The notes of one segment: name size, description size, type; then both, padded to 4 bytes. */
static int read_notes(const uint8_t *at, size_t left, struct search *search)
{
    while (left >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, at, sizeof note);
        size_t whole = sizeof note + aligned(note.n_namesz) + aligned(note.n_descsz);
        if (whole > left)
            return 0;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4) {
            const uint8_t *id = at + sizeof note + 4;
            for (size_t i = 0; i < note.n_descsz && 2 * i + 2 < search->size; i++)
                (void)snprintf(search->text + 2 * i, 3, "%02x", id[i]);
            return 1;
        }
        at += whole;
        left -= whole;
    }
    return 0;
}

/* The first object is the program itself; the libraries are named by their own versions. */
static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_NOTE &&
            read_notes((const uint8_t *)(info->dlpi_addr + header->p_vaddr), header->p_memsz,
                       context))
            break;
    }
    return 1;
}

void build_id(char *text, size_t size)
{
    struct search search = {text, size};
    (void)snprintf(text, size, "unknown");
    (void)dl_iterate_phdr(visit, &search);
}

static void search_file(const uint8_t *file, size_t size, struct search *search)
{
    ElfW(Ehdr) head;
    if (size < sizeof head)
        return;
    memcpy(&head, file, sizeof head);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr)))
        return;
    for (size_t i = 0; i < head.e_phnum; i++) {
        ElfW(Phdr) part;
        size_t at = head.e_phoff + i * sizeof part;
        if (head.e_phoff > size || at > size - sizeof part)
            return;
        memcpy(&part, file + at, sizeof part);
        if (part.p_type == PT_NOTE && part.p_offset <= size &&
            part.p_filesz <= size - part.p_offset &&
            read_notes(file + part.p_offset, part.p_filesz, search))
            return;
    }
}

void build_id_of(const char *path, char *text, size_t size)
{
    struct search search = {text, size};
    struct stat at;
    (void)snprintf(text, size, "unknown");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &at) == 0 && at.st_size > 0) {
        void *file = mmap(NULL, (size_t)at.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (file != MAP_FAILED) {
            search_file(file, (size_t)at.st_size, &search);
            (void)munmap(file, (size_t)at.st_size);
        }
    }
    (void)close(fd);
}
