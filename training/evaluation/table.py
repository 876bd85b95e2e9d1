# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shows results as text: a table, and beside it the reported ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.evaluation.results import Results
from vljepa_ros.errors import ConfigurationError, ResourceNotFoundError


def table(results: Results) -> str:
    """Return one line a metric: value, 95 % interval, samples, baselines."""
    rows = [('metric', 'score', '95 % interval', 'samples', 'baselines')]
    for name, score in results.scores.items():
        if ':' in name:
            continue
        baselines = [
            f'{other.removeprefix(name + ":")} {_number(found.value)}'
            for other, found in results.scores.items()
            if other.startswith(name + ':')
        ]
        count = f'{score.samples}/{score.episodes}' if score.episodes else str(score.samples)
        rows.append(
            (
                name,
                _number(score.value),
                interval(score.interval),
                count,
                ', '.join(baselines),
            )
        )
    return _aligned(rows)


def read_reported(path: Path) -> dict[str, Any]:
    """Read the results of an earlier run.

    Raises:
        ResourceNotFoundError: there is no such file.
        ConfigurationError: it holds no results.
    """
    if not path.is_file():
        raise ResourceNotFoundError(f'There are no results {str(path)!r} to compare with')
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        if not isinstance(found['metrics'], dict) or not isinstance(found['intervals'], dict):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f'{str(path)!r} is no result of vljepa eval; write one with --json'
        ) from error
    return found


def comparison(results: Results, reported: dict[str, Any]) -> str:
    """Return this run's scores beside the reported ones, and which lie outside their interval."""
    rows = [('metric', 'here', '95 % interval', 'reported', '95 % interval', '')]
    for name, score in results.scores.items():
        known = reported['intervals'].get(name)
        if ':' in name or known is None:
            continue
        low, high = known
        inside = low <= score.value <= high
        rows.append(
            (
                name,
                _number(score.value),
                interval(score.interval),
                _number(reported['metrics'][name]),
                interval((low, high)),
                'within' if inside else 'OUTSIDE',
            )
        )
    outside = sum(row[-1] == 'OUTSIDE' for row in rows)
    ending = f'{len(rows) - 1 - outside} of {len(rows) - 1} scores lie in the reported intervals'
    return f'{_aligned(rows)}\n{ending}'


def interval(bounds: tuple[float, float] | None) -> str:
    """Return an interval in the digits of the table."""
    return '-' if bounds is None else f'{_number(bounds[0])} to {_number(bounds[1])}'


def _number(value: float) -> str:
    return f'{value:.3f}'


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return '\n'.join(
        '  '.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
