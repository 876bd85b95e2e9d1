# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa report RECORDING`: reads what was recorded, or runs the model, and writes the page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vljepa_ros.errors import RecordingError
from vljepa_ros.inference import Engine, load_engine
from vljepa_ros.recordings.opening import open_recording
from vljepa_ros.recordings.recording import RecordedEmbedding, RecordedEvent, Recording
from vljepa_ros.recordings.watching import Watcher, events_of
from vljepa_ros.report.content import Stream, add_embeddings, streams_of
from vljepa_ros.report.page import Page, render
from vljepa_ros.report.thumbnails import add_thumbnails
from vljepa_ros.report.times import Period, clock_time
from vljepa_ros.stream.stamps import SECOND_NS

COMPONENTS = ('x_encoder', 'predictor', 'y_decoder')
PROGRESS_NS = 10 * SECOND_NS


@dataclass(frozen=True)
class ReportOptions:
    """What to report on, and how.

    Attributes:
        recording: a bag, a folder of clips, a video or a folder of images.
        out: the page; None writes it into the working folder, named after the recording.
        model: for a recording without events.
        backend: what runs it.
        device: where it runs.
        precision: of it.
        threads: on the processor; 0 takes one a core.
    """

    recording: Path
    out: Path | None = None
    model: str = 'tiny'
    backend: str = 'auto'
    device: str = 'auto'
    precision: str = 'auto'
    threads: int = 0


def run(options: ReportOptions) -> int:
    """Write the page and say where; return the exit status.

    Raises:
        VljepaError: the recording or the model cannot be read, or the page cannot be written.
    """
    recording = open_recording(options.recording)
    name = options.recording.expanduser().resolve().name
    out = options.out or Path(f'{Path(name).stem}_report.html')
    try:
        page = _page(name, recording, options)
    finally:
        recording.close()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(render(page), encoding='utf-8')
    except OSError as error:
        raise RecordingError(f'The report cannot be written to {str(out)!r}: {error}') from error
    for problem in page.problems:
        print(f'vljepa: {problem}', file=sys.stderr)
    count = sum(len(stream.segments) for stream in page.streams)
    print(f'{out}: {count} segments, {out.stat().st_size / 1e6:.1f} MB')
    return 0


def _page(name: str, recording: Recording, options: ReportOptions) -> Page:
    events = list(recording.events())
    problems: list[str] = []
    if events:
        embeddings: list[RecordedEmbedding] | None = None
        note = 'Texts and embeddings are those of the recording.'
    else:
        embeddings, events = _watched(recording, options, problems)
        note = f'The recording has no events; the model {options.model} has watched its images.'
    streams = streams_of(events)
    add_embeddings(streams, embeddings or recording.embeddings(), problems)
    add_thumbnails(streams, recording, _seen(recording, events, embeddings))
    return Page(name, streams, _period(streams), [*recording.problems, *problems], note)


def _watched(
    recording: Recording, options: ReportOptions, problems: list[str]
) -> tuple[list[RecordedEmbedding], list[RecordedEvent]]:
    """Run the model over the images.

    Raises:
        RecordingError: there are none, or too few for one clip.
    """
    if not any(topic.kind.endswith(('Image', 'video')) for topic in recording.topics):
        raise RecordingError(
            f'{str(recording.path)!r} has neither events nor images; there is nothing to report. '
            'Record the topics events and embedding, or images'
        )
    engine = load_engine(
        options.model,
        backend=options.backend,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        components=COMPONENTS,
    )
    embeddings: list[RecordedEmbedding] = []
    watcher = Watcher(engine)

    def watch() -> Iterator[RecordedEmbedding]:
        for embedding in _with_progress(recording, watcher):
            embeddings.append(embedding)
            yield embedding

    try:
        events = list(events_of(watch(), engine))
    finally:
        engine.close()
    if watcher.unusable:
        problems.append(f'{len(watcher.unusable)} images left out: {watcher.unusable[0]}')
    if not events:
        raise RecordingError(
            f'{str(recording.path)!r} has too few images for a clip of the model '
            f'({_needs(engine)}). {" ".join([*recording.problems, *problems])}'.rstrip()
        )
    return embeddings, events


def _needs(engine: Engine) -> str:
    config = engine.config
    return (
        f'{(config.clip_frames - 1) / config.clip_fps:.2g} s with {config.clip_fps / 2:g} images '
        'a second or more'
    )


def _with_progress(recording: Recording, watcher: Watcher) -> Iterator[RecordedEmbedding]:
    first_ns: int | None = None
    said_ns = 0
    for image in recording.images():
        first_ns = image.stamp_ns if first_ns is None else first_ns
        if sys.stderr.isatty() and image.stamp_ns - said_ns > PROGRESS_NS:
            said_ns = image.stamp_ns
            watched_s = (image.stamp_ns - first_ns) / SECOND_NS
            print(f'\rwatched {clock_time(watched_s, tenths=False)}', end='', file=sys.stderr)
        yield from watcher.take(image)
    if said_ns:
        print(file=sys.stderr)


def _seen(
    recording: Recording,
    events: list[RecordedEvent],
    embeddings: list[RecordedEmbedding] | None,
) -> Iterator[tuple[str, int, str]]:
    """Yield cameras with the headers of images of theirs."""
    for event in events:
        yield event.camera, event.stamp_ns, event.frame_id
    for embedding in recording.embeddings() if embeddings is None else embeddings:
        yield embedding.camera, embedding.stamp_ns, embedding.frame_id


def _period(streams: list[Stream]) -> Period:
    segments = [segment for stream in streams for segment in stream.segments]
    # A segment begins in the middle of its first clip, the recording before that.
    moments = [moment for stream in streams for moment in stream.images_ns]
    return Period(
        min([*(segment.start_ns for segment in segments), *moments]),
        max([*(segment.end_ns for segment in segments), *moments]),
    )
