# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of event texts, and the choice of the change detector's settings."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rendering import skip_without_graphics

pytest.importorskip('torch', reason='the evaluation needs PyTorch: make setup')
pytest.importorskip('pycocoevalcap', reason='needs pycocoevalcap: make setup')

from benchmarks.events_on_samples import add_scores, segment_of, timed
from training.evaluation.event_scores import TimedText, best_overlap, score_segments, summary
from training.evaluation.results import Results
from training.world.language import caption
from training.world.symbols import ObjectInfo, Segment
from vljepa_ros.errors import ConfigurationError, MissingDependencyError

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


# ---- the detector's settings --------------------------------------------------------------------


@pytest.fixture(scope='module')
def graphics() -> None:
    if importlib.util.find_spec('mujoco') is None:
        pytest.skip('drawing needs MuJoCo: make setup')
    try:
        from training.world.renderer import shared_renderer

        shared_renderer(width=128, height=128, supersample=2)
    except MissingDependencyError as error:
        skip_without_graphics(error)


def test_settings_are_ranked_by_names_less_surplus_events():
    from training.evaluation.streams import Stream, event_scores
    from training.evaluation.tune_events import settings, tried

    class Speaker:
        """Says what happens: the first number of an embedding tells which segment it is."""

        def decode(self, embeddings):
            from vljepa_ros.inference import DecodedText

            best = embeddings[:, :3].argmax(-1)
            return [DecodedText(caption(SEGMENTS[number]), 1.0) for number in best]

    times = np.arange(0.1, 6.0, 0.2)
    own = np.eye(3, dtype=np.float32)[(times // 2.0).astype(int)]
    stream = Stream(0, SEGMENTS, times, own)
    rows = tried(Speaker(), [stream], list(settings()))  # type: ignore[arg-type]
    assert [row.value for row in rows] == sorted(row.value for row in rows)
    assert rows[-1].value == 1.0
    assert rows[-1].events_per_segment == 1.0
    assert 'events per segment 1.00' in str(rows[-1])
    scores, count = event_scores(Speaker(), [stream], rows[-1].config)  # type: ignore[arg-type]
    assert (len(scores), count) == (3, 3)


@pytest.mark.render
@pytest.mark.slow
def test_the_command_tunes_on_val(graphics, tmp_path, monkeypatch, capsys):
    from evaluation_models import build_worldly_checkpoint

    from training.evaluation import tune_events

    monkeypatch.setattr(tune_events, 'QUICK_EPISODES', 1)
    (tmp_path / 'model').mkdir()
    model, out = build_worldly_checkpoint(tmp_path / 'model'), tmp_path / 'tuned.json'
    arguments = ['--model', str(model), '--quick', '--workers', '1']
    arguments += ['--cache', str(tmp_path / 'cache'), '--json', str(out)]
    assert tune_events.main(arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    found = json.loads(out.read_text(encoding='utf-8'))
    assert len(printed) == len(found['raw']['settings']) == tune_events.QUICK_SETTINGS
    assert found['seeds']['val'] == [10_000, 10_000]
    best = found['settings']['best']
    assert found['raw']['settings'][-1] | best == found['raw']['settings'][-1]
    assert {path.parent.name for path in (tmp_path / 'cache').rglob('*.npz')} == {'val'}
    with pytest.raises(ConfigurationError, match='--episodes'):
        tune_events.main([*arguments, '--episodes', '0'])
