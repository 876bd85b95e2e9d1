# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""event: embeddings in, words at changes only; wrong embeddings are named and harm nothing."""

from __future__ import annotations

import array
import dataclasses
import functools
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_graph import Graph, open_graph, wait_until
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='the nodes need PyTorch')

from rclpy.parameter import Parameter  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from vljepa_ros.interfaces import (  # noqa: E402
    Alert,
    Embedding,
    Rule,
    SemanticEvent,
    SetRules,
)
from vljepa_ros.model.phrases import save_phrases  # noqa: E402
from vljepa_ros.nodes import qos  # noqa: E402
from vljepa_ros.nodes.event_node import EventNode  # noqa: E402
from vljepa_ros.nodes.lifecycle import FAILURE, SUCCESS  # noqa: E402
from vljepa_ros.nodes.stamps import to_ns, to_stamp  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402

pytestmark = pytest.mark.ros
STARTED, ENDED = SemanticEvent.STARTED, SemanticEvent.ENDED
WIDTH = 256
CLIP_NS = SECOND_NS


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('event') / 'model')


@pytest.fixture
def graph():
    with open_graph() as opened:
        yield opened


def meaning(index: int) -> np.ndarray:
    """Return a unit vector; those of different indices are orthogonal."""
    return np.eye(WIDTH, dtype=np.float32)[index]


@dataclasses.dataclass
class Stage:
    """An event node that runs, its output, and a stream of embeddings."""

    graph: Graph
    node: EventNode
    events: list[Any]
    publisher: Any
    stamp_ns: int = 1_000_000_000_000

    @property
    def moment_ns(self) -> int:
        """The middle of the newest clip."""
        return self.stamp_ns - CLIP_NS // 2

    def count(self, name: str) -> int:
        return self.node.health._counters[name]

    def send(self, vector: np.ndarray, count: int = 1, **changes: Any) -> None:
        """Publish a vector as 5 Hz embeddings."""
        assert self.node.engine is not None
        for _ in range(count):
            self.stamp_ns += SECOND_NS // 5
            message = Embedding(
                header=Header(stamp=to_stamp(self.stamp_ns), frame_id='lens'),
                camera='camera',
                query='caption',
                model_id=self.node.engine.model_id,
                clip_start=to_stamp(self.stamp_ns - CLIP_NS),
                clip_end=to_stamp(self.stamp_ns),
                normalized=True,
                data=array.array('f', vector.astype(np.float32).tobytes()),
            )
            for name, value in changes.items():
                setattr(message, name, value)
            known = self.count('embeddings_in')
            self.publisher.publish(message)
            if message.query == 'caption':
                wait_until(functools.partial(self.has_taken_more_than, known))

    def has_taken_more_than(self, known: int) -> bool:
        return self.count('embeddings_in') > known

    def wait_for(self, *phases: int) -> list[Any]:
        """Wait until the events are of these phases, and no more have come."""
        wait_until(lambda: len(self.events) >= len(phases))
        assert [event.phase for event in self.events] == list(phases)
        return self.events


@pytest.fixture
def stage(graph, checkpoint):
    node = graph.add(EventNode, model=str(checkpoint), threads=1)
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    events = graph.collect(SemanticEvent, 'events', qos.EVENTS)
    return Stage(graph, node, events, graph.publisher(Embedding, 'embedding', qos.EMBEDDING))


def test_words_come_at_changes_only(stage):
    start_ns = stage.moment_ns + SECOND_NS // 5
    stage.send(meaning(0), 20)
    stage.wait_for(STARTED)
    change_ns = stage.moment_ns + SECOND_NS // 5
    stage.send(meaning(1), 20)
    first, ended, second = stage.wait_for(STARTED, ENDED, STARTED)
    assert stage.count('decodes') == 3
    assert stage.count('embeddings_in') == 40

    assert first.id == ended.id != second.id
    assert to_ns(first.start) == to_ns(ended.start) == start_ns
    assert to_ns(ended.end) == to_ns(second.start) == change_ns
    assert first.change == 0.0
    assert second.change == pytest.approx(1.0, abs=1e-3)
    for event in (first, ended, second):
        assert event.header.frame_id == 'lens'
        assert event.source == SemanticEvent.DECODER
        assert (event.camera, event.query) == ('camera', 'caption')
        assert event.model_id == stage.node.engine.model_id
        assert 0.0 <= event.score <= 1.0
    expected = stage.node.host.worker.submit(
        lambda: stage.node.engine.decode(meaning(0)[None])[0]
    ).result()
    assert first.text == ended.text == expected.text
    assert first.score == pytest.approx(expected.score, abs=1e-6)


def test_deactivating_ends_the_segment(stage):
    stage.send(meaning(0), 3)
    stage.wait_for(STARTED)
    assert stage.node.trigger_deactivate() == SUCCESS
    started, ended = stage.wait_for(STARTED, ENDED)
    assert started.id == ended.id
    assert to_ns(ended.end) == stage.moment_ns


def test_who_comes_late_gets_the_last_events(stage):
    stage.send(meaning(0), 3)
    stage.wait_for(STARTED)
    late = stage.graph.collect(SemanticEvent, 'events', qos.EVENTS)
    wait_until(lambda: late)
    assert late == stage.events


def test_a_stream_that_stops_is_ended_and_starts_anew(stage):
    (result,) = stage.node.set_parameters([Parameter('idle_timeout_s', value=0.5)])
    assert result.successful
    stage.send(meaning(0), 3)
    started, ended = stage.wait_for(STARTED, ENDED)
    assert started.id == ended.id
    stage.send(meaning(0), 1)
    wait_until(lambda: len(stage.events) >= 3)
    assert stage.events[2].phase == STARTED
    assert stage.events[2].id != started.id


def test_cameras_are_followed_apart(stage):
    for _ in range(5):
        stage.send(meaning(0), camera='left')
        stage.send(meaning(1), camera='right')
    events = stage.wait_for(STARTED, STARTED)
    assert {event.camera for event in events} == {'left', 'right'}
    assert len({event.id for event in events}) == 2


def test_other_queries_are_left_alone(stage):
    stage.send(meaning(0), 3, query='action')
    stage.send(meaning(0), 1)
    (event,) = stage.wait_for(STARTED)
    assert event.query == 'caption'
    assert stage.count('embeddings_in') == 1


def test_the_sensitivity_can_be_set_while_it_runs(stage):
    near = meaning(0) * np.cos(0.7) + meaning(1) * np.sin(0.7)  # cosine distance 0.24
    stage.send(meaning(0), 20)
    stage.send(near, 5)
    stage.wait_for(STARTED)
    stage.send(meaning(0), 20)
    assert stage.node.set_parameters([Parameter('sensitivity', value=3.0)])[0].successful
    stage.send(near, 5)
    stage.wait_for(STARTED, ENDED, STARTED)


@pytest.mark.parametrize(
    ('vector', 'changes', 'named'),
    [
        (meaning(0), {'model_id': 'foreign@0123456789ab'}, "'foreign@0123456789ab'"),
        (meaning(0)[:100], {}, 'it has 100 values, the model has 256'),
        (meaning(0)[:0], {}, 'it has 0 values, the model has 256'),
        (meaning(0) * np.nan, {}, 'NaN'),
    ],
    ids=['foreign model', 'too short', 'empty', 'not a number'],
)
def test_wrong_embeddings_are_named_and_the_stream_goes_on(stage, vector, changes, named):
    stage.send(vector, 1, **changes)
    stage.send(meaning(0), 5)
    (event,) = stage.wait_for(STARTED)
    stage.send(vector, 3, **changes)
    wait_until(lambda: stage.count('embeddings_ignored') == 4)
    assert named in stage.node.health._last_error
    stage.send(meaning(0), 5)
    time.sleep(0.2)
    assert stage.wait_for(STARTED) == [event]
    assert stage.node.is_active


def test_ids_of_two_runs_differ(stage):
    for run in range(2):
        stage.send(meaning(0), 3)
        stage.wait_for(*(STARTED, ENDED) * run, STARTED)
        assert stage.node.trigger_deactivate() == SUCCESS
        assert stage.node.trigger_cleanup() == SUCCESS
        stage.wait_for(*(STARTED, ENDED) * (run + 1))
        assert stage.node.trigger_configure() == SUCCESS
        assert stage.node.trigger_activate() == SUCCESS
        wait_until(stage.publisher.get_subscription_count)
    first, first_end, second, second_end = stage.wait_for(STARTED, ENDED, STARTED, ENDED)
    assert first.id == first_end.id != second.id == second_end.id


def test_a_misspelled_query_fails_in_configure(graph, checkpoint):
    node = graph.add(EventNode, model=str(checkpoint), queries=['captoin'])
    assert node.trigger_configure() == FAILURE
    assert "Did you mean 'caption'?" in node.health._facts['last_failure']
    (result,) = node.set_parameters([Parameter('queries', value=['caption', 'What is red?'])])
    assert result.successful
    assert node.trigger_configure() == SUCCESS


# ---- rules --------------------------------------------------------------------------------------


RULES = """
rules:
  - name: drawer left open
    text: the robot opens the drawer
    threshold: 0.9
    dwell_s: 1.0
    severity: error
"""


def watching(graph: Graph, checkpoint: Path, **parameters: Any) -> tuple[Stage, list[Any]]:
    """Return an event node that runs, and its alerts."""
    node = graph.add(EventNode, model=str(checkpoint), threads=1, **parameters)
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    alerts = graph.collect(Alert, 'alerts', qos.EVENTS)
    publisher = graph.publisher(Embedding, 'embedding', qos.EMBEDDING)
    return Stage(graph, node, [], publisher), alerts


def embedded(stage: Stage, text: str) -> np.ndarray:
    assert stage.node.engine is not None
    engine = stage.node.engine
    vector: np.ndarray = stage.node.host.worker.submit(
        lambda: engine.embed_text([text])[0]
    ).result()
    return vector


def test_a_rule_of_a_file_fires_and_is_cleared(graph, checkpoint, tmp_path):
    path = tmp_path / 'rules.yaml'
    path.write_text(RULES)
    stage, alerts = watching(graph, checkpoint, rules_file=str(path))
    is_open = embedded(stage, 'the robot opens the drawer')
    stage.send(-is_open, 5)
    began_ns = stage.moment_ns + SECOND_NS // 5
    stage.send(is_open, 5)
    assert not alerts
    stage.send(is_open, 5)
    (fired,) = wait_until(lambda: alerts)
    assert (fired.phase, fired.rule, fired.severity) == (Alert.FIRED, 'drawer left open', 'error')
    assert (fired.camera, fired.query) == ('camera', 'caption')
    assert to_ns(fired.since) == began_ns
    assert fired.score == pytest.approx(1.0, abs=1e-3)
    stage.send(-is_open)
    wait_until(lambda: len(alerts) == 2)
    assert (alerts[1].phase, alerts[1].id) == (Alert.CLEARED, fired.id)


def test_rules_are_set_while_it_runs(graph, checkpoint):
    stage, alerts = watching(graph, checkpoint, queries=['action'])

    def answer(*rules: Rule) -> Any:
        return graph.call(SetRules, 'set_rules', SetRules.Request(rules=list(rules)))

    rule = Rule(name='ball', text='the robot picks up the blue ball', threshold=0.9)
    assert answer(rule).success
    ball = embedded(stage, rule.text)
    stage.send(ball)  # of the query caption, which makes no events here
    wait_until(lambda: [alert.phase for alert in alerts] == [Alert.FIRED])
    refused = answer(rule, rule)
    assert not refused.success and 'the same name: ball' in refused.message
    assert 'no query' in answer(Rule(name='a', text='b', query='captoin')).message
    stage.send(ball)
    assert len(alerts) == 1, 'the rules are what they were'
    assert answer().success
    wait_until(lambda: [alert.phase for alert in alerts] == [Alert.FIRED, Alert.CLEARED])


def test_a_camera_that_is_gone_clears_what_it_has_fired(graph, checkpoint):
    stage, alerts = watching(graph, checkpoint, idle_timeout_s=0.3)
    rule = Rule(name='ball', text='the robot picks up the blue ball', threshold=0.9)
    request = SetRules.Request(rules=[rule])
    assert graph.call(SetRules, 'set_rules', request).success
    stage.send(embedded(stage, rule.text))
    wait_until(lambda: [alert.phase for alert in alerts] == [Alert.FIRED, Alert.CLEARED])


def test_rules_that_cannot_be_read_fail_in_configure(graph, checkpoint, tmp_path):
    path = tmp_path / 'rules.yaml'
    path.write_text('rules: [{name: a, text: b}]')
    node = graph.add(EventNode, model=str(checkpoint), threads=1, rules_file=str(path))
    assert node.trigger_configure() == FAILURE
    assert f'{path}: Rule 1 (a) lacks threshold' in node.health._status().message
    path.write_text(RULES)
    assert node.trigger_configure() == SUCCESS


# ---- words --------------------------------------------------------------------------------------


def test_a_known_phrase_is_said_where_the_decoder_is_not_asked(graph, checkpoint, tmp_path):
    folder = tmp_path / 'model'
    shutil.copytree(checkpoint, folder)
    config = json.loads((folder / 'config.json').read_text())
    texts = ['nothing happens', 'a door opens']
    (folder / 'config.json').write_text(json.dumps({**config, 'quiet_texts': texts[:1]}))
    save_phrases(folder, texts, np.stack([meaning(0), meaning(1)]))
    stage, _ = watching(graph, folder, started_text='nearest')
    events = graph.collect(SemanticEvent, 'events', qos.EVENTS)
    stage.send(meaning(0), 10)
    stage.send(meaning(1), 10)
    stage.send(meaning(0), 10)
    wait_until(lambda: len(events) == 5)
    said = [(event.phase, event.source, event.text) for event in events]
    near = SemanticEvent.NEAREST
    assert said[:3] == [
        (STARTED, near, texts[0]),
        (ENDED, near, texts[0]),
        (STARTED, near, texts[1]),
    ]
    assert said[3][:2] == (ENDED, SemanticEvent.DECODER)
    assert said[4] == (STARTED, near, texts[0])
    assert stage.count('decodes') == 1
    assert events[0].score == pytest.approx(1.0, abs=1e-2)


def test_a_text_that_is_not_trusted_is_replaced_by_a_known_phrase(graph, checkpoint, tmp_path):
    folder = tmp_path / 'model'
    shutil.copytree(checkpoint, folder)
    save_phrases(folder, ['a door opens'], meaning(1)[None])
    stage, _ = watching(graph, folder, min_score=1.0)
    events = graph.collect(SemanticEvent, 'events', qos.EVENTS)
    stage.send(meaning(1), 5)
    (event,) = wait_until(lambda: events)
    assert (event.source, event.text) == (SemanticEvent.NEAREST, 'a door opens')
    assert stage.count('decodes') == 1
