"""The messages of the front's HTTP: requests, answers, and files that are sent in parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
CHUNK = 256 << 10


@dataclass
class Request:
    method: str = "GET"
    path: str = "/"
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    spooled: Path | None = None
    started: float = 0.0

    def accepts_gzip(self) -> bool:
        return "gzip" in self.headers.get("accept-encoding", "")


@dataclass
class FileSlice:
    """A part of a file to stream; `cut` ends the connection after that many bytes, `flip` damages one byte."""

    path: Path
    start: int
    length: int
    cut: int | None = None
    flip: int | None = None


@dataclass
class Response:
    status: int = 200
    body: bytes | bytearray | FileSlice = b""
    content_type: str | None = JSON
    headers: dict[str, str] = field(default_factory=dict)


class Drop(Exception):
    """Raised by a handler to close the connection without a word."""


class Handler(Protocol):
    async def handle(self, request: Request) -> Response: ...

    def early(self, request: Request) -> Response | None:
        """An answer that needs no body, given as soon as the head is in."""

    def spool(self, request: Request) -> Path | None:
        """A file to write the body to, for bodies that do not belong in memory."""


def head(response: Response, length: int | None, keep_alive: bool) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    if response.content_type:
        lines.append(f"content-type: {response.content_type}")
    lines.append("transfer-encoding: chunked" if length is None else f"content-length: {length}")
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if not keep_alive:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_slice(part: FileSlice) -> Iterator[bytes]:
    left = part.length if part.cut is None else min(part.cut, part.length)
    position = part.start
    with part.path.open("rb") as file:
        file.seek(position)
        while left > 0:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                return
            if part.flip is not None and position <= part.flip < position + len(chunk):
                damaged = bytearray(chunk)
                damaged[part.flip - position] ^= 1
                chunk = bytes(damaged)
            position += len(chunk)
            left -= len(chunk)
            yield chunk


def file_tag(path: Path) -> tuple[str, os.stat_result]:
    status = path.stat()
    return f'"{status.st_ino:x}:{status.st_size:x}:{status.st_mtime_ns:x}"', status
