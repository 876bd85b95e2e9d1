# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Readers in processes of this machine, each with an engine of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from vljepa_ros.indexing.reader import Part, Reader, ReaderOptions
from vljepa_ros.indexing.sources import Source

END_S = 10.0


def read_here(
    sources: Sequence[Source], options: ReaderOptions, *, jobs: int
) -> Iterator[tuple[Source, Part]]:
    """Read recordings side by side; yield what comes, the last part of each included.

    A recording that cannot be read, or whose process ends, fails alone.

    Args:
        sources: the recordings.
        options: how they are read.
        jobs: processes at most.
    """
    left = deque(sources)
    with contextlib.ExitStack() as opened:
        processes = [
            opened.enter_context(contextlib.closing(_Process(options)))
            for _ in range(min(jobs, len(sources)))
        ]
        busy: dict[Connection, tuple[_Process, Source]] = {}
        while left or busy:
            for process in processes:
                if left and not any(process is one for one, _ in busy.values()):
                    source = left.popleft()
                    busy[process.give(source)] = process, source
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                process, source = busy[ready]
                part = process.take()
                if part.is_last:
                    del busy[ready]
                yield source, part


class _Process:
    """A process that reads, and that is started again after it has ended."""

    def __init__(self, options: ReaderOptions) -> None:
        self._options = options
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def give(self, source: Source) -> Connection:
        """Give it a recording; return what to wait for."""
        with contextlib.suppress(OSError):
            return self._send(source)
        self.close()  # it has ended since its last recording
        return self._send(source)

    def _send(self, source: Source) -> Connection:
        if self._process is None:
            # Not forked: a library's threads would not survive that.
            context = multiprocessing.get_context('spawn')
            self._connection, theirs = context.Pipe()
            self._process = context.Process(
                target=_serve, args=(theirs, self._options), daemon=True
            )
            self._process.start()
            theirs.close()
        assert self._connection is not None
        self._connection.send(source)
        return self._connection

    def take(self) -> Part:
        """Return the next part."""
        assert self._connection is not None
        try:
            part: Part = self._connection.recv()
        except (EOFError, OSError):
            assert self._process is not None
            self._process.join(END_S)
            status = self._process.exitcode
            self.close()
            return Part(
                is_last=True,
                failure=f'The process that read it has ended with status {status}. Is there '
                'enough memory? Try fewer --jobs',
            )
        return part

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.join(END_S)
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None


def _serve(connection: Connection, options: ReaderOptions) -> None:
    """Read what comes until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends its processes itself
    reader = Reader(options)
    with contextlib.suppress(EOFError, OSError):
        while True:
            source: Source = connection.recv()
            for part in parts_of(reader, source):
                connection.send(part)


def parts_of(reader: Reader, source: Source) -> Iterator[Part]:
    """Yield what reading brings; what goes wrong is the last part."""
    try:
        yield from reader.read(source.path)
    except Exception as error:  # of libraries that read damaged files, too
        yield Part(is_last=True, failure=f'{error}' or type(error).__name__)
