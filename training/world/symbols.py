# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The words of the world and what can be said of it: objects, actions, scenes, without numbers.

Everything that speaks (captions, questions, splits, evaluation) is built on this module alone, so
it needs no graphics and no geometry.
"""

from __future__ import annotations

from dataclasses import dataclass

WORLD_VERSION = 2  # data sets of another version are rendered anew

KINDS = (
    'cube', 'ball', 'can', 'bottle', 'cup', 'box', 'cone', 'ring', 'pear', 'banana', 'mushroom',
    'star',
)  # fmt: skip
COLOURS = ('red', 'orange', 'yellow', 'green', 'blue', 'purple', 'white', 'black')

# Furniture: two pieces stand behind the objects. Things are put in some and on others.
INSIDE = ('bowl', 'basket', 'drawer')
ONTO = ('plate', 'tray', 'shelf')
FURNITURE = ('bowl', 'plate', 'tray', 'basket', 'drawer', 'shelf')
# Where an object can be; 'object' is on top of another object.
PLACES = ('table', *FURNITURE, 'object', 'gripper')
DIRECTIONS = ('left', 'right', 'away', 'closer')  # as the camera sees them

ACTIONS = (
    'idle', 'pick up', 'put in', 'put on', 'put left of', 'put right of', 'push', 'open', 'close',
    'stack', 'take out', 'pour', 'knock over', 'set upright',
)  # fmt: skip
MAX_OBJECTS = 4

# Which kinds an action is possible with; actions that are not listed take every kind.
TALL = ('can', 'bottle', 'cup', 'box', 'cone')
CONTAINERS_OF_LIQUID = ('can', 'bottle', 'cup')
FLAT_TOPS = ('cube', 'can')
POSSIBLE_KINDS: dict[str, tuple[str, ...]] = {
    'stack': ('cube', 'can', 'cup', 'cone', 'ring', 'star'),
    'pour': CONTAINERS_OF_LIQUID,
    'knock over': TALL,
    'set upright': TALL,
}
FITS_DRAWER = ('cube', 'ball', 'cup', 'ring', 'banana', 'mushroom', 'star')
# Actions that can fail, and how it looks.
FAILURES = {
    'pick up': 'the object slips out of the fingers',
    'put in': 'the object falls beside the target',
    'stack': 'the object falls beside the lower one',
    'open': 'the fingers slip off the handle',
}


@dataclass(frozen=True)
class ObjectInfo:
    """A movable object of an episode: its kind and the name of its colour."""

    kind: str
    colour: str

    def __str__(self) -> str:
        """Return the object in words, such as 'red cube'."""
        return f'{self.colour} {self.kind}'


@dataclass(frozen=True)
class Segment:
    """A stretch of time with one action.

    Attributes:
        start_s: First moment, seconds from the start of the episode.
        end_s: Last moment; the next segment starts here.
        action: One of `ACTIONS`.
        kind: Kind of the object acted on, or None ('idle', 'open', 'close').
        colour: Its colour, or None.
        target: Where it goes: a piece of furniture or 'table' ('put in', 'put on'; 'take out' has
            where it comes from; 'pour' has 'bowl' or None), one of `DIRECTIONS` ('push'),
            'drawer' ('open', 'close'), else None.
        reference: The other object: of 'put left of', 'put right of', 'stack' (the lower one)
            and 'pour' into a cup; else None.
        success: False if the action was tried and failed; only for `FAILURES`.
    """

    start_s: float
    end_s: float
    action: str
    kind: str | None = None
    colour: str | None = None
    target: str | None = None
    reference: ObjectInfo | None = None
    success: bool = True

    @property
    def item(self) -> ObjectInfo | None:
        """The object acted on."""
        if self.kind is None or self.colour is None:
            return None
        return ObjectInfo(self.kind, self.colour)


@dataclass(frozen=True)
class Scene:
    """What is true at one moment.

    Attributes:
        objects: The movable objects, N of them.
        places: For each where it is, one of `PLACES`.
        supports: For each the index of the object below it, -1 if its place is not 'object'.
        lying: For each whether it has been knocked over (only `TALL` kinds).
        across: For each its position along the picture's right direction, metres.
        furniture: The pieces that stand in the scene.
        drawer_open: Whether the drawer is more than half open; None if there is no drawer.
    """

    objects: tuple[ObjectInfo, ...]
    places: tuple[str, ...]
    supports: tuple[int, ...]
    lying: tuple[bool, ...]
    across: tuple[float, ...]
    furniture: tuple[str, ...]
    drawer_open: bool | None

    @property
    def held(self) -> int | None:
        """Index of the object in the gripper, or None."""
        return self.places.index('gripper') if 'gripper' in self.places else None

    def hidden(self, index: int) -> bool:
        """Tell whether an object is out of sight in the closed drawer."""
        return self.places[index] == 'drawer' and not self.drawer_open
