#include "build_id.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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
