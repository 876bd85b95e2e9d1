# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The curves of CIDEr over the rate of decoding, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.events.scoring import Point
from vljepa_ros.errors import MissingDependencyError

STYLES = {'uniform': ('black', 'o'), 'offline': ('tab:blue', 's'), 'oracle': ('tab:green', '*')}


def draw_curves(curves: Mapping[str, Sequence[Point]], path: Path) -> None:
    """Write a PNG; names end in `.exact` (thin, dashed) or `.pooled`.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            'The curves need Matplotlib: pip install matplotlib'
        ) from error
    figure = Figure(figsize=(8.0, 5.0), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, points in curves.items():
        policy, way = name.rsplit('.', 1)
        ordered = sorted(points, key=lambda point: point.rate_hz)
        colour, marker = STYLES.get(policy, (None, '.'))
        axes.plot(
            [point.rate_hz for point in ordered],
            [point.cider for point in ordered],
            color=colour,
            marker=marker,
            markersize=9 if policy == 'oracle' else 4,
            linestyle='-' if way == 'pooled' else '--',
            linewidth=1.6 if way == 'pooled' else 0.8,
            label=f'{policy}, {way}',
        )
    axes.set_xscale('log')
    axes.set_xlabel('calls of the decoder a second')
    axes.set_ylabel('CIDEr of the annotations')
    axes.grid(alpha=0.3, which='both')
    axes.legend(fontsize=7, ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
