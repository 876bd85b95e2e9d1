# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs all checks, prints what they find as it comes, and sums it up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vljepa_ros import __version__
from vljepa_ros.doctor.findings import Finding, Level, guarded

Check = Callable[[], Iterable[Finding]]


@dataclass(frozen=True)
class Area:
    """Checks of one subject.

    Attributes:
        title: the subject.
        checks: title and check; an exception in one is a finding under its title.
    """

    title: str
    checks: Sequence[tuple[str, Check]]


def run_areas(areas: Sequence[Area]) -> dict[str, list[Finding]]:
    """Run the checks and print what they find; return the findings by the title of their area."""
    found: dict[str, list[Finding]] = {}
    for area in areas:
        print(f'{area.title}', flush=True)
        findings = found.setdefault(area.title, [])
        for title, check in area.checks:
            for finding in guarded(title, check):
                findings.append(finding)
                _show(finding)
        print(flush=True)
    return found


def _show(finding: Finding) -> None:
    print(f'  {finding.level.value:<4}  {finding.title}: {finding.text}', flush=True)
    if finding.advice:
        print(f'        → {finding.advice}', flush=True)


def count(found: dict[str, list[Finding]]) -> Counter[Level]:
    """Return how many findings there are of each level."""
    return Counter(finding.level for findings in found.values() for finding in findings)


def summary(counts: Counter[Level]) -> str:
    """Return the last line."""
    parts = [f'{counts[level]} {level.value}' for level in Level]
    if counts[Level.FAIL]:
        verdict = 'Something is broken'
    elif counts[Level.WARN]:
        verdict = 'It works, and could work better'
    else:
        verdict = 'All is well'
    return f'{verdict}: {", ".join(parts)}'


def write_json(path: Path, found: dict[str, list[Finding]]) -> None:
    """Write the findings to a file.

    Raises:
        OSError: it cannot be written.
    """
    counts = count(found)
    record = {
        'version': __version__,
        'counts': {level.value: counts[level] for level in Level},
        'areas': [
            {'title': title, 'findings': [asdict(finding) for finding in findings]}
            for title, findings in found.items()
        ],
    }
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + '\n', encoding='utf-8')
