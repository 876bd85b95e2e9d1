# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables and the plot of docs/comparison.md from the committed results.

python -m training.comparison.report
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vljepa_ros.errors import ConfigurationError, MissingDependencyError

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / 'docs' / 'comparison.md'
RESULTS = ROOT / 'benchmarks' / 'results'
PLOT = ROOT / 'docs' / 'images' / 'comparison.png'
NAMES = {'vljepa': 'VL-JEPA', 'vlm': 'token-writing VLM'}
VARIANTS = {
    'reference': 'InfoNCE, full attention, pretrained Y-Encoder (as models/tiny)',
    'causal': 'causal attention in the Predictor',
    'random_y_encoder': 'random Y-Encoder (whole learning rate)',
    'frozen_infonce': 'frozen Y-Encoder, no head: InfoNCE',
    'frozen_cosine': 'frozen Y-Encoder, no head: cosine',
    'frozen_l1': 'frozen Y-Encoder, no head: L1',
    'frozen_l2': 'frozen Y-Encoder, no head: L2',
}
WAYS = {
    'exact_state': "simulator's exact state",
    'vjepa': 'self-supervised (V-JEPA)',
    'distilled': 'distilled from EfficientNet-Lite0',
    'untrained': 'random weights',
}
Values = dict[str, Any]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ['---'] + ['---:'] * (len(head) - 1), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def _score(results: Values, name: str) -> str:
    """Return a score with its interval; rates in percent, CIDEr as it is."""
    value = results['metrics'].get(name)
    if value is None:
        return '–'
    factor, digits, unit = (1.0, 2, '') if name.startswith('cider') else (100.0, 1, ' %')
    shown = f'{factor * value:.{digits}f}{unit}'
    interval = results['intervals'].get(name)
    if interval is None:
        return shown
    low, high = (f'{factor * bound:.{digits}f}' for bound in interval)
    return f'{shown} ({low}–{high})'


def comparison(results: Values) -> str:
    """Return the tables of the controlled comparison."""
    metrics, learning = results['metrics'], results['settings']['learning']
    scores = {
        'classification': 'classification',
        'classification_sum': 'classification, by whole probability',
        'cider': 'CIDEr of the written text',
        'facts': 'all facts of the written text right',
        'cider_nearest': 'CIDEr of the nearest caption',
        'facts_nearest': 'all facts of the nearest caption right',
    }
    rows = [
        [title, *(_score(results, f'{score}.{name}') for name in NAMES)]
        for score, title in scores.items()
    ]
    for title, part in (('minutes of training', 'seconds'), ('clips seen', 'samples')):
        ends = [results['raw'][name]['curve'][-1][part] for name in NAMES]
        shown = [f'{end / 60:.0f}' if part == 'seconds' else f'{end:,.0f}' for end in ends]
        rows.append([title, *shown])

    def count(part: str) -> str:
        return f'{metrics[f"parameters.{part}"] / 1e6:.2f} M'

    sizes = [
        ['trained blocks and projections', count('vljepa.predictor'), count('vlm.blocks')],
        ['table of tokens', count('vljepa.query_table'), count('vlm.token_table')],
        ['Y-Encoder (trained, at 0.05 of the learning rate)', count('vljepa.y_encoder'), '–'],
        ['Y-Decoder (apart, on text alone)', count('vljepa.y_decoder'), '–'],
    ]

    def time(part: str) -> str:
        return f'{metrics[f"latency_ms.{part}"]:.1f}'

    latency = [
        ['X-Encoder', time('encoder'), time('encoder')],
        ['query and Predictor / query and prefix', time('vljepa.predictor'), time('vlm.prefill')],
        ['decoding', time('vljepa.decoding'), time('vlm.decoding')],
        ['a caption in all', time('vljepa.caption'), time('vlm.caption')],
        ['tokens written', *(f'{metrics[f"{name}.tokens"]:.0f}' for name in NAMES)],
    ]
    head = ['', *NAMES.values()]
    return '\n\n'.join(
        (
            f'After {learning["steps"]} batches of {learning["clips"]} clips '
            '(95 % intervals in brackets):',
            _table(head, rows),
            f'![Both learning curves](images/{PLOT.name})',
            f'Parameters; the ratio of the first line is {metrics["parameters.ratio"]:.2f}:',
            _table(head, sizes),
            'Milliseconds a clip (medians, one clip at a time, fp32):',
            _table(head, latency),
        )
    )


def ablation(results: Values) -> str:
    """Return the table of the ablation."""
    learning = results['settings']['learning']
    scores = ('classification', 'cider_nearest', 'facts_nearest')
    rows = [
        [title, *(_score(results, f'{score}.{name}') for score in scores)]
        for name, title in VARIANTS.items()
    ]
    head = ['variant', 'classification', 'CIDEr (nearest)', 'facts (nearest)']
    text = f'After {learning["steps"]} batches of {learning["clips"]} clips each:'
    return f'{text}\n\n{_table(head, rows)}'


def encoders(results: Values) -> str:
    """Return the table of the ways to pretrain the X-Encoder."""
    settings = results['settings']
    scores = {
        'kind': 'kind of object (tokens)',
        'colour': 'colour (tokens)',
        'action': 'action',
        'all_facts': 'all facts',
    }
    rows = [
        [title, *(_score(results, f'{score}.{name}') for score in scores)]
        for name, title in WAYS.items()
    ]
    text = (
        f'{settings["minutes"]:g} minutes of pretraining each, then {settings["probe"]["steps"]} '
        'steps of the same read-outs on frozen tokens:'
    )
    return f'{text}\n\n{_table(["pretraining", *scores.values()], rows)}'


SECTIONS: dict[str, Callable[[Values], str]] = {
    'comparison': comparison,
    'ablation': ablation,
    'encoders': encoders,
}


def _marks(suite: str) -> tuple[str, str]:
    return f'<!-- {suite}: begin -->\n', f'\n<!-- {suite}: end -->'


def section(text: str, suite: str) -> str:
    """Return what stands between the marks of a suite.

    Raises:
        ConfigurationError: the marks are missing.
    """
    begin, end = _marks(suite)
    if begin not in text or end not in text:
        raise ConfigurationError(f'{DOCUMENT} lacks the marks {begin.strip()} and {end.strip()}')
    return text.split(begin, 1)[1].split(end, 1)[0]


def filled(text: str, suite: str, table: str) -> str:
    """Return the text with other words between the marks of a suite."""
    begin, end = _marks(suite)
    return text.replace(f'{begin}{section(text, suite)}{end}', f'{begin}{table}{end}')


def plot(results: Values, path: Path) -> None:
    """Draw both learning curves against the clips seen.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MissingDependencyError(
            'The plot needs matplotlib, which is not installed. Install it with: '
            'pip install matplotlib'
        ) from error
    matplotlib.use('Agg')
    from matplotlib import pyplot

    titles = {'cider': 'CIDEr', 'classification': 'classification, top-1'}
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.4), constrained_layout=True)
    for panel, (score, title) in zip(panels, titles.items(), strict=True):
        for name, label in NAMES.items():
            curve = results['raw'][name]['curve']
            seen = [row['samples'] for row in curve]
            panel.plot(seen, [row[score] for row in curve], marker='o', label=label)
        panel.set(xlabel='clips seen', title=title)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    panels[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Write tables and plot from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--results', type=Path, default=RESULTS, help='folder of the JSON files')
    arguments = parser.parse_args()
    text = DOCUMENT.read_text(encoding='utf-8')
    for suite, write in SECTIONS.items():
        path = arguments.results / f'{suite}.json'
        if not path.is_file():
            print(f'{path} is missing; its section stays as it is')
            continue
        results = json.loads(path.read_text(encoding='utf-8'))
        text = filled(text, suite, write(results))
        if suite == 'comparison':
            plot(results, PLOT)
    DOCUMENT.write_text(text, encoding='utf-8')
    print(f'{DOCUMENT} written')


if __name__ == '__main__':
    main()
