# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rules: things to watch for in a stream of embeddings, in words, with a duration."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.stamps import SECOND_NS

SEVERITIES = ('info', 'warn', 'error')
MOST_RULES = 1000


@dataclass(frozen=True)
class Rule:
    """One thing to watch for.

    The score of a moment is the cosine of its embedding and `text`, less that of the most similar
    text of `against` if there are any. The rule fires when the score has been at least `threshold`
    for `dwell_s`, and is cleared when it has been less than `threshold - release` for `clear_s`.

    Attributes:
        name: unique among the rules.
        text: what is to be true, such as 'the drawer is open'.
        against: what is true otherwise, such as 'the drawer is closed'. Cosines of a model are
            rarely near 1 or 0; the difference of two needs no threshold of its own.
        query: the query whose answers are compared, by name or as a free question.
        camera: only this camera; empty is any.
        threshold: least score, -2 to 2.
        release: how far below `threshold` the score must fall, 0 or more.
        dwell_s: how long it must hold.
        clear_s: how long it must no longer hold.
        severity: one of SEVERITIES.
    """

    name: str
    text: str
    threshold: float
    against: tuple[str, ...] = ()
    query: str = 'caption'
    camera: str = ''
    release: float = 0.0
    dwell_s: float = 0.0
    clear_s: float = 0.0
    severity: str = 'warn'

    def __post_init__(self) -> None:
        """Reject what cannot be watched for."""
        who = f'rule {self.name!r}'
        for key in ('name', 'text', 'query'):
            if not getattr(self, key).strip():
                raise ConfigurationError(f'{who}: {key} is empty; give words')
        if any(not text.strip() for text in self.against):
            raise ConfigurationError(f'{who}: against holds an empty text')
        if not -2.0 <= self.threshold <= 2.0:
            raise ConfigurationError(f'{who}: threshold is {self.threshold}; use -2 to 2')
        for key in ('release', 'dwell_s', 'clear_s'):
            if not 0.0 <= getattr(self, key) < math.inf:
                raise ConfigurationError(f'{who}: {key} is {getattr(self, key)}; use 0 or more')
        if self.severity not in SEVERITIES:
            raise ConfigurationError(
                f'{who}: severity is {self.severity!r}; use one of {", ".join(SEVERITIES)}'
            )


def check_rules(rules: Sequence[Rule]) -> None:
    """Check rules that are to be watched together.

    Raises:
        ConfigurationError: two have the same name, or there are too many.
    """
    if len(rules) > MOST_RULES:
        raise ConfigurationError(f'There are {len(rules)} rules; at most {MOST_RULES} are allowed')
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f'Rules have the same name: {", ".join(twice)}')


class AlertPhase(enum.Enum):
    """FIRED: the rule holds for long enough. CLEARED: it does no longer."""

    FIRED = 1
    CLEARED = 2


@dataclass(frozen=True)
class Alert:
    """What a rule has to say.

    Attributes:
        phase: which of the two.
        since_ns: stamp at which the rule began to hold, or no longer to hold.
        stamp_ns: stamp of the sample that made it sure.
        score: that of the sample.
    """

    phase: AlertPhase
    since_ns: int
    stamp_ns: int
    score: float


class RuleWatch:
    """Watches one rule in one stream; constant time and memory."""

    def __init__(self, rule: Rule, text: np.ndarray, against: np.ndarray) -> None:
        """Begin to watch.

        Args:
            rule: what is watched for.
            text: unit vector [D] of its text.
            against: unit vectors [N, D] of the texts against it; N may be 0.
        """
        self.rule = rule
        self._text, self._against = text, against
        self._fired = False
        self._since_ns: int | None = None  # of what would change the state
        self._last_ns: int | None = None

    @property
    def fired(self) -> bool:
        """Whether it has fired and was not cleared."""
        return self._fired

    def score(self, embedding: np.ndarray) -> float:
        """Return the score of a unit vector [D]."""
        own = float(self._text @ embedding)
        return own - float((self._against @ embedding).max()) if len(self._against) else own

    def update(self, stamp_ns: int, embedding: np.ndarray) -> Alert | None:
        """Take the next sample; where time jumps backwards, durations begin anew.

        Args:
            stamp_ns: its stamp.
            embedding: unit vector [D], finite.

        Returns:
            An alert if the rule fires or is cleared now.
        """
        if self._last_ns is not None and stamp_ns < self._last_ns:
            self._since_ns = None
        self._last_ns = stamp_ns
        score = self.score(embedding)
        limit = self.rule.threshold - (self.rule.release if self._fired else 0.0)
        changes = (score >= limit) != self._fired
        if not changes:
            self._since_ns = None
            return None
        if self._since_ns is None:
            self._since_ns = stamp_ns
        needed_s = self.rule.clear_s if self._fired else self.rule.dwell_s
        if stamp_ns - self._since_ns < needed_s * SECOND_NS:
            return None
        return self._turn(stamp_ns, score)

    def end(self, stamp_ns: int) -> Alert | None:
        """End the stream: a rule that has fired is cleared."""
        if not self._fired:
            return None
        self._since_ns = stamp_ns
        return self._turn(stamp_ns, 0.0)

    def _turn(self, stamp_ns: int, score: float) -> Alert:
        assert self._since_ns is not None
        since_ns, self._since_ns = self._since_ns, None
        self._fired = not self._fired
        phase = AlertPhase.FIRED if self._fired else AlertPhase.CLEARED
        return Alert(phase, since_ns, stamp_ns, score)
