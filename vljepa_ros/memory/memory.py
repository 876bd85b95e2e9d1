# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A memory: rows are written one by one and searched by vector."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from vljepa_ros.errors import StoreDamagedError, StoreError
from vljepa_ros.memory.bounds import Bounds
from vljepa_ros.memory.journal import Journal, open_journal, set_aside
from vljepa_ros.memory.lance.catalog import Catalog
from vljepa_ros.memory.lance.database import Database
from vljepa_ros.memory.lance.location import locate
from vljepa_ros.memory.lock import locked
from vljepa_ros.memory.moments import Candidate
from vljepa_ros.memory.row import Row
from vljepa_ros.memory.search import Hit, Search
from vljepa_ros.memory.searcher import LEAST_ROWS, ROWS_A_MOMENT, Searcher
from vljepa_ros.memory.upkeep import Upkeep
from vljepa_ros.memory.waiting import WaitingRows

# A row is safe that long after it was written, and the time that the disk takes.
COMMIT_PERIOD_S = 0.5
UPKEEP_PERIOD_S = 5.0
RETRY_S = 30.0
SEARCH_THREADS = 4
LOCK = '.lock'

# What was being done ('commit', 'tables', 'index', 'bounds' or 'damage'), and what went wrong.
OnProblem = Callable[[str, StoreError], None]
OnRecovery = Callable[[str], None]


class Memory:
    """Writes into a database of LanceDB and searches it; may be used by several threads.

    Rows go into a journal twice a second and from there, thousands at once, into tables. A process
    that is killed at any moment loses what came in the last second at most.
    """

    def __init__(
        self,
        uri: str,
        *,
        bounds: Bounds | None = None,
        on_problem: OnProblem = lambda what, error: None,
        on_recovery: OnRecovery = lambda what: None,
    ) -> None:
        """Open a memory, creating it; take up what a killed process left in the journal.

        Args:
            uri: see `locate`.
            bounds: what is kept; None is the default.
            on_problem: is told what cannot be done now. All is tried again, and nothing is lost
                meanwhile, but 'damage' has happened: what is damaged has been set aside.
            on_recovery: is told that what could not be done can be done again.

        Raises:
            MissingDependencyError: lancedb is not installed.
            StoreError: the memory cannot be reached or written, or another process writes it.
        """
        self._location = locate(uri)
        self._on_problem, self._on_recovery = on_problem, on_recovery
        self._troubled: dict[str, float] = {}
        with contextlib.ExitStack() as opened:
            opened.enter_context(
                locked(
                    self._location.journal.with_name(LOCK),
                    purpose=f'The memory {self._location.uri!r} cannot be written',
                    otherwise=f'Another process writes into the memory {self._location.uri!r}. '
                    'Give each a uri of its own',
                )
            )
            self._database = Database(self._location)
            self._catalog = Catalog(self._database, on_problem=self._on_damage)
            self._journal, sentence = open_journal(self._location.journal)
            opened.callback(lambda: self._journal.close())
            if sentence:
                self._on_damage(StoreDamagedError(sentence))
            self._waiting = WaitingRows(self._journal.rows())
            self._upkeep = Upkeep(
                uri,
                self._database,
                self._catalog,
                self._waiting,
                lambda: self._journal,
                bounds or Bounds(),
            )
            self._kept_open = opened.pop_all()
        self._executor = ThreadPoolExecutor(SEARCH_THREADS, thread_name_prefix='vljepa_search')
        self._searcher = Searcher(self._catalog, self._executor)
        self._closing = threading.Event()
        self._upkeep_lock, self._commit_lock = threading.Lock(), threading.Lock()
        self._threads = [
            threading.Thread(target=target, name=f'vljepa_memory_{target.__name__}', daemon=True)
            for target in (self._commit_always, self._keep_up)
        ]
        for thread in self._threads:
            thread.start()

    def write(self, row: Row) -> int:
        """Remember a row; return its id.

        Raises:
            StoreFullError: nothing could be written for so long that memory is full, too.
        """
        return self._waiting.add(row)

    def rewrite(self, number: int, row: Row) -> bool:
        """Replace a row that was written lately, such as one that goes on; return whether it did.

        Args:
            number: its id.
            row: of the same kind and model.
        """
        return self._waiting.rewrite(number, row)

    def search(self, search: Search) -> list[Hit]:
        """Return the moments that fit best, in the order that is asked for.

        Raises:
            StoreError: the database cannot be reached.
        """
        return self._searcher.search(search, self._waiting.snapshot())

    def nearest(self, search: Search) -> list[Candidate]:
        """Return the rows that `search` makes its moments of, in any order; raises StoreError."""
        rows = max(LEAST_ROWS, ROWS_A_MOMENT * search.limit)
        return self._searcher.nearest(search, self._waiting.snapshot(), rows=rows)[0]

    def save(self) -> None:
        """Write what has come into the journal now; raises StoreError."""
        self._commit()

    def flush(self) -> None:
        """Put all rows into tables, and remove what is outside the bounds; raises StoreError."""
        with self._upkeep_lock:
            self._upkeep.flush(everything=True)
            self._upkeep.enforce_bounds()

    @property
    def used_bytes(self) -> int:
        """What the memory took on the disk when its bounds were last looked after."""
        return self._upkeep.used_bytes

    @property
    def rows_waiting(self) -> int:
        """How many rows are not in a table yet."""
        return len(self._waiting.snapshot())

    def close(self) -> None:
        """Save what has come, and leave the memory to others."""
        if self._closing.is_set():
            return
        self._closing.set()
        with self._waiting.changed:
            self._waiting.changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._attempt('commit', self._commit)
        self._upkeep.close()
        self._executor.shutdown(wait=True)
        self._kept_open.close()

    def __enter__(self) -> Memory:
        """Return the memory."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _commit_always(self) -> None:
        while not self._closing.is_set():
            with self._waiting.changed:
                self._waiting.changed.wait_for(
                    lambda: self._waiting.has_unsaved or self._closing.is_set()
                )
            self._attempt('commit', self._commit)
            self._closing.wait(COMMIT_PERIOD_S)

    def _commit(self) -> None:
        with self._commit_lock:
            rows = self._waiting.take_unsaved()
            try:
                if rows:
                    self._journal.put(rows)
            except StoreDamagedError as error:
                self._begin_journal(error)
            except BaseException:
                self._waiting.put_back(rows)
                raise

    def _begin_journal(self, error: StoreDamagedError) -> None:
        """Set a damaged journal aside; all that it held is still in memory."""
        with self._upkeep_lock:
            self._journal.close()
            sentence = set_aside(self._journal.path)
            self._waiting.put_back(self._waiting.snapshot())
            self._journal = Journal(self._journal.path)
            self._upkeep.note_heads()
        self._on_damage(StoreDamagedError(f'{error}. {sentence}'))
        self._journal.put(self._waiting.take_unsaved())

    def _keep_up(self) -> None:
        tasks = {
            'tables': self._upkeep.flush,
            'index': self._upkeep.build_indices,
            'bounds': self._upkeep.enforce_bounds,
        }
        while not self._closing.wait(UPKEEP_PERIOD_S):
            for name, task in tasks.items():
                if time.monotonic() - self._troubled.get(name, -RETRY_S) >= RETRY_S:
                    with self._upkeep_lock:
                        self._attempt(name, task)

    def _attempt(self, name: str, task: Callable[[], None]) -> None:
        """Do something that may fail; it is done again later."""
        try:
            task()
        except Exception as error:
            self._troubled[name] = time.monotonic()
            known = isinstance(error, StoreError)
            self._on_problem(name, error if known else StoreError(f'{name}: {error!r}'))  # type: ignore[arg-type]
        else:
            if self._troubled.pop(name, None) is not None:
                self._on_recovery(name)

    def _on_damage(self, error: StoreError) -> None:
        self._on_problem('damage', error)
