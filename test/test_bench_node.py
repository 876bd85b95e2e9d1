# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `vljepa bench node` is made of: its cameras, the plain node beside it, and its sums."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make test, or source an installation')
pytest.importorskip('torch', reason='the plain node needs PyTorch: make setup')
pytest.importorskip(
    'transformers', reason="the plain node runs the classes of: pip install 'transformers>=5.23'"
)

from rclpy.parameter import Parameter
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from ros_graph import open_graph, process, wait_until
from sensor_msgs.msg import Image

from benchmarks.arrivals import Arrival
from benchmarks.baseline_node import BaselineNode, view
from benchmarks.camera_source import messages
from benchmarks.environment_size import closure, sizes_mb
from benchmarks.graph import own_domain
from benchmarks.node_baseline import Turn, add_turns
from benchmarks.node_cases import Case, Observed, add_case
from training.evaluation.results import Results
from vljepa_ros.inference import load_engine
from vljepa_ros.interfaces import Embedding
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.spinner import Spinner
from vljepa_ros.nodes.stamps import to_ns
from vljepa_ros.stream.clip_buffer import ClipBuffer
from vljepa_ros.stream.image_ops import to_model_view
from vljepa_ros.stream.stamps import SECOND_NS

EVERYTHING = QoSProfile(
    history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE, depth=0
)
COUNT, RATE_HZ = 45, 15.0


class WatchedNode(BaselineNode):
    """The plain node, which also keeps the images that have reached it."""

    def __init__(self, **options: Any) -> None:
        self.received: list[Any] = []
        super().__init__(**options)

    def on_image(self, message: Any) -> None:
        self.received.append(message)
        super().on_image(message)


def pixels(message: Any) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)


@pytest.mark.ros
@pytest.mark.slow
def test_the_plain_node_says_what_the_model_says(tmp_path, domain_id):
    report = tmp_path / 'report.json'
    values = {'model': 'tiny', 'threads': 1, 'image': '/front/image_raw', 'rate_hz': 5.0}
    arguments = ['--topic', '/front/image_raw', '--topic', '/rear/image_raw', '--size', '96x72']
    arguments += ['--rate', str(RATE_HZ), '--count', str(COUNT), '--report', str(report)]
    with open_graph() as graph:
        images = {
            name: graph.collect(Image, f'/{name}/image_raw', EVERYTHING)
            for name in ('front', 'rear')
        }
        embeddings = graph.collect(Embedding, '/baseline/embedding', qos.EMBEDDING)
        node = WatchedNode(
            namespace='/baseline',
            context=graph.context,
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
        )
        spinner = Spinner(threads=2, context=graph.context)
        spinner.add(node)
        with process('benchmarks.camera_source', *arguments, log=tmp_path / 'log') as child:
            assert child.wait(120.0) == 0
        played = json.loads(report.read_text(encoding='utf-8'))
        sent = {name: played['sent'][f'/{name}/image_raw'] for name in images}
        wait_until(lambda: all(len(images[name]) == sent[name] for name in images))
        wait_until(lambda: embeddings)
        spinner.close()
        node.destroy_node()

    # The cameras did what they say: so many moving pictures of this size, each with its time.
    assert sum(sent.values()) + played['skipped'] == 2 * COUNT
    stamps = {name: [to_ns(item.header.stamp) for item in images[name]] for name in images}
    assert played['first_stamp_ns'] == min(min(own) for own in stamps.values())
    assert played['last_stamp_ns'] == max(max(own) for own in stamps.values())
    assert all(own == sorted(set(own)) for own in stamps.values())
    first, second, *_ = pictures = [pixels(item) for item in images['front']]
    assert {picture.shape for picture in pictures} == {(72, 96, 3)}
    assert np.abs(first.astype(int) - second).mean() > 10.0
    assert np.abs(first.astype(int) - pixels(images['rear'][0])).mean() > 10.0

    engine = load_engine('tiny', backend='torch', components=('x_encoder', 'predictor'))
    config = engine.config
    buffer = ClipBuffer(
        clip_frames=config.clip_frames, clip_fps=config.clip_fps, image_size=config.image_size
    )
    found = {to_ns(item.clip_end): item for item in embeddings}
    vectors, cosines = [], []
    for message in node.received:  # best effort: a busy machine loses some
        stamp_ns = to_ns(message.header.stamp)
        buffer.push(stamp_ns, np.ascontiguousarray(pixels(message)))
        clip = buffer.clip()
        if clip is None or stamp_ns not in found:
            continue
        (vector,) = engine.predict(engine.encode(clip.frames[None]), ['caption'])[0]
        vectors.append(vector)
        cosines.append(float(vector @ np.array(found[stamp_ns].data)))
        assert to_ns(found[stamp_ns].clip_start) == clip.first_stamp_ns
    assert cosines
    assert min(cosines) >= 0.9999
    # Another clip has another answer.
    size = config.image_size
    black = np.zeros((1, config.clip_frames, size, size, 3), np.uint8)
    assert np.max(vectors @ engine.predict(engine.encode(black), ['caption'])[0, 0]) < 0.99
    engine.close()


def test_cameras_and_the_plain_node_know_jpeg():
    raw, jpeg = (messages(320, 240, transport) for transport in ('raw', 'compressed'))
    assert len(raw) == len(jpeg) > 1
    for one, two in zip(raw, jpeg, strict=True):
        assert bytes(two.data[:2]) == b'\xff\xd8'
        seen, expected = view(two, 64).astype(int), to_model_view(pixels(one), 64)
        np.testing.assert_array_equal(view(one, 64), expected)
        assert np.abs(seen - expected).mean() < 3.0
    first, second, *_ = (view(message, 64).astype(int) for message in jpeg)
    assert np.abs(first - second).mean() > 10.0


def test_every_run_has_a_domain_of_its_own():
    before = os.environ['ROS_DOMAIN_ID']
    with own_domain() as one, own_domain() as two:
        assert len({int(before), one, two}) == 3
        assert os.environ['ROS_DOMAIN_ID'] == str(two)
    assert os.environ['ROS_DOMAIN_ID'] == before


def arrivals(camera: str, *, rate_hz: float, latency_ms: float, seconds: float) -> list[Arrival]:
    """Return embeddings that come at a constant rate from second 0 on."""
    return [
        Arrival(camera, at_ns, at_ns - 2 * SECOND_NS, at_ns - round(latency_ms * 1e6))
        for at_ns in (round(index / rate_hz * 1e9) for index in range(int(rate_hz * seconds)))
    ]


def test_a_case_is_summed_up():
    came = arrivals('front', rate_hz=5.0, latency_ms=20.0, seconds=10.0)
    came += arrivals('rear', rate_hz=4.0, latency_ms=40.0, seconds=10.0)
    seen = Observed(
        arrivals=came,
        seconds=10.0,
        cpu_s=5.0,
        before={'frames_dropped': '3'},
        after={'frames_dropped': '13', 'overhead_p50_ms': '1.5'},
        final={'frames_in': '285'},
        sent=300,
        skipped=2,
    )
    results = Results('node', quick=True)
    add_case(results, Case(2, '640x480', 'jpeg'), seen)
    name = 'node.2x640x480.jpeg'
    found = {key.removeprefix(f'{name}.'): score.value for key, score in results.scores.items()}
    assert found == {
        'latency_p50_ms': 20.0,
        'latency_p99_ms': 40.0,
        'min_hz': 4.0,
        'mean_hz': 4.5,
        'cpu_share': 0.5,
        'dropped_share': 0.1,
        'images_lost_share': pytest.approx(0.05),
        'overhead_p50_ms': 1.5,
    }
    assert len(results.raw[name]) == 90
    assert any('overhead_p99_ms' in note for note in results.notes)
    assert any('too late for 2 images' in note for note in results.notes)


def test_the_plain_node_is_compared_round_by_round():
    def turn(rate_hz: float, *latencies_ms: float) -> Turn:
        third_s = 3.0
        came = []
        for number, latency_ms in enumerate(latencies_ms):
            shift_ns = round(number * third_s * 1e9)
            for item in arrivals('c', rate_hz=rate_hz, latency_ms=latency_ms, seconds=third_s):
                came.append(Arrival('c', item.at_ns + shift_ns, 0, item.last_ns + shift_ns))
        return Turn(came, 0, round(3 * third_s * 1e9), sent=270)

    results = Results('node', quick=True)
    ours = [turn(24.0, 20.0, 20.0, 20.0), turn(12.0, 40.0, 40.0, 40.0)]
    theirs = [turn(6.0, 100.0, 200.0, 300.0), turn(3.0, 100.0, 200.0, 300.0)]
    add_turns(results, ours, theirs, offered_hz=12.0)
    values = {key.removeprefix('node.vs_baseline.'): s.value for key, s in results.scores.items()}
    assert values['speedup'] == 4.0
    assert values['baseline.first_third_p50_ms'] == 100.0
    assert values['baseline.last_third_p50_ms'] == 300.0
    assert values['baseline.latency_p50_ms'] == 200.0
    assert any('ours kept up' in note for note in results.notes)
    silent = Results('node', quick=True)
    add_turns(silent, ours, [Turn([], 0, SECOND_NS, 30)] * 2, offered_hz=30.0)
    assert 'node.vs_baseline.speedup' not in silent.scores
    assert any('no embedding' in note for note in silent.notes)


def test_packages_beside_ros_are_those_that_requirements_lead_to(tmp_path):
    packages = closure(['pytest', 'ros-jazzy-rclpy', 'no-such-package'])
    assert {'pytest', 'pluggy'} <= set(packages)
    assert not {'ros-jazzy-rclpy', 'no-such-package'} & set(packages)
    sizes = sizes_mb(packages.items())
    assert 0.1 < sizes['pytest'] < 20.0
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)
