# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences about episodes, and reading them back."""

from __future__ import annotations

import re
from collections.abc import Sequence

from training.world.geometry import ACTIONS, COLOURS, KINDS, PLACES
from training.world.script import ObjectInfo, Segment
from vljepa_ros.errors import ConfigurationError

ParsedCaption = tuple[str | None, str | None, str | None, str | None]

_TEMPLATES: dict[str, tuple[str, ...]] = {
    'idle': (
        'Nothing happens.',
        'The robot does nothing.',
        'The robot is idle.',
        'The robot arm stands still.',
        'The arm rests.',
        'Nothing is moving.',
        'No action takes place.',
        'The robot waits.',
    ),
    'pick up': (
        'The robot picks up the {object}.',
        'The robot lifts the {object}.',
        'The robot grasps the {object} and lifts it.',
        'The arm picks the {object} up.',
        'The gripper picks up the {object}.',
        'The {object} is picked up.',
        'The {object} is lifted off the table.',
        'A robot arm takes the {object} from the table.',
    ),
    'put in': (
        'The robot puts the {object} in the bowl.',
        'The robot places the {object} in the bowl.',
        'The robot puts the {object} into the bowl.',
        'The arm drops the {object} into the bowl.',
        'The gripper places the {object} inside the bowl.',
        'The {object} is put in the bowl.',
        'The {object} is placed into the bowl.',
        'A robot arm lowers the {object} into the bowl.',
    ),
    'push': (
        'The robot pushes the {object}.',
        'The robot slides the {object} across the table.',
        'The robot pushes the {object} aside.',
        'The arm pushes the {object} to the side.',
        'The gripper pushes the {object} along the table.',
        'The {object} is pushed.',
        'The {object} is pushed across the table.',
        'A robot arm shoves the {object}.',
    ),
    'open': (
        'The robot opens the drawer.',
        'The robot pulls the drawer open.',
        'The robot pulls open the drawer.',
        'The arm opens the drawer of the cabinet.',
        'The gripper opens the drawer by its handle.',
        'The drawer is opened.',
        'The drawer is pulled open.',
        'A robot arm slides the drawer open.',
    ),
}

# Tried in this order; the first action with a word in the text is taken. A drawer that slides
# or is pulled is opened, so 'open' comes before 'push'; "in the bowl" decides before any verb.
_ACTION_WORDS: tuple[tuple[str, str], ...] = (
    ('idle', r'nothing|idle|still|rests|no action|waits'),
    ('open', r'open|opens|opened'),
    ('put in', r'puts?|plac\w+|drops?|lowers?'),
    ('push', r'push\w*|slid\w*|shov\w*'),
    ('pick up', r'pick\w*|lift\w*|grasp\w*|takes?'),
)


def _phrases(action: str, kind: str | None, colour: str | None) -> list[str]:
    if action not in _TEMPLATES:
        raise ConfigurationError(f'action is {action!r}; use one of {", ".join(ACTIONS)}.')
    thing = ' '.join(word for word in (colour, kind or 'object') if word)
    return [template.format(object=thing) for template in _TEMPLATES[action]]


def caption(segment: Segment) -> str:
    """Return the canonical sentence of a segment, e.g. 'The robot pushes the blue ball.'."""
    return paraphrases(segment)[0]


def paraphrases(segment: Segment) -> list[str]:
    """Return sentences that say the same, always in one order; the canonical one is first."""
    return _phrases(segment.action, segment.kind, segment.colour)


def all_segments() -> list[Segment]:
    """Return one segment of zero length for every event that can be named."""
    events = [
        Segment(0.0, 0.0, action, kind, colour, 'bowl' if action == 'put in' else None)
        for action in ('pick up', 'put in', 'push')
        for kind in KINDS
        for colour in COLOURS
    ]
    return [*events, Segment(0.0, 0.0, 'open', target='drawer'), Segment(0.0, 0.0, 'idle')]


def all_captions() -> list[str]:
    """Return every canonical sentence: 3 actions x 16 objects, the drawer, idle."""
    return [caption(segment) for segment in all_segments()]


def _word(words: Sequence[str], text: str) -> str | None:
    found = [word for word in words if re.search(rf'\b{word}\b', text)]
    return found[0] if len(found) == 1 else None


def parse_caption(text: str) -> ParsedCaption:
    """Read action, kind, colour and target from a sentence by its words.

    Args:
        text: Any text, for instance a model's answer.

    Returns:
        action, kind, colour, target; None for each that the text does not say, or says twice
        with different values.
    """
    lower = text.lower()
    action = next(
        (name for name, pattern in _ACTION_WORDS if re.search(rf'\b(?:{pattern})\b', lower)),
        None,
    )
    return action, _word(KINDS, lower), _word(COLOURS, lower), _word(('bowl', 'drawer'), lower)


_PLACE_WORDS = {'table': 'on the table', 'bowl': 'in the bowl', 'gripper': 'in the gripper'}


def state_caption(
    objects: Sequence[ObjectInfo], places: Sequence[int], *, drawer_open: bool
) -> str:
    """Describe a moment, e.g. 'The red cube is in the bowl, the drawer is open.'.

    Args:
        objects: The objects of the episode.
        places: For each its place, an index into `geometry.PLACES`.
        drawer_open: Whether the drawer is (more than half) open.
    """
    parts = [
        f'the {item.colour} {item.kind} is {_PLACE_WORDS[PLACES[place]]}'
        for item, place in zip(objects, places, strict=True)
    ]
    parts.append(f'the drawer is {"open" if drawer_open else "closed"}')
    text = ', '.join(parts)
    return f'{text[0].upper()}{text[1:]}.'
