# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables and plot of `training.comparison`: both models, the ablation, the ways to pretrain."""

from __future__ import annotations

from pathlib import Path

from training.report.markdown import Values, score, table
from vljepa_ros.errors import MissingDependencyError

PLOT = Path(__file__).parents[2] / 'docs' / 'images' / 'comparison.png'
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
        [title, *(score(results, f'{metric}.{name}') for name in NAMES)]
        for metric, title in scores.items()
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
            table(head, rows),
            f'![Both learning curves](images/{PLOT.name})',
            f'Parameters; the ratio of the first line is {metrics["parameters.ratio"]:.2f}:',
            table(head, sizes),
            'Milliseconds a clip (medians, one clip at a time, fp32):',
            table(head, latency),
        )
    )


def ablation(results: Values) -> str:
    """Return the table of the ablation."""
    learning = results['settings']['learning']
    scores = ('classification', 'cider_nearest', 'facts_nearest')
    rows = [
        [title, *(score(results, f'{metric}.{name}') for metric in scores)]
        for name, title in VARIANTS.items()
    ]
    head = ['variant', 'classification', 'CIDEr (nearest)', 'facts (nearest)']
    text = f'After {learning["steps"]} batches of {learning["clips"]} clips each:'
    return f'{text}\n\n{table(head, rows)}'


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
        [title, *(score(results, f'{metric}.{name}') for metric in scores)]
        for name, title in WAYS.items()
    ]
    text = (
        f'{settings["minutes"]:g} minutes of pretraining each, then {settings["probe"]["steps"]} '
        'steps of the same read-outs on frozen tokens:'
    )
    return f'{text}\n\n{table(["pretraining", *scores.values()], rows)}'


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
    for panel, (metric, title) in zip(panels, titles.items(), strict=True):
        for name, label in NAMES.items():
            curve = results['raw'][name]['curve']
            seen = [row['samples'] for row in curve]
            panel.plot(seen, [row[metric] for row in curve], marker='o', label=label)
        panel.set(xlabel='clips seen', title=title)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    panels[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
