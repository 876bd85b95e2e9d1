# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Makes rows of a recording: of what it holds, or of what the model sees in its images."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vljepa_ros.errors import RecordingError
from vljepa_ros.indexing.recorded_rows import Item, RecordedRows
from vljepa_ros.inference import Engine, load_engine
from vljepa_ros.memory.intake.thinning import ThinningConfig
from vljepa_ros.memory.row import Row
from vljepa_ros.recordings.opening import open_recording
from vljepa_ros.recordings.recording import (
    RecordedEvent,
    RecordedImage,
    Recording,
)
from vljepa_ros.recordings.watching import EventFinder, Watcher

COMPONENTS = ('x_encoder', 'predictor', 'y_decoder')
# Rows go on that many at once; the newest are kept back, since they may still be lengthened.
ROWS_A_PART, KEPT_BACK = 256, 64
IMAGES_A_PART = 300


@dataclass(frozen=True)
class ReaderOptions:
    """How recordings are read.

    Attributes:
        model_id: identity of the model; recorded embeddings of others are left alone.
        model: its name or folder, to look at images.
        backend: what runs it.
        device: where it runs.
        precision: of it.
        threads: on the processor.
        queries: what is asked about each clip.
        thumbnail_px: longer side of the pictures; 0 for none.
        thinning: which embeddings are kept.
    """

    model_id: str
    model: str = 'tiny'
    backend: str = 'auto'
    device: str = 'auto'
    precision: str = 'auto'
    threads: int = 1
    queries: tuple[str, ...] = ('caption',)
    thumbnail_px: int = 160
    thinning: ThinningConfig = field(default_factory=ThinningConfig)


@dataclass(frozen=True)
class Part:
    """What reading a recording has brought since the last part.

    Attributes:
        rows: to be written.
        share: of the recording that has been read, 0 to 1; 0 where it cannot be told.
        problems: what could not be read, in sentences.
        is_last: whether nothing more comes.
        failure: why the recording cannot be read as a whole; empty if it can.
    """

    rows: tuple[Row, ...] = ()
    share: float = 0.0
    problems: tuple[str, ...] = ()
    is_last: bool = False
    failure: str = ''


class Reader:
    """Reads one recording after another with one engine."""

    def __init__(self, options: ReaderOptions) -> None:
        """Create it; the model is loaded when it is needed."""
        self._options = options
        self._engine: Engine | None = None

    def read(self, path: Path) -> Iterator[Part]:
        """Yield the rows of a recording, whose name is its path.

        Raises:
            VljepaError: it cannot be read, or the model cannot be loaded.
        """
        recording = open_recording(path)
        try:
            yield from self._parts(recording, str(path))
        finally:
            recording.close()

    def _parts(self, recording: Recording, name: str) -> Iterator[Part]:
        options = self._options
        rows = RecordedRows(name, thinning=options.thinning, thumbnail_px=options.thumbnail_px)
        total = sum(topic.count for topic in recording.topics if _has_images(topic.kind))
        images = told = 0
        for item in self._items(recording, rows):
            images += isinstance(item, RecordedImage)
            rows.take(item)
            if len(rows) >= ROWS_A_PART + KEPT_BACK or images >= told + IMAGES_A_PART:
                told = images
                yield Part(rows.give(KEPT_BACK), min(1.0, images / total) if total else 0.0)
        problems = (*recording.problems, *rows.problems())
        yield Part(rows.give(0), 1.0, problems, is_last=True)

    def _items(self, recording: Recording, rows: RecordedRows) -> Iterator[Item]:
        """Yield a recording's images, and the embeddings and events that are known by then."""
        has_images = any(_has_images(topic.kind) for topic in recording.topics)
        of_model = self._options.model_id
        embeddings = [one for one in recording.embeddings() if one.model_id == of_model]
        if not embeddings:
            if not has_images:
                raise RecordingError(
                    f'{str(recording.path)!r} has neither images nor embeddings of the model '
                    f'{of_model}; there is nothing to remember'
                )
            yield from self._watched(recording, rows)
            return
        events: Iterable[RecordedEvent] = [
            one for one in recording.events() if one.model_id == of_model
        ]
        images = recording.images() if has_images else iter(())
        items: Iterator[Item]
        items = heapq.merge(images, embeddings, events, key=lambda one: one.logged_ns)
        yield from items

    def _watched(self, recording: Recording, rows: RecordedRows) -> Iterator[Item]:
        """Run the model over the images."""
        if self._engine is None:
            options = self._options
            self._engine = load_engine(
                options.model,
                backend=options.backend,
                device=options.device,
                precision=options.precision,
                threads=options.threads,
                components=COMPONENTS,
            )
        watcher = Watcher(self._engine, queries=self._options.queries)
        finder = EventFinder(self._engine)
        for image in recording.images():
            yield image
            for embedding in watcher.take(image):
                yield embedding
                yield from finder.take(embedding)
        yield from finder.flush()
        if watcher.unusable:
            rows.note(f'images left out: {watcher.unusable[0]}', len(watcher.unusable))


def _has_images(kind: str) -> bool:
    return kind.endswith(('Image', 'video'))
