# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads an MCAP file from its beginning, as far as it goes: one that was cut off has no index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vljepa_ros.errors import MissingDependencyError

RECORD_LIMIT = 1 << 30  # a damaged length must not ask for all the memory


@dataclass(frozen=True)
class Scanned:
    """A message: topic, type, time in nanoseconds, CDR, the definition of its type, durability."""

    topic: str
    kind: str
    logged_ns: int
    data: bytes
    definition: str
    latched: bool


def scan(path: Path, problems: list[str] | None = None) -> Iterator[Scanned]:
    """Yield the messages of a file in the order in which they were written.

    Args:
        path: the file.
        problems: takes why nothing more could be read.

    Raises:
        MissingDependencyError: the library mcap is not installed.
    """
    stream_reader, records = _mcap()
    schemas: dict[int, Any] = {}
    channels: dict[int, Any] = {}
    for record in _records(path, problems, stream_reader, records):
        if isinstance(record, records.Schema):
            schemas[record.id] = record
        elif isinstance(record, records.Channel):
            channels[record.id] = record
        elif isinstance(record, records.Message):
            channel = channels.get(record.channel_id)
            schema = None if channel is None else schemas.get(channel.schema_id)
            if channel is None or schema is None or schema.encoding != 'ros2msg':
                continue
            if channel.message_encoding == 'cdr':
                yield Scanned(
                    channel.topic,
                    schema.name,
                    record.log_time,
                    record.data,
                    schema.data.decode(),
                    latched=_is_latched(channel.metadata),
                )


def _records(
    path: Path, problems: list[str] | None, stream_reader: Any, records: Any
) -> Iterator[Any]:
    """Yield the records of a file; those of a damaged chunk are left out."""
    said = [] if problems is None else problems
    try:
        with path.open('rb') as file:
            reader = stream_reader.StreamReader(
                file, emit_chunks=True, record_size_limit=RECORD_LIMIT
            )
            for record in reader.records:
                if not isinstance(record, records.Chunk):
                    yield record
                    continue
                try:
                    parts = stream_reader.breakup_chunk(record, validate_crc=True)
                except Exception as error:
                    said.append(f'a part of it is damaged: {error}')
                else:
                    yield from parts
    except Exception as error:  # the library raises of many kinds on what it cannot read
        said.append(f'{type(error).__name__}: {error}' if str(error) else 'its end is missing')


def _is_latched(metadata: dict[str, str]) -> bool:
    profiles = metadata.get('offered_qos_profiles', '').replace('"', '')
    return 'durability: 1' in profiles or 'durability: transient_local' in profiles


def _mcap() -> tuple[Any, Any]:
    try:
        from mcap import records, stream_reader
    except ImportError as error:
        raise MissingDependencyError(
            'A recording that was cut off can be read with the library mcap only, which cannot be '
            f'imported ({error}). Install it with: pip install mcap'
        ) from error
    return stream_reader, records
