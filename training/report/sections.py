# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All sections of results, and the pages that have some."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from training.report.benchmarks import engines, node
from training.report.comparison import PLOT, ablation, comparison, encoders, plot
from training.report.evaluation import baselines, scores
from training.report.events import events
from training.report.markdown import Values
from training.report.memory import memory
from training.report.nodes import nodes
from training.report.pages import NOT_MEASURED, filled
from vljepa_ros.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / 'benchmarks' / 'results'


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Attributes:
        suites: whose results it shows: names of files without '.json'.
        write: takes the results of each and returns Markdown.
    """

    suites: tuple[str, ...]
    write: Callable[..., str]


SECTIONS = {
    'eval': Section(('eval',), scores),
    'eval.baselines': Section(('eval',), baselines),
    'engines': Section(('engines',), engines),
    'node': Section(('node',), node),
    'events': Section(('events',), events),
    'memory': Section(('memory',), memory),
    'nodes': Section(('events_on_samples', 'streaming', 'camera_rates'), nodes),
    'comparison': Section(('comparison',), comparison),
    'ablation': Section(('ablation',), ablation),
    'encoders': Section(('encoders',), encoders),
}


def pages(root: Path = ROOT) -> list[Path]:
    """Return all pages that may have sections."""
    found = [root / 'README.md', *root.glob('docs/*.md'), *root.glob('models/*/card.md')]
    return sorted(page for page in found if page.is_file())


def read(folder: Path, suite: str) -> Values | None:
    """Return the results of a suite; None if it has not been measured yet.

    Raises:
        ConfigurationError: they are those of --quick.
    """
    path = folder / f'{suite}.json'
    if not path.is_file():
        return None
    values: Values = json.loads(path.read_text(encoding='utf-8'))
    if values['quick']:
        raise ConfigurationError(
            f'{path} holds the subset of --quick, which no page quotes; measure without it'
        )
    return values


def body(name: str, folder: Path = RESULTS) -> str:
    """Return what belongs into a section.

    Raises:
        ConfigurationError: there is no such section, or the results are those of --quick.
    """
    if name not in SECTIONS:
        raise ConfigurationError(
            f'There is no section of results {name!r}; allowed are {", ".join(SECTIONS)}'
        )
    section = SECTIONS[name]
    found = [read(folder, suite) for suite in section.suites]
    return NOT_MEASURED if None in found else section.write(*found)


def changed_pages(folder: Path = RESULTS, root: Path = ROOT) -> dict[Path, str]:
    """Return the pages that are not what the results say, as they should be.

    Raises:
        ConfigurationError: a page has an unknown section or one that does not end.
    """
    changed = {}
    for page in pages(root):
        text = page.read_text(encoding='utf-8')
        try:
            wanted = filled(text, lambda name: body(name, folder))
        except ConfigurationError as error:
            raise ConfigurationError(f'{page}: {error}') from error
        if wanted != text:
            changed[page] = wanted
    return changed


def draw_plots(folder: Path = RESULTS) -> None:
    """Draw the pictures that sections show, where matplotlib is needed and results are there."""
    results = read(folder, 'comparison')
    if results is not None:
        plot(results, PLOT)
        print(f'{PLOT} drawn')
