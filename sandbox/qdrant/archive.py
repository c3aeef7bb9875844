"""Collection snapshots as a Qdrant server writes and reads them.

A snapshot is a GNU tar: the collection's configuration, and for its shard the write-ahead log and one inner tar per
segment. Preallocated files are mostly zeros, so zero blocks are left out as GNU sparse entries; without that a
handful of points would weigh 150 MB. Only directory, regular and GNU sparse entries are allowed, so no PAX headers.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson

BLOCK = 4096
READ = 1 << 20
COLLECTION_VERSION = "0.4.2"
HEADER_ENTRIES, EXTENSION_ENTRIES = 4, 21
INNER = "snapshot/files"


class Hashing:
    """A file that is hashed while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes | memoryview) -> None:
        self.digest.update(data)
        self.file.write(data)
        self.size += len(data)


def data_regions(file: IO[bytes], size: int) -> Iterator[tuple[int, int]]:
    """Where a file has anything but zeros, as (offset, length), in whole blocks. Holes are skipped without reading."""
    start: int | None = None
    position = end = 0
    while position < size:
        try:
            position = os.lseek(file.fileno(), position, os.SEEK_DATA) // BLOCK * BLOCK
        except OSError:
            break  # nothing but a hole is left
        chunk = os.pread(file.fileno(), READ, position)
        padded = np.frombuffer(chunk + bytes(-len(chunk) % BLOCK), dtype=np.uint8).reshape(-1, BLOCK)
        if start is not None and position > end:
            yield start, end - start
            start = None
        for row, filled in enumerate(np.any(padded, axis=1).tolist()):
            here = position + row * BLOCK
            if filled and start is None:
                start = here
            elif not filled and start is not None:
                yield start, here - start
                start = None
        position = end = position + len(chunk)
    if start is not None:
        yield start, min(end, size) - start


def _octal(value: int, width: int) -> bytes:
    """A tar number: octal, or base 256 from 8 GiB on."""
    text = b"%0*o\0" % (width - 1, value)
    return text if len(text) <= width else b"\x80" + value.to_bytes(width - 1, "big")


def _pair(offset: int, length: int) -> bytes:
    return _octal(offset, 12) + _octal(length, 12)


def add_file(out: Hashing, path: Path, name: str) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        regions = list(data_regions(file, size))
        if sum(length for _, length in regions) == size:
            regions, sparse = [(0, size)] if size else [], False
        else:
            regions, sparse = [*regions, (size, 0)], True  # the last entry says how long the file is
        stored = sum(length for _, length in regions)
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = stored, 0o644, int(path.stat().st_mtime)
        header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
        if sparse:
            _mark_sparse(header, regions, size)
        out.write(bytes(header))
        if sparse:
            for at in range(HEADER_ENTRIES, len(regions), EXTENSION_ENTRIES):
                batch = regions[at : at + EXTENSION_ENTRIES]
                block = b"".join(_pair(*region) for region in batch).ljust(504, b"\0")
                out.write(block + (b"\1" if at + EXTENSION_ENTRIES < len(regions) else b"\0") + bytes(7))
        for offset, length in regions:
            for at in range(offset, offset + length, READ):
                out.write(os.pread(file.fileno(), min(READ, offset + length - at), at))
        out.write(bytes(-stored % tarfile.BLOCKSIZE))


def _mark_sparse(header: bytearray, regions: list[tuple[int, int]], size: int) -> None:
    """Turns the last block of a plain header (a long name may stand before it) into a GNU sparse one."""
    block = memoryview(header)[-tarfile.BLOCKSIZE :]
    block[156:157] = tarfile.GNUTYPE_SPARSE
    block[345:500] = bytes(155)
    pairs = b"".join(_pair(*region) for region in regions[:HEADER_ENTRIES])
    block[386 : 386 + len(pairs)] = pairs
    block[482:483] = b"\1" if len(regions) > HEADER_ENTRIES else b"\0"
    block[483:495] = _octal(size, 12)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)


def add_bytes(out: Hashing, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    out.write(info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE))


def add_folder(out: Hashing, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    out.write(info.tobuf(tarfile.GNU_FORMAT))


def finish(out: Hashing) -> None:
    out.write(bytes(2 * tarfile.BLOCKSIZE))


def write_snapshot(
    collection: Path, target: Path, scratch: Path, peer: int, config: Any, schema: Any
) -> tuple[int, str]:
    """Packs a flushed collection; returns size and SHA-256. Nothing may write to the collection meanwhile."""
    shard = collection / "0"
    partial = scratch / (target.name + ".partial")
    with partial.open("wb") as file:
        out = Hashing(file)
        add_folder(out, "0/segments")
        for segment in sorted((shard / "segments").iterdir()):
            inner = scratch / (segment.name + ".tar")
            with inner.open("wb") as inner_file:
                inner_out = Hashing(inner_file)
                for path in sorted(segment.rglob("*")):
                    if path.is_file():
                        add_file(inner_out, path, f"{INNER}/{path.relative_to(segment)}")
                finish(inner_out)
            add_file(out, inner, f"0/segments/{inner.name}")
            inner.unlink()
        for path in sorted((shard / "wal").rglob("*")):
            if path.is_file():
                add_file(out, path, f"0/wal/{path.relative_to(shard / 'wal')}")
        replicas = {"is_local": True, "this_peer_id": peer, "peers": {str(peer): "Active"}}
        add_bytes(out, "0/replica_state.json", orjson.dumps(replicas))
        add_bytes(out, "0/shard_config.json", b'{"type":"ReplicaSet"}')
        add_bytes(out, "config.json", orjson.dumps(config))
        add_bytes(out, "version.info", COLLECTION_VERSION.encode())
        add_bytes(out, "payload_index.json", orjson.dumps({"schema": schema}))
        finish(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    checksum = scratch / (target.name + ".checksum")
    checksum.write_text(out.digest.hexdigest())
    partial.replace(target)
    checksum.replace(target.with_name(checksum.name))  # whole from the start: somebody may be listing just now
    return out.size, out.digest.hexdigest()


class Malformed(Exception):
    """An archive that cannot be unpacked; the text is the one a Qdrant server gives."""


def unpack(archive: Path, target: Path, inside: str = "") -> None:
    """Extracts what lies below `inside`. Names that leave the target and other kinds of entries are refused."""
    name = ""
    try:
        with tarfile.open(archive, "r:") as tar:
            for entry in tar:
                name = entry.name
                if not (entry.isdir() or entry.isreg() or entry.issparse()):
                    raise Malformed("Forbidden entry type in tar archive")
                if inside and not name.startswith(inside + "/"):
                    continue
                path = (target / name[len(inside) :].lstrip("/")).resolve()
                if not path.is_relative_to(target.resolve()):
                    raise Malformed("Malformed tar archive, reached unknown entry")
                path.parent.mkdir(parents=True, exist_ok=True)
                if entry.isdir():
                    path.mkdir(exist_ok=True)
                else:
                    tar.makefile(entry, str(path))
    except (tarfile.TarError, EOFError, OSError) as failure:
        if not name:
            raise Malformed("Malformed tar archive, reached unknown entry") from failure
        raise Malformed(f"failed to unpack `{target / name}`") from failure


def unpack_segments(shard: Path) -> None:
    for inner in sorted((shard / "segments").glob("*.tar")):
        unpack(inner, inner.with_suffix(""), INNER)
        inner.unlink()
