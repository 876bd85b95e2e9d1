# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa index`: finds the recordings that are new, has them read, and writes what comes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vljepa_ros.errors import ConfigurationError, StoreError
from vljepa_ros.indexing.local_readers import read_here
from vljepa_ros.indexing.reader import Part, ReaderOptions
from vljepa_ros.indexing.sources import Source, sources_in
from vljepa_ros.inference.loading import identity_of
from vljepa_ros.inference.queries import check_queries_of
from vljepa_ros.inference.threads import usable_cores
from vljepa_ros.memory.bulk import BulkWriter

BAR = '{percentage:3.0f}% |{bar}| {n:.1f} of {total} recordings, {elapsed}<{remaining}{postfix}'


@dataclass(frozen=True)
class IndexOptions:
    """What is read, and how.

    Attributes:
        recordings: recordings, or folders of them.
        memory: URI of the memory that is filled.
        model: name or folder; looks at images where a recording has no embeddings of it.
        queries: what is asked about each clip.
        jobs: recordings that are read at the same time; 0 for one a core.
        ray: address of a Ray cluster; empty for this machine.
        backend: what runs the model.
        device: where it runs.
        precision: of it.
        threads: of each job on the processor; 0 shares the cores.
    """

    recordings: Sequence[Path]
    memory: str
    model: str = 'tiny'
    queries: tuple[str, ...] = ('caption',)
    jobs: int = 0
    ray: str = ''
    backend: str = 'auto'
    device: str = 'auto'
    precision: str = 'auto'
    threads: int = 0


def run(options: IndexOptions) -> int:
    """Fill the memory; return the exit status: 1 if a recording could not be read.

    Raises:
        VljepaError: a path holds no recording, or memory, model or cluster cannot be used.
    """
    if options.jobs < 0 or options.threads < 0:
        raise ConfigurationError(
            f'--jobs is {options.jobs}, --threads {options.threads}; allowed is 0 (automatic) or '
            'more'
        )
    found = sources_in(options.recordings)
    identity = identity_of(options.model)
    check_queries_of(options.model, options.queries, identity, field='--query')

    def version(source: Source) -> str:
        """Return what changes if the rows of a recording have to be made anew."""
        return f'{identity} {" ".join(sorted(options.queries))} {source.version}'

    failed = rows = 0
    with BulkWriter(options.memory, on_problem=_say) as writer:
        new = [source for source in found if not writer.has(source.name, version(source))]
        if len(new) < len(found):
            print(f'{len(found) - len(new)} of {len(found)} recordings are in the memory already')
        with (
            _Progress(len(new)) as progress,
            contextlib.closing(_read(new, options, identity)) as parts,
        ):
            begun: set[Source] = set()
            for source, part in parts:
                if source not in begun:
                    writer.begin(source.name)
                    begun.add(source)
                for row in part.rows:
                    writer.write(row)
                rows += len(part.rows)
                progress.take(source, part, rows)
                if part.failure:
                    failed += 1
                    writer.abandon(source.name)
                elif part.is_last:
                    writer.finish(source.name, version(source))
    print(f'{len(new) - failed} recordings, {rows} rows: {options.memory}')
    return 1 if failed else 0


def _read(
    sources: Sequence[Source], options: IndexOptions, identity: str
) -> Generator[tuple[Source, Part], None, None]:
    """Read recordings here or on the cluster."""
    if not sources:
        return
    cores = usable_cores()
    jobs = min(options.jobs or cores, len(sources))
    threads = options.threads or (1 if options.ray else max(1, cores // jobs))
    how = ReaderOptions(
        model_id=identity,
        model=options.model,
        backend=options.backend,
        device=options.device,
        precision=options.precision,
        threads=threads,
        queries=options.queries,
    )
    if options.ray:
        from vljepa_ros.indexing.ray_readers import read_on_cluster  # needs ray

        yield from read_on_cluster(sources, how, address=options.ray, jobs=options.jobs)
    else:
        yield from read_here(sources, how, jobs=jobs)


class _Progress:
    """A bar of recordings on the terminal, and what is to be said about them."""

    def __init__(self, count: int) -> None:
        from tqdm import tqdm  # comes with lancedb

        self._bar = tqdm(total=count, unit='recording', disable=None, bar_format=BAR)
        self._shares: dict[Source, float] = {}

    def take(self, source: Source, part: Part, rows: int) -> None:
        """Show a part that has come, and how many rows there are by now."""
        for problem in (*part.problems, *([part.failure] if part.failure else [])):
            where = '' if source.name in problem else f'{source.name}: '
            self._bar.write(f'vljepa: {where}{problem}', file=sys.stderr)
        share = 1.0 if part.is_last else part.share
        self._bar.update(share - self._shares.get(source, 0.0))
        self._shares[source] = share
        self._bar.set_postfix_str(f'{rows} rows')

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()


def _say(error: StoreError) -> None:
    print(f'vljepa: {error}', file=sys.stderr)
