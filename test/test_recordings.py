# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of every kind behind one interface, and what is wrong with them in words."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pytest
import recorded
from recorded import START_NS, Recorder, at

pytest.importorskip('mcap', reason='recordings need mcap: make test')

from vljepa_ros.errors import (  # noqa: E402
    ImageError,
    RecordingError,
    ResourceNotFoundError,
    VljepaError,
)
from vljepa_ros.recordings import messages  # noqa: E402
from vljepa_ros.recordings.opening import open_recording  # noqa: E402
from vljepa_ros.recordings.recording import Recording  # noqa: E402
from vljepa_ros.recordings.rosbags_library import StoragePlugin, Writer  # noqa: E402

FORMS = ('mcap', 'mcap file', 'sqlite3', 'db3 file', 'sqlite3 version 9', 'without metadata')


def write_bag(folder: Path, *, plugin: StoragePlugin, version: int = 8, seconds: int = 30) -> Path:
    """Write images, embeddings and an event with rosbags' own writer: MCAP in several chunks."""
    with Writer(folder, version=version, storage_plugin=plugin) as writer:
        connections = {
            topic: writer.add_connection(topic.name, topic.kind, typestore=messages.typestore())
            for topic in (recorded.RAW_IMAGES, recorded.EMBEDDINGS, recorded.EVENTS)
        }
        for step in range(seconds * 10):
            now = step / 10
            records = [recorded.raw_image(now)]
            if step % 2 == 0:
                records.append(recorded.embedding(now, np.eye(8)[step // 50 % 8]))
            if step == 50:
                records.append(recorded.event(now, 'a', 'STARTED', start=4.0))
            for record in records:
                writer.write(connections[record.topic], record.logged_ns, record.data)
    return folder


@pytest.fixture(scope='module')
def bags(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp('bags')
    bags = {
        'mcap': write_bag(folder / 'mcap', plugin=StoragePlugin.MCAP),
        'sqlite3': write_bag(folder / 'sqlite3', plugin=StoragePlugin.SQLITE3),
        'sqlite3 version 9': write_bag(folder / 'nine', plugin=StoragePlugin.SQLITE3, version=9),
    }
    bags['mcap file'] = bags['mcap'] / 'mcap.mcap'
    bags['db3 file'] = bags['sqlite3'] / 'sqlite3.db3'
    bags['without metadata'] = folder / 'without'
    bags['without metadata'].mkdir()
    shutil.copy(bags['mcap file'], bags['without metadata'])
    return bags


@pytest.mark.parametrize('form', FORMS)
def test_every_form_of_a_bag_reads_the_same(bags, form):
    recording = open_recording(bags[form])
    assert {(topic.name, topic.count) for topic in recording.topics} == {
        (recorded.RAW_IMAGES.name, 300),
        (recorded.EMBEDDINGS.name, 150),
        (recorded.EVENTS.name, 1),
    }
    for _ in range(2):  # again and again
        images = list(recording.images())
        assert [image.stamp_ns for image in images] == [at(step / 10) for step in range(300)]
    assert images[0].frame_id == 'lens'
    np.testing.assert_array_equal(images[70].read(0).rgb(), recorded.picture(7.0))
    embeddings = list(recording.embeddings())
    assert len(embeddings) == 150
    np.testing.assert_array_equal(embeddings[30].vector, np.eye(8, dtype=np.float32)[1])
    assert embeddings[0].moment_ns == at(-0.7)
    (event,) = recording.events()
    assert (event.id, event.phase, event.source, event.start_ns) == (
        'a',
        'STARTED',
        'DECODER',
        at(4),
    )
    assert list(recording.images(['/another'])) == []
    assert recording.problems == []
    recording.close()


def test_clips_are_one_recording_in_the_order_of_time(tmp_path):
    recorder = Recorder(tmp_path)
    for seconds in (10, 40, 70):
        recorder.play(seconds)
        recorder.started(seconds, f'{seconds}')
    recorder.play(90)
    recorder.close()
    recording = open_recording(tmp_path)
    stamps = [image.stamp_ns for image in recording.images()]
    assert stamps == sorted(stamps)
    assert len(stamps) == 3 * 111
    assert [event.id for event in recording.events()] == ['10', '40', '70']
    # One that cannot be read does not hide the others.
    cut(next(recorder.clips[1].glob('*.mcap')), 0.2)
    recording = open_recording(tmp_path)
    assert [event.id for event in recording.events()] == ['10', '70']
    (problem,) = recording.problems
    assert recorder.clips[1].name in problem


def test_a_video_and_a_folder_of_images(tmp_path):
    writer = cv2.VideoWriter(
        str(tmp_path / 'video.mp4'), cv2.VideoWriter.fourcc(*'mp4v'), 10.0, (64, 48)
    )
    for step in range(20):
        writer.write(recorded.picture(step))
    writer.release()
    pictures = tmp_path / 'pictures'
    pictures.mkdir()
    cv2.imwrite(str(pictures / '0.png'), recorded.picture(1.0))
    for path, count, second_ns in (
        (tmp_path / 'video.mp4', 20, 100_000_000),
        (pictures, 1, None),
    ):
        recording = open_recording(path)
        images = list(recording.images())
        assert len(images) == count
        assert images[0].stamp_ns == 0
        assert second_ns is None or images[1].stamp_ns == second_ns
        assert images[0].read(0).rgb().shape == (48, 64, 3)
        assert not [*recording.events(), *recording.embeddings()]


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def test_a_bag_that_was_cut_off_is_read_as_far_as_it_goes(bags, tmp_path):
    folder = tmp_path / 'mcap'
    shutil.copytree(bags['mcap'], folder)
    cut(folder / 'mcap.mcap', 0.9)
    for path in (folder, folder / 'mcap.mcap'):
        recording = open_recording(path)
        images = list(recording.images())
        assert 50 < len(images) < 300
        np.testing.assert_array_equal(images[50].read(0).rgb(), recorded.picture(5.0))
        assert len(list(recording.events())) == 1
        (problem,) = recording.problems
        assert 'mcap.mcap' in problem
        assert 'is cut off or damaged' in problem
        assert f'its first {(images[-1].logged_ns - START_NS) / 1e9:.1f} s' in problem


def test_damage_in_the_middle_is_said(bags, tmp_path):
    path = tmp_path / 'mcap.mcap'
    data = bytearray(bags['mcap file'].read_bytes())
    # The length of a message that leads out of its chunk; the next chunk is whole.
    middle = data.find(recorded.raw_image(2.0).data[:40])
    data[middle - 30 : middle - 22] = (5_000_000).to_bytes(8, 'little')
    path.write_bytes(data)
    recording = open_recording(path)
    for _ in range(2):
        count = len(list(recording.images()))
        assert 150 < count < 300
    damaged, unreadable = recording.problems
    assert damaged.startswith(f"'{path}' is damaged: ")
    assert damaged.endswith(f' of 300 messages of {recorded.RAW_IMAGES.name} are missing')
    assert unreadable.startswith(f'1 messages of {recorded.RAW_IMAGES.name} cannot be read')


def test_one_damaged_file_of_several_does_not_hide_the_others(bags, tmp_path):
    folder = tmp_path / 'several'
    folder.mkdir()
    shutil.copy(bags['mcap file'], folder / 'a.mcap')
    (folder / 'b.mcap').write_bytes(b'nothing of a bag')
    recording = open_recording(folder)
    assert len(list(recording.images())) == 300
    (problem,) = recording.problems
    assert 'b.mcap' in problem
    assert 'cannot be read as a recording' in problem


def test_a_message_that_cannot_be_read_is_left_out(tmp_path):
    store = messages.typestore()
    with Writer(tmp_path / 'bag', version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection('/e', messages.EVENT, typestore=store)
        good = recorded.event(1.0, 'a', 'STARTED', start=0.0)
        writer.write(connection, good.logged_ns, good.data)
        writer.write(connection, good.logged_ns + 1, good.data[:30])
    recording = open_recording(tmp_path / 'bag')
    assert [event.id for event in recording.events()] == ['a']
    assert recording.problems[0].startswith('1 messages of /e cannot be read')


def write_encoding(path: Path, encoding: str) -> Recording:
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        record = recorded.raw_image(1.0, encoding=encoding)
        connection = writer.add_connection('/i', messages.IMAGE, typestore=messages.typestore())
        writer.write(connection, record.logged_ns, record.data)
    return open_recording(path)


def test_encodings(tmp_path):
    pytest.importorskip('rosbags.image', reason='needs rosbags-image: make test')
    (image,) = write_encoding(tmp_path / 'bayer', 'bayer_rggb8').images()
    assert image.read(0).rgb().shape == (48, 64, 3)
    (image,) = write_encoding(tmp_path / 'unknown', 'secret16').images()
    with pytest.raises(ImageError, match="encoding 'secret16' cannot be converted"):
        image.read(0)


def make_wrong(folder: Path, name: str) -> Path:
    path = folder / name
    if name == 'empty':
        path.mkdir()
    elif name == 'no_data':
        path.mkdir()
        (path / 'metadata.yaml').write_text('rosbag2_bagfile_information: {version: 5}')
    elif name == 'broken.db3':
        sqlite3.connect(path).close()
        path.write_bytes(b'SQLite format 3\0 and nothing else')
    elif name != 'nowhere':
        path.write_bytes(b'no recording')
    return path


@pytest.mark.parametrize(
    ('name', 'kind', 'said'),
    [
        ('nowhere', ResourceNotFoundError, 'There is no recording .*nowhere.*give a folder of'),
        ('empty', ImageError, 'holds no image'),
        ('no_data', RecordingError, 'no_data.* cannot be read as a recording'),
        ('broken.mcap', RecordingError, r'broken\.mcap.*Nothing of it could be rescued'),
        ('broken.db3', RecordingError, r'broken\.db3.*recover'),
        ('old.bag', RecordingError, 'bag of ROS 1.*rosbags-convert'),
        ('film.mp4', ImageError, 'cannot be decoded as a video'),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, kind, said):
    with pytest.raises(kind, match=said) as raised:
        open_recording(make_wrong(tmp_path, name))
    assert isinstance(raised.value, VljepaError)
