# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences about one moment: where the things are, what is held, the drawer.

What the closed drawer hides is not mentioned. On the table the order from left to right, as the
camera sees it, is part of the state: 'put left of' changes it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.world.language.words import (
    COLOUR_WORDS,
    KIND_WORDS,
    PLACE_WORDS,
    PREPOSITIONS,
    article,
)
from training.world.symbols import COLOURS, FURNITURE, KINDS, ObjectInfo, Scene

# Objects this close across the picture are neither left nor right of each other, metres.
CLEAR_DISTANCE = 0.03

# One fact of a state: its group of templates, the objects it names, the place.
Fact = tuple[str, tuple[ObjectInfo, ...], str]
Namer = Callable[[ObjectInfo], str]

# Slots: n one object (a with 'a' or 'an'), l and m several objects in order and in reverse, r the
# object below, p the preposition, t the place; the first is canonical.
_SEEN: dict[str, tuple[str, ...]] = {
    'held': ('the {n} is in the {t}', 'the robot holds the {n}', 'the {t} holds the {n}'),
    'row': (
        'from left to right on the table are {l}',
        'on the table, from left to right, there are {l}',
        'from right to left on the table are {m}',
    ),
    'table': ('the {n} is on the {t}', 'there is {a} on the {t}', 'on the {t} there is {a}'),
    'on top': ('the {n} is on top of the {r}', 'on top of the {r} is the {n}'),
    'one': ('the {n} is {p} the {t}', 'there is {a} {p} the {t}', '{p} the {t} is the {n}'),
    'many': ('{l} are {p} the {t}', '{p} the {t} are {l}', '{p} the {t} there are {l}'),
    'lying': ('the {n} lies on its side', 'the {n} has fallen over'),
    'open': ('the {t} is open', 'the {t} stands open'),
    'closed': ('the {t} is closed', 'the {t} is shut'),
    'nothing': ('nothing is on the table',),
}
_UNSEEN: dict[str, tuple[str, ...]] = {
    'held': ('the {t} grips the {n}', 'the machine carries the {n}'),
    'row': ('arranged from left to right on the table are {l}',),
    'table': ('the {n} rests upon the {t}', 'the {n} sits on the {t}'),
    'on top': ('the {n} rests atop the {r}', 'the {n} sits on top of the {r}'),
    'one': ('the {n} is located {p} the {t}', 'the {n} sits {p} the {t}'),
    'many': ('{l} are located {p} the {t}', '{p} the {t} sit {l}'),
    'lying': ('the {n} is prone', 'the {n} is overturned'),
    'open': ('the {t} is extended', 'the {t} is in an open condition'),
    'closed': ('the {t} is sealed', 'the {t} is retracted'),
    'nothing': ('no item is located on the table',),
}
_LABELS: dict[str, str] = {
    'held': '{n} in {t}', 'row': 'on table left to right: {c}', 'table': '{n} on {t}',
    'on top': '{n} on top of {r}', 'one': '{n} {p} {t}', 'many': '{p} {t}: {c}',
    'lying': '{n} on its side', 'open': '{t} open', 'closed': '{t} closed',
    'nothing': 'nothing on table',
}  # fmt: skip


def _rank(item: ObjectInfo) -> tuple[int, int]:
    return KINDS.index(item.kind), COLOURS.index(item.colour)


def out_of_sight(scene: Scene, index: int) -> bool:
    """Tell whether an object, or what it stands on, is hidden in the closed drawer."""
    while scene.supports[index] >= 0 and scene.places[index] == 'object':
        index = scene.supports[index]
    return scene.hidden(index)


def in_sight(scene: Scene) -> list[int]:
    """Return the indices of the objects that are not hidden in the closed drawer."""
    return [index for index in range(len(scene.objects)) if not out_of_sight(scene, index)]


def _facts(scene: Scene) -> list[Fact]:
    """Return what is true in a fixed order that does not depend on the objects' order."""
    places: dict[str, list[int]] = {}
    seen = sorted(in_sight(scene), key=lambda index: _rank(scene.objects[index]))
    for index in seen:
        places.setdefault(scene.places[index], []).append(index)
    facts: list[Fact] = [
        ('held', (scene.objects[index],), 'gripper') for index in places.get('gripper', [])
    ]
    row = sorted(places.get('table', []), key=lambda index: scene.across[index])
    if row:
        things = tuple(scene.objects[index] for index in row)
        facts.append(('row' if len(row) > 1 else 'table', things, 'table'))
    for index in places.get('object', []):
        pair = (scene.objects[index], scene.objects[scene.supports[index]])
        facts.append(('on top', pair, 'object'))
    for name in FURNITURE:
        inside = tuple(scene.objects[index] for index in places.get(name, []))
        if inside:
            facts.append(('many' if len(inside) > 1 else 'one', inside, name))
    facts += [('lying', (scene.objects[index],), '') for index in seen if scene.lying[index]]
    if scene.drawer_open is not None:
        facts.append(('open' if scene.drawer_open else 'closed', (), 'drawer'))
    return facts or [('nothing', (), 'table')]


def _listed(names: list[str]) -> str:
    named = [f'the {name}' for name in names]
    return named[0] if len(named) == 1 else f'{", ".join(named[:-1])} and {named[-1]}'


def _clause(template: str, fact: Fact, name: Namer, place: Callable[[str], str]) -> str:
    _, things, where = fact
    names = [name(item) for item in things]
    return template.format(
        n=names[0] if names else '',
        a=article(names[0]) if names else '',
        r=names[-1] if names else '',
        l=_listed(names) if '{l}' in template else '',
        m=_listed(names[::-1]) if '{m}' in template else '',
        c=', '.join(names),
        p=PREPOSITIONS.get(where, ''),
        t=place(where) if where in PLACE_WORDS else '',
    )


def _sentences(clauses: list[str]) -> str:
    return ' '.join(f'{clause[0].upper()}{clause[1:]}.' for clause in clauses)


def _canonical_name(item: ObjectInfo) -> str:
    return f'{COLOUR_WORDS[item.colour].seen[0]} {KIND_WORDS[item.kind].seen[0]}'


def _canonical_place(place: str) -> str:
    return PLACE_WORDS[place].seen[0]


def state_text(scene: Scene) -> str:
    """Return the canonical sentences of a moment, the same whatever the objects' order.

    Example: 'The red cube is in the gripper. From left to right on the table are the blue ball
    and the green can. The drawer is open.'
    """
    return _sentences(
        [
            _clause(_SEEN[fact[0]][0], fact, _canonical_name, _canonical_place)
            for fact in _facts(scene)
        ]
    )


def draw_state(scene: Scene, rng: np.random.Generator, *, unseen: bool = False) -> str:
    """Draw one of the ways to say all that `state_text` says, its facts in any order.

    Args:
        scene: What is true.
        rng: The source of chance.
        unseen: Use words and structures of the split 'paraphrase' (at least one new word where
            there is anything to say).
    """
    facts = _facts(scene)
    chances = iter(rng.random(2 + 5 * len(facts) + 4 * len(scene.objects)).tolist())
    style, forced = next(chances), unseen

    def name(item: ObjectInfo) -> str:
        colour = COLOUR_WORDS[item.colour].choose(next(chances), unseen=unseen)
        return f'{colour} {KIND_WORDS[item.kind].choose(next(chances), unseen=unseen)}'

    def place(where: str) -> str:
        return PLACE_WORDS[where].choose(next(chances), unseen=unseen)

    clauses = []
    order = sorted((next(chances), index) for index in range(len(facts)))
    for _, index in order if next(chances) < 0.6 else [(0.0, i) for i in range(len(facts))]:
        fact, chance = facts[index], next(chances)
        if forced or (unseen and chance < 0.4):
            templates = _UNSEEN[fact[0]]
        elif style < 0.2 and not unseen:
            templates = (_LABELS[fact[0]],)
        else:
            templates = _SEEN[fact[0]]
        forced = False
        clause = templates[int(next(chances) * len(templates))]
        clauses.append(_clause(clause, fact, name, place))
    if unseen or style > 0.5:
        return _sentences(clauses)
    if style < 0.2:
        return '; '.join(clauses)
    text = ', '.join(clauses[:-1]) + (' and ' if len(clauses) > 1 else '') + clauses[-1]
    return f'{text[0].upper()}{text[1:]}.'


def relations(scene: Scene) -> tuple[tuple[str, str, str], ...]:
    """Return what is true as (subject, relation, object), objects in words such as 'red cube'.

    Relations: 'in' and 'on' (furniture, table, gripper, other object), 'left of' (neighbours on
    the table that are clearly apart), and 'is' with 'open', 'closed' or 'lying'.
    """
    seen = in_sight(scene)
    found: list[tuple[str, str, str]] = []
    for index in seen:
        subject, where = str(scene.objects[index]), scene.places[index]
        if where == 'object':
            found.append((subject, 'on', str(scene.objects[scene.supports[index]])))
        else:
            found.append((subject, PREPOSITIONS[where], where))
        if scene.lying[index]:
            found.append((subject, 'is', 'lying'))
    row = sorted((scene.across[i], i) for i in seen if scene.places[i] == 'table')
    for (left, first), (right, second) in zip(row[:-1], row[1:], strict=True):
        if right - left >= CLEAR_DISTANCE:
            found.append((str(scene.objects[first]), 'left of', str(scene.objects[second])))
    if scene.drawer_open is not None:
        found.append(('drawer', 'is', 'open' if scene.drawer_open else 'closed'))
    return tuple(found)
