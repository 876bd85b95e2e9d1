# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rules fire when something has lasted and are cleared when it is over; wrong ones are named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.stream.rule_file import parse_rules, read_rules
from vljepa_ros.stream.rules import AlertPhase, Rule, RuleWatch, check_rules

SECOND = 1_000_000_000
OPEN, CLOSED = np.eye(4, dtype=np.float32)[:2]
NOTHING = np.zeros((0, 4), np.float32)


def watch(scores: list[float], *, start_s: float = 0.0, **settings: Any) -> list[tuple]:
    """Return (phase, since, at) in seconds of what one rule says of these scores, one a second."""
    rule = Rule('rule', 'the drawer is open', **{'threshold': 0.5, **settings})
    found = RuleWatch(rule, OPEN, NOTHING)
    alerts = [
        found.update(round((start_s + number) * SECOND), score * OPEN)
        for number, score in enumerate(scores)
    ]
    return [
        (alert.phase.name, alert.since_ns / SECOND, alert.stamp_ns / SECOND)
        for alert in alerts
        if alert is not None
    ]


@pytest.mark.parametrize(
    ('scores', 'settings', 'expected'),
    [
        ([0.4] * 5, {}, []),
        ([0.4, 0.5, 0.5], {}, [('FIRED', 1.0, 1.0)]),
        ([0.4, 0.6, 0.4], {}, [('FIRED', 1.0, 1.0), ('CLEARED', 2.0, 2.0)]),
        ([0.6] * 3, {'dwell_s': 3.0}, []),
        ([0.6] * 4, {'dwell_s': 3.0}, [('FIRED', 0.0, 3.0)]),
        ([0.6, 0.6, 0.4, 0.6, 0.6, 0.6], {'dwell_s': 2.0}, [('FIRED', 3.0, 5.0)]),
        ([0.6, 0.45, 0.45], {'release': 0.1}, [('FIRED', 0.0, 0.0)]),
        ([0.6, 0.45, 0.3], {'release': 0.1}, [('FIRED', 0.0, 0.0), ('CLEARED', 2.0, 2.0)]),
        ([0.6, 0.1, 0.6, 0.1, 0.1, 0.1], {'clear_s': 2.0}, [('FIRED', 0, 0), ('CLEARED', 3, 5)]),
        ([0.6, 0.1, 0.6], {}, [('FIRED', 0, 0), ('CLEARED', 1, 1), ('FIRED', 2, 2)]),
    ],
)
def test_when_a_rule_fires_and_is_cleared(scores, settings, expected):
    assert watch(scores, **settings) == expected


def test_the_texts_against_it_count():
    rule = Rule('rule', 'open', threshold=0.0, against=('closed',))
    found = RuleWatch(rule, OPEN, CLOSED[None])
    mixed = 0.6 * OPEN + 0.7 * CLOSED
    assert found.score(mixed) == pytest.approx(-0.1)
    assert found.update(0, mixed) is None
    alert = found.update(1, 0.7 * OPEN + 0.6 * CLOSED)
    assert alert is not None and alert.score == pytest.approx(0.1)


def test_a_duration_does_not_go_on_after_time_has_jumped_back():
    rule = Rule('rule', 'open', threshold=0.5, dwell_s=3.0)
    found = RuleWatch(rule, OPEN, NOTHING)
    stamps = [0, 1, 2, 0, 1, 2, 3]
    alerts = [found.update(stamp * SECOND, OPEN) for stamp in stamps]
    assert [alert is not None for alert in alerts] == [False] * 6 + [True]


def test_the_end_of_a_stream_clears_what_has_fired():
    found = RuleWatch(Rule('rule', 'open', threshold=0.5), OPEN, NOTHING)
    assert found.end(0) is None
    found.update(SECOND, OPEN)
    assert found.fired
    alert = found.end(2 * SECOND)
    assert alert is not None and alert.phase is AlertPhase.CLEARED
    assert not found.fired


TEXT = """
rules:
  - name: drawer left open
    text: the drawer is open
    against: [the drawer is closed]
    dwell_s: 20
  - name: person
    text: a person enters
    threshold: 0.4
    query: What happens?
    camera: front
    severity: error
"""


def test_rules_are_read(tmp_path: Path):
    path = tmp_path / 'rules.yaml'
    path.write_text(TEXT)
    drawer, person = read_rules(path)
    assert drawer == Rule(
        'drawer left open',
        'the drawer is open',
        threshold=0.0,
        against=('the drawer is closed',),
        dwell_s=20.0,
    )
    assert (person.query, person.camera, person.severity) == ('What happens?', 'front', 'error')
    assert parse_rules('') == parse_rules('rules:') == []


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        ('rules: [', 'no YAML'),
        ('rule: []', "under the key 'rules'"),
        ('rules: []\nother: 1', "under the key 'rules'"),
        ('rules: text', 'must be a list'),
        ('rules: [text]', 'Rule 1 must be keys with values'),
        ('rules: [{name: a, text: b}]', 'Rule 1 (a) lacks threshold'),
        ('rules: [{text: b, threshold: 1}]', 'Rule 1 (without a name) lacks name'),
        (
            'rules: [{name: a, text: b, treshold: 1}]',
            "unknown keys ['treshold']; allowed are name",
        ),
        ('rules: [{name: a, text: b, threshold: high}]', 'threshold must be a number'),
        ('rules: [{name: a, text: b, threshold: true}]', 'threshold must be a number'),
        ('rules: [{name: a, text: b, threshold: 3}]', 'threshold is 3.0; use -2 to 2'),
        ('rules: [{name: a, text: b, threshold: .nan}]', 'threshold is nan'),
        ('rules: [{name: a, text: b, threshold: 0, dwell_s: -1}]', 'dwell_s is -1.0'),
        ('rules: [{name: a, text: b, threshold: 0, release: .inf}]', 'release is inf'),
        ('rules: [{name: a, text: b, threshold: 0, severity: bad}]', "severity is 'bad'; use one"),
        ('rules: [{name: a, text: " ", threshold: 0}]', 'text is empty'),
        ('rules: [{name: 7, text: b, threshold: 0}]', 'name must be a text, not 7'),
        ('rules: [{name: a, text: b, against: [""]}]', 'against holds an empty text'),
        ('rules: [{name: a, text: b, against: [1]}]', 'against must be a list of texts'),
        (
            'rules: [{name: a, text: b, threshold: 0}, {name: a, text: c, threshold: 0}]',
            'the same name: a',
        ),
    ],
)
def test_what_is_wrong_in_rules_is_named(tmp_path, text, named):
    with pytest.raises(ConfigurationError, match=re.escape(named)):
        parse_rules(text)
    path = tmp_path / 'rules.yaml'
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(str(path))):
        read_rules(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r'rules\.yaml.* cannot be read'):
        read_rules(tmp_path / 'rules.yaml')


def test_there_is_a_limit():
    with pytest.raises(ConfigurationError, match='There are 1001 rules; at most 1000'):
        check_rules([Rule(str(number), 'text', threshold=0.0) for number in range(1001)])
