# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of what a recording holds."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from vljepa_ros.errors import ImageError, StreamError
from vljepa_ros.memory.intake.remembering import Remembering, SeenEvent
from vljepa_ros.memory.intake.thinning import ThinningConfig
from vljepa_ros.memory.intake.thumbnails import thumbnail_of
from vljepa_ros.memory.row import Kind, Row
from vljepa_ros.recordings.recording import RecordedEmbedding, RecordedEvent, RecordedImage

# Enough to find the image of an embedding, which comes a little later.
IMAGES_KEPT = 16

Item = RecordedImage | RecordedEmbedding | RecordedEvent


class RecordedRows:
    """Takes images, embeddings and events in the order of time."""

    def __init__(self, name: str, *, thinning: ThinningConfig, thumbnail_px: int) -> None:
        """Begin.

        Args:
            name: of the recording.
            thinning: which embeddings are kept.
            thumbnail_px: longer side of the pictures; 0 for none.
        """
        self._name, self._thinning, self._thumbnail_px = name, thinning, thumbnail_px
        self._rows: dict[int, Row] = {}
        self._next = 0
        self._remembering = Remembering(self)
        self._images: dict[str, deque[RecordedImage]] = {}
        self._left_out: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many rows are there."""
        return len(self._rows)

    def write(self, row: Row) -> int:
        """Take a row from the one who decides what is kept."""
        self._rows[self._next] = row
        self._next += 1
        return self._next - 1

    def rewrite(self, number: int, row: Row) -> bool:
        """Replace a row that has not gone on yet."""
        if number not in self._rows:
            return False
        self._rows[number] = row
        return True

    def give(self, kept_back: int) -> tuple[Row, ...]:
        """Give away the rows but the newest, which may still be lengthened."""
        numbers = list(self._rows)[: max(0, len(self._rows) - kept_back)]
        return tuple(self._rows.pop(number) for number in numbers)

    def problems(self) -> tuple[str, ...]:
        """Return what was left out, in sentences."""
        return tuple(f'{count} {what}' for what, count in self._left_out.items())

    def note(self, what: str, count: int = 1) -> None:
        """Note that something was left out."""
        self._left_out[what] += count

    def take(self, item: Item) -> None:
        """Take the next item of the recording."""
        try:
            if isinstance(item, RecordedImage):
                kept = self._images.setdefault(item.topic, deque(maxlen=IMAGES_KEPT))
                kept.append(item)
            elif isinstance(item, RecordedEmbedding):
                self._take_embedding(item)
            else:
                self._take_event(item)
        except StreamError as error:
            kind = 'embeddings' if isinstance(item, RecordedEmbedding) else 'events'
            self.note(f'{kind} left out, such as: {error}')

    def _take_embedding(self, embedding: RecordedEmbedding) -> None:
        sample = Row(
            kind=Kind.EMBEDDING,
            model_id=embedding.model_id,
            camera=embedding.camera,
            query=embedding.query,
            stamp_ns=embedding.stamp_ns,
            start_ns=embedding.clip_start_ns,
            end_ns=embedding.clip_end_ns,
            vector=embedding.vector,
            recording=self._name,
        )
        self._remembering.embedding(sample, self._thinning, thumbnail=self._thumbnail(embedding))

    def _take_event(self, event: RecordedEvent) -> None:
        seen = SeenEvent(
            model_id=event.model_id,
            camera=event.camera,
            query=event.query,
            stamp_ns=event.stamp_ns,
            start_ns=event.start_ns,
            end_ns=event.end_ns,
            text=event.text,
            score=event.score,
            source=event.source,
            event_id=event.id,
            phase=event.phase,
            recording=self._name,
        )
        self._remembering.event(seen, thumbnail=self._thumbnail(event))

    def _thumbnail(self, item: RecordedEmbedding | RecordedEvent) -> Callable[[], bytes]:
        """Return what makes a small picture of the image that an item was made from."""

        def make() -> bytes:
            longest_side = self._thumbnail_px
            image = self._image_of(item)
            if image is None or not longest_side:
                return b''
            try:
                return thumbnail_of(image.read(longest_side), longest_side=longest_side)
            except ImageError:
                return b''

        return make

    def _image_of(self, item: RecordedEmbedding | RecordedEvent) -> RecordedImage | None:
        """Return the image that an item was made from; None where that cannot be told.

        Both carry the same header. Nodes give cameras names of their own; here a camera is called
        like its topic.
        """
        named = self._images.get(item.camera)
        found = [
            image
            for kept in ([named] if named is not None else self._images.values())
            for image in kept
            if (image.stamp_ns, image.frame_id) == (item.stamp_ns, item.frame_id)
        ]
        return found[-1] if len({image.topic for image in found}) == 1 else None
