# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The names of the tables. Each writer has tables of its own, so that writers never conflict."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass

from vljepa_ros.memory.row import Key, Kind

PATTERN = re.compile(r'(embedding|event)-(\w+)-(\d+)-(\d{20})-([0-9a-f]{8})')


@dataclass(frozen=True)
class TableName:
    """A table's name, taken apart.

    Attributes:
        text: the whole of it.
        kind: of its rows.
        model: the model's id, shortened so that it can stand in a name.
        dim: of its vectors.
        created_ns: when it was begun, by the wall clock.
    """

    text: str
    kind: Kind
    model: str
    dim: int
    created_ns: int

    def holds(self, key: Key) -> bool:
        """Return whether its rows are of a key."""
        mine = (self.kind, self.model, self.dim)
        return mine == (key.kind, short_model(key.model_id), key.dim)


def short_model(model_id: str) -> str:
    """Return a model's id with letters, digits and underscores only, still unique."""
    digest = hashlib.sha256(model_id.encode()).hexdigest()[:8]
    return re.sub(r'\W+', '_', model_id, flags=re.ASCII)[:40] + f'_{digest}'


def new_name(key: Key) -> str:
    """Return the name of a new table."""
    created = f'{time.time_ns():020d}-{secrets.token_hex(4)}'
    return f'{key.kind.value}-{short_model(key.model_id)}-{key.dim}-{created}'


def parse_name(text: str) -> TableName | None:
    """Return a table's name, taken apart; None for a table that is none of a memory's."""
    match = PATTERN.fullmatch(text)
    if match is None:
        return None
    return TableName(text, Kind(match[1]), match[2], int(match[3]), int(match[4]))
