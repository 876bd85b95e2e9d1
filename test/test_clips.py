# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Clips around events: what is in them, what they may take, and what a crash leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import recorded
from full_disk import files_of_at_most
from recorded import Recorder, at, image

pytest.importorskip('mcap', reason='recordings need mcap: make test')

from vljepa_ros.errors import ConfigurationError, RecordingError  # noqa: E402
from vljepa_ros.recordings import messages  # noqa: E402
from vljepa_ros.recordings.clip_config import ClipConfig  # noqa: E402
from vljepa_ros.recordings.clip_folder import UNFINISHED, ClipFolder  # noqa: E402
from vljepa_ros.recordings.opening import open_recording  # noqa: E402
from vljepa_ros.recordings.ring import Record, Ring  # noqa: E402


def span(clip: Path) -> tuple[float, ...]:
    """Return when the first and the last image of a clip were taken, in seconds."""
    stamps = [image.stamp_ns for image in open_recording(clip).images()]
    assert stamps == sorted(set(stamps)), 'an image is there twice'
    return tuple(round((stamp - at(0)) / 1e9, 3) for stamp in (stamps[0], stamps[-1]))


@pytest.mark.parametrize(
    ('happens', 'spans'),
    [
        # before_s 5 before the change, which was 1 s before the event; after_s 5 after it.
        ([('started', 20, 'a')], [(14.0, 25.0)]),
        # Nothing is there before the beginning.
        ([('started', 2, 'a')], [(0.0, 7.0)]),
        # The segment ends sooner.
        ([('started', 20, 'a'), ('ended', 22, 'a')], [(14.0, 22.0)]),
        # Another segment goes on.
        ([('started', 20, 'a'), ('ended', 22, 'a'), ('started', 22, 'b')], [(14.0, 27.0)]),
        # Overlapping events are one clip.
        ([('started', 20, 'a'), ('started', 24, 'b'), ('started', 28, 'c')], [(14.0, 33.0)]),
        # Near ones are two, and share no image: the second would begin at 21.
        ([('started', 20, 'a'), ('started', 27, 'b')], [(14.0, 25.0), (25.1, 32.0)]),
        # An end that comes long after is kept with what led to it.
        ([('started', 20, 'a'), ('ended', 40, 'a')], [(14.0, 25.0), (34.0, 40.0)]),
    ],
)
def test_a_clip_holds_the_seconds_around_events(tmp_path, happens, spans):
    recorder = Recorder(tmp_path)
    for what, seconds, segment in happens:
        recorder.play(seconds)
        recorder.play(seconds + 0.05)  # the image of that moment comes first
        getattr(recorder, what)(seconds, segment)
    recorder.play(50)
    recorder.close()
    assert recorder.problems == []
    assert [span(clip) for clip in recorder.clips] == spans
    events = [event.id for clip in recorder.clips for event in open_recording(clip).events()]
    assert events == [segment for _, _, segment in happens]


def test_a_long_clip_goes_on_in_the_next_one(tmp_path):
    recorder = Recorder(tmp_path, ClipConfig(after_s=25.0, max_clip_s=10.0))
    recorder.play(20)
    recorder.started(20, 'a')
    recorder.play(60)
    recorder.close()
    spans = [span(clip) for clip in recorder.clips]
    assert spans == [(14.0, 24.0), (24.1, 34.1), (34.2, 44.2), (44.3, 45.0)]


def test_a_clip_ends_without_another_message(tmp_path):
    recorder = Recorder(tmp_path)
    recorder.play(10)
    recorder.started(10, 'a')
    recorder.recorder.tick(at(14.9))
    assert recorder.recorder.is_open
    recorder.recorder.tick(at(15.1))
    recorder.recorder.flush()
    assert len(recorder.clips) == 1
    recorder.close()


def test_time_that_jumps_back_ends_the_clip_and_forgets_what_was_before(tmp_path):
    recorder = Recorder(tmp_path)
    recorder.play(20)
    recorder.started(20, 'a')
    recorder.play(22)
    recorder.play(24, offset=-20.0)  # a recording that starts again
    recorder.started(4, 'b')
    recorder.play(30, offset=-20.0)
    recorder.close()
    assert [span(clip) for clip in recorder.clips] == [(14.0, 21.9), (2.0, 9.0)]


def test_the_ring_is_bounded_in_time_and_bytes():
    ring = Ring(seconds=3.0, max_bytes=10**9)
    for step in range(100):
        ring.add(image(step / 10))
    assert not ring.cut_short
    taken = ring.take(at(8.0))
    assert [record.logged_ns for record in taken] == [at(step / 10) for step in range(80, 100)]
    assert [record.logged_ns for record in ring.take(0)] == [
        at(step / 10) for step in range(69, 80)
    ]
    assert ring.held_bytes == 0
    size = len(image(0.0).data)
    ring = Ring(seconds=3.0, max_bytes=10 * size)
    for step in range(100):
        ring.add(image(step / 10))
        assert ring.held_bytes <= 10 * size
    assert ring.cut_short
    assert len(ring.take(0)) == 10


def test_a_wrong_setting_is_refused():
    with pytest.raises(ConfigurationError, match='before_s -1'):
        ClipConfig(before_s=-1.0)


def test_other_libraries_read_the_same(tmp_path):
    """What rosbags wrote, Foxglove's own library reads, by the definitions in the file."""
    import cv2
    import yaml
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory

    recorder = Recorder(tmp_path)
    recorder.play(10)
    recorder.recorder.add(recorded.embedding(10.0, np.arange(1.0, 257.0)))
    recorder.started(10, 'a')
    recorder.play(20)
    recorder.close()
    (clip,) = recorder.clips
    with (clip / f'{clip.name}.mcap').open('rb') as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()], validate_crcs=True)
        assert reader.get_header().profile == 'ros2'
        found = list(reader.iter_decoded_messages())
        statistics = reader.get_summary().statistics
    by_topic = {channel.topic: (schema, message) for schema, channel, _, message in found}
    assert statistics.message_count == len(found)
    for topic in (recorded.IMAGES, recorded.EMBEDDINGS, recorded.EVENTS):
        schema, _ = by_topic[topic.name]
        assert (schema.name, schema.encoding) == (topic.kind, 'ros2msg')
    _, newest = by_topic[recorded.IMAGES.name]
    decoded = cv2.imdecode(np.frombuffer(newest.data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    np.testing.assert_allclose(decoded, recorded.picture(15.0), atol=1)
    _, vector = by_topic[recorded.EMBEDDINGS.name]
    assert np.linalg.norm(vector.data) == pytest.approx(1.0, abs=1e-5)
    _, event = by_topic[recorded.EVENTS.name]
    assert (event.id, event.phase, event.text) == ('a', 1, 'the robot opens the drawer')
    # What `ros2 bag info` and `ros2 bag play` go by.
    metadata = yaml.safe_load((clip / 'metadata.yaml').read_text())
    information = metadata['rosbag2_bagfile_information']
    assert information['version'] == 8
    assert information['storage_identifier'] == 'mcap'
    assert information['relative_file_paths'] == [f'{clip.name}.mcap']
    assert information['message_count'] == len(found)
    assert information['duration'] == {'nanoseconds': 11_000_000_000}
    offered = {
        topic['topic_metadata']['name']: yaml.safe_load(
            topic['topic_metadata']['offered_qos_profiles']
        )[0]
        for topic in information['topics_with_message_count']
    }
    assert offered[recorded.EVENTS.name]['durability'] == 1  # transient local
    assert offered[recorded.IMAGES.name]['durability'] == 2  # volatile


def test_the_definitions_are_those_that_ros_has_built():
    pytest.importorskip('rclpy', reason='needs ROS 2: make test, or source an installation')
    from rclpy.serialization import deserialize_message

    from vljepa_ros.interfaces import Embedding, SemanticEvent

    vector = np.arange(1.0, 5.0)
    ours = recorded.embedding(3.5, vector)
    theirs = deserialize_message(ours.data, Embedding)
    assert (theirs.camera, theirs.model_id, theirs.normalized) == (
        'camera',
        'tiny@0123456789ab',
        True,
    )
    np.testing.assert_allclose(theirs.data, vector / np.linalg.norm(vector), rtol=1e-6)
    event = deserialize_message(recorded.event(3.0, 'a', 'ENDED', start=1.0).data, SemanticEvent)
    assert (event.id, event.phase, event.start.sec) == ('a', SemanticEvent.ENDED, at(1) // 10**9)


@pytest.mark.parametrize('kind', [messages.EMBEDDING, messages.EVENT])
def test_the_hashes_of_types_are_those_that_ros_has_built(kind):
    index = pytest.importorskip('ament_index_python.packages', reason='needs ROS 2: make test')
    built = Path(index.get_package_share_directory('vljepa_ros'), *kind.split('/')[1:])
    if not built.with_suffix('.json').is_file():
        pytest.skip('types have hashes from Iron on')
    described = json.loads(built.with_suffix('.json').read_text(encoding='utf-8'))
    hashes = {item['type_name']: item['hash_string'] for item in described['type_hashes']}
    assert messages.typestore().hash_rihs01(kind) == hashes[kind]


def test_the_oldest_clips_go_when_the_quota_is_full(tmp_path):
    (tmp_path / 'clip_2020_01_01-00_00_00_000').mkdir()
    (tmp_path / 'clip_2020_01_01-00_00_00_000' / 'mine.txt').write_text('not a clip')
    quota = 300_000

    def noise(seconds: float) -> Record:
        return recorded.raw_image(seconds)  # 9 kB each

    recorder = Recorder(tmp_path, ClipConfig(before_s=0.0, after_s=1.0), quota_bytes=quota)
    for number in range(5):
        recorder.play(5 + 5 * number, make=noise)
        recorder.started(5 + 5 * number, f'{number}', age=0.0)
        recorder.recorder.flush()
        assert sum(file.stat().st_size for file in tmp_path.rglob('*.mcap')) <= quota
    recorder.play(30, make=noise)
    recorder.close()
    assert recorder.problems == []
    assert len(recorder.clips) == 5
    assert [clip for clip in recorder.clips if clip.exists()] == recorder.clips[-2:]
    assert recorder.folder.clips == recorder.clips[-2:]
    assert (tmp_path / 'clip_2020_01_01-00_00_00_000' / 'mine.txt').exists()


def test_a_clip_larger_than_the_quota_leaves_its_newest_part(tmp_path):
    recorder = Recorder(tmp_path, ClipConfig(after_s=20.0), quota_bytes=300_000)
    recorder.play(5, make=recorded.raw_image)
    recorder.started(5, 'a')
    recorder.play(30, make=recorded.raw_image)
    recorder.close()
    assert recorder.problems == []
    assert sum(file.stat().st_size for file in tmp_path.rglob('*') if file.is_file()) < 310_000
    assert span(recorder.clips[-1])[1] == pytest.approx(25.0)


def test_a_full_disk_is_said_and_the_next_event_is_tried_again(tmp_path):
    recorder = Recorder(tmp_path, ClipConfig(before_s=2.0, after_s=2.0))
    recorder.play(5, make=recorded.raw_image)
    with files_of_at_most(100_000):
        recorder.started(5, 'a')
        recorder.play(8, make=recorded.raw_image)
        recorder.recorder.flush()
    assert len(recorder.problems) == 1
    assert 'File too large' in recorder.problems[0]
    assert 'Free space' in recorder.problems[0]
    assert list((tmp_path / UNFINISHED).iterdir()) == []
    recorder.play(12, make=recorded.raw_image)
    recorder.started(12, 'b')
    recorder.play(20, make=recorded.raw_image)
    recorder.close()
    assert len(recorder.problems) == 1
    assert [span(clip) for clip in recorder.clips] == [(9.0, 14.0)]


def test_a_slow_disk_loses_messages_and_counts_them(tmp_path):
    size = len(recorded.raw_image(0.0).data)
    recorder = Recorder(tmp_path, ClipConfig(before_s=0.0, buffer_bytes=5 * size))
    with recorder.recorder._changed:  # the thread cannot go on meanwhile
        recorder.started(0.0, 'a', age=0.0)
        recorder.play(2, make=recorded.raw_image)
    assert recorder.recorder.counts.lost == 16  # of 20; the event takes a part of the buffer
    recorder.close()
    assert len(list(open_recording(recorder.clips[0]).images())) == 4


CRASH = """
    import os, signal, sys
    from pathlib import Path
    sys.path.insert(0, {test!r})
    import recorded
    from vljepa_ros.recordings.clip_config import ClipConfig
    recorder = recorded.Recorder(Path({folder!r}), ClipConfig(after_s=60.0))
    recorder.play(20, make=recorded.raw_image)
    recorder.started(20, 'a')
    recorder.play({until}, make=recorded.raw_image)
    recorder.recorder.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(('until', 'kept'), [(21, False), (60, True)])
def test_what_a_crash_leaves_is_recovered_or_removed(tmp_path, until, kept):
    code = CRASH.format(test=str(Path(__file__).parent), folder=str(tmp_path), until=until)
    killed = subprocess.run([sys.executable, '-c', textwrap.dedent(code)], env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert list(tmp_path.glob('clip_*')) == [], 'a clip that is not complete is not seen'
    assert len(list((tmp_path / UNFINISHED).iterdir())) == 1
    said: list[str] = []
    folder = ClipFolder(tmp_path, quota_bytes=10**9, say=said.append)
    assert list((tmp_path / UNFINISHED).iterdir()) == []
    assert len(said) == 1
    if kept:
        (clip,) = folder.clips
        first, last = span(clip)
        assert first == pytest.approx(14.0)
        assert last > 50.0, 'a part of a megabyte is lost at most'
        assert [event.id for event in open_recording(clip).events()] == ['a']
        assert open_recording(clip).problems == []
        assert 'recovered' in said[0]
    else:
        assert folder.clips == []
        assert 'removed' in said[0]
    folder.close()


def test_two_recorders_do_not_share_a_folder(tmp_path):
    folder = ClipFolder(tmp_path, quota_bytes=10**9)
    with pytest.raises(RecordingError, match='Another process writes clips'):
        ClipFolder(tmp_path, quota_bytes=10**9)
    folder.close()
    ClipFolder(tmp_path, quota_bytes=10**9).close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(RecordingError, match='cannot be written.*Give another'):
        ClipFolder(tmp_path / 'file' / 'clips', quota_bytes=10**9)


def test_without_rosbags_the_error_names_the_command():
    code = """
import sys
sys.modules['rosbags'] = None
from vljepa_ros.errors import MissingDependencyError
try:
    import vljepa_ros.recordings.clip_recorder
except MissingDependencyError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert 'pip install rosbags mcap' in result.stdout, result.stderr
