# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers of a results file (`training.evaluation.results`) as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# What a results file holds.
Values = dict[str, Any]
MISSING = '–'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; all columns but the first are aligned to the right."""
    lines = [head, ['---'] + ['---:'] * (len(head) - 1), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def number(value: float | None, name: str) -> str:
    """Return the value of a metric: rates in percent, CIDEr as it is, '–' where there is none."""
    if value is None:
        return MISSING
    return f'{value:.2f}' if name.startswith('cider') else f'{100.0 * value:.1f} %'


def score(results: Values, name: str) -> str:
    """Return a metric with its 95 % interval."""
    shown = number(results['metrics'].get(name), name)
    bounds = results['intervals'].get(name)
    if shown == MISSING or bounds is None:
        return shown
    low, high = (number(bound, name).removesuffix(' %') for bound in bounds)
    return f'{shown} ({low}–{high})'
