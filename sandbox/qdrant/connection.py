"""HTTP/1.1 as this front needs it: whole bodies, spooled uploads, streamed files, and connections that can be dropped.

A general ASGI server hides the connection, but the fault switches must be able to cut it, a body that is announced
too large must be refused before it is sent, and a finished answer should reach the socket without another copy.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from typing import IO, cast
from urllib.parse import parse_qsl

import httptools

from wire import Drop, FileSlice, Handler, Request, Response, head, read_slice

BODY_LIMIT = 32 << 20
COMPRESS_UP_TO = 64 << 10


class Connection(asyncio.Protocol):
    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.parser = httptools.HttpRequestParser(self)
        self.transport: asyncio.Transport
        self.waiting: deque[tuple[Request, bool]] = deque()
        self.task: asyncio.Task[None] | None = None
        self.request = Request()
        self.chunks: list[bytes] = []
        self.sink: IO[bytes] | None = None
        self.deaf = False
        self.may_write = asyncio.Event()
        self.may_write.set()

    # ---- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has its own class for what asyncio calls a Transport
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=4 << 20)

    def connection_lost(self, exc: Exception | None) -> None:
        self.may_write.set()
        if self.sink:
            self.sink.close()
        if self.request.spooled and self.sink:
            self.request.spooled.unlink(missing_ok=True)

    def pause_writing(self) -> None:
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._last_words(Response(400, b"", None))

    # ---- the parser

    def on_message_begin(self) -> None:
        self.request, self.chunks, self.sink = Request(started=time.perf_counter()), [], None

    def on_url(self, url: bytes) -> None:
        path, _, query = url.decode("ascii", "replace").partition("?")
        self.request.path = path
        if query:
            self.request.query = dict(parse_qsl(query, keep_blank_values=True))

    def on_header(self, name: bytes, value: bytes) -> None:
        self.request.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        request = self.request
        request.method = self.parser.get_method().decode()
        refused = self.handler.early(request)
        if refused:
            return self._last_words(refused)
        request.spooled = self.handler.spool(request)
        if request.spooled:
            self.sink = request.spooled.open("wb")
        elif int(request.headers.get("content-length") or 0) > BODY_LIMIT:
            self._too_large(int(request.headers["content-length"]))
        if request.headers.get("expect", "").lower() == "100-continue" and not self.deaf:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self.deaf:
            return
        if self.sink:
            self.sink.write(body)
        else:
            self.chunks.append(body)

    def on_message_complete(self) -> None:
        if self.deaf:
            return
        if self.sink:
            self.sink.close()
            self.sink = None
        self.request.body = b"".join(self.chunks) if len(self.chunks) != 1 else self.chunks[0]
        if len(self.request.body) > BODY_LIMIT:
            return self._too_large(len(self.request.body))
        self.waiting.append((self.request, self.parser.should_keep_alive()))
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._serve())

    def _too_large(self, size: int) -> None:
        text = f"JSON payload ({size} bytes) is larger than allowed (limit: {BODY_LIMIT} bytes)."
        self._last_words(Response(400, b'{"status":{"error":"%s"},"time":0.0}' % text.encode()))

    def _last_words(self, response: Response) -> None:
        """Answers now and stops listening; the close comes later so that a client still sending reads the answer."""
        self.deaf = True
        assert not isinstance(response.body, FileSlice)
        self.transport.write(head(response, len(response.body), False) + response.body)
        asyncio.get_running_loop().call_later(1.0, self.transport.close)

    # ---- answering

    async def _serve(self) -> None:
        try:
            while self.waiting and not self.transport.is_closing():
                request, keep_alive = self.waiting.popleft()
                await self._answer(request, await self.handler.handle(request), keep_alive)
                if not keep_alive:
                    self.transport.close()
        except Drop:
            self.transport.abort()
        finally:
            self.task = None

    async def _answer(self, request: Request, response: Response, keep_alive: bool) -> None:
        body = response.body
        if isinstance(body, FileSlice):
            return await self._stream(request, response, body, keep_alive)
        if body and len(body) <= COMPRESS_UP_TO and request.accepts_gzip():
            squeezer = zlib.compressobj(1, wbits=31)
            body = squeezer.compress(body) + squeezer.flush()
            response.headers["content-encoding"] = "gzip"
        self.transport.writelines([head(response, len(body), keep_alive), body])
        await self.may_write.wait()

    async def _stream(self, request: Request, response: Response, part: FileSlice, keep_alive: bool) -> None:
        squeezer = None
        if request.accepts_gzip() and response.status == 206:
            response.headers["content-encoding"] = "identity"
        elif request.accepts_gzip():
            response.headers["content-encoding"] = "gzip"
            squeezer = zlib.compressobj(1, wbits=31)
        self.transport.write(head(response, None if squeezer else part.length, keep_alive))
        for chunk in read_slice(part):
            if self.transport.is_closing():
                return
            if squeezer:
                chunk = await asyncio.to_thread(squeezer.compress, chunk)
                if chunk:
                    self.transport.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            else:
                self.transport.write(chunk)
            await self.may_write.wait()
            await asyncio.sleep(0)
        if part.cut is not None:
            self.transport.close()  # what was written still goes out, the rest never comes
        elif squeezer:
            rest = squeezer.flush()
            self.transport.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(rest), rest))


async def listen(handler: Handler, host: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(handler), host, port, backlog=512)
