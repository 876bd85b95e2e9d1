# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The splits, and which combinations of words only the test split `composition` shows.

The code of a split goes into the seed of its episodes, so one number gives another episode in each
split and no test episode can turn up in training.
"""

from __future__ import annotations

from training.world.symbols import COLOURS, KINDS, ObjectInfo, Segment

SPLIT_CODE = {'train': 1, 'val': 2, 'iid': 3, 'scene': 4, 'composition': 5, 'paraphrase': 6}
TEST_SPLITS = ('iid', 'scene', 'composition', 'paraphrase')

# Every kind and every colour still occurs in six or more other pairs.
UNSEEN_OBJECTS = frozenset(
    {
        ObjectInfo('cube', 'orange'), ObjectInfo('cube', 'black'), ObjectInfo('ball', 'green'),
        ObjectInfo('can', 'red'), ObjectInfo('bottle', 'white'), ObjectInfo('cup', 'blue'),
        ObjectInfo('cup', 'purple'), ObjectInfo('box', 'yellow'), ObjectInfo('cone', 'purple'),
        ObjectInfo('ring', 'red'), ObjectInfo('ring', 'white'), ObjectInfo('pear', 'blue'),
        ObjectInfo('banana', 'green'), ObjectInfo('mushroom', 'orange'),
        ObjectInfo('star', 'yellow'), ObjectInfo('star', 'black'),
    }
)  # fmt: skip
# Every action still occurs with other kinds, and every kind with other actions.
UNSEEN_ACTIONS = frozenset(
    {
        ('push', 'pear'), ('push', 'can'), ('put in', 'ball'), ('put in', 'cone'),
        ('put on', 'cup'), ('put on', 'ring'), ('put left of', 'cube'), ('put left of', 'star'),
        ('put right of', 'banana'), ('put right of', 'bottle'), ('take out', 'mushroom'),
        ('stack', 'star'), ('knock over', 'box'), ('set upright', 'box'), ('pour', 'can'),
    }
)  # fmt: skip


def seen_objects() -> list[ObjectInfo]:
    """Return the pairs of kind and colour that training shows."""
    pairs = [ObjectInfo(kind, colour) for kind in KINDS for colour in COLOURS]
    return [pair for pair in pairs if pair not in UNSEEN_OBJECTS]


def is_unseen_object(item: ObjectInfo) -> bool:
    """Tell whether a pair of kind and colour occurs in the split `composition` only."""
    return item in UNSEEN_OBJECTS


def is_unseen_action(action: str, kind: str | None) -> bool:
    """Tell whether an action with a kind occurs in the split `composition` only."""
    return (action, kind) in UNSEEN_ACTIONS


def is_unseen(segment: Segment) -> bool:
    """Tell whether a segment needs a combination that training never shows."""
    items = (segment.item, segment.reference)
    return is_unseen_action(segment.action, segment.kind) or any(
        item is not None and is_unseen_object(item) for item in items
    )
