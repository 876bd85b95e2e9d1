# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a data set shows, written beside it: proof that no test combination was seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from training.episodes import FACTS, Episodes
from training.world.symbols import ACTIONS, COLOURS, KINDS, WORLD_VERSION

MANIFEST_FILE = 'manifest.json'


def contents(data: Episodes) -> dict[str, Any]:
    """Return the combinations that occur: objects as [kind, colour], actions as [action, kind]."""
    present = data.kind >= 0
    objects = set(zip(data.kind[present].tolist(), data.colour[present].tolist(), strict=True))
    column = {name: index for index, name in enumerate(FACTS)}
    facts = data.segment_facts
    acted = facts[facts[:, column['kind']] >= 0]
    actions = set(
        zip(acted[:, column['action']].tolist(), acted[:, column['kind']].tolist(), strict=True)
    )
    counts = np.bincount(facts[:, column['action']], minlength=len(ACTIONS))
    return {
        'world_version': WORLD_VERSION,
        'episodes': len(data),
        'frames': int(data.frame_end[-1]),
        'segments': {name: int(n) for name, n in zip(ACTIONS, counts, strict=True)},
        'objects': sorted([KINDS[kind], COLOURS[colour]] for kind, colour in objects),
        'actions': sorted([ACTIONS[action], KINDS[kind]] for action, kind in actions),
    }


def write_manifest(folder: Path, *, split: str, data: Episodes) -> None:
    """Write `manifest.json` of a rendered split."""
    text = json.dumps({'split': split, **contents(data)}, indent=1)
    (folder / MANIFEST_FILE).write_text(text + '\n', encoding='utf-8')
