# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Procedures with a purpose: each yields the actions that it wants, one after the other.

A procedure is a generator. It looks at the state of the world whenever it is asked for its next
wish, and it ends at once if it makes no sense now. A wish is a list of alternatives. The director
drops the procedure when none can be fulfilled, and asks for the next wish only after one has been
done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from training.world.choices import Choices
from training.world.options import PLACING, SIDES, Option
from training.world.symbols import DIRECTIONS, FITS_DRAWER, INSIDE, ONTO, POSSIBLE_KINDS

Wishes = Iterator[list[Option]]  # alternatives, of which one is done


class Director(Protocol):
    """What a procedure needs of the one who asks it."""

    choices: Choices
    rng: np.random.Generator

    def active(self) -> list[int]:
        """Return the objects that the robot may touch."""

    def choose(self, options: Sequence[Option]) -> Option | None:
        """Draw one of the options that are possible and allowed."""


def _take(director: Director, index: int) -> Option:
    place = director.choices.writer.place(index)
    return Option('take out', index, place) if place in INSIDE else Option('pick up', index)


def _reachable(director: Director, places: Sequence[str]) -> list[int]:
    """Return the objects in these places that can be taken now, in random order."""
    found = [
        i
        for i in director.active()
        if director.choices.writer.place(i) in places
        and director.choices.possible(_take(director, i))
        and director.choices.allowed(_take(director, i))
    ]
    return [found[i] for i in director.rng.permutation(len(found))]


def _into(name: str, index: int) -> Option:
    return Option('put in' if name in INSIDE else 'put on', index, name)


def put_down(director: Director) -> Wishes:
    """Put what is held somewhere else than in the drawer."""
    writer = director.choices.writer
    held = writer.held
    if held is None:
        return
    yield [o for o in director.choices.all_options([held]) if o.action in PLACING]


def tidy(director: Director) -> Wishes:
    """Put one or two things from the table into or onto a piece of furniture."""
    writer, rng = director.choices.writer, director.rng
    names = [p.name for p in writer.layout.furniture if p.name != 'drawer']
    # Rather into something: things are picked up often enough, and taken out seldom.
    inside = [name for name in names if name in INSIDE]
    names = inside if inside and rng.random() < 0.6 else names
    name = names[int(rng.integers(len(names)))]
    for index in _reachable(director, ('table', 'object'))[: int(rng.integers(1, 3))]:
        if director.choices.allowed(_into(name, index)):
            yield [Option('pick up', index)]
            yield [_into(name, index)]


def store(director: Director) -> Wishes:
    """Open the drawer, put something in, and close it."""
    writer = director.choices.writer
    if not writer.layout.has('drawer') or writer.content('drawer'):
        return
    things = [
        i
        for i in _reachable(director, ('table', 'object'))
        if writer.kind(i) in FITS_DRAWER and director.choices.allowed(_into('drawer', i))
    ]
    if not things:
        return
    if not writer.drawer_open:
        yield [Option('open', target='drawer')]
    yield [_take(director, things[0])]
    yield [_into('drawer', things[0])]
    if director.rng.random() < 0.85:
        yield [Option('close', target='drawer')]


def fetch(director: Director) -> Wishes:
    """Open the drawer, take something out, put it down, and close the drawer."""
    writer = director.choices.writer
    if not writer.layout.has('drawer'):
        return
    things = [i for i in writer.content('drawer') if i in director.active()]
    if not things or not director.choices.allowed(_take(director, things[0])):
        return
    if not writer.drawer_open:
        yield [Option('open', target='drawer')]
    yield [_take(director, things[0])]
    yield from put_down(director)
    if director.rng.random() < 0.7:
        yield [Option('close', target='drawer')]


def look(director: Director) -> Wishes:
    """Open the drawer and close it again, or only close it."""
    if director.choices.writer.layout.has('drawer'):
        if not director.choices.writer.drawer_open:
            yield [Option('open', target='drawer')]
        if director.rng.random() < 0.6:
            yield [Option('close', target='drawer')]


def unpack(director: Director) -> Wishes:
    """Take something out of or off the furniture and put it elsewhere."""
    places = INSIDE if director.rng.random() < 0.85 else ONTO
    for index in _reachable(director, places)[:1]:
        yield [_take(director, index)]
        yield from put_down(director)


def relocate(director: Director) -> Wishes:
    """Put something from the table next to something else, or next to two things."""
    others = [
        i for i in range(len(director.choices.writer.objects))
        if director.choices.writer.place(i) == 'table'
    ]  # fmt: skip
    for index in _reachable(director, ('table', *ONTO, *INSIDE))[
        : int(director.rng.integers(1, 3))
    ]:
        wishes = [Option(side, index, None, i) for i in others if i != index for side in SIDES]
        wishes = [wish for wish in wishes if director.choices.allowed(wish)]
        if wishes:
            yield [_take(director, index)]
            yield wishes


def serve(director: Director) -> Wishes:
    """Take a vessel, pour into the bowl or a cup, and put it back."""
    writer = director.choices.writer
    held = writer.held
    vessels = _reachable(director, ('table', *ONTO, *INSIDE)) if held is None else [held]
    for index in vessels:
        into = [Option('pour', index, 'bowl')] if writer.layout.has('bowl') else []
        into += [
            Option('pour', index, None, i)
            for i in range(len(writer.objects))
            if i != index and writer.kind(i) == 'cup' and writer.place(i) == 'table'
        ]
        if writer.kind(index) not in POSSIBLE_KINDS['pour']:
            continue
        into = [option for option in into if director.choices.allowed(option)]
        if into:
            option = into[int(director.rng.integers(len(into)))]
            if held is None:
                yield [_take(director, index)]
            yield [option]
            if director.rng.random() < 0.25:
                yield [option]
            yield from put_down(director)
            return


def tower(director: Director) -> Wishes:
    """Build a stack of two, and often take it apart."""
    writer = director.choices.writer
    stacks = []
    for index in _reachable(director, ('table', *ONTO, *INSIDE)):
        for base in range(len(writer.objects)):
            option = Option('stack', index, None, base)
            if director.choices.stackable(option) and director.choices.allowed(option):
                stacks.append(option)
    if stacks:
        option = stacks[int(director.rng.integers(len(stacks)))]
        assert option.index is not None
        yield [_take(director, option.index)]
        yield [option]
        if director.rng.random() < 0.6:
            yield [Option('pick up', option.index)]
            yield from put_down(director)


def tumble(director: Director) -> Wishes:
    """Knock something over and set it upright again, or only that if something lies."""
    writer = director.choices.writer
    lying = any(writer.last(i).lying for i in director.active())
    if not lying:
        yield [Option('knock over', i) for i in director.active()]
    if lying or director.rng.random() < 0.8:
        yield [Option('set upright', i) for i in director.active()]


def slide(director: Director) -> Wishes:
    """Push something, perhaps once more."""
    for _ in range(int(director.rng.integers(1, 4))):
        yield [Option('push', i, way) for i in director.active() for way in DIRECTIONS]


# Weights that bring all actions to their shares.
PROCEDURES: dict[Callable[[Director], Wishes], float] = {
    tidy: 0.5, store: 1.8, fetch: 2.4, look: 1.6, unpack: 4.5, relocate: 1.0, serve: 14.0,
    tower: 24.0, tumble: 3.0, slide: 3.0,
}  # fmt: skip
