# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The timeline of a stream as SVG: its segments, the change curve, the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from vljepa_ros.report.content import Segment, Stream
from vljepa_ros.report.times import Period

COLOURS = 8
CURVE_HEIGHT = 56
BAR_TOP, BAR_HEIGHT = 64, 28
AXIS_TOP = 96
HEIGHT = 114
CURVE_POINTS = 1000
LEAST_SCALE = 0.5
LEAST_WIDTH = 0.15  # percent, so that a short segment can be seen


def timeline(
    stream: Stream, numbers: Mapping[int, int], colours: Mapping[str, int], period: Period
) -> str:
    """Return the picture.

    Args:
        stream: with at least one segment.
        numbers: of the segments on the page, by `id()`.
        colours: 0 to COLOURS - 1, by text.
        period: what the width stands for.
    """
    bars = ''.join(
        _bar(segment, numbers[id(segment)], colours[segment.text], period)
        for segment in stream.segments
    )
    top = max([LEAST_SCALE, *stream.distances])
    marks = period.marks()
    return (
        f'<svg class="timeline" width="100%" height="{HEIGHT}" role="group" '
        f'aria-label="{escape(_in_words(stream, period))}">'
        f'{_curve(stream, top, period)}{bars}'
        + ''.join(_mark(share, name, last=share > 0.94) for share, name in marks)
        + '</svg>'
    )


def curve_points(stream: Stream, period: Period) -> list[tuple[float, float]]:
    """Return the change curve as (0 to 1, distance), with the greatest of near samples."""
    places: dict[int, float] = {}
    for moment_ns, distance in zip(stream.moments_ns, stream.distances, strict=True):
        place = round(period.share(moment_ns) * CURVE_POINTS)
        places[place] = max(distance, places.get(place, 0.0))
    return [(place / CURVE_POINTS, places[place]) for place in sorted(places)]


def _curve(stream: Stream, top: float, period: Period) -> str:
    points = curve_points(stream, period)
    if not points:
        return ''
    # Where nothing was recorded for long, there is no line.
    gap = 3 * max(1 / CURVE_POINTS, _usual_step(points))
    path, last = [], -1.0
    for share, distance in points:
        letter = 'M' if last < 0.0 or share - last > gap else 'L'
        path.append(f'{letter}{share * 1000:.1f} {100 - 100 * distance / top:.1f}')
        last = share
    return (
        f'<svg width="100%" height="{CURVE_HEIGHT}" viewBox="0 0 1000 100" '
        f'preserveAspectRatio="none"><path class="curve" d="{"".join(path)}" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )


def _usual_step(points: Sequence[tuple[float, float]]) -> float:
    steps = sorted(b[0] - a[0] for a, b in zip(points, points[1:], strict=False))
    return steps[len(steps) // 2] if steps else 0.0


def _bar(segment: Segment, number: int, colour: int, period: Period) -> str:
    start = 100 * period.share(segment.start_ns)
    width = max(LEAST_WIDTH, 100 * period.share(segment.end_ns) - start)
    title = f'{period.since(segment.start_ns)} to {period.since(segment.end_ns)}: {segment.text}'
    return (
        f'<a href="#s{number}" tabindex="-1"><rect class="bar c{colour}" data-segment="{number}" '
        f'x="{start:.3f}%" y="{BAR_TOP}" width="{width:.3f}%" height="{BAR_HEIGHT}">'
        f'<title>{escape(title)}</title></rect></a>'
    )


def _mark(share: float, name: str, *, last: bool) -> str:
    anchor = 'start' if share == 0.0 else 'end' if last else 'middle'
    at = f'{100 * share:.2f}%'
    return (
        f'<line class="tick" x1="{at}" x2="{at}" y1="{AXIS_TOP - 4}" y2="{AXIS_TOP}"/>'
        f'<text class="mark" x="{at}" y="{HEIGHT - 4}" text-anchor="{anchor}">{name}</text>'
    )


def _in_words(stream: Stream, period: Period) -> str:
    return (
        f'{len(stream.segments)} segments of camera {stream.camera} in '
        f'{period.since(period.last_ns)}; the list below names each'
    )
