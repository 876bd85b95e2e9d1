# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench memory`: searches through a million embeddings, and what they take on the disk."""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.memory_streams import World
from training.evaluation.intervals import exact, mean_score
from training.evaluation.results import Results
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference.threads import usable_cores
from vljepa_ros.memory.bounds import Bounds
from vljepa_ros.memory.bulk import BulkWriter
from vljepa_ros.memory.lance.database import folder_bytes
from vljepa_ros.memory.memory import Memory
from vljepa_ros.memory.row import Kind, Row
from vljepa_ros.memory.search import Search
from vljepa_ros.stream.stamps import SECOND_NS

QUICK = '50,000 embeddings, 40 searches'
PACKAGES = ('lancedb', 'pyarrow')
QUICK_ROWS, QUICK_SEARCHES = 50_000, 40
MODEL = 'made_up@000000000000'
SEED = 0
CAMERAS = 8
CORES = 2
NEAREST = 10
WARM_UP = 20
LIVE_ROWS = 5_000
START_NS = 1_700_000_000 * SECOND_NS
HUGE = Bounds(max_age_days=1e6, max_bytes=10**15)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the suite."""
    parser.add_argument('--rows', type=int, default=1_000_000, help='embeddings (1,000,000)')
    parser.add_argument('--dim', type=int, default=256, help='numbers a vector (256)')
    parser.add_argument('--searches', type=int, default=200, help='different ones (200)')
    parser.add_argument('--rounds', type=int, default=3, help='how often each is timed (3)')
    parser.add_argument(
        '--folder', type=Path, help='where the memory is made and left (a temporary one)'
    )


@dataclass
class Exact:
    """The rows that are nearest indeed, found by comparing all.

    Attributes:
        searches: unit vectors [Q, D].
        scores: cosines [Q, NEAREST], the best first.
        stamps: of these rows [Q, NEAREST], unique over all cameras.
    """

    searches: np.ndarray
    scores: np.ndarray = field(init=False)
    stamps: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.scores = np.full((len(self.searches), NEAREST), -2.0, dtype=np.float32)
        self.stamps = np.zeros((len(self.searches), NEAREST), dtype=np.int64)

    def add(self, vectors: np.ndarray, stamps: np.ndarray) -> None:
        """Compare vectors [N, D] with all searches."""
        scores = np.concatenate([self.scores, self.searches @ vectors.T], axis=1)
        every = np.concatenate([self.stamps, np.tile(stamps, (len(self.searches), 1))], axis=1)
        best = np.argsort(-scores, axis=1, kind='stable')[:, :NEAREST]
        self.scores = np.take_along_axis(scores, best, 1)
        self.stamps = np.take_along_axis(every, best, 1)


def run(options: argparse.Namespace) -> Results:
    """Fill a memory and search it.

    Raises:
        VljepaError: a wrong argument, or lancedb is not installed.
    """
    rows = min(options.rows, QUICK_ROWS) if options.quick else options.rows
    searches = min(options.searches, QUICK_SEARCHES) if options.quick else options.searches
    if min(rows // CAMERAS, searches, options.rounds, options.dim) < 1:
        raise ConfigurationError(
            f'--rows is {rows}, --dim {options.dim}, --searches {searches}, --rounds '
            f'{options.rounds}; allowed are {CAMERAS} rows or more, and 1 or more of the others'
        )
    cores = _two_cores()
    results = Results(
        'memory',
        quick=options.quick,
        seeds={'world': SEED},
        settings={
            **{'rows': rows, 'dim': options.dim, 'searches': searches, 'rounds': options.rounds},
            **{'cores': cores, 'cameras': CAMERAS, 'load_at_start': os.getloadavg()[0]},
        },
        packages=PACKAGES,
    )
    world = World.draw(dim=options.dim, seed=SEED)
    truth = Exact(world.searches(searches))
    with _folder(options.folder) as folder:
        _fill(results, world, truth, folder, rows)
        with Memory(str(folder), bounds=HUGE) as memory:
            _recall(results, memory, truth)
            _time_searches(results, memory, truth, rows, options.rounds)
            _write_live(results, memory, world)
    results.settings['load_at_end'] = os.getloadavg()[0]
    busy = max(results.settings[f'load_at_{when}'] for when in ('start', 'end'))
    if busy > cores + 1:
        results.notes.append(
            f'The load of the machine was {busy:.1f} on {usable_cores()} cores: others computed '
            'meanwhile, and the times are theirs, too. search_cpu_p95_ms is not'
        )
    return results


def _two_cores() -> int:
    """Keep to CORES cores; return how many there are."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    return len(cores)


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        if given.exists() and any(given.iterdir()):
            raise ConfigurationError(f'--folder {str(given)!r} is not empty; give another one')
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix='vljepa_memory_'))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(results: Results, world: World, truth: Exact, folder: Path, rows: int) -> None:
    """Write all rows and build the indices."""
    begun_s, writing_s = time.monotonic(), 0.0
    share = rows // CAMERAS
    with contextlib.closing(BulkWriter(str(folder))) as writer:
        for camera in tqdm(range(CAMERAS), desc='writing', unit='camera'):
            name = f'camera_{camera}'
            second = camera * share
            writer.begin(name)
            for vectors in world.stream(camera, share):
                stamps = START_NS + (second + np.arange(len(vectors))) * SECOND_NS
                second += len(vectors)
                truth.add(vectors, stamps)
                begun_s = time.monotonic()
                for vector, stamp_ns in zip(vectors, stamps.tolist(), strict=True):
                    writer.write(_row(vector, stamp_ns, camera=name, recording=name))
                writing_s += time.monotonic() - begun_s
            writer.finish(name)
        begun_s, begun_cpu_s = time.monotonic(), time.process_time()
    indexing_s, indexing_cpu_s = time.monotonic() - begun_s, time.process_time() - begun_cpu_s
    written = share * CAMERAS
    results.add('memory.bulk_rows_per_s', exact(written / writing_s, written))
    results.add('memory.index_s', exact(indexing_s))
    results.add('memory.index_cpu_s', exact(indexing_cpu_s))
    size = folder_bytes(folder)
    results.add('memory.size_mb', exact(size / 1e6))
    results.add('memory.bytes_per_row', exact(size / written, written))


def _row(vector: np.ndarray, stamp_ns: int, **changes: Any) -> Row:
    return Row(
        kind=Kind.EMBEDDING,
        model_id=MODEL,
        query='caption',
        stamp_ns=stamp_ns,
        start_ns=stamp_ns - SECOND_NS,
        end_ns=stamp_ns,
        vector=vector,
        **changes,
    )


def _recall(results: Results, memory: Memory, truth: Exact) -> None:
    """Add how many of the nearest rows a search finds."""
    found = []
    for vector, stamps in zip(truth.searches, truth.stamps, strict=True):
        candidates = memory.nearest(Search(vector, MODEL, limit=NEAREST))
        best = sorted(candidates, key=lambda one: -one.score)[:NEAREST]
        found.append(len({one.stamp_ns for one in best} & set(stamps.tolist())) / NEAREST)
    results.add('memory.recall10', mean_score(found, range(len(found))), raw=found)
    for name, part in (('text', found[::2]), ('image', found[1::2])):
        results.add(f'memory.recall10.{name}', mean_score(part, range(len(part))))


def _time_searches(results: Results, memory: Memory, truth: Exact, rows: int, rounds: int) -> None:
    """Add what a search takes, without and with conditions."""
    tenth_ns = rows // 10 * SECOND_NS
    conditions: dict[str, dict[str, Any]] = {
        'search': {},
        'search_newest': {'newest_first': True},
        'search_of_a_camera': {'camera': 'camera_1'},
        'search_of_a_tenth': {'since_ns': START_NS, 'until_ns': START_NS + tenth_ns},
    }
    for name, condition in conditions.items():
        asked = [Search(vector, MODEL, **condition) for vector in truth.searches]
        for search in asked[:WARM_UP]:
            memory.search(search)
        walls: list[float] = []
        cpus: list[float] = []
        for search in asked * rounds:
            wall_s, cpu_s = _timed(lambda one=search: memory.search(one))  # type: ignore[misc]
            walls.append(1e3 * wall_s)
            cpus.append(1e3 * cpu_s)
        for unit, values in (('', walls), ('_cpu', cpus)):
            for percent in (50, 95):
                value = float(np.percentile(values, percent))
                results.add(f'memory.{name}{unit}_p{percent}_ms', exact(value, len(values)))
            results.raw[f'memory.{name}{unit}_ms'] = values
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    results.add('memory.peak_rss_mb', exact(peak_mb))


def _write_live(results: Results, memory: Memory, world: World) -> None:
    """Add how fast rows come in one by one, until they are safe on the disk."""
    vectors = np.concatenate(list(world.stream(CAMERAS, LIVE_ROWS)))

    def write() -> None:
        for number, vector in enumerate(vectors):
            memory.write(_row(vector, START_NS + number * SECOND_NS, camera='live'))
        memory.save()

    wall_s, cpu_s = _timed(write)
    results.add('memory.live_rows_per_s', exact(LIVE_ROWS / wall_s, LIVE_ROWS))
    results.add('memory.live_cpu_us_per_row', exact(1e6 * cpu_s / LIVE_ROWS, LIVE_ROWS))


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds and the processor seconds of all threads that work takes."""
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
