# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a check finds, and how checks are kept from ending each other."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


class Level(str, enum.Enum):
    """How good or bad a finding is; a FAIL is broken, a WARN works worse than it could."""

    OK = 'OK'
    NOTE = 'NOTE'
    WARN = 'WARN'
    FAIL = 'FAIL'


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        level: how it is.
        title: what it is about, in a few words.
        text: what was found, in a sentence.
        advice: what to do; empty where nothing is to be done.
    """

    level: Level
    title: str
    text: str
    advice: str = ''


def ok(title: str, text: str) -> Finding:
    """Return a finding about what is as it should be."""
    return Finding(Level.OK, title, text)


def note(title: str, text: str, advice: str = '') -> Finding:
    """Return a finding that is good to know."""
    return Finding(Level.NOTE, title, text, advice)


def warn(title: str, text: str, advice: str) -> Finding:
    """Return a finding about what works worse than it could."""
    return Finding(Level.WARN, title, text, advice)


def fail(title: str, text: str, advice: str = '') -> Finding:
    """Return a finding about what is broken."""
    return Finding(Level.FAIL, title, text, advice)


def guarded(title: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what a check finds; an exception in it is a finding, too."""
    try:
        yield from check()
    except Exception as error:
        yield fail(title, sentence(error))


def sentence(error: BaseException) -> str:
    """Return an exception as a sentence on one line."""
    text = ' '.join(str(error).split()) or 'no reason given'
    own = type(error).__module__.startswith('vljepa_ros.')  # these say all themselves
    return text if own else f'{type(error).__name__}: {text}'
