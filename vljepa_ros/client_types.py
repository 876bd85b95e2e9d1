# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The messages of the nodes as plain Python values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vljepa_ros.interfaces import Alert as AlertMessage
from vljepa_ros.interfaces import Embedding, SearchHit, SemanticEvent
from vljepa_ros.interfaces import Rule as RuleMessage
from vljepa_ros.nodes.stamps import to_ns
from vljepa_ros.stream.rules import Rule

HIT_KINDS = {SearchHit.EMBEDDING: 'EMBEDDING', SearchHit.EVENT: 'EVENT'}
PHASES = {SemanticEvent.STARTED: 'STARTED', SemanticEvent.ENDED: 'ENDED'}
SOURCES = {SemanticEvent.DECODER: 'DECODER', SemanticEvent.NEAREST: 'NEAREST'}
ALERT_PHASES = {AlertMessage.FIRED: 'FIRED', AlertMessage.CLEARED: 'CLEARED'}


@dataclass(frozen=True)
class EmbeddingSample:
    """One message of `embedding`: unit vector float32 [D], stamps in nanoseconds."""

    stamp_ns: int
    camera: str
    query: str
    model_id: str
    vector: np.ndarray
    clip_start_ns: int
    clip_end_ns: int

    @classmethod
    def from_message(cls, message: Embedding) -> EmbeddingSample:
        """Convert a message."""
        return cls(
            stamp_ns=to_ns(message.header.stamp),
            camera=message.camera,
            query=message.query,
            model_id=message.model_id,
            vector=np.array(message.data, dtype=np.float32),
            clip_start_ns=to_ns(message.clip_start),
            clip_end_ns=to_ns(message.clip_end),
        )


@dataclass(frozen=True)
class Event:
    """One message of `events`; stamps in nanoseconds.

    `phase` is 'STARTED' or 'ENDED', `source` 'DECODER' or 'NEAREST'.
    """

    stamp_ns: int
    id: str
    phase: str
    start_ns: int
    end_ns: int
    text: str
    score: float
    source: str
    change: float
    camera: str
    query: str
    model_id: str

    @classmethod
    def from_message(cls, message: SemanticEvent) -> Event:
        """Convert a message."""
        return cls(
            stamp_ns=to_ns(message.header.stamp),
            id=message.id,
            phase=PHASES.get(message.phase, str(message.phase)),
            start_ns=to_ns(message.start),
            end_ns=to_ns(message.end),
            text=message.text,
            score=message.score,
            source=SOURCES.get(message.source, str(message.source)),
            change=message.change,
            camera=message.camera,
            query=message.query,
            model_id=message.model_id,
        )


@dataclass(frozen=True)
class Alert:
    """One message of `alerts`; stamps in nanoseconds, phase 'FIRED' or 'CLEARED'."""

    stamp_ns: int
    id: str
    phase: str
    rule: str
    text: str
    severity: str
    since_ns: int
    score: float
    camera: str
    query: str
    model_id: str

    @classmethod
    def from_message(cls, message: AlertMessage) -> Alert:
        """Convert a message."""
        return cls(
            stamp_ns=to_ns(message.header.stamp),
            id=message.id,
            phase=ALERT_PHASES.get(message.phase, str(message.phase)),
            rule=message.rule,
            text=message.text,
            severity=message.severity,
            since_ns=to_ns(message.since),
            score=message.score,
            camera=message.camera,
            query=message.query,
            model_id=message.model_id,
        )


def rule_message(rule: Rule) -> RuleMessage:
    """Return a rule as `set_rules` takes it."""
    return RuleMessage(
        name=rule.name,
        text=rule.text,
        against=list(rule.against),
        query=rule.query,
        camera=rule.camera,
        threshold=rule.threshold,
        release=rule.release,
        dwell_s=rule.dwell_s,
        clear_s=rule.clear_s,
        severity=rule.severity,
    )


@dataclass(frozen=True)
class Hit:
    """A moment that a search has found: a SearchHit message; stamps in nanoseconds.

    Kind is 'EMBEDDING' or 'EVENT', source 'DECODER', 'NEAREST' or empty; thumbnail is a JPEG or
    empty.
    """

    kind: str
    camera: str
    query: str
    start_ns: int
    end_ns: int
    stamp_ns: int
    score: float
    text: str
    text_score: float
    source: str
    event_id: str
    recording: str
    thumbnail: bytes

    @classmethod
    def from_message(cls, message: SearchHit) -> Hit:
        """Convert a message."""
        return cls(
            kind=HIT_KINDS.get(message.kind, str(message.kind)),
            camera=message.camera,
            query=message.query,
            start_ns=to_ns(message.start),
            end_ns=to_ns(message.end),
            stamp_ns=to_ns(message.stamp),
            score=message.score,
            text=message.text,
            text_score=message.text_score,
            source=SOURCES.get(message.source, ''),
            event_id=message.event_id,
            recording=message.recording,
            thumbnail=bytes(message.thumbnail.data),
        )
