# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads sentences about actions back into facts.

A text becomes a skeleton: objects, furniture and directions are replaced by O, P and D, articles
are dropped. The skeletons of all templates are known, so every sentence of this language reads
back exactly; other texts are read by their verbs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from training.world.language.filling import SEEN_TEMPLATES, UNSEEN_TEMPLATES, fill
from training.world.language.labels import SEEN_LABELS, UNSEEN_LABELS
from training.world.language.meanings import make
from training.world.language.words import (
    COLOUR_WORDS,
    DIRECTION_WORDS,
    KIND_WORDS,
    PLACE_WORDS,
    Words,
    plural,
)
from training.world.symbols import FURNITURE, INSIDE, ONTO, ObjectInfo, Segment

Mention = tuple[str | None, str | None]


@dataclass(frozen=True)
class Facts:
    """What a sentence says; None for each thing that it does not say.

    Attributes:
        action: One of `ACTIONS`.
        kind: Kind of the object acted on.
        colour: Its colour.
        target: See `Segment.target`.
        reference: Kind and colour of the other object.
        success: False if the action failed.
    """

    action: str | None = None
    kind: str | None = None
    colour: str | None = None
    target: str | None = None
    reference: Mention | None = None
    success: bool = True

    @classmethod
    def of(cls, segment: Segment) -> Facts:
        """Return what the canonical sentence of a segment says."""
        other = segment.reference
        return cls(
            segment.action,
            segment.kind,
            segment.colour,
            segment.target,
            None if other is None else (other.kind, other.colour),
            segment.success,
        )


def _names(table: dict[str, Words], *, plurals: bool = False) -> dict[str, str]:
    names = {word: key for key, words in table.items() for word in words.seen + words.unseen}
    return names | ({plural(word): key for word, key in names.items()} if plurals else {})


_KINDS = _names(KIND_WORDS, plurals=True)
_COLOURS = _names(COLOUR_WORDS)
_PLACES = _names({name: PLACE_WORDS[name] for name in (*FURNITURE, 'table')})
_DIRECTIONS = _names(DIRECTION_WORDS)


def _any(names: dict[str, str]) -> str:
    return '|'.join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_MENTION = re.compile(
    rf'\b(?:(?:the|an?) )?(?:(?:(?P<colour>{_any(_COLOURS)}) )?(?P<kind>{_any(_KINDS)})'
    rf'|(?P<place>{_any(_PLACES)})|(?P<direction>{_any(_DIRECTIONS)})(?! of))\b'
)
_ARTICLES = re.compile(r'\b(?:the|an?)\b ?')
_NOISE = re.compile(r"[^a-z0-9' -]+")


@dataclass(frozen=True)
class Reading:
    """A text with its parts: objects in their order, places, directions."""

    skeleton: str
    objects: tuple[Mention, ...]
    places: tuple[str, ...]
    directions: tuple[str, ...]


def read(text: str) -> Reading:
    """Find the objects, places and directions that a text names."""
    objects: list[Mention] = []
    places: list[str] = []
    directions: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match['kind']:
            objects.append((_KINDS[match['kind']], _COLOURS.get(match['colour'] or '')))
            return 'O'
        if match['place']:
            places.append(_PLACES[match['place']])
            return 'P'
        directions.append(_DIRECTIONS[match['direction']])
        return 'D'

    lower = ' '.join(_NOISE.sub(' ', text.lower()).split())
    skeleton = _ARTICLES.sub('', _MENTION.sub(replace, lower))
    return Reading(skeleton, tuple(objects), tuple(places), tuple(directions))


# Words that fill the templates to learn their skeletons, and what each place in a skeleton means.
_ITEM, _OTHER = ObjectInfo('cube', 'red'), ObjectInfo('ball', 'blue')


@dataclass(frozen=True)
class _Pattern:
    action: str
    success: bool
    roles: tuple[str, ...]  # of the objects in their order: 'item', 'reference'
    place: int | None  # which of the places is the target


@cache
def _patterns() -> dict[str, _Pattern]:
    found: dict[str, _Pattern] = {}
    words = {'oc': 'red', 'ok': 'cube', 'rc': 'blue', 'rk': 'ball', 't': 'bowl', 'd': 'leftwards'}
    groups = [*SEEN_TEMPLATES.items(), *UNSEEN_TEMPLATES.items()]
    groups += [*SEEN_LABELS.items(), *UNSEEN_LABELS.items()]
    for key, templates in groups:
        success = not key.startswith('failed ')
        action = {'take off': 'take out', 'pour out': 'pour'}.get(key, key.removeprefix('failed '))
        for reference in (None, _OTHER):
            sample = make(action, _ITEM, 'bowl', reference, success)
            for template in templates:
                reading = read(fill(template, sample, words))
                roles = tuple(
                    'item' if mention[0] == 'cube' else 'reference' for mention in reading.objects
                )
                place = reading.places.index('bowl') if 'bowl' in reading.places else None
                pattern = _Pattern(action, success, roles, place)
                found.setdefault(reading.skeleton, pattern)
    return found


def _exact(reading: Reading) -> Facts | None:
    pattern = _patterns().get(reading.skeleton)
    if pattern is None:
        return None
    by_role: dict[str, Mention] = {}
    for role, mention in zip(pattern.roles, reading.objects, strict=True):
        if by_role.setdefault(role, mention) != mention:
            return None
    kind, colour = by_role.get('item', (None, None))
    target = None if pattern.place is None else reading.places[pattern.place]
    if pattern.action == 'push' and reading.directions:
        target = reading.directions[0]
    return Facts(pattern.action, kind, colour, target, by_role.get('reference'), pattern.success)


# Tried in this order on a skeleton; the first that is found names the action.
_VERBS: tuple[tuple[str, str], ...] = (
    ('set upright', r'upright|st(?:and|ands|ood) (?:O )?up|vertical'),
    ('knock over', r'kno\w+|toppl\w+|overturn\w*|(?:tip|fall|push)\w* (?:O )?over'),
    ('pour', r'pour\w*|empt\w+|decant\w*'),
    ('put left of', r'(?:pu|plac|set|lower|position)\w+ .*left'),
    ('put right of', r'(?:pu|plac|set|lower|position)\w+ .*right'),
    ('take out', r'(?:out of|from|off) (?:[a-z-]+ )?P|(?:remov|retriev|withdraw|extract)\w+'),
    ('stack', r'stack\w*|on top of O|atop O|on(?:to)? O|pil(?:e|es|ed|ing)'),
    ('open', r'open\w*(?= P)|P .*open\w*|pull\w* out P'),
    ('close', r'(?:clos|shut)\w*(?= P)|P .*(?:clos|shut)\w*'),
    ('push', r'push\w*|slid\w*|shov\w*|nudg\w*'),
    ('put in', r'in(?:to|side)? (?:[a-z-]+ )?P'),
    ('put on', r'on(?:to)? (?:[a-z-]+ )?P'),
    ('pick up', r'pick\w*|lift\w*|grab\w*|rais\w*|tak\w+ hold'),
)
_IDLE = re.compile(r'\b(?:nothing|no action|idle|still|wait\w*|motionless|inactive)\b')
_ACTION = [(action, re.compile(rf'\b(?:{pattern})')) for action, pattern in _VERBS]
_FAILURE = re.compile(
    r'\b(?:tr(?:y|ies|ied)|fail\w*|slip\w*|miss\w*|attempt\w*|without success)\b'
)
_STATE = re.compile(
    r'\b(?:(?:is|are|stands|stays)'
    r' (?:open|closed|shut|located|sealed|retracted|extended|overturned|in open condition)'
    r'|has fallen over|lies on its side|arranged from)\b'
)
_MOVING = re.compile(
    r'\b(?:pu[ts]\w*|plac\w+|set\w*|lower\w*|drop\w*|lay\w*|releas\w*|tak\w+|pick\w*|lift\w*'
    r'|stack\w*|remov\w+|ope\w+|clos\w+|shut\w*|pull\w*|push\w*|pour\w*|knock\w*|slid\w+|stand\w*'
    r'|deposit\w*|position\w*|transfer\w*|grab\w*|rais\w+|shov\w+|empt\w+|nudg\w+|tip\w*|fall\w*)\b'
)


def _guess(reading: Reading) -> Facts:
    """Read a text that is no sentence of this language."""
    skeleton, objects = reading.skeleton, reading.objects
    action = None
    if not objects and _IDLE.search(skeleton):
        action = 'idle'
    elif _MOVING.search(moving := _STATE.sub('', skeleton)):
        action = next((name for name, verb in _ACTION if verb.search(moving)), None)
    kind, colour = objects[0] if objects else (None, None)
    if action in ('open', 'close'):
        kind, colour = None, None
    allowed = {'put in': INSIDE, 'put on': (*ONTO, 'table'), 'take out': FURNITURE}
    places = [place for place in reading.places if place in allowed.get(action or '', FURNITURE)]
    target = places[-1] if places else None
    if action == 'push':
        target = reading.directions[0] if reading.directions else None
    takes_other = action in ('put left of', 'put right of', 'stack', 'pour')
    other = objects[1] if takes_other and len(objects) > 1 else None
    return Facts(action, kind, colour, target, other, _FAILURE.search(skeleton) is None)


def parse_caption(text: str) -> Facts:
    """Read the facts from a sentence about an action.

    Every text of `captions` and `labels`, seen and unseen, reads back exactly; any other text is
    read by its words as well as that goes.
    """
    reading = read(text)
    return _exact(reading) or _guess(reading)


def parse_exactly(text: str) -> Facts | None:
    """Read the facts from a sentence of this language; None if it is no such sentence."""
    return _exact(read(text))
