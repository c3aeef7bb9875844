"""One child process per collection, forked from a nursery, spoken to over a socket pair.

The engine holds the interpreter lock for as long as a call takes. With a process for each collection, a long call on
one of them stalls neither a health check nor another collection, and copying between two uses two cores.
The nursery is forked before the event loop exists and has everything imported, so a new child costs a few
milliseconds. A child ends when its socket closes, which also happens when the router is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any, cast

import orjson

from errors import ApiError, internal

REQUEST = struct.Struct("<IQ")
ANSWER = struct.Struct("<HHiQ")  # status, plain text?, retry-after or -1, length
SOCKET_BUFFER = 8 << 20


def die_with_parent() -> None:
    """On Linux the kernel kills the child even in the middle of an engine call; elsewhere the closed socket must do."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Nursery:
    """Makes children. macOS forbids much after a fork without exec, so there each child is a fresh interpreter."""

    def __init__(self) -> None:
        self.forks = sys.platform == "linux"
        if self.forks:
            self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            parent = os.getpid()
            if os.fork() == 0:
                self.control.close()
                die_with_parent()
                if os.getppid() == parent:
                    _raise_children(theirs)
                os._exit(0)
            theirs.close()

    def child(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        if self.forks:
            socket.send_fds(self.control, [b"+"], [theirs.fileno()])
        else:
            script = Path(__file__).with_name("worker.py")
            subprocess.Popen([sys.executable, str(script), str(theirs.fileno())], pass_fds=[theirs.fileno()])
        theirs.close()
        return ours


def _raise_children(control: socket.socket) -> None:
    import worker

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        word, fds, _, _ = socket.recv_fds(control, 1, 1)
        if not word:
            return
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            die_with_parent()
            worker.main(socket.socket(fileno=fds[0]))
            os._exit(0)
        os.close(fds[0])


class Child(asyncio.BufferedProtocol):
    """The router's end: requests go out in order, answers come back in the same order."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.waiting: deque[asyncio.Future[tuple[tuple[int, int, int], bytearray]]] = deque()
        self.gone = asyncio.Event()
        self.head: tuple[int, int, int] | None = None
        self.buffer = bytearray(ANSWER.size)
        self.filled = 0

    @classmethod
    async def start(cls, nursery: Nursery) -> "Child":
        end = nursery.child()
        end.setblocking(False)
        _, child = await asyncio.get_running_loop().create_connection(cls, sock=end)
        return child

    async def call(self, meta: dict[str, Any], body: bytes | bytearray = b"") -> bytearray:
        """The finished answer of a successful operation; everything else is raised."""
        if self.gone.is_set():
            raise internal("the process of this collection is gone")
        answer: asyncio.Future[tuple[tuple[int, int, int], bytearray]] = asyncio.get_running_loop().create_future()
        self.waiting.append(answer)
        head = orjson.dumps(meta)
        self.transport.writelines([REQUEST.pack(len(head), len(body)) + head, body])
        (status, plain, retry_after), data = await answer
        if status == 200:
            return data
        raise ApiError(status, data.decode(), plain=bool(plain), retry_after=retry_after if retry_after >= 0 else None)

    async def stop(self) -> None:
        """Flushes, closes the shard and waits until the process has let go of it."""
        try:
            await self.call({"op": "close"})
        except ApiError:
            pass
        self.transport.close()
        await self.gone.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has its own class for what asyncio calls a Transport
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self.buffer)[self.filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self.filled += nbytes
        if self.filled < len(self.buffer):
            return
        if self.head is None:
            status, plain, retry_after, length = ANSWER.unpack(self.buffer)
            self.head, self.buffer, self.filled = (status, plain, retry_after), bytearray(length), 0
            if length:
                return
        answer, data = self.waiting.popleft(), self.buffer
        if not answer.done():
            answer.set_result((self.head, data))
        self.head, self.buffer, self.filled = None, bytearray(ANSWER.size), 0

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        for answer in self.waiting:
            if not answer.done():
                answer.set_exception(internal("the process of this collection ended in the middle of an operation"))
