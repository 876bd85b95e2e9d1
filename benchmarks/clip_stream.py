# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A quiet camera's stream through model, detector and recorder, and recorded in full beside it."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from benchmarks.clip_messages import (
    embedding_record,
    event_record,
    jpeg_record,
    raw_record,
    recorded,
)
from benchmarks.quiet_camera import QuietCamera
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import load_engine
from vljepa_ros.recordings.clip_config import ClipConfig
from vljepa_ros.recordings.clip_folder import ClipFolder
from vljepa_ros.recordings.clip_recorder import ClipRecorder
from vljepa_ros.recordings.clip_writer import ClipWriter
from vljepa_ros.recordings.opening import open_recording
from vljepa_ros.recordings.recording import RecordedEmbedding
from vljepa_ros.recordings.ring import Record
from vljepa_ros.recordings.watching import Watcher, events_of
from vljepa_ros.stream.stamps import SECOND_NS

MINUTE_NS = 60 * SECOND_NS
START_NS = 1_700_000_000 * SECOND_NS
RAW_IMAGES = 30  # all have the same size


@dataclass
class FullRecording:
    """The full recording: a file a minute, measured and removed."""

    folder: Path
    size: int = 0
    _writer: ClipWriter | None = None

    def add(self, record: Record) -> None:
        """Write a message."""
        if self._writer is not None and record.logged_ns - self._writer.first_ns >= MINUTE_NS:
            self.close()
        if self._writer is None:
            self._writer = ClipWriter(self.folder / 'unfinished' / 'minute', record.logged_ns)
        self._writer.write(record)

    def close(self) -> None:
        """Measure the last file."""
        if self._writer is not None:
            finished = self._writer.finish(self.folder)
            self.size += size_of(finished)
            shutil.rmtree(finished)
            self._writer = None


@dataclass
class Kept:
    """What became of the stream.

    Attributes:
        busy_ns: moments of pictures on which something happens.
        clip_seconds: of all clips.
    """

    images: int = 0
    events: int = 0
    busy_ns: list[int] = field(default_factory=list)
    clips: list[Path] = field(default_factory=list)
    clip_seconds: float = 0.0
    clip_bytes: int = 0
    idle_clips: int = 0
    covered: float = 0.0


def play(
    camera: QuietCamera,
    options: argparse.Namespace,
    config: ClipConfig,
    full: FullRecording,
    folder: Path,
) -> Kept:
    """Send the stream through model, detector and recorder; return what was kept."""
    engine = load_engine(
        options.model,
        threads=options.threads,
        components=('x_encoder', 'predictor', 'y_decoder'),
    )
    kept = Kept()
    clip_folder = ClipFolder(folder, quota_bytes=1 << 60)
    problems: list[str] = []
    recorder = ClipRecorder(
        clip_folder, config, on_clip=kept.clips.append, on_problem=problems.append
    )
    watcher = Watcher(engine)

    def take(record: Record) -> None:
        full.add(record)
        recorder.add(record)

    def embeddings() -> Iterator[RecordedEmbedding]:
        total = round(camera.seconds * camera.rate_hz)
        for frame in tqdm(camera, total=total, desc='stream', disable=not sys.stderr.isatty()):
            stamp_ns = START_NS + round(frame.time_s * SECOND_NS)
            kept.images += 1
            if frame.busy:
                kept.busy_ns.append(stamp_ns)
            take(jpeg_record(frame, stamp_ns, options.jpeg_quality))
            recorder.flush()  # played faster than in time, the disk must keep up
            for embedding in watcher.take(recorded(frame, stamp_ns)):
                take(embedding_record(embedding))
                yield embedding

    for event in events_of(embeddings(), engine, detector_name=options.detector):
        record = event_record(event)
        full.add(record)
        ended = event.phase == 'ENDED'
        kept.events += not ended
        age_s = (event.logged_ns - (event.end_ns if ended else event.start_ns)) / SECOND_NS
        (recorder.ended if ended else recorder.started)(event.id, record, age_s=age_s)
    recorder.close()
    clip_folder.close()
    full.close()
    engine.close()
    if problems:
        raise ConfigurationError(problems[0])
    look_at_clips(kept)
    return kept


def look_at_clips(kept: Kept) -> None:
    """Note what is in the clips."""
    busy = set(kept.busy_ns)
    found = 0
    for clip in kept.clips:
        recording = open_recording(clip)
        stamps = [image.stamp_ns for image in recording.images()]
        recording.close()
        covered = len(busy.intersection(stamps))
        found += covered
        kept.idle_clips += not covered
        kept.clip_seconds += (stamps[-1] - stamps[0]) / SECOND_NS
        kept.clip_bytes += size_of(clip)
    kept.covered = found / len(busy)


def raw_image_bytes(camera: QuietCamera, folder: Path) -> int:
    """Return what an image as rows of pixels takes in an MCAP file."""
    writer = ClipWriter(folder / 'unfinished' / 'raw', START_NS)
    for frame, number in zip(camera, range(RAW_IMAGES), strict=False):
        writer.write(raw_record(frame, START_NS + round(number / camera.rate_hz * SECOND_NS)))
    return round(size_of(writer.finish(folder)) / RAW_IMAGES)


def size_of(bag: Path) -> int:
    """Return the bytes of a bag's files."""
    return sum(part.stat().st_size for part in bag.iterdir())
