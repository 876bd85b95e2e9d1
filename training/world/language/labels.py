# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences about an action and the kind of its object, without colour and place.

They are the labels of classification. Slots as in `templates`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from training.world.language.meanings import kinds_of
from training.world.language.words import KIND_WORDS, PLACE_WORDS, article
from training.world.symbols import ACTIONS, Segment


def _variants(verb: str, passive: str, doing: str, rest: str) -> tuple[str, ...]:
    """Return labels from a verb in three forms and what comes after the object."""
    return (
        f'The robot {verb} {{ao}}{rest}.',
        f'The robot arm {verb} {{ao}}{rest}.',
        f'{{ao}} is {passive}{rest}.',
        f'{doing} {{ao}}{rest}',
    )


_SIDE = ' to the {s} of another object'
_NEW_SIDE = ' {s} of another item'
_OPEN = ('The robot opens {at}.', 'The robot arm opens {at}.', '{at} is opened.', 'opening {at}')
_CLOSE = (
    'The robot closes {at}.',
    'The robot arm closes {at}.',
    '{at} is closed.',
    'closing {at}',
)
SEEN_LABELS: dict[str, tuple[str, ...]] = {
    'pick up': _variants('picks up', 'picked up', 'picking up', ''),
    'put in': _variants('puts', 'put', 'putting', ' into a container'),
    'put on': _variants('puts', 'put', 'putting', ' onto a surface'),
    'put left of': _variants('puts', 'put', 'putting', _SIDE),
    'put right of': _variants('puts', 'put', 'putting', _SIDE),
    'push': _variants('pushes', 'pushed', 'pushing', ''),
    'open': _OPEN,
    'close': _CLOSE,
    'stack': _variants('stacks', 'stacked', 'stacking', ' on another object'),
    'take out': _variants('takes', 'taken', 'taking', ' out of something'),
    'pour': _variants('pours from', 'poured out', 'pouring from', ''),
    'knock over': _variants('knocks over', 'knocked over', 'knocking over', ''),
    'set upright': (
        'The robot sets {ao} upright.',
        'The robot arm stands {ao} up.',
        '{ao} is set upright.',
        'setting {ao} upright',
    ),
}
UNSEEN_LABELS: dict[str, tuple[str, ...]] = {
    'pick up': ('The machine grabs {ao}.', '{ao} gets seized.'),
    'put in': (
        'The machine deposits {ao} within a container.',
        '{ao} gets deposited in a container.',
    ),
    'put on': (
        'The machine deposits {ao} upon a surface.',
        '{ao} gets positioned on a surface.',
    ),
    'put left of': _variants('positions', 'positioned', 'positioning', _NEW_SIDE)[:3],
    'put right of': _variants('positions', 'positioned', 'positioning', _NEW_SIDE)[:3],
    'push': ('The machine nudges {ao}.', '{ao} gets shifted.'),
    'open': ('The machine tugs {at} open.', '{at} gets tugged open.'),
    'close': ('The machine seals {at}.', '{at} gets sealed.'),
    'stack': ('The machine piles {ao} upon another item.', '{ao} gets mounted atop another item.'),
    'take out': (
        'The machine retrieves {ao} out of something.',
        '{ao} gets withdrawn from something.',
    ),
    'pour': ('The machine decants {ao}.', '{ao} gets decanted.'),
    'knock over': ('The machine topples {ao}.', '{ao} gets overturned.'),
    'set upright': ('The machine erects {ao}.', '{ao} gets restored to vertical.'),
}


@dataclass(frozen=True)
class ActionPhrase:
    """A label of classification: an action, a kind (None for 'open', 'close'), the sentence."""

    action: str
    kind: str | None
    text: str


def _fill(template: str, action: str, thing: str, place: str) -> str:
    side = 'left' if action == 'put left of' else 'right'
    text = template.format(ao=article(thing), at=article(place), s=side)
    return text[0].upper() + text[1:] if text[-1] == '.' else text


def _first(action: str, kind: str | None, *, unseen: bool) -> str:
    thing = KIND_WORDS[kind].first(unseen=unseen) if kind else '-'
    place = PLACE_WORDS['drawer'].first(unseen=unseen)
    return _fill((UNSEEN_LABELS if unseen else SEEN_LABELS)[action][0], action, thing, place)


@cache
def action_phrases(*, unseen: bool = False) -> tuple[ActionPhrase, ...]:
    """Return a sentence for each action with each kind it is possible with, and open and close.

    They hold the combinations of the split 'composition' too: they are for evaluation. In
    training use `draw_action_phrase` on segments of the training split.

    Args:
        unseen: In words of the split 'paraphrase'.
    """
    pairs: list[tuple[str, str | None]] = []
    for action in ACTIONS:
        pairs += [(action, kind) for kind in kinds_of(action)]
    pairs += [('open', None), ('close', None)]
    return tuple(
        ActionPhrase(action, kind, _first(action, kind, unseen=unseen)) for action, kind in pairs
    )


def action_phrase(segment: Segment) -> str | None:
    """Return the sentence of `action_phrases` for a segment; None for 'idle'."""
    if segment.action == 'idle':
        return None
    return _first(segment.action, segment.kind, unseen=False)


def draw_action_phrase(
    segment: Segment, rng: np.random.Generator, *, unseen: bool = False
) -> str | None:
    """Draw a sentence about a segment's action and kind alone; None for 'idle'."""
    if segment.action == 'idle':
        return None
    u = rng.random(3).tolist()
    templates = (UNSEEN_LABELS if unseen else SEEN_LABELS)[segment.action]
    thing = KIND_WORDS[segment.kind].choose(u[1], unseen=unseen) if segment.kind else '-'
    place = PLACE_WORDS['drawer'].choose(u[2], unseen=unseen)
    return _fill(templates[int(u[0] * len(templates))], segment.action, thing, place)
