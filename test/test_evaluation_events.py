# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of event texts, and the choice of the change detector's settings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip('torch', reason='the evaluation needs PyTorch: make setup')
pytest.importorskip('pycocoevalcap', reason='needs pycocoevalcap: make setup')

from benchmarks.events_on_samples import add_scores, segment_of, timed
from training.evaluation.event_scores import TimedText, best_overlap, score_segments, summary
from training.evaluation.results import Results
from training.world.language import caption
from training.world.symbols import ObjectInfo, Segment

IDLE = Segment(0.0, 2.0, 'idle')
PUSH = Segment(2.0, 4.0, 'push', 'cube', 'red', 'left')
STACK = Segment(4.0, 6.0, 'stack', 'cube', 'red', reference=ObjectInfo('can', 'blue'))
SEGMENTS = (IDLE, PUSH, STACK)


def told(segment: Segment) -> TimedText:
    return TimedText(segment.start_s, segment.end_s, caption(segment))


@pytest.mark.parametrize(
    ('said', 'right'),
    [
        (PUSH, 5),
        (replace(PUSH, target='right'), 3),
        (replace(PUSH, colour='blue'), 2),
        (replace(PUSH, kind='ball'), 1),
        (Segment(0.0, 0.0, 'pick up', 'cube', 'red'), 0),
    ],
)
def test_facts_are_counted_up_to_the_first_wrong_one(said, right):
    (score,) = score_segments([PUSH], [TimedText(2.0, 4.0, caption(said))], episode=3)
    assert (score.episode, score.action, score.right) == (3, 'push', right)


def test_the_other_object_is_a_fact():
    other = replace(STACK, reference=ObjectInfo('can', 'green'))
    (score,) = score_segments([STACK], [TimedText(4.0, 6.0, caption(other))], episode=0)
    assert score.right == 4


def test_a_segment_is_judged_by_the_event_that_overlaps_it_most():
    events = [TimedText(0.0, 2.6, 'a'), TimedText(2.6, 3.5, 'b'), TimedText(3.5, 9.0, 'c')]
    found = [best_overlap(segment, events) for segment in SEGMENTS]
    assert [event.text if event else '' for event in found] == ['a', 'b', 'c']
    assert best_overlap(PUSH, [TimedText(5.0, 6.0, 'later')]) is None
    assert best_overlap(PUSH, []) is None


def test_levels_with_and_without_idle_time():
    events = [told(IDLE), TimedText(2.0, 4.0, caption(replace(PUSH, colour='blue'))), told(STACK)]
    scores = score_segments(SEGMENTS, events, episode=0)
    scores += score_segments(SEGMENTS, [told(IDLE)], episode=1)
    found = {name: score.value for name, score in summary(scores).items()}
    assert found['action.all'] == pytest.approx(4 / 6)
    assert found['object.actions'] == pytest.approx(2 / 4)
    assert found['colour.actions'] == found['facts.actions'] == pytest.approx(1 / 4)
    assert summary(scores)['facts.all'].episodes == 2


def test_the_benchmark_scores_what_the_demo_recorded():
    rows = [
        {**vars(segment), 'reference': vars(segment.reference) if segment.reference else None}
        for segment in SEGMENTS
    ]
    assert [segment_of(row) for row in rows] == list(SEGMENTS)
    events: list[dict[str, Any]] = []
    for number, segment in enumerate(SEGMENTS):
        text = caption(segment)
        begin: dict[str, Any] = {'id': str(number), 'phase': 'STARTED', 'text': text}
        begin |= {'start_s': segment.start_s, 'end_s': segment.start_s}
        events += [begin, {**begin, 'phase': 'ENDED', 'end_s': segment.end_s}]
    events[0]['text'] = 'hello'
    assert [event.end_s for event in timed(events, 'STARTED')] == [2.0, 4.0, 6.0]
    results = Results('events', quick=True)
    record = {'seed': 7, 'truth': rows, 'events': events}
    add_scores(results, [record], {'events': events[:2]})
    assert results.scores['facts.all.ended'].value == 1.0
    assert results.scores['facts.all.started'].value == pytest.approx(2 / 3)
    assert results.scores['still_events'].value == 1.0
    json.dumps(results.to_dict())
