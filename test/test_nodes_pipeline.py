# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The whole way between processes: a camera, the nodes around one model, a planner's client."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ros_graph import open_graph, process, scene, wait_until, write_video
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='the nodes need PyTorch')

from rclpy.context import Context  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402

from vljepa_ros.client import (  # noqa: E402
    Alert,
    EmbeddingSample,
    Event,
    Rule,
    VljepaClient,
)
from vljepa_ros.errors import ServiceError  # noqa: E402
from vljepa_ros.launch_arguments import pipeline_arguments  # noqa: E402
from vljepa_ros.nodes.stamps import to_stamp  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402

pytestmark = [pytest.mark.ros, pytest.mark.slow]
# An untrained model sees little difference between scenes.
SENSITIVE = """
/**/event:
  ros__parameters:
    sensitivity: 30.0
"""


@pytest.fixture(scope='module')
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('pipeline')
    build_untrained_checkpoint(folder / 'model')
    write_video(folder / 'video.mp4', scenes=[0, 1], frames=90)
    (folder / 'parameters.yaml').write_text(SENSITIVE)
    return folder


def arguments(files: Path, **values: str) -> list[str]:
    return pipeline_arguments(
        {
            'model': str(files / 'model'),
            'params_file': str(files / 'parameters.yaml'),
            'threads': '1',
            **values,
        }
    )


@dataclasses.dataclass
class Run:
    """What came out of a run of the pipeline."""

    client: VljepaClient
    embeddings: list[EmbeddingSample]
    events: list[Event]
    alerts: list[Alert]


@pytest.fixture(scope='module')
def played(files) -> Iterator[Run]:
    """Play the video once to the nodes, in processes, and keep the nodes running."""
    camera = [
        *('--ros-args', '-r', '__ns:=/vljepa', '-p', f'video:={files / "video.mp4"}'),
        *('-p', 'loop:=false', '-p', 'exit_at_end:=true'),
    ]
    embeddings: list[EmbeddingSample] = []
    events: list[Event] = []
    alerts: list[Alert] = []
    values = {'record': 'true', 'clip_folder': str(files / 'clips')}
    with (
        process('vljepa_ros.nodes.pipeline', *arguments(files, **values), log=files / 'log'),
        VljepaClient() as client,
    ):
        client.on_embedding(embeddings.append)
        client.on_event(events.append)
        client.on_alert(alerts.append)
        for node in ('perception', 'event', 'world_model', 'recorder'):
            assert client.wait_until_active(node)
        client.set_rules([Rule('always', 'a robot arm', threshold=-2.0, dwell_s=0.5)])
        log = files / 'camera_log'
        with process('vljepa_ros.nodes.camera_node', *camera, log=log) as child:
            assert child.wait(60.0) == 0
        wait_until(lambda: events and events[-1].phase == 'ENDED' and len(events) >= 4)
        yield Run(client, embeddings, events, alerts)


def test_embeddings_come_while_the_video_plays(played):
    moments_s = np.array([sample.stamp_ns for sample in played.embeddings]) / 1e9
    assert len(moments_s) >= 5
    np.testing.assert_allclose(moments_s * 5.0, np.round(moments_s * 5.0), atol=0.2)
    assert np.all(np.diff(moments_s) > 0.0)
    assert {sample.vector.shape for sample in played.embeddings} == {(256,)}


def test_each_scene_is_an_event_with_a_beginning_and_an_end(played):
    events = played.events
    for started, ended in zip(events[::2], events[1::2], strict=True):
        assert (started.phase, ended.phase) == ('STARTED', 'ENDED')
        assert started.id == ended.id
        assert started.start_ns == ended.start_ns <= ended.end_ns
    change_s = (events[2].start_ns - events[0].start_ns) / 1e9
    assert 0.5 < change_s < 3.5


def test_the_client_knows_the_latest_embedding(played):
    latest = played.client.latest_embedding()
    assert latest is not None
    assert latest.stamp_ns == played.embeddings[-1].stamp_ns
    assert played.client.latest_embedding(camera='another', timeout_s=0.1) is None


def test_the_client_asks_the_nodes(played):
    vectors = played.client.embed_text(['open the drawer', 'close the drawer'])
    assert vectors.shape == (2, 256)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    ranked = played.client.infer_action(scene(0), scene(1), ['open the drawer', 'push it'])
    assert {text for text, _ in ranked} == {'open the drawer', 'push it'}
    assert ranked[0][1] >= ranked[1][1]
    labels = ['the drawer is open', 'a red cube', 'nothing']
    for ranked in (
        played.client.classify(labels, image=scene(0)),
        played.client.answer('What is there?', labels, image=scene(0)),
    ):
        assert {text for text, _ in ranked} == set(labels)
        assert [score for _, score in ranked] == sorted((s for _, s in ranked), reverse=True)


def test_the_client_says_what_is_wrong(played):
    with pytest.raises(ServiceError, match='embed_text was refused: .*empty'):
        played.client.embed_text([''])
    with pytest.raises(ServiceError, match="classify was refused: camera is 'arm'"):
        played.client.classify(['open'], camera='arm')
    with (
        VljepaClient(namespace='/elsewhere', name='lost') as lost,
        pytest.raises(ServiceError, match='no service /elsewhere/embed_text'),
    ):
        lost.embed_text(['open the drawer'], timeout_s=0.3)


def test_a_service_can_be_asked_in_a_callback(played):
    answers: list[np.ndarray] = []

    def ask(event: Event) -> None:
        if not answers:
            answers.append(played.client.embed_text([event.text or 'nothing']))

    with VljepaClient(name='another') as other:
        other.on_event(ask)
        wait_until(lambda: answers)


def test_a_rule_fires_and_is_cleared_when_the_camera_is_gone(played):
    wait_until(lambda: [alert.phase for alert in played.alerts] == ['FIRED', 'CLEARED'])
    fired, cleared = played.alerts
    assert (fired.rule, fired.text, fired.severity) == ('always', 'a robot arm', 'warn')
    assert fired.id == cleared.id
    assert fired.since_ns < cleared.since_ns
    with pytest.raises(ServiceError, match='the same name: twice'):
        played.client.set_rules([Rule('twice', 'a robot', threshold=0.0)] * 2)


def test_diagnostics_count(played):
    wait_until(lambda: played.client.diagnostics('event').get('events') == str(len(played.events)))
    perception = played.client.diagnostics('perception')
    assert int(perception['embeddings']) == len(played.embeddings)
    assert int(perception['frames_in']) > len(played.embeddings)
    assert float(perception['latency_p50_ms']) > 0.0
    assert perception['backend'] == 'torch'
    event = played.client.diagnostics('event')
    assert int(event['decodes']) == len(played.events) < int(event['embeddings_in'])
    assert event['model_id'] == perception['model_id'] == played.embeddings[0].model_id


def test_what_happened_is_recorded(played, files):
    pytest.importorskip('rosbags', reason='clips need mcap and rosbags: make test')
    from vljepa_ros.recordings.opening import open_recording

    wait_until(lambda: list((files / 'clips').glob('clip_*')))
    # The last event comes long after the others, in a clip of its own.
    wait_until(lambda: len(list(open_recording(files / 'clips').events())) == len(played.events))
    recording = open_recording(files / 'clips')
    # The video is shorter than the seconds around its events, so all of it is kept.
    assert [(event.id, event.phase) for event in recording.events()] == [
        (event.id, event.phase) for event in played.events
    ]
    kept = [sample.stamp_ns for sample in recording.embeddings()]
    assert kept == [sample.stamp_ns for sample in played.embeddings]
    stamps = [image.stamp_ns for image in recording.images()]
    assert 50 <= len(stamps) <= 70  # of 6 s at 10 Hz
    assert recording.problems == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_last_segment_and_the_process(files, number, domain_id):
    events: list[Event] = []
    stamps: list[int] = []
    values = {'video': str(files / 'video.mp4'), 'loop': 'true'}
    log = files / 'signal_log'
    with (
        VljepaClient(context=Context()) as client,
        process('vljepa_ros.nodes.pipeline', *arguments(files, **values), log=log) as child,
    ):
        client.on_event(events.append)
        client.on_embedding(lambda sample: stamps.append(sample.stamp_ns))
        wait_until(lambda: events)
        wait_until(lambda: 'Up and running: ' in log.read_text())
        child.send_signal(number)
        assert child.wait(60.0) == 0
        wait_until(lambda: events[-1].phase == 'ENDED')
        assert len(events) % 2 == 0
        # What is published at the very end reaches the event node, too.
        wait_until(lambda: events[-1].stamp_ns == stamps[-1])
    assert log.read_text().count('Up and running: ') == 1
    assert 'Traceback' not in log.read_text()
    assert 'never retrieved' not in log.read_text()


def test_a_played_video_is_seen_from_its_first_frame(files, domain_id):
    # The recorder, which needs no model, subscribes to the images before perception does.
    values = {'video': str(files / 'video.mp4'), 'loop': 'false', 'record': 'true'}
    values['clip_folder'] = str(files / 'first_clips')
    samples: list[EmbeddingSample] = []
    with (
        VljepaClient(context=Context()) as client,
        process('vljepa_ros.nodes.pipeline', *arguments(files, **values), log=files / 'first_log'),
    ):
        client.on_embedding(samples.append)
        wait_until(lambda: samples)
        wait_until(lambda: 'first_stamp_ns' in client.diagnostics('camera'))
        begin_ns = int(client.diagnostics('camera')['first_stamp_ns'])
    # Discovery takes longer than the camera's first pictures, which are a thirtieth apart.
    assert 0 <= samples[0].clip_start_ns - begin_ns < SECOND_NS // 2


def test_simulated_time(files, domain_id):
    values = {'video': str(files / 'video.mp4'), 'loop': 'true', 'use_sim_time': 'true'}
    log = files / 'simulated_log'
    stamps: list[int] = []
    with (
        open_graph() as graph,
        process('vljepa_ros.nodes.pipeline', *arguments(files, **values), log=log),
        VljepaClient(context=Context()) as client,
    ):
        client.on_embedding(lambda sample: stamps.append(sample.stamp_ns))
        clock = graph.publisher(Clock, '/clock', 10)
        assert client.wait_until_active('camera')
        assert client.wait_until_active('perception')
        now_ns = 900 * SECOND_NS

        def go_on() -> bool:
            nonlocal now_ns
            now_ns += SECOND_NS // 100
            clock.publish(Clock(clock=to_stamp(now_ns)))
            return len(stamps) >= 3

        wait_until(go_on)
        assert all(900 * SECOND_NS < stamp_ns <= now_ns for stamp_ns in stamps)
        latency_ms = wait_until(lambda: client.diagnostics('perception').get('latency_p50_ms'))
        assert 0.0 <= float(latency_ms) < 60_000.0


def test_a_wrong_parameter_file_leaves_the_other_nodes_working(files, tmp_path, domain_id):
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text('/**/perception:\n  ros__parameters:\n    rate_hz: fast\n')
    log = tmp_path / 'log'
    values = arguments(files, params_file=str(wrong))
    with (
        process('vljepa_ros.nodes.pipeline', *values, log=log) as child,
        VljepaClient(context=Context()) as client,
    ):
        assert client.wait_until_active('event')
        assert client.wait_until_active('world_model')
        assert client.state('perception') == 'unconfigured'
        assert 'rate_hz' in wait_until(
            lambda: client.diagnostics('perception').get('last_failure', '')
        )
        wait_until(lambda: 'Not active: /vljepa/perception\n' in log.read_text())
        assert child.poll() is None
    assert 'Up and running' not in log.read_text()
    assert 'allowed is a number from 0.1 to 100' in log.read_text()
    assert 'Traceback' not in log.read_text()
