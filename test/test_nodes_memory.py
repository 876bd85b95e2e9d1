# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""memory: embeddings, events and images in, moments out; what is wrong with them is said."""

from __future__ import annotations

import array
import dataclasses
import functools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from full_disk import files_of_at_most
from ros_graph import Graph, image_message, open_graph, process, scene, wait_until
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='the nodes need PyTorch')
pytest.importorskip('lancedb', reason='the memory needs lancedb')

from memory_rows import stamps  # noqa: E402
from rclpy.context import Context  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from vljepa_ros.client import Hit, VljepaClient  # noqa: E402
from vljepa_ros.errors import ConfigurationError, ServiceError  # noqa: E402
from vljepa_ros.interfaces import Embedding, Search, SemanticEvent  # noqa: E402
from vljepa_ros.launch_arguments import pipeline_arguments  # noqa: E402
from vljepa_ros.memory.memory import Memory  # noqa: E402
from vljepa_ros.nodes import qos  # noqa: E402
from vljepa_ros.nodes.lifecycle import FAILURE, SUCCESS  # noqa: E402
from vljepa_ros.nodes.memory_node import MemoryNode  # noqa: E402
from vljepa_ros.nodes.stamps import to_stamp  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402

pytestmark = pytest.mark.ros
ROOT = Path(__file__).resolve().parents[1]
CUP, DRAWER = 'a red cup', 'the drawer is open'
START_S = 1000.0
STACKED = 'The robot stacks the black ring on the yellow can.'  # once, in the sample video


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('memory') / 'model')


@pytest.fixture
def graph() -> Iterator[Graph]:
    with open_graph() as opened:
        yield opened


def at(second: float) -> int:
    return round((START_S + second) * SECOND_NS)


@dataclasses.dataclass
class Stage:
    """A memory that runs, and who publishes to it."""

    graph: Graph
    node: MemoryNode
    embeddings: Any
    events: Any
    images: Any

    def text(self, text: str) -> np.ndarray:
        """Return the vector of a text."""
        engine = self.node.engine
        assert engine is not None
        work = self.node.host.worker.submit(lambda: engine.embed_text([text])[0])
        return np.asarray(work.result())

    def embedding(self, second: float, vector: np.ndarray, **changes: Any) -> Embedding:
        """Return the message of a clip of a second."""
        assert self.node.engine is not None
        values = {
            'header': Header(stamp=to_stamp(at(second)), frame_id='lens'),
            'camera': 'camera',
            'query': 'caption',
            'model_id': self.node.engine.model_id,
            'clip_start': to_stamp(at(second - 1)),
            'clip_end': to_stamp(at(second)),
            'normalized': True,
            'data': array.array('f', vector.astype(np.float32)),
        }
        return Embedding(**{**values, **changes})

    def event(self, phase: int, start: float, end: float, text: str) -> SemanticEvent:
        assert self.node.engine is not None
        return SemanticEvent(
            header=Header(stamp=to_stamp(at(end)), frame_id='lens'),
            id=f'event-{start}',
            phase=phase,
            start=to_stamp(at(start)),
            end=to_stamp(at(end)),
            text=text,
            score=0.5,
            source=SemanticEvent.NEAREST,
            camera='camera',
            query='caption',
            model_id=self.node.engine.model_id,
        )

    def see(self, text: str, first: int, last: int, *, noise: float = 0.0) -> None:
        """Publish an embedding a second that means a text; with noise each one is a row."""
        vector = self.text(text)
        before = self.count('embeddings_in')
        for second in range(first, last + 1):
            other = np.random.default_rng(second).standard_normal(len(vector))
            noisy = vector + noise * other / np.linalg.norm(other)
            self.embeddings.publish(self.embedding(second, noisy))
        wait_until(lambda: self.count('embeddings_in') == before + last + 1 - first)

    def search(self, text: str, **values: Any) -> Search.Response:
        return self.graph.call(Search, 'search', Search.Request(text=text, **values))

    def found(self, text: str, **values: Any) -> list[tuple[float, float]]:
        """Return first and last second of the hits of a search."""
        response = self.search(text, **values)
        assert response.success, response.message
        hits = [Hit.from_message(hit) for hit in response.hits]
        return [
            (hit.start_ns / SECOND_NS - START_S, hit.end_ns / SECOND_NS - START_S) for hit in hits
        ]

    def count(self, name: str) -> int:
        return self.node.health._counters[name]


def start(graph: Graph, checkpoint: Path, folder: Path, **parameters: Any) -> MemoryNode:
    values = {'model': str(checkpoint), 'threads': 1, 'backend': 'torch', 'min_change': 0.0}
    node = graph.add(MemoryNode, memory_uri=str(folder), **{**values, **parameters})
    assert node.trigger_configure() == SUCCESS, node.health._facts
    assert node.trigger_activate() == SUCCESS
    return node


def open_stage(graph: Graph, checkpoint: Path, folder: Path, **parameters: Any) -> Stage:
    node = start(graph, checkpoint, folder, **parameters)
    return Stage(
        graph,
        node,
        graph.publisher(Embedding, 'embedding', qos.EMBEDDING),
        graph.publisher(SemanticEvent, 'events', qos.EVENTS),
        graph.publisher(Image, 'image_raw'),
    )


def test_what_was_seen_is_found_with_times_camera_words_and_picture(graph, checkpoint, tmp_path):
    stage = open_stage(graph, checkpoint, tmp_path)
    stage.images.publish(image_message(scene(1), at(10)))
    wait_until(lambda: stage.node._images._newest)
    stage.see(CUP, 10, 15)
    stage.events.publish(stage.event(SemanticEvent.STARTED, 9.5, 15, 'a cup'))
    wait_until(lambda: stage.count('events_in') == 1)
    stage.see(DRAWER, 16, 40)
    stage.events.publish(stage.event(SemanticEvent.ENDED, 9.5, 14.5, 'a cup stands there'))
    wait_until(lambda: stage.count('events_in') == 2)
    response = stage.search(CUP, kind=Search.Request.EMBEDDINGS, limit=1)
    assert response.success, response.message
    assert stage.node.engine is not None
    assert response.model_id == stage.node.engine.model_id
    (hit,) = (Hit.from_message(hit) for hit in response.hits)
    assert (hit.kind, hit.camera, hit.query) == ('EMBEDDING', 'camera', 'caption')
    assert (hit.start_ns, hit.end_ns) == (at(9), at(15))
    assert hit.score == pytest.approx(1.0, abs=1e-3)
    assert (hit.text, hit.text_score, hit.source) == ('a cup stands there', 0.5, 'NEAREST')
    assert hit.event_id == 'event-9.5'
    assert hit.recording == ''
    picture = cv2.imdecode(np.frombuffer(hit.thumbnail, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (120, 160, 3)
    expected = cv2.resize(scene(1)[..., ::-1], (160, 120), interpolation=cv2.INTER_AREA)
    assert np.abs(picture.astype(int) - expected).mean() < 5.0
    (event,) = (
        Hit.from_message(hit)
        for hit in stage.search(CUP, kind=Search.Request.EVENTS, limit=5).hits
    )
    assert (event.start_ns, event.end_ns) == (at(9.5), at(14.5))
    # A picture can be looked for, too.
    by_image = Search.Request(image=image_message(scene(2), 0), limit=1)
    assert graph.call(Search, 'search', by_image).success


def test_newest_says_when_it_was_seen_last_and_a_restart_forgets_nothing(
    graph, checkpoint, tmp_path
):
    stage = open_stage(graph, checkpoint, tmp_path, thumbnail_px=1)
    visits = [(10, 15), (100, 110), (200, 205)]
    for first, last in visits:
        stage.see(CUP, first, last)
        stage.see(DRAWER, last + 1, last + 20)
    newest = {'order': Search.Request.NEWEST}
    expected = [(first - 1, last) for first, last in reversed(visits)]
    assert stage.found(CUP, **newest) == expected, 'the drawer is no cup'
    assert stage.found(CUP, **newest, limit=1) == expected[:1]
    assert stage.found(CUP, **newest, until=to_stamp(at(150))) == expected[1:]
    assert len(stage.found(CUP, **newest, min_score=-1.0)) == len(stage.found(CUP))
    assert stage.found('nothing like it', min_score=0.99) == []
    assert stage.node.trigger_deactivate() == SUCCESS
    assert 'not active' in stage.search(CUP).message
    assert stage.node.trigger_cleanup() == SUCCESS
    assert stage.node.trigger_configure() == SUCCESS
    assert stage.node.trigger_activate() == SUCCESS
    assert stage.found(CUP, **newest) == expected


def test_what_cannot_be_remembered_is_said_and_the_stream_goes_on(graph, checkpoint, tmp_path):
    stage = open_stage(graph, checkpoint, tmp_path)
    vector = stage.text(CUP)
    poisoned = vector.copy()
    poisoned[3] = np.nan
    wrong = {
        "it is of model 'other@0123456789ab'": stage.embedding(
            1, vector, model_id='other@0123456789ab'
        ),
        'NaN': stage.embedding(2, poisoned),
        'it has 3 values': stage.embedding(3, vector[:3]),
        'it is 0': stage.embedding(4, np.zeros_like(vector)),
        'must not run backwards': stage.embedding(5, vector, clip_end=to_stamp(at(0))),
        "An event of camera 'camera' was ignored: it is of model 'another'": stage.event(
            SemanticEvent.STARTED, 1, 2, 'a cup'
        ),
        'none of its embeddings has come in': stage.event(SemanticEvent.ENDED, 1, 2, 'a cup'),
    }
    for number, (words, message) in enumerate(wrong.items(), start=1):
        if isinstance(message, SemanticEvent):
            if 'another' in words:
                message.model_id = 'another'
            stage.events.publish(message)
        else:
            stage.embeddings.publish(message)
        wait_until(functools.partial(_has_ignored, stage, number))
        assert words in stage.node.health._last_error
    assert stage.count('rows') == 0
    stage.see(CUP, 10, 12)
    assert stage.found(CUP) == [(9, 12)]


def _has_ignored(stage: Stage, number: int) -> bool:
    return stage.count('ignored') == number


def test_time_that_jumps_back_begins_anew(graph, checkpoint, tmp_path):
    """A bag is played again from its begin, in the middle of an event."""
    stage = open_stage(graph, checkpoint, tmp_path)
    stage.see(CUP, 100, 110)
    stage.events.publish(stage.event(SemanticEvent.STARTED, 99.5, 101, 'a cup'))
    wait_until(lambda: stage.count('events_in') == 1)
    stage.see(CUP, 0, 5)
    stage.events.publish(stage.event(SemanticEvent.ENDED, 99.5, 109.5, 'a cup stands there'))
    wait_until(lambda: stage.count('events_in') == 2)
    assert stage.count('ignored') == 0, stage.node.health._last_error
    assert sorted(stage.found(CUP, kind=Search.Request.EMBEDDINGS)) == [(-1, 5), (99, 110)]
    assert stage.found(CUP, kind=Search.Request.EVENTS) == [(99.5, 109.5)]


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({'text': ''}, r'text\[0\] is empty'),
    ({'text': CUP, 'image': image_message(scene(0), 0)}, 'Both a text and an image'),
    ({'text': 'cup ' * 1000}, 'Shorten it'),
    ({'text': CUP, 'kind': 9}, 'kind is 9; allowed are'),
    ({'text': CUP, 'order': 9}, 'order is 9; allowed are'),
    ({'text': CUP, 'limit': 101}, 'limit is 101; allowed is 1 to 100'),
    ({'text': CUP, 'min_score': 2.0}, 'min_score is 2.0; it is a cosine'),
    ({'text': CUP, 'since': to_stamp(2), 'until': to_stamp(1)}, 'swap them'),
    ({'image': image_message(scene(0), 0), 'query': 'captoin'}, "Did you mean 'caption'"),
    ({'text': 'a red cup', 'query': 'captoin'}, "Did you mean 'caption'"),
)


def test_searches_that_make_no_sense_are_refused(graph, checkpoint, tmp_path):
    start(graph, checkpoint, tmp_path, thumbnail_px=0)
    for values, words in REFUSED:
        response = graph.call(Search, 'search', Search.Request(**values))
        assert not response.success
        assert re.search(words, response.message), response.message
        assert list(response.hits) == []


def test_a_full_disk_is_a_trouble_until_there_is_room(graph, checkpoint, tmp_path):
    stage = open_stage(graph, checkpoint, tmp_path)
    stage.see(CUP, 0, 5, noise=0.1)
    with files_of_at_most(4_000):
        stage.see(CUP, 10, 50, noise=0.1)
        trouble = wait_until(lambda: stage.node.health._troubles.get('memory commit'))
        assert 'The memory cannot be written' in trouble
        assert 'room' in trouble
        assert stage.found(CUP) == [(-1, 50)], 'it is searched meanwhile'
    wait_until(lambda: 'memory commit' not in stage.node.health._troubles)
    assert stage.count('rows_lost') == 0
    assert stage.node.trigger_deactivate() == SUCCESS
    assert stage.node.trigger_cleanup() == SUCCESS
    with Memory(str(tmp_path)) as memory:
        assert stamps(memory).total() == 6 + 41


@pytest.mark.parametrize(
    ('damaged', 'left'), [('embedding-*.lance/data/*', []), ('journal.sqlite3', [(-1, 5)])]
)
def test_a_corrupt_memory_is_set_aside_and_the_node_goes_on(
    graph, checkpoint, tmp_path, damaged, left
):
    stage = open_stage(graph, checkpoint, tmp_path)
    stage.see(CUP, 0, 5)
    assert stage.node._memory is not None
    stage.node._memory.flush()
    assert stage.node.trigger_deactivate() == SUCCESS
    assert stage.node.trigger_cleanup() == SUCCESS
    for path in tmp_path.glob(damaged):
        path.write_bytes(b'garbage' * 500)
    assert stage.node.trigger_configure() == SUCCESS
    assert stage.node.trigger_activate() == SUCCESS
    wait_until(stage.embeddings.get_subscription_count)
    stage.see(CUP, 100, 105)
    assert sorted(stage.found(CUP)) == [*left, (99, 105)]
    assert 'was set aside' in stage.node.health._last_warning


def test_without_lancedb_only_this_node_does_not_start(tmp_path, checkpoint):
    (tmp_path / 'lancedb.py').write_text('raise ImportError("no such thing")')
    code = f"""
import rclpy
import vljepa_ros.nodes.pipeline
from rclpy.parameter import Parameter
from vljepa_ros.nodes.memory_node import MemoryNode
rclpy.init()
values = {{'autostart': False, 'model': {str(checkpoint)!r}}}
node = MemoryNode(parameter_overrides=[Parameter(name, value=values[name]) for name in values])
print(node.trigger_configure(), node.health._facts['last_failure'])
"""
    child = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'PYTHONPATH': f'{tmp_path}:{":".join(sys.path)}'},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'FAILURE' in child.stdout
    assert '-m pip install "lancedb' in child.stdout


def test_a_memory_belongs_to_one_writer(graph, checkpoint, tmp_path):
    with Memory(str(tmp_path)):
        node = graph.add(MemoryNode, model=str(checkpoint), memory_uri=str(tmp_path))
        assert node.trigger_configure() == FAILURE
        failure = node.health._facts['last_failure']
        assert 'Another process writes into the memory' in failure
    assert node.trigger_configure() == SUCCESS


# What the kill test compares: every embedding is a row, though nothing moves.
EVERYTHING = """
/**/perception:
  ros__parameters:
    still_threshold: 0.0
/**/memory:
  ros__parameters:
    min_interval_s: 0.0
    min_change: 0.0
"""


@pytest.mark.slow
def test_the_shipped_model_finds_what_a_camera_saw_and_kill_loses_a_second(tmp_path, domain_id):
    """The sample video through a real camera topic, and a search in a planner's process."""
    (tmp_path / 'parameters.yaml').write_text(EVERYTHING)
    values = {
        'params_file': str(tmp_path / 'parameters.yaml'),
        'video': str(ROOT / 'samples' / 'tabletop.mp4'),
        'memory': 'true',
        'memory_uri': str(tmp_path / 'memory'),
        'threads': '1',
    }
    heard: list[tuple[float, int]] = []
    ended: list[int] = []
    log = tmp_path / 'log'
    with (
        VljepaClient(context=Context()) as client,
        process('vljepa_ros.nodes.pipeline', *pipeline_arguments(values), log=log) as child,
    ):
        client.on_embedding(lambda sample: heard.append((time.monotonic(), sample.stamp_ns)))
        client.on_event(
            lambda event: ended.append(event.end_ns) if event.phase == 'ENDED' else None
        )
        assert client.wait_until_active('memory')
        wait_until(lambda: len(ended) >= 8)
        hits = client.search(STACKED, kind='EVENTS', limit=3)
        assert 'stacks' in hits[0].text.lower(), [hit.text for hit in hits]
        assert hits[0].score > 0.3
        (newest,) = client.search(STACKED, limit=1, newest_first=True)
        assert newest.camera == 'camera'
        assert heard[0][1] - 3 * SECOND_NS < newest.start_ns < newest.end_ns <= heard[-1][1]
        picture = cv2.imdecode(np.frombuffer(newest.thumbnail, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert max(picture.shape) == 160
        with pytest.raises(ServiceError, match='search was refused: .*empty'):
            client.search('')
        with pytest.raises(ConfigurationError, match="kind is 'IMAGES'"):
            client.search('a cup', kind='IMAGES')
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    with Memory(str(tmp_path / 'memory')) as memory:
        kept = stamps(memory)
    last_s = heard[-1][0]
    safe = [stamp_ns for received_s, stamp_ns in heard if received_s < last_s - 1.0]
    # What came before the memory was active is not in it.
    safe = [stamp_ns for stamp_ns in safe if stamp_ns >= min(kept)]
    assert len(safe) >= 20
    assert [stamp_ns for stamp_ns in safe if not kept[stamp_ns]] == []
