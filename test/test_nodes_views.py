# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Several cameras, transports, labels and questions: what perception is asked at run time."""

from __future__ import annotations

import array
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ros_graph import Feed, Graph, busy, image_message, open_graph, scene, wait_until
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='the nodes need PyTorch')

from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import CompressedImage  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from vljepa_ros.interfaces import Answer, Classification, Classify, Embedding  # noqa: E402
from vljepa_ros.nodes import qos  # noqa: E402
from vljepa_ros.nodes.lifecycle import SUCCESS  # noqa: E402
from vljepa_ros.nodes.perception_node import PerceptionNode  # noqa: E402
from vljepa_ros.nodes.stamps import to_ns, to_stamp  # noqa: E402
from vljepa_ros.stream.image_ops import still_clip  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402

pytestmark = pytest.mark.ros
LABELS = ['the drawer is open', 'the drawer is closed', 'a red cube']


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('views') / 'model')


@pytest.fixture
def graph():
    with open_graph() as opened:
        yield opened


def start(graph: Graph, checkpoint: Path, **parameters: Any) -> tuple[Any, list[Any]]:
    """Return an active node that looks at every clip, and its embeddings."""
    values = {'model': str(checkpoint), 'threads': 1, 'backend': 'torch', 'still_threshold': 0.0}
    node = graph.add(PerceptionNode, **{**values, **parameters})
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    return node, graph.collect(Embedding, 'embedding', qos.EMBEDDING)


def on_worker(node: Any, work: Any) -> Any:
    return node.host.worker.submit(lambda: work(node.engine)).result()


def set_parameter(node: Any, name: str, value: Any) -> str:
    """Set a parameter; return why that was refused."""
    return str(node.set_parameters([Parameter(name, value=value)])[0].reason)


def send_until(feed: Feed, arrived: list[Any]) -> None:
    """Send pictures until something has come."""

    def came() -> bool:
        feed.send(3)
        return bool(arrived)

    wait_until(came)


def count_of(node: Any, name: str) -> int:
    return int(node.health._counters[name])


def test_clips_of_several_cameras_go_through_the_model_together(graph, checkpoint, monkeypatch):
    cameras = ['front', 'rear', 'arm']
    node, embeddings = start(
        graph, checkpoint, camera=cameras, image=[f'/{name}/image' for name in cameras]
    )
    batches: list[int] = []
    encode = node.engine.encode

    def counted(clips: np.ndarray) -> Any:
        batches.append(len(clips))
        return encode(clips)

    monkeypatch.setattr(node.engine, 'encode', counted)
    feeds = [Feed(graph, f'/{name}/image') for name in cameras]

    def all_wait() -> bool:
        for index, feed in enumerate(feeds):
            feed.send(1, index=index)
        return len(node._embedder._waiting) == len(cameras)

    with busy(node.host.worker):
        wait_until(all_wait)
    wait_until(lambda: {item.camera for item in embeddings} == set(cameras))
    assert batches == [len(cameras)]
    # Each camera's answer is that of its own pictures.
    newest = {item.camera: np.array(item.data) for item in embeddings}
    assert max(newest['front'] @ newest['rear'], newest['front'] @ newest['arm']) < 1.0 - 1e-6


def test_compressed_images(graph, checkpoint):
    node, embeddings = start(graph, checkpoint, image_transport='compressed')
    publisher = graph.publisher(CompressedImage, 'image_raw/compressed')
    step = 0

    def send(cut: int | None = None) -> None:
        nonlocal step
        step += 1
        data = cv2.imencode('.jpg', scene(0, step)[:, :, ::-1])[1].tobytes()[:cut]
        header = Header(stamp=to_stamp(50 * SECOND_NS + step * SECOND_NS // 15))
        publisher.publish(
            CompressedImage(header=header, format='jpeg', data=array.array('B', data))
        )
        time.sleep(0.01)

    def arrived() -> bool:
        send()
        return bool(embeddings)

    wait_until(arrived)
    while not count_of(node, 'frames_unusable'):
        send(cut=-100)
    assert 'cut off' in node.health._last_error
    assert '/vljepa/image_raw/compressed' in node.health._last_error
    before = len(embeddings)
    wait_until(lambda: arrived() and len(embeddings) > before)


def test_queries_can_be_changed_while_the_node_runs(graph, checkpoint):
    node, embeddings = start(graph, checkpoint)
    feed = Feed(graph)

    def asked() -> set[str]:
        feed.send(3)
        return {item.query for item in embeddings}

    wait_until(lambda: asked() == {'caption'})
    assert 'Did you mean' in set_parameter(node, 'queries', ['captoin'])
    assert node.parameters['queries'] == ['caption']
    assert set_parameter(node, 'queries', ['state', 'What is red?']) == ''
    wait_until(lambda: {'state', 'What is red?'} <= asked())
    embeddings.clear()
    wait_until(lambda: asked() == {'state', 'What is red?'})


def test_labels_can_be_changed_while_the_node_runs(graph, checkpoint):
    node, embeddings = start(graph, checkpoint)
    answers: list[Any] = graph.collect(Classification, 'classification', qos.EMBEDDING)
    feed = Feed(graph)

    def labels() -> list[set[str]]:
        feed.send(3)
        return [{item.text for item in answer.ranked} for answer in answers]

    wait_until(lambda: labels() or embeddings)
    assert not answers  # nobody has asked for any yet
    assert set_parameter(node, 'labels', LABELS) == ''
    wait_until(lambda: set(LABELS) in labels())
    classified = answers[-1]
    assert classified.model_id == node.engine.model_id
    (embedding,) = (item for item in embeddings if item.header == classified.header)
    vectors = on_worker(node, lambda engine: engine.embed_text(LABELS))
    expected = dict(zip(LABELS, vectors @ np.array(embedding.data), strict=True))
    assert {item.text: item.score for item in classified.ranked} == pytest.approx(
        expected, abs=1e-5
    )
    scores = [item.score for item in classified.ranked]
    assert scores == sorted(scores, reverse=True)
    # More than are embedded at once.
    many = [f'label number {number}' for number in range(40)]
    assert set_parameter(node, 'labels', many) == ''
    wait_until(lambda: set(many) in labels())
    assert set_parameter(node, 'labels', []) == ''
    before = count_of(node, 'embeddings')

    def embedded(count: int) -> bool:
        feed.send(3)
        return count_of(node, 'embeddings') > before + count

    wait_until(lambda: embedded(2))  # none of the clips before is left then
    answers.clear()
    wait_until(lambda: embedded(5))
    assert not answers


def test_a_still_view_costs_the_model_nothing(graph, checkpoint, monkeypatch):
    node, embeddings = start(graph, checkpoint, still_threshold=3.0)
    runs = 0
    encode = node.engine.encode

    def counted(clips: np.ndarray) -> Any:
        nonlocal runs
        runs += 1
        return encode(clips)

    monkeypatch.setattr(node.engine, 'encode', counted)
    feed = Feed(graph)
    publisher, stamp_ns = feed.publisher, feed.stamp_ns

    def still(count: int) -> None:
        nonlocal stamp_ns
        for _ in range(count):
            stamp_ns += SECOND_NS // 15
            publisher.publish(image_message(scene(0, 3), stamp_ns))
            time.sleep(0.01)

    def shown(condition: Callable[[], bool]) -> bool:
        still(3)
        return condition()

    wait_until(lambda: shown(lambda: count_of(node, 'samples_still') >= 8))
    wait_until(lambda: len(embeddings) == count_of(node, 'embeddings'))
    assert runs <= 1 + count_of(node, 'embeddings') // 8
    assert len({tuple(item.data) for item in embeddings}) == 1
    stamps = [to_ns(item.header.stamp) for item in embeddings]
    assert len(set(stamps)) == len(stamps)
    # Another question is answered at once, although nothing moves.
    assert set_parameter(node, 'queries', ['state']) == ''
    before = runs
    wait_until(lambda: shown(lambda: embeddings[-1].query == 'state'))
    assert runs > before


@pytest.mark.parametrize('kind', [Classify, Answer])
def test_questions_about_a_given_image(graph, checkpoint, kind):
    node, _ = start(graph, checkpoint)
    image = scene(3)
    given = image_message(image, 77 * SECOND_NS)
    if kind is Classify:
        question, request = 'state', Classify.Request(image=given, query='state', labels=LABELS)
    else:
        question = 'Is the drawer open?'
        request = Answer.Request(image=given, question=question, candidates=LABELS)
    name = 'classify' if kind is Classify else 'answer'
    answer = graph.call(kind, name, request)
    assert answer.success, answer.message
    assert answer.header == given.header
    assert answer.model_id == node.engine.model_id

    def expected(engine: Any) -> np.ndarray:
        config = engine.config
        clip = still_clip(image, clip_frames=config.clip_frames, image_size=config.image_size)
        vector = engine.predict(engine.encode(clip[None]), [question])[0, 0]
        return engine.embed_text(LABELS) @ vector

    scores = dict(zip(LABELS, on_worker(node, expected), strict=True))
    assert {item.text: item.score for item in answer.ranked} == pytest.approx(scores, abs=1e-5)


def test_questions_about_what_a_camera_sees_now(graph, checkpoint):
    node, embeddings = start(
        graph, checkpoint, camera=['left', 'right'], image=['image_raw', '/other/image']
    )
    feed = Feed(graph)
    send_until(feed, embeddings)
    request = Classify.Request(camera='left', labels=LABELS)
    feed.send(1)
    answer = wait_until(
        lambda: (
            (found := graph.call(Classify, 'classify', request)).success
            and to_ns(found.header.stamp) == feed.stamp_ns
            and found
        )
    )
    assert {item.text for item in answer.ranked} == set(LABELS)


@pytest.mark.parametrize(
    ('kind', 'fields', 'named'),
    [
        (Classify, {'camera': 'front', 'labels': LABELS}, r"'front'; allowed are \['camera'\]"),
        (Classify, {'labels': LABELS}, 'shows too little yet'),
        (Classify, {'labels': []}, 'labels is empty'),
        (Classify, {'labels': LABELS, 'query': 'captoin'}, "Did you mean 'caption'"),
        (Classify, {'labels': LABELS, 'encoding': 'nonsense'}, "image: .*'nonsense'"),
        (Classify, {'labels': LABELS, 'encoding': 'rgb8', 'camera': 'camera'}, 'give one of them'),
        (Answer, {'candidates': LABELS}, 'question is empty'),
        (Answer, {'question': 'Is it red?'}, 'candidates is empty'),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_reason(
    graph, checkpoint, kind, fields, named
):
    start(graph, checkpoint)
    encoding = fields.get('encoding')
    request = kind.Request(**{name: fields[name] for name in fields if name != 'encoding'})
    if encoding:
        request.image = image_message(scene(0), SECOND_NS)
        request.image.encoding = encoding
    answer = graph.call(kind, kind.__name__.lower(), request)
    assert not answer.success
    assert re.search(named, answer.message), answer.message
    assert not answer.ranked


def test_a_camera_that_has_stopped_shows_nothing(graph, checkpoint):
    _, embeddings = start(graph, checkpoint, stop_timeout_s=0.5)
    feed = Feed(graph)
    send_until(feed, embeddings)
    time.sleep(0.6)
    answer = graph.call(Classify, 'classify', Classify.Request(labels=LABELS))
    assert not answer.success
    assert 'shows nothing now' in answer.message
