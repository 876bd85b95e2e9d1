# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is done with what: the concepts that a clip shows or that a text names."""

from __future__ import annotations

from dataclasses import dataclass

from training.world.symbols import ACTIONS, COLOURS, KINDS, Segment

UNNAMED = -1


@dataclass(frozen=True)
class Concepts:
    """An action and its object, as places in `ACTIONS`, `KINDS` and `COLOURS`, or `UNNAMED`."""

    action: int = UNNAMED
    kind: int = UNNAMED
    colour: int = UNNAMED

    @classmethod
    def of(
        cls, *, action: str | None = None, kind: str | None = None, colour: str | None = None
    ) -> Concepts:
        """Take them by name."""
        return cls(
            UNNAMED if action is None else ACTIONS.index(action),
            UNNAMED if kind is None else KINDS.index(kind),
            UNNAMED if colour is None else COLOURS.index(colour),
        )

    @classmethod
    def of_segment(cls, segment: Segment) -> Concepts:
        """Return what is done in a segment, and with what."""
        return cls.of(action=segment.action, kind=segment.kind, colour=segment.colour)


NOTHING = Concepts()
