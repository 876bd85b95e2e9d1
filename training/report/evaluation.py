# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of `vljepa eval`: the scores beside the goals, and beside the baselines."""

from __future__ import annotations

from training.report.markdown import MISSING, Values, number, score, table
from training.world.splits import TEST_SPLITS

TASKS = {
    'classification': 'what happens, among all phrases "action, kind of object"',
    'retrieval_r1': 'the clip of a caption, R@1 of 300',
    'vqa': 'questions with candidate answers',
    'action4_clip': 'the action between two images, of four clips',
    'action4_text': 'the action between two images, of four texts',
    'facts': 'the written text: all facts right',
    'cider': 'the written text: CIDEr',
}
MORE_TASKS = {
    'retrieval_r5': 'the clip of a caption, R@5 of 300',
    'anticipation': 'what happens next, as the action begins',
    'anticipation_early': 'what happens next, 0.4 s before',
    'facts_nearest': 'the nearest phrase: all facts right',
    'cider_nearest': 'the nearest phrase: CIDEr',
}
BASELINES = ('chance', 'majority', 'blind', 'dual_encoder')
# What was to be reached, by split in the order of TEST_SPLITS.
GOALS: dict[str, tuple[float | None, ...]] = {
    'classification': (0.85, 0.75, 0.60, 0.70),
    'retrieval_r1': (0.60, 0.50, 0.35, 0.45),
    'vqa': (0.90, 0.80, 0.75, 0.80),
    'action4_clip': (0.95, 0.90, 0.80, 0.85),
    'action4_text': (0.95, 0.90, 0.80, 0.85),
    'facts': (0.80, 0.70, 0.50, None),
}
OVER_BLIND = 0.20
TRIPLETS_GOAL = 0.85


def goal(results: Values, task: str, split: str) -> str:
    """Return the goal of a task on a split, or '–'; CIDEr is to reach the nearest decoder's."""
    name = f'{task}.{split}'
    if task == 'cider':
        return number(results['metrics'].get(f'cider_nearest.{split}'), name)
    wanted = GOALS[task][TEST_SPLITS.index(split)]
    return MISSING if wanted is None else f'{100.0 * wanted:.0f} %'


def scores(results: Values) -> str:
    """Return the scores of all splits, each with its interval and its goal."""
    rows = [
        [
            title,
            *(f'{score(results, f"{task}.{s}")} / {goal(results, task, s)}' for s in TEST_SPLITS),
        ]
        for task, title in TASKS.items()
    ]
    place = list(TASKS).index('vqa') + 1
    rows.insert(place, ['the same: more than without looking', *_over_blind(results)])
    triplets = f'{score(results, "triplets")} / {100.0 * TRIPLETS_GOAL:.0f} %'
    return '\n\n'.join(
        (
            f'{_measured(results)} Each cell: score (95 % interval) / goal; the goal of CIDEr is '
            'that of the nearest phrase.',
            table(['', *TEST_SPLITS], rows),
            'Two phrasings of one meaning are closer to each other than to a text that differs in '
            f'one fact (triplets): {triplets}.',
        )
    )


def _cell(results: Values, task: str, split: str) -> str:
    return f'{score(results, f"{task}.{split}")} / {goal(results, task, split)}'


def _over_blind(results: Values) -> list[str]:
    """Return by how many points the answers to questions beat those of the blind baseline."""
    cells = []
    for split in TEST_SPLITS:
        own, blind = (results['metrics'].get(f'vqa.{split}{suffix}') for suffix in ('', ':blind'))
        known = own is not None and blind is not None
        points = f'{100.0 * (own - blind):.1f} points' if known else MISSING
        cells.append(f'{points} / {100.0 * OVER_BLIND:.0f}')
    return cells


def baselines(results: Values) -> str:
    """Return each score beside what one would score without looking."""
    rows = []
    for task, title in (TASKS | MORE_TASKS).items():
        for split in TEST_SPLITS:
            name = f'{task}.{split}'
            if name in results['metrics']:
                rows.append([title, split, score(results, name), *_baselines(results, name)])
    if 'triplets' in results['metrics']:
        cells = _baselines(results, 'triplets')
        rows.append(['triplets', MISSING, score(results, 'triplets'), *cells])
    head = ['', 'split', 'score', *(name.replace('_', ' ') for name in BASELINES)]
    return f'{_measured(results)}\n\n{table(head, rows)}'


def _baselines(results: Values, name: str) -> list[str]:
    return [number(results['metrics'].get(f'{name}:{other}'), name) for other in BASELINES]


def _measured(results: Values) -> str:
    settings = results['settings']
    return f'`{settings["model"]}`, {settings["episodes"]} episodes a split, `vljepa eval`.'
