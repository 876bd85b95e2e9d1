# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the curves of CIDEr over the rate of decoding say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.events.scoring import Point

PLATEAU = 0.98


def rate_reaching(points: Sequence[Point], cider: float) -> float:
    """Return the slowest rate at which a curve reaches a CIDEr, in decodes a second.

    Between two points it is interpolated over the logarithm of the rate; inf if it is never
    reached. A curve counts as what it has reached at any slower rate.
    """
    ordered = sorted(points, key=lambda point: point.rate_hz)
    best = -np.inf
    before: Point | None = None
    for point in ordered:
        if point.cider >= cider:
            if before is None or point.cider <= before.cider:
                return point.rate_hz
            share = (cider - best) / (point.cider - best)
            low, high = np.log(before.rate_hz), np.log(point.rate_hz)
            return float(np.exp(low + min(max(share, 0.0), 1.0) * (high - low)))
        if point.cider > best:
            best, before = point.cider, point
    return float('inf')


def knee(points: Sequence[Point]) -> Point:
    """Return the slowest point that keeps 98 % of the curve's best CIDEr."""
    best = max(point.cider for point in points)
    enough = [point for point in points if point.cider >= PLATEAU * best]
    return min(enough, key=lambda point: point.rate_hz)


def reduction(point: Point, uniform: Sequence[Point], reference: Point) -> float:
    """Return how many times fewer decodes than uniform ones a policy needs, at equal CIDEr.

    Args:
        point: the policy.
        uniform: the curve of uniform decoding.
        reference: the point of that curve that the policy is to equal. Where the policy says
            less well what happens, the slower uniform rate that says it as well counts.
    """
    return min(reference.rate_hz, rate_reaching(uniform, point.cider)) / point.rate_hz


def curve_reduction(points: Sequence[Point], reference: Point) -> float:
    """Return how many times fewer decodes a curve needs for a reference's CIDEr; 0 is never."""
    return reference.rate_hz / rate_reaching(points, reference.cider)
