# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Puts words into the templates of captions."""

from __future__ import annotations

from functools import cache

from training.world.language.failure_templates import SEEN_FAILURES, UNSEEN_FAILURES
from training.world.language.templates import SEEN
from training.world.language.unseen_templates import UNSEEN
from training.world.language.words import (
    COLOUR_WORDS,
    DIRECTION_WORDS,
    KIND_WORDS,
    PLACE_WORDS,
    Words,
    article,
)
from training.world.symbols import ONTO, ObjectInfo, Segment

SEEN_TEMPLATES = {**SEEN, **SEEN_FAILURES}
UNSEEN_TEMPLATES = {**UNSEEN, **UNSEEN_FAILURES}


def template_key(segment: Segment) -> str:
    """Return the name of a segment's group of templates."""
    action = segment.action
    if action == 'take out' and segment.target in (*ONTO, 'table'):
        return 'take off'
    if action == 'pour' and segment.target is None and segment.reference is None:
        return 'pour out'
    return action if segment.success else f'failed {action}'


@cache
def _concepts(
    action: str, item: ObjectInfo | None, target: str | None, reference: ObjectInfo | None
) -> tuple[tuple[str, Words], ...]:
    found = []
    for slot, thing in (('o', item), ('r', reference)):
        if thing is not None:
            found.append((f'{slot}c', COLOUR_WORDS[thing.colour]))
            found.append((f'{slot}k', KIND_WORDS[thing.kind]))
    if action == 'push' and target is not None:
        found.append(('d', DIRECTION_WORDS[target]))
    elif target is not None:
        found.append(('t', PLACE_WORDS[target]))
    return tuple(found)


def concepts(segment: Segment) -> tuple[tuple[str, Words], ...]:
    """Return the parts of a segment that have words, each with its slot."""
    return _concepts(segment.action, segment.item, segment.target, segment.reference)


def fill(template: str, segment: Segment, words: dict[str, str]) -> str:
    """Return a template with words in its slots.

    Args:
        template: As in `templates`.
        segment: What is said; its action gives the side for 'put left of' and 'put right of'.
        words: For each slot of `concepts` the word.
    """
    o = f'{words.get("oc", "")} {words.get("ok", "")}'.strip() or '-'
    r = f'{words.get("rc", "")} {words.get("rk", "")}'.strip() or '-'
    t = words.get('t', '-')
    x = t if segment.reference is None else r
    side = 'left' if segment.action == 'put left of' else 'right'
    text = template.format(
        o=o, ao=article(o), r=r, ar=article(r), t=t, at=article(t), x=x, ax=article(x),
        d=words.get('d', '-'), s=side,
    )  # fmt: skip
    return text[0].upper() + text[1:] if text[-1] == '.' else text
