# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The page: everything in one file, nothing from anywhere else, every text escaped."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

import numpy as np

from vljepa_ros import __version__
from vljepa_ros.report.content import Segment, Stream
from vljepa_ros.report.timeline import COLOURS, timeline
from vljepa_ros.report.times import Period, clock_time, date_time
from vljepa_ros.stream.stamps import SECOND_NS

# In base64 four thirds of it; a page with more would open slowly.
VECTORS_BYTES = 4_000_000


@dataclass(frozen=True)
class Page:
    """What a page is made from.

    Attributes:
        name: of the recording.
        streams: with at least one segment each.
        period: from the first to the last moment.
        problems: what could not be read, in sentences.
        note: how the texts came about, in a sentence.
    """

    name: str
    streams: Sequence[Stream]
    period: Period
    problems: Sequence[str]
    note: str


def render(page: Page) -> str:
    """Return the page as HTML."""
    style, script = _asset('page.css'), _asset('page.js')
    segments = [segment for stream in page.streams for segment in stream.segments]
    segments.sort(key=lambda segment: (segment.start_ns, segment.camera, segment.query))
    numbers = {id(segment): number for number, segment in enumerate(segments)}
    colours = _colours(segments)
    several = len(page.streams) > 1
    # A text that got past the escaping could neither run nor load anything.
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'"
    )
    return _asset('page.html').format(
        policy=escape(policy),
        title=escape(f'{page.name}: what happened'),
        name=escape(page.name),
        summary=_summary(page, segments),
        problems=_problems(page.problems),
        timelines=''.join(
            f'<figure><figcaption>{_stream_name(stream)}</figcaption>'
            f'{timeline(stream, numbers, colours, page.period)}</figure>'
            for stream in page.streams
        ),
        cards=''.join(
            _card(segment, number, colours[segment.text], page.period, several=several)
            for number, segment in enumerate(segments)
        ),
        count=len(segments),
        note=escape(page.note),
        version=escape(__version__),
        vectors=_json(_vectors(segments)),
        style=style,
        script=script,
    )


def _summary(page: Page, segments: Sequence[Segment]) -> str:
    period = page.period
    length = clock_time(period.length_ns / SECOND_NS, tenths=False)
    parts = [f'{len(segments)} segments in {length}']
    if period.has_clock:
        parts.append(f'from {date_time(period.first_ns)} to {date_time(period.last_ns)} UTC')
    cameras = sorted({segment.camera for segment in segments})
    parts.append(f'camera{"s" if len(cameras) > 1 else ""} {", ".join(cameras)}')
    parts.append('model ' + ', '.join(sorted({segment.model_id for segment in segments})))
    return escape(' · '.join(parts))


def _problems(problems: Sequence[str]) -> str:
    if not problems:
        return ''
    lines = ''.join(f'<li>{escape(problem)}</li>' for problem in problems)
    title = '<h2>Not everything could be used</h2>'
    return f'<section class="problems">{title}<ul>{lines}</ul></section>'


def _stream_name(stream: Stream) -> str:
    return f'{escape(stream.camera)} <span class="query">{escape(stream.query)}</span>'


def _card(segment: Segment, number: int, colour: int, period: Period, *, several: bool) -> str:
    start, end = period.since(segment.start_ns), period.since(segment.end_ns)
    length_s = (segment.end_ns - segment.start_ns) / SECOND_NS
    clock = f'<span>{date_time(segment.start_ns)} UTC</span>' if period.has_clock else ''
    stream = f'<span>{escape(segment.camera)} · {escape(segment.query)}</span>' if several else ''
    # Two sources' scores cannot be compared, so the source is named with the score.
    source = 'nearest phrase' if segment.source == 'NEAREST' else 'written'
    text = escape(segment.text) if segment.text else '<em>no words</em>'
    similar = (
        f'<button type="button" class="similar" data-segment="{number}" '
        f'aria-label="Similar to {escape(segment.text)}">Similar</button>'
        if segment.mean is not None
        else ''
    )
    return (
        f'<li class="card" id="s{number}" data-segment="{number}">{_picture(segment)}'
        f'<div class="what"><p class="text"><span class="dot c{colour}"></span>{text}</p>'
        f'<p class="facts"><span class="time">{start} to {end}</span>'
        f'<span>{length_s:.1f} s</span>{clock}{stream}'
        f'<span>{source}, score {segment.score:.2f}</span>'
        f'<span>change {segment.change:.2f}</span>'
        f'<span class="likeness" hidden></span></p>{similar}</div></li>'
    )


def _picture(segment: Segment) -> str:
    if segment.thumbnail is None:
        return '<div class="picture none">no image</div>'
    data = base64.b64encode(segment.thumbnail).decode()
    # The text beside it says what is seen.
    return f'<img class="picture" loading="lazy" alt="" src="data:image/jpeg;base64,{data}">'


def _colours(segments: Sequence[Segment]) -> dict[str, int]:
    """Return a colour for each text: the most frequent ones have one of their own."""
    frequent = Counter(segment.text for segment in segments).most_common()
    return {text: rank % COLOURS for rank, (text, _) in enumerate(frequent)}


def _vectors(segments: Sequence[Segment]) -> dict[str, object]:
    """Return the means as unit vectors in steps of 1/127, by which similar segments are found.

    The means of two models cannot be compared; those of the model with most segments are taken.
    """
    models = Counter(segment.model_id for segment in segments if segment.mean is not None)
    chosen = models.most_common(1)[0][0] if models else ''
    found = [
        (number, segment.mean)
        for number, segment in enumerate(segments)
        if segment.mean is not None and segment.model_id == chosen
    ]
    if not found or len(found) * len(found[0][1]) > VECTORS_BYTES:
        return {'segments': [], 'width': 0, 'data': ''}
    means = np.stack([mean for _, mean in found])
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    # Differences are what counts: all answers to one query have a large part in common.
    unit = unit - unit.mean(axis=0) if len(found) > 2 else unit
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    steps = np.round(127 * unit / max(float(np.abs(unit).max()), 1e-12)).astype(np.int8)
    return {
        'segments': [number for number, _ in found],
        'width': means.shape[1],
        'data': base64.b64encode(steps.tobytes()).decode(),
    }


def _json(value: object) -> str:
    """Return JSON that cannot end the element that it stands in."""
    return json.dumps(value).replace('<', '\\u003c').replace('>', '\\u003e')


def _asset(name: str) -> str:
    return files('vljepa_ros.report').joinpath(name).read_text(encoding='utf-8')


def _digest(text: str) -> str:
    return 'sha256-' + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
