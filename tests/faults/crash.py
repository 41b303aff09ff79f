"""A disk after a power cut: what record.c recorded, replayed up to a moment, with what no sync had made durable dropped, torn or reordered.

The model is stricter than any file system that is in use:
  - bytes are durable when a sync of their file began after they were written; before that each write may be there, not, or in part
    (sectors of 512 bytes), whatever was written after it
  - a name is durable when its directory was synced after it was made; creations, renames and removals that were not may be there or not,
    each by itself; a rename within one directory is whole, between two its halves may part
  - what a file system orders for free (a new file's name with its fsync, names in their sequence) is not relied upon
jobs.sqlite-shm is never there: SQLite makes it anew."""
import hashlib
import os
import struct

HEAD, FIRST = struct.Struct("=IIQQII"), 4096
CREATE, WRITE, TRUNCATE, SYNC, RENAME, UNLINK, MKDIR = range(1, 8)
SECTOR = 512
POLICIES = ("drop", "all", "prefix", "subset", "torn")


class Book:
    """The file that the recorder writes into."""

    def __init__(self, path, size):
        self.path, self.size = path, size
        with open(path, "wb") as f:
            f.truncate(size)
            f.write(struct.pack("=QQ", FIRST, size))

    def tail(self):
        with open(self.path, "rb") as f:
            return struct.unpack("=Q", f.read(8))[0]

    def records(self):
        """(position, type, inode, value, bytes) of each; paths are relative to the spool."""
        with open(self.path, "rb") as f:
            data = f.read(self.tail())
        at = FIRST
        while at < len(data):
            size, kind, inode, value, count, _ = HEAD.unpack_from(data, at)
            if size == 0:
                raise ValueError(f"a record at {at} is not complete")
            content = data[at + HEAD.size:at + HEAD.size + count]
            if kind in (CREATE, RENAME, UNLINK, MKDIR):
                content = [below(part.decode()) for part in content.split(b"\0")]
            yield at, kind, inode, value, content
            at += size


def below(path):
    return os.path.normpath(path.split("/spool", 1)[1].strip("/") or ".")


class File:
    def __init__(self, content=b""):
        self.durable, self.pending = content, []  # pending: (position, offset or None, bytes or size)

    def sync(self, before):
        done = [op for op in self.pending if op[0] < before]
        self.durable = apply(self.durable, done)
        self.pending = [op for op in self.pending if op[0] >= before]

    def survives(self, random, policy):
        """Its content after the cut."""
        ops = self.pending
        if policy == "drop" or not ops:
            return self.durable
        if policy == "prefix":
            ops = ops[:random.randrange(len(ops) + 1)]
        if policy == "subset":
            ops = [op for op in ops if random.random() < 0.5]
        if policy == "torn":
            ops = [torn for op in ops for torn in tear(random, op)]
        return apply(self.durable, ops)


def apply(content, ops):
    if not ops:
        return content
    data = bytearray(content)
    for _, offset, what in ops:
        if offset is None:
            del data[what:]
            data.extend(bytes(what - len(data)))
            continue
        if offset > len(data):
            data.extend(bytes(offset - len(data)))
        data[offset:offset + len(what)] = what
    return bytes(data)


def tear(random, op):
    """Some of its sectors."""
    position, offset, what = op
    if offset is None:
        return [op] if random.random() < 0.5 else []
    parts, at = [], 0
    while at < len(what):
        end = min(len(what), at + SECTOR - (offset + at) % SECTOR)
        if random.random() < 0.7:
            parts.append((position, offset + at, what[at:end]))
        at = end
    return parts


class Directory:
    def __init__(self):
        self.now, self.durable, self.pending = {}, {}, []  # pending: (position, [(name, entry or None), ...])

    def change(self, position, *changes):
        for name, entry in changes:
            put(self.now, name, entry)
        self.pending.append((position, changes))

    def sync(self, before):
        for position, changes in self.pending:
            if position < before:
                for name, entry in changes:
                    put(self.durable, name, entry)
        self.pending = [op for op in self.pending if op[0] >= before]

    def survives(self, random, policy):
        names, ops = dict(self.durable), self.pending
        if policy == "drop":
            ops = []
        elif policy == "prefix":
            ops = ops[:random.randrange(len(ops) + 1)]
        elif policy in ("subset", "torn"):
            ops = [op for op in ops if random.random() < 0.5]
        for _, changes in ops:
            for name, entry in changes:
                put(names, name, entry)
        return names


def put(names, name, entry):
    if entry is None:
        names.pop(name, None)
    else:
        names[name] = entry


class Disk:
    """The spool's state as the records tell it; `image` says what a cut at this moment may leave."""

    def __init__(self, spool=None):
        self.directories, self.inodes = {}, {}
        self.parent = Directory()  # of the spool itself
        if spool and os.path.isdir(spool):
            self.read(spool)

    def read(self, spool):
        """A spool that is there, all of it durable."""
        for folder, names, files in os.walk(spool):
            path = os.path.normpath(os.path.relpath(folder, spool))
            self.add_directory(path, os.stat(folder).st_ino, 0)
            for name in files:
                whole = os.path.join(folder, name)
                if name.endswith("-shm"):
                    continue
                with open(whole, "rb") as f:
                    self.inodes[os.stat(whole).st_ino] = entry = File(f.read())
                self.directories[path].change(0, (name, entry))
            del names
        for directory in [self.parent, *self.directories.values()]:
            directory.sync(1)

    def add_directory(self, path, inode, position):
        self.directories[path] = self.inodes[inode] = directory = Directory()
        parent, name = self.place(path)
        parent.change(position, (name, directory))
        if path == ".":  # the folder that it lies in is not of the record
            parent.sync(position + 1)

    def place(self, path):
        """(directory, name)"""
        if path == ".":
            return self.parent, "spool"
        return self.directories[os.path.dirname(path) or "."], os.path.basename(path)

    def play(self, record):
        position, kind, inode, value, content = record
        if kind == CREATE:
            directory, name = self.place(content[0])
            if directory.now.get(name) is None or directory.now[name] is not self.inodes.get(inode):
                self.inodes[inode] = entry = File()
                directory.change(position, (name, entry))
        elif kind == WRITE:
            self.inodes[inode].pending.append((position, value, content))
        elif kind == TRUNCATE:
            self.inodes[inode].pending.append((position, None, value))
        elif kind == SYNC:
            if inode in self.inodes:
                self.inodes[inode].sync(value)
        elif kind == RENAME:
            self.rename(position, *content)
        elif kind == UNLINK:
            directory, name = self.place(content[0])
            if name in directory.now:
                directory.change(position, (name, None))
        elif kind == MKDIR:
            self.add_directory(content[0], inode, position)

    def rename(self, position, source, target):
        old, old_name = self.place(source)
        new, new_name = self.place(target)
        entry = old.now.get(old_name)
        if entry is None:
            return
        if old is new:
            old.change(position, (old_name, None), (new_name, entry))
        else:
            new.change(position, (new_name, entry))
            old.change(position, (old_name, None))

    def image(self, random):
        """{path: content, or None for a directory} of a spool after a cut now."""
        policy = random.choice(POLICIES + ("mixed",) * 3)
        found, contents = {}, {}

        def choose():
            return random.choice(POLICIES) if policy == "mixed" else policy

        def walk(directory, path):
            for name, entry in directory.survives(random, choose()).items():
                below_it = os.path.normpath(os.path.join(path, name))
                if isinstance(entry, Directory):
                    found[below_it] = None
                    walk(entry, below_it)
                else:
                    if id(entry) not in contents:
                        contents[id(entry)] = entry.survives(random, choose())
                    found[below_it] = contents[id(entry)]
        walk(self.parent, ".")
        return policy, {os.path.relpath(path, "spool"): content for path, content in found.items()}


def lay(image, spool):
    """The image as real folders and files."""
    for path, content in image.items():
        whole = os.path.join(spool, path)
        if content is None:
            os.makedirs(whole, mode=0o700, exist_ok=True)
        else:
            with open(whole, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(content)


digests = {}


def digest(content, offset=0):
    """SHA-256, remembered: most files of most images are the same bytes."""
    key = (id(content), offset)
    if len(digests) > 2000:
        digests.clear()
    if key not in digests or digests[key][0] is not content:
        digests[key] = (content, hashlib.sha256(memoryview(content)[offset:]).hexdigest())
    return digests[key][1]
