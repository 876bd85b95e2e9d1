# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Questions about one moment that a look at the picture answers, with all possible answers.

They are balanced so that their text tells little: half of the things asked for are absent, counts
are about lists of kinds, frequent answers ('on the table', 'nothing') are asked for less often.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from training.world.language.question_templates import SEEN_QUESTIONS, UNSEEN_QUESTIONS
from training.world.language.states import in_sight
from training.world.language.words import (
    COLOUR_WORDS,
    KIND_WORDS,
    NUMBERS,
    PLACE_WORDS,
    Words,
    article,
    place_phrase,
    plural,
)
from training.world.splits import is_unseen_object, seen_objects
from training.world.symbols import COLOURS, KINDS, PLACES, ObjectInfo, Scene

QUESTION_KINDS = ('presence', 'colour', 'count', 'where', 'drawer', 'held')

HELD_CANDIDATES = 6
# How often a question is asked whose answer is far more frequent than others.
_NOTHING_SHARE = 0.1
_TABLE_WEIGHT = 0.25
_ONLY_TABLE_SHARE = 0.12


@dataclass(frozen=True)
class Question:
    """A question with its answer.

    Attributes:
        kind: One of `QUESTION_KINDS`.
        text: The question.
        answer: One of the candidates.
        candidates: All answers that it could have.
        item: The object whose colour is asked for; None in other questions.
    """

    kind: str
    text: str
    answer: str
    candidates: tuple[str, ...]
    item: ObjectInfo | None = None


class _Draw:
    """Draws numbers, structures and words for the questions about one scene."""

    def __init__(self, scene: Scene, rng: np.random.Generator, unseen: bool) -> None:
        self.scene = scene
        self.unseen = unseen
        self.visible = in_sight(scene)
        self.objects = [scene.objects[index] for index in self.visible]
        # Combinations of the split 'composition' are asked for in that split only.
        self.all_pairs = any(is_unseen_object(item) for item in scene.objects)
        self._chances = iter(rng.random(64).tolist())
        self._rng = rng

    def chance(self) -> float:
        value = next(self._chances, None)
        return float(self._rng.random()) if value is None else value

    def below(self, count: int) -> int:
        return int(self.chance() * count)

    def word(self, words: Words) -> str:
        return words.choose(self.chance(), unseen=self.unseen)

    def template(self, kind: str) -> str:
        options = (UNSEEN_QUESTIONS if self.unseen else SEEN_QUESTIONS)[kind]
        return options[self.below(len(options))]

    def name(self, item: ObjectInfo) -> str:
        return f'{self.word(COLOUR_WORDS[item.colour])} {self.word(KIND_WORDS[item.kind])}'

    def allowed(self, item: ObjectInfo) -> bool:
        return item not in self.scene.objects and (self.all_pairs or not is_unseen_object(item))


def _presence(draw: _Draw) -> Question | None:
    if not draw.objects:
        return None
    item = draw.objects[draw.below(len(draw.objects))]
    answer = 'yes' if draw.chance() < 0.5 else 'no'
    while answer == 'no':  # differs in colour or kind from something that is there
        if draw.chance() < 0.5:
            other = ObjectInfo(item.kind, COLOURS[draw.below(len(COLOURS))])
        else:
            other = ObjectInfo(KINDS[draw.below(len(KINDS))], item.colour)
        if draw.allowed(other):
            item = other
            break
    text = draw.template('presence').format(ao=article(draw.name(item)))
    return Question('presence', text, answer, ('yes', 'no'))


@cache
def _colours(unseen: bool) -> tuple[str, ...]:
    return tuple(COLOUR_WORDS[colour].first(unseen=unseen) for colour in COLOURS)


@cache
def _places(unseen: bool) -> tuple[str, ...]:
    return tuple(place_phrase(place, unseen=unseen) for place in PLACES)


def _colour(draw: _Draw) -> Question | None:
    kinds = [item.kind for item in draw.objects]
    single = [item for item in draw.objects if kinds.count(item.kind) == 1]
    if not single:
        return None
    item = single[draw.below(len(single))]
    text = draw.template('colour').format(k=draw.word(KIND_WORDS[item.kind]))
    candidates = _colours(draw.unseen)
    answer = candidates[COLOURS.index(item.colour)]
    return Question('colour', text, answer, candidates, item)


def _count(draw: _Draw) -> Question:
    """Ask how many of three or four kinds there are; how many are listed tells nothing."""
    size = 3 + draw.below(2)
    goal = draw.below(len(draw.objects) + 1)
    kinds = list(dict.fromkeys(item.kind for item in draw.objects))
    total = 0
    listed: list[str] = []
    while kinds and total < goal and len(listed) < size:
        listed.append(kinds.pop(draw.below(len(kinds))))
        total += sum(item.kind == listed[-1] for item in draw.objects)
    present = {item.kind for item in draw.scene.objects}
    absent = [kind for kind in KINDS if kind not in present]
    while len(listed) < size:
        listed.append(absent.pop(draw.below(len(absent))))
    words = [plural(draw.word(KIND_WORDS[kind])) for kind in KINDS if kind in listed]
    things = f'{", ".join(words[:-1])} and {words[-1]}'
    return Question('count', draw.template('count').format(l=things), NUMBERS[total], NUMBERS)


def _where(draw: _Draw) -> Question | None:
    places = sorted({draw.scene.places[index] for index in draw.visible})
    if not places or (places == ['table'] and draw.chance() >= _ONLY_TABLE_SHARE):
        return None
    if len(places) > 1 and 'table' in places and draw.chance() >= _TABLE_WEIGHT:
        places.remove('table')
    place = places[draw.below(len(places))]
    there = [index for index in draw.visible if draw.scene.places[index] == place]
    item = draw.scene.objects[there[draw.below(len(there))]]
    candidates = _places(draw.unseen)
    text = draw.template('where').format(o=draw.name(item))
    return Question('where', text, candidates[PLACES.index(place)], candidates)


def _drawer(draw: _Draw) -> Question | None:
    if draw.scene.drawer_open is None:
        return None
    text = draw.template('drawer').format(t=draw.word(PLACE_WORDS['drawer']))
    answer = 'open' if draw.scene.drawer_open else 'closed'
    return Question('drawer', text, answer, ('open', 'closed'))


_SEEN_OBJECTS = tuple(seen_objects())


def _held(draw: _Draw) -> Question | None:
    held = draw.scene.held
    if held is None and draw.chance() >= _NOTHING_SHARE:
        return None
    items = list(draw.objects)
    while len(items) < HELD_CANDIDATES - 1:
        other = _SEEN_OBJECTS[draw.below(len(_SEEN_OBJECTS))]
        if draw.allowed(other) and other not in items:
            items.append(other)
    names = [
        f'the {COLOUR_WORDS[item.colour].first(unseen=draw.unseen)}'
        f' {KIND_WORDS[item.kind].first(unseen=draw.unseen)}'
        for item in items
    ]
    answer = 'nothing' if held is None else names[items.index(draw.scene.objects[held])]
    text = draw.template('held').format(t=draw.word(PLACE_WORDS['gripper']))
    return Question('held', text, answer, ('nothing', *sorted(names)))


_BY_KIND = (_presence, _colour, _count, _where, _drawer, _held)


def questions(scene: Scene, rng: np.random.Generator, *, unseen: bool = False) -> list[Question]:
    """Draw the questions about a moment, at most one of each kind, at least one in all.

    Kinds that have no clear answer are left out, and those whose answer is nearly always the same
    are left out at random. What the closed drawer hides is not asked for.

    Args:
        scene: What is true.
        rng: The source of chance.
        unseen: Ask, and name candidates, in words of the split 'paraphrase'.
    """
    draw = _Draw(scene, rng, unseen)
    return [question for ask in _BY_KIND if (question := ask(draw)) is not None]
