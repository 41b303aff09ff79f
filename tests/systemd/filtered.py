"""`filtered.py NAMES PROGRAM ARGUMENT...`: runs the program with the system calls of the file NAMES, the rest refused (EPERM), as systemd does."""
import ctypes
import errno
import os
import sys

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO


def load(names):
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(REFUSE)))
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0 and library.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, 0) != 0:
            sys.exit(f"filtered.py: no rule for {name}")
    if library.seccomp_load(context) != 0:
        sys.exit("filtered.py: the filter cannot be loaded")


if __name__ == "__main__":
    with open(sys.argv[1], encoding="ascii") as listed:
        load(listed.read().split())
    os.execv(sys.argv[2], sys.argv[2:])
