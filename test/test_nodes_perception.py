# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""perception: images in, embeddings out; a wrong image or model is named and harms nothing."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_graph import Feed, Graph, busy, image_message, open_graph, scene, wait_until
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='the nodes need PyTorch')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.qos import ReliabilityPolicy  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from vljepa_ros.interfaces import Embedding, EmbedText  # noqa: E402
from vljepa_ros.nodes import qos  # noqa: E402
from vljepa_ros.nodes.engine_host import EngineHost  # noqa: E402
from vljepa_ros.nodes.event_node import EventNode  # noqa: E402
from vljepa_ros.nodes.lifecycle import FAILURE, SUCCESS  # noqa: E402
from vljepa_ros.nodes.perception_node import PerceptionNode  # noqa: E402
from vljepa_ros.nodes.stamps import to_ns  # noqa: E402
from vljepa_ros.stream.clip_buffer import ClipBuffer  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402

pytestmark = pytest.mark.ros
CLIP_FRAMES = 24  # of 15 Hz: the 1.4 s of a clip and then some


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('perception') / 'model')


@pytest.fixture
def graph():
    with open_graph() as opened:
        yield opened


@dataclasses.dataclass
class Scene:
    """A perception node that runs, its output, and a camera."""

    graph: Graph
    node: PerceptionNode
    embeddings: list[Any]
    feed: Feed

    def count(self, name: str) -> int:
        return self.node.health._counters[name]

    def send_until_embedded(self, **changes: Any) -> Any:
        """Send pictures until a new embedding has come; return it."""
        before = len(self.embeddings)

        def arrived() -> bool:
            self.feed.send(3, **changes)
            return len(self.embeddings) > before

        wait_until(arrived)
        return self.embeddings[-1]


@pytest.fixture
def running(graph, checkpoint):
    """Give a scene; the parameters of the node can be changed before it is entered."""
    return lambda **parameters: start(graph, model=str(checkpoint), threads=1, **parameters)


def start(graph: Graph, **parameters: Any) -> Scene:
    node = graph.add(PerceptionNode, **parameters)
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    embeddings = graph.collect(Embedding, 'embedding', qos.EMBEDDING)
    return Scene(graph, node, embeddings, Feed(graph, node.resolve_topic_name('image_raw')))


def test_embeddings_of_a_camera(running):
    scene_ = running(camera='left')
    scene_.feed.send(CLIP_FRAMES * 3)
    first = wait_until(lambda: scene_.embeddings)[0]
    engine = scene_.node.engine
    assert first.camera == 'left'
    assert first.query == 'caption'
    assert first.model_id == engine.model_id
    assert first.header.frame_id == 'lens'
    assert first.normalized
    assert len(first.data) == engine.config.embedding_dim
    assert np.linalg.norm(first.data) == pytest.approx(1.0, abs=1e-5)
    assert first.clip_end == first.header.stamp
    span_s = (to_ns(first.clip_end) - to_ns(first.clip_start)) / 1e9
    assert span_s == pytest.approx(
        (engine.config.clip_frames - 1) / engine.config.clip_fps, abs=0.05
    )


def test_an_embedding_is_what_the_engine_says_of_the_clip(running):
    scene_ = running()
    config = scene_.node.engine.config
    buffer = ClipBuffer(
        clip_frames=config.clip_frames, clip_fps=config.clip_fps, image_size=config.image_size
    )
    clips = {}
    for step in range(CLIP_FRAMES):
        stamp_ns = 50 * SECOND_NS + step * SECOND_NS // 15
        image = scene(step // 8, step)
        buffer.push(stamp_ns, image)
        clips[stamp_ns] = buffer.clip()
        scene_.feed.publisher.publish(image_message(image, stamp_ns))
        time.sleep(0.02)
    embedding = wait_until(lambda: scene_.embeddings)[0]
    clip = clips[to_ns(embedding.header.stamp)]
    assert clip is not None
    engine = scene_.node.engine
    expected = scene_.node.host.worker.submit(
        lambda: engine.predict(engine.encode(clip.frames[None]), ['caption'])[0, 0]
    ).result()
    np.testing.assert_allclose(embedding.data, expected, atol=1e-5)


def test_a_reliable_camera_is_heard_reliably(running):
    scene_ = running()
    topic = scene_.node.resolve_topic_name('image_raw')

    def lost_packets_are_asked_for() -> bool:
        scene_.feed.send(3)
        infos = scene_.graph.node.get_subscriptions_info_by_topic(topic)
        return [info.qos_profile.reliability for info in infos] == [ReliabilityPolicy.RELIABLE]

    wait_until(lost_packets_are_asked_for)


def test_every_query_is_answered(running):
    scene_ = running(queries=['caption', 'What is red?'])
    scene_.send_until_embedded()
    wait_until(lambda: len(scene_.embeddings) >= 2)
    first, second = scene_.embeddings[:2]
    assert [first.query, second.query] == ['caption', 'What is red?']
    assert first.header == second.header


def test_samples_follow_the_stamps(running):
    scene_ = running(rate_hz=5.0)
    scene_.feed.stamp_ns = 1000 * SECOND_NS - SECOND_NS // 15
    for _ in range(4):
        scene_.send_until_embedded()
    for embedding in scene_.embeddings:
        offset_ns = to_ns(embedding.header.stamp) % (SECOND_NS // 5)
        assert min(offset_ns, SECOND_NS // 5 - offset_ns) < 1_000_000


def test_a_busy_model_loses_samples_but_never_falls_behind(running):
    scene_ = running()
    scene_.send_until_embedded()
    with busy(scene_.node.host.worker):
        embeddings, dropped = scene_.count('embeddings'), scene_.count('frames_dropped')
        scene_.feed.send(CLIP_FRAMES)  # at least seven samples are due
        wait_until(lambda: scene_.count('frames_dropped') >= dropped + 4)
        assert scene_.count('embeddings') == embeddings
    wait_until(lambda: scene_.count('embeddings') == embeddings + 1)
    # The published one has still to arrive here.
    wait_until(
        lambda: scene_.feed.stamp_ns - to_ns(scene_.embeddings[-1].header.stamp) < 0.5 * SECOND_NS
    )


def test_a_service_does_not_wait_for_ever_for_a_busy_model(running):
    scene_ = running(service_timeout_s=0.2)
    request = EmbedText.Request(texts=['open the drawer'])
    with busy(scene_.node.host.worker):
        answer = scene_.graph.call(EmbedText, 'embed_text', request)
    assert not answer.success
    assert 'busy' in answer.message
    assert 'service_timeout_s' in answer.message
    assert scene_.graph.call(EmbedText, 'embed_text', request).success


def test_a_camera_that_stops_and_goes_on(running):
    scene_ = running(stop_timeout_s=0.5)
    scene_.feed.stamp_ns = time.time_ns()
    statuses: list[Any] = scene_.graph.collect(DiagnosticArray, '/diagnostics', 10)
    scene_.send_until_embedded()

    def levels() -> list[bytes]:
        return [array.status[0].level for array in statuses]

    wait_until(lambda: DiagnosticStatus.OK in levels())
    wait_until(lambda: DiagnosticStatus.WARN in levels())
    message = next(a.status[0].message for a in statuses if a.status[0].level != b'\x00')
    assert '/vljepa/image_raw' in message
    assert 'has stopped' in message
    scene_.send_until_embedded()
    statuses.clear()
    scene_.send_until_embedded()
    assert 'stopped camera' not in scene_.node.health._troubles


def test_a_camera_that_never_begins_is_named(running, graph, checkpoint):
    node = graph.add(
        PerceptionNode, model=str(checkpoint), image='/nowhere/image', stop_timeout_s=0.2
    )
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    (trouble,) = wait_until(lambda: list(node.health._troubles.values()))
    assert 'no image yet on /nowhere/image' in trouble


def test_a_camera_that_changes_its_resolution(running):
    scene_ = running()
    scene_.send_until_embedded()
    after = scene_.send_until_embedded(width=500, height=400)
    warning = scene_.node.health._last_warning
    assert '/vljepa/image_raw changed from' in warning
    assert warning.endswith('to 500×400 rgb8')
    assert len(after.data) == scene_.node.engine.config.embedding_dim
    assert scene_.count('frames_unusable') == 0


def test_a_camera_that_changes_its_encoding(running):
    scene_ = running()
    scene_.send_until_embedded()
    scene_.send_until_embedded(encoding='bgr8')
    assert scene_.node.health._last_warning.endswith('bgr8')
    assert 'rgb8 to' in scene_.node.health._last_warning
    assert scene_.count('frames_unusable') == 0


@pytest.mark.parametrize(
    ('fault', 'named'),
    [
        ({'encoding': 'nonsense'}, "'nonsense'"),
        ({'encoding': '32FC1'}, "'32FC1'"),
        ({'data': b'', 'step': 960}, '0 bytes'),
        ({'fault': 'empty'}, '0×0 pixels'),
    ],
    ids=['unknown encoding', 'depth image', 'no data', 'zero size'],
)
def test_wrong_images_are_named_and_the_others_are_used(running, fault, named):
    scene_ = running()
    scene_.send_until_embedded()
    if 'fault' in fault:
        for _ in range(5):
            scene_.feed.publisher.publish(Image(encoding='rgb8'))
            time.sleep(0.01)
    else:
        scene_.feed.send(5, **fault)
    wait_until(lambda: scene_.count('frames_unusable') > 0)
    assert named in scene_.node.health._last_error
    assert '/vljepa/image_raw' in scene_.node.health._last_error
    scene_.send_until_embedded()
    assert scene_.node.is_active


def test_images_without_a_stamp_get_one(running):
    scene_ = running()

    def arrived() -> bool:
        message = image_message(scene(0, len(scene_.embeddings)), 0)
        scene_.feed.publisher.publish(message)
        time.sleep(0.05)
        return bool(scene_.embeddings)

    wait_until(arrived)
    age_s = time.time() - to_ns(scene_.embeddings[0].header.stamp) / 1e9
    assert 0.0 <= age_s < 60.0


def test_time_that_jumps_back_starts_a_new_clip(running):
    scene_ = running()
    scene_.send_until_embedded()
    scene_.feed.stamp_ns -= 500 * SECOND_NS
    before = scene_.feed.stamp_ns
    after = scene_.send_until_embedded()
    while to_ns(after.header.stamp) > before + 400 * SECOND_NS:
        after = scene_.send_until_embedded()
    assert to_ns(after.clip_start) > before


def test_late_images_are_left_out_and_counted(running):
    scene_ = running()
    step_ns = SECOND_NS // 15
    scene_.feed.send(CLIP_FRAMES)
    wait_until(lambda: scene_.embeddings)
    scene_.embeddings.clear()

    def arrived() -> bool:
        for offset_ns in (2 * step_ns, -step_ns):  # each pair in the wrong order
            scene_.feed.stamp_ns += offset_ns - step_ns
            scene_.feed.send(1)
        scene_.feed.stamp_ns += step_ns
        return len(scene_.embeddings) >= 3

    wait_until(arrived)
    assert scene_.count('frames_late') > 0
    assert scene_.count('frames_unusable') == 0
    assert not scene_.node.health._last_warning


@pytest.mark.parametrize(
    ('interval_s', 'named'),
    [
        (1.0, ['1.0 images a second', 'at most 1.00 s apart', 'at most 0.4 s apart (2.5 a']),
        (0.0, ['all have the same stamp']),
    ],
)
def test_a_camera_that_gives_no_clip_is_named_until_it_does(running, interval_s, named):
    scene_ = running(camera='left')

    def troubles() -> str:
        return str(scene_.node.health._status().message)

    def reported() -> bool:
        scene_.feed.stamp_ns += round(interval_s * SECOND_NS) - SECOND_NS // 15
        scene_.feed.send(1)
        return 'no clip' in troubles()

    wait_until(reported)
    assert all(words in troubles() for words in ["'left'", '/vljepa/image_raw', *named])
    assert scene_.node.health._status().level == DiagnosticStatus.WARN
    assert not scene_.embeddings
    scene_.send_until_embedded()
    assert 'no clip' not in troubles()


def test_what_a_camera_lacks_is_forgotten_with_it(running):
    scene_ = running()

    def reported() -> bool:
        scene_.feed.stamp_ns += 2 * SECOND_NS
        scene_.feed.send(1)
        return 'no clip' in scene_.node.health._status().message

    wait_until(reported)
    assert scene_.node.trigger_deactivate() == SUCCESS
    assert scene_.node.health._status().message == 'inactive'


def test_stamps_of_another_clock_are_named_and_no_latency_is_made_of_them(running):
    scene_ = running(camera='left')

    def told(words: str) -> str:
        def is_told() -> str:
            scene_.feed.send(1)
            status = scene_.node.health._status()
            text = f'{status.message} {[value.key for value in status.values]}'
            return text if words in text else ''

        return str(wait_until(is_told))

    scene_.feed.stamp_ns = time.time_ns()
    assert "node's clock" not in told('latency_p50_ms')
    scene_.feed.stamp_ns = time.time_ns() - 3600 * SECOND_NS
    text = told(' s before this')
    assert all(words in text for words in ('/vljepa/image_raw', 'use_sim_time:=true'))
    scene_.send_until_embedded()
    assert 'latency_p50_ms' not in told(' s before this')
    scene_.feed.stamp_ns = time.time_ns()
    assert "node's clock" not in told('latency_p50_ms')
    scene_.feed.stamp_ns = time.time_ns() + 3600 * SECOND_NS
    told(' s ahead of this')
    assert scene_.node.trigger_deactivate() == SUCCESS
    assert scene_.node.health._status().message == 'inactive'


@pytest.mark.parametrize('count', [1, 8])
def test_the_last_embeddings_reach_the_event_node_at_a_signal(graph, checkpoint, count):
    """As in `runner.run`: nothing spins any more when the nodes are stopped one after another."""
    host = EngineHost()
    values = {'model': str(checkpoint), 'threads': 1}
    values['queries'] = [f'Is it number {number}?' for number in range(count)]
    perception, event = (
        graph.add(functools.partial(kind, host=host), **values)
        for kind in (PerceptionNode, EventNode)
    )
    for node in (perception, event):
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
    feed = Feed(graph)

    def sample_waits() -> bool:
        feed.send(3)
        return perception._embedder in host.worker._slots

    with busy(host.worker):
        wait_until(sample_waits)
        graph._spinner.close()
    perception.stop()
    event.stop()
    counts = perception.health._counters, event.health._counters
    assert counts[0]['embeddings'] == counts[1]['embeddings_in'] >= count
    assert counts[1]['events'] >= 2 * count
    host.close()


def damaged(checkpoint: Path, folder: Path, fault: str) -> Path:
    """Return a copy of a checkpoint with something wrong."""
    if fault == 'missing':
        return folder / 'nowhere'
    shutil.copytree(checkpoint, folder / 'model')
    weights = folder / 'model' / 'predictor.safetensors'
    if fault == 'truncated':
        weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    elif fault == 'incomplete':
        weights.unlink()
    elif fault == 'foreign weights':
        shutil.copy(folder / 'model' / 'x_encoder.safetensors', weights)
    else:
        (folder / 'model' / 'config.json').write_text(json.dumps({'architectures': ['Bert']}))
    return folder / 'model'


@pytest.mark.parametrize(
    ('fault', 'named'),
    [
        ('missing', 'nowhere'),
        ('truncated', 'predictor.safetensors is truncated'),
        ('incomplete', 'predictor.safetensors is missing'),
        ('foreign weights', 'predictor.safetensors does not fit config.json'),
        ('foreign config', 'config.json is not a valid configuration'),
    ],
)
def test_a_wrong_checkpoint_is_named_and_the_node_can_be_configured_again(
    graph, checkpoint, tmp_path, fault, named
):
    node = graph.add(PerceptionNode, model=str(damaged(checkpoint, tmp_path, fault)))
    assert node.trigger_configure() == FAILURE
    assert named in node.health._facts['last_failure']
    status = node.health._status()
    assert status.level == DiagnosticStatus.ERROR
    assert named in status.message
    assert node.engine is None
    (result,) = node.set_parameters([Parameter('model', value=str(checkpoint))])
    assert result.successful
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    assert node.health._status().level == DiagnosticStatus.OK


@pytest.mark.parametrize(
    ('parameters', 'named'),
    [
        ({'device': 'abacus'}, "'abacus'"),
        ({'queries': ['what ' * 100]}, 'tokens'),
        ({'queries': ['caption', 'captoin']}, "'captoin', only .*'action'.* mean 'caption'"),
        ({'queries': ['Action']}, "'Action', only .*'caption'.* mean 'action'"),
        ({'queries': [' caption']}, "' caption', only .* mean 'caption'"),
        ({'queries': ['weather']}, "'weather', only .*]\\. A free question has several words"),
    ],
)
def test_what_does_not_fit_the_model_fails_in_configure(graph, checkpoint, parameters, named):
    node = graph.add(PerceptionNode, model=str(checkpoint), **parameters)
    assert node.trigger_configure() == FAILURE
    assert re.search(named, node.health._facts['last_failure'])
    assert node.engine is None


def test_names_and_free_questions_are_queries(graph, checkpoint):
    queries = ['caption', 'action', 'What is red', 'Where?']
    node = graph.add(PerceptionNode, model=str(checkpoint), queries=queries)
    assert node.trigger_configure() == SUCCESS
