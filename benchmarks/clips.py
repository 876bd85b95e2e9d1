# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench clips`: what a quiet camera costs on the disk, by events and recorded in full.

The same pictures at the same rate and JPEG quality go into an MCAP file each minute and, through
the model, the change detector and the recorder of the nodes, into clips. Bytes are those of the
files. A day is 24 times the stream that is played, scaled by its length.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.quiet_camera import QuietCamera, QuietFrame
from training.evaluation.intervals import exact
from training.evaluation.results import Results
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import load_engine
from vljepa_ros.recordings import messages
from vljepa_ros.recordings.clip_config import ClipConfig
from vljepa_ros.recordings.clip_folder import ClipFolder
from vljepa_ros.recordings.clip_recorder import ClipRecorder
from vljepa_ros.recordings.clip_writer import ClipWriter
from vljepa_ros.recordings.opening import open_recording
from vljepa_ros.recordings.recording import RecordedEmbedding, RecordedEvent, RecordedImage
from vljepa_ros.recordings.ring import Record, Topic
from vljepa_ros.recordings.watching import DETECTOR, Watcher, events_of
from vljepa_ros.resources import find_resource
from vljepa_ros.stream.encoded_images import encode_jpeg
from vljepa_ros.stream.image_ops import Picture
from vljepa_ros.stream.stamps import SECOND_NS

QUICK = '6 minutes'
PACKAGES = ('rosbags', 'mcap')
QUICK_MINUTES = 6.0
MINUTE_NS = 60 * SECOND_NS
DAY_S = 86_400.0
GOAL = 50.0
RAW_IMAGES = 30  # all have the same size
START_NS = 1_700_000_000 * SECOND_NS
FRAME_ID = 'camera'
JPEG_IMAGES = Topic('/camera/image_raw/compressed', messages.COMPRESSED_IMAGE)
EMBEDDINGS = Topic('/vljepa/embedding', messages.EMBEDDING)
EVENTS = Topic('/vljepa/events', messages.EVENT, latched=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the suite."""
    parser.add_argument('--model', default='tiny', help="a shipped model's name or a folder")
    parser.add_argument('--threads', type=int, default=0, help='compute threads (one a core)')
    parser.add_argument('--video', type=Path, help='what happens now and then (a shipped sample)')
    parser.add_argument('--minutes', type=float, default=60.0, help='of the stream (60)')
    parser.add_argument('--plays', type=int, default=1, help='how often it happens in it (1)')
    parser.add_argument('--rate-hz', type=float, default=10.0, help='images a second (10)')
    parser.add_argument('--jpeg-quality', type=int, default=85, help='(85)')
    parser.add_argument(
        '--noise', type=float, default=2.0, help='of the camera, in steps of 8-bit pixels (2)'
    )
    parser.add_argument('--detector', default=DETECTOR, help=f'of changes ({DETECTOR})')


@dataclass
class Full:
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


def run(options: argparse.Namespace) -> Results:
    """Play the stream and compare.

    Raises:
        ConfigurationError: something happens more often than the stream is long.
    """
    minutes = QUICK_MINUTES if options.quick else options.minutes
    camera = QuietCamera(
        options.video or find_resource('samples/tabletop.mp4'),
        rate_hz=options.rate_hz,
        seconds=60.0 * minutes,
        plays=options.plays,
        noise=options.noise,
        seed=0,
    )
    if options.plays < 1 or camera.busy_seconds > camera.seconds:
        raise ConfigurationError(
            f'{options.plays} plays of the video are {camera.busy_seconds:.0f} s; the stream has '
            f'{camera.seconds:.0f} s. Give 1 play or more, and more minutes'
        )
    config = ClipConfig()
    results = Results(
        'clips',
        quick=options.quick,
        seeds={'noise': 0},
        settings={
            'model': options.model,
            'video': str(options.video or 'samples/tabletop.mp4'),
            'minutes': minutes,
            'plays': options.plays,
            'busy_seconds': camera.busy_seconds,
            'rate_hz': options.rate_hz,
            'jpeg_quality': options.jpeg_quality,
            'noise': options.noise,
            'detector': options.detector,
            'before_s': config.before_s,
            'after_s': config.after_s,
        },
        packages=PACKAGES,
    )
    with tempfile.TemporaryDirectory() as folder:
        full = Full(Path(folder) / 'full')
        full.folder.mkdir()
        kept = play(camera, options, config, full, Path(folder) / 'clips')
        raw_bytes = raw_image_bytes(camera, Path(folder) / 'raw') * kept.images
    add_scores(results, camera, kept, full.size, raw_bytes)
    return results


def play(
    camera: QuietCamera,
    options: argparse.Namespace,
    config: ClipConfig,
    full: Full,
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


def add_scores(
    results: Results, camera: QuietCamera, kept: Kept, full_bytes: int, raw_bytes: int
) -> None:
    """Add the metrics."""
    hours = camera.seconds / 3600.0
    day = DAY_S / camera.seconds
    results.add('clips.disk_ratio', exact(full_bytes / kept.clip_bytes))
    results.add('clips.disk_ratio.raw', exact(raw_bytes / kept.clip_bytes))
    results.add('clips.full_gb_per_day', exact(full_bytes * day / 1e9))
    results.add('clips.full_gb_per_day.raw', exact(raw_bytes * day / 1e9))
    results.add('clips.kept_gb_per_day', exact(kept.clip_bytes * day / 1e9))
    results.add('clips.busy_s_per_hour', exact(camera.busy_seconds / hours))
    results.add('clips.kept_s_per_hour', exact(kept.clip_seconds / hours))
    results.add('clips.events_per_hour', exact(kept.events / hours))
    results.add('clips.clips_per_hour', exact(len(kept.clips) / hours))
    # Those in which nothing happens: false events, and the begin of the stream.
    results.add('clips.idle_clips_per_hour', exact(kept.idle_clips / hours))
    results.add('clips.busy_share_kept', exact(kept.covered))
    # As many seconds more are kept for each play as before and after it.
    bytes_a_second = kept.clip_bytes / max(kept.clip_seconds, 1e-9)
    allowed_s = full_bytes / GOAL / hours / bytes_a_second
    results.add('clips.kept_s_per_hour_at_50', exact(allowed_s))
    results.notes.append(
        f'a day is {day:.1f} times the stream of {camera.seconds / 60:.0f} minutes, in which '
        f'something happens {camera.plays} times, {camera.busy_seconds:.0f} s in all'
    )
    results.raw['clips'] = [clip.name for clip in kept.clips]
    results.raw['bytes'] = {'full': full_bytes, 'raw': raw_bytes, 'clips': kept.clip_bytes}


def raw_image_bytes(camera: QuietCamera, folder: Path) -> int:
    """Return what an image as rows of pixels takes in an MCAP file."""
    topic = Topic('/camera/image_raw', messages.IMAGE)
    writer = ClipWriter(folder / 'unfinished' / 'raw', START_NS)
    for frame, number in zip(camera, range(RAW_IMAGES), strict=False):
        stamp_ns = START_NS + round(number / camera.rate_hz * SECOND_NS)
        height, width = frame.image.shape[:2]
        value = messages.message(
            messages.IMAGE,
            header=messages.header(stamp_ns, FRAME_ID),
            height=height,
            width=width,
            encoding='rgb8',
            is_bigendian=0,
            step=3 * width,
            data=frame.image.ravel(),
        )
        writer.write(Record(topic, stamp_ns, messages.serialize(messages.IMAGE, value)))
    return round(size_of(writer.finish(folder)) / RAW_IMAGES)


def size_of(bag: Path) -> int:
    """Return the bytes of a bag's files."""
    return sum(part.stat().st_size for part in bag.iterdir())


def recorded(frame: QuietFrame, stamp_ns: int) -> RecordedImage:
    """Return a picture for the watcher."""
    picture = Picture(frame.image)
    return RecordedImage('/camera/image_raw', stamp_ns, stamp_ns, FRAME_ID, lambda side: picture)


def jpeg_record(frame: QuietFrame, stamp_ns: int, quality: int) -> Record:
    """Return a picture as the recorder keeps it."""
    data = np.frombuffer(encode_jpeg(Picture(frame.image), quality=quality), dtype=np.uint8)
    value = messages.message(
        messages.COMPRESSED_IMAGE,
        header=messages.header(stamp_ns, FRAME_ID),
        format='jpeg',
        data=data,
    )
    return Record(JPEG_IMAGES, stamp_ns, messages.serialize(messages.COMPRESSED_IMAGE, value))


def embedding_record(embedding: RecordedEmbedding) -> Record:
    """Return an embedding as its message."""
    value = messages.message(
        messages.EMBEDDING,
        header=messages.header(embedding.stamp_ns, FRAME_ID),
        camera=embedding.camera,
        query=embedding.query,
        model_id=embedding.model_id,
        clip_start=messages.time(embedding.clip_start_ns),
        clip_end=messages.time(embedding.clip_end_ns),
        normalized=True,
        data=embedding.vector.astype(np.float32),
    )
    data = messages.serialize(messages.EMBEDDING, value)
    return Record(EMBEDDINGS, embedding.logged_ns, data)


def event_record(event: RecordedEvent) -> Record:
    """Return an event as its message."""
    value = messages.message(
        messages.EVENT,
        header=messages.header(event.stamp_ns, FRAME_ID),
        id=event.id,
        phase={'STARTED': 1, 'ENDED': 2}[event.phase],
        start=messages.time(event.start_ns),
        end=messages.time(event.end_ns),
        text=event.text,
        score=event.score,
        source={'DECODER': 1, 'NEAREST': 2}[event.source],
        change=event.change,
        camera=event.camera,
        query=event.query,
        model_id=event.model_id,
    )
    return Record(EVENTS, event.logged_ns, messages.serialize(messages.EVENT, value))
