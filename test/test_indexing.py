# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa index`: bags and videos in, moments that are found out; what is wrong fails alone."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from ros_graph import write_video
from untrained import build_untrained_checkpoint

pytest.importorskip('torch', reason='the model of the test needs PyTorch')
pytest.importorskip('lancedb', reason='the memory needs lancedb')
pytest.importorskip('rosbags', reason='recordings need mcap and rosbags: make test')

import recorded  # noqa: E402

from vljepa_ros.cli import main  # noqa: E402
from vljepa_ros.errors import ResourceNotFoundError  # noqa: E402
from vljepa_ros.indexing.local_readers import read_here  # noqa: E402
from vljepa_ros.indexing.reader import Reader, ReaderOptions  # noqa: E402
from vljepa_ros.indexing.sources import Source, sources_in  # noqa: E402
from vljepa_ros.inference.loading import identity_of  # noqa: E402
from vljepa_ros.memory.memory import Memory  # noqa: E402
from vljepa_ros.memory.row import Kind, Row  # noqa: E402
from vljepa_ros.memory.search import Hit, Search  # noqa: E402
from vljepa_ros.recordings.clip_config import ClipConfig  # noqa: E402
from vljepa_ros.stream.encoded_images import decode_image  # noqa: E402

CUP, DRAWER = np.eye(256, dtype=np.float32)[:2]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> str:
    return str(build_untrained_checkpoint(tmp_path_factory.mktemp('indexing') / 'model'))


@pytest.fixture
def recordings(tmp_path) -> Path:
    """A folder with a clip that holds embeddings, a video, and a file that is no video."""
    folder = tmp_path / 'recordings'
    recorder = recorded.Recorder(folder / 'robot' / 'clips', ClipConfig(after_s=60.0))
    for second in range(2, 20):
        recorder.play(second + 0.05)
        vector = CUP if second < 10 else DRAWER
        recorder.recorder.add(recorded.embedding(float(second), vector, camera='front'))
        if second == 4:
            begun = recorded.event(4.0, 'a', 'STARTED', start=2.0, camera='front', text='a cup')
            recorder.recorder.started('a', begun, age_s=2.0)
    recorder.close()
    (folder / 'videos').mkdir()
    write_video(folder / 'videos' / 'video.mp4', scenes=[0, 1], frames=45)
    (folder / 'videos' / 'broken.mp4').write_bytes(b'no video')
    return folder


def read(source: Source, options: ReaderOptions) -> tuple[list[Row], list[str]]:
    """Return the rows of a recording, and its problems."""
    parts = list(Reader(options).read(source.path))
    assert [part.is_last for part in parts] == [False] * (len(parts) - 1) + [True]
    shares = [part.share for part in parts]
    assert shares == sorted(shares)
    return [row for part in parts for row in part.rows], [
        problem for part in parts for problem in part.problems
    ]


def test_a_folder_holds_recordings_of_any_kind_and_depth(recordings):
    (recordings / 'images').mkdir()
    shutil.copy(next(recordings.rglob('*.mp4')), recordings / 'images' / 'IN_CAPITALS.MP4')
    (recordings / 'images' / '1.png').write_bytes(b'')
    (recordings / '.hidden').mkdir()
    (recordings / '.hidden' / 'a.mcap').write_bytes(b'')
    found = sources_in([recordings, recordings / 'videos' / 'video.mp4'])
    (clip,) = (recordings / 'robot' / 'clips').glob('clip_*')
    assert [source.path for source in found] == sorted(
        [
            clip,
            *(recordings / 'videos' / name for name in ('broken.mp4', 'video.mp4')),
            recordings / 'images',
            recordings / 'images' / 'IN_CAPITALS.MP4',
        ]
    )
    before = {source.path: source.version for source in found}
    write_video(recordings / 'videos' / 'video.mp4', scenes=[0], frames=5)
    changed = [one.path for one in sources_in([recordings]) if before[one.path] != one.version]
    assert changed == [recordings / 'videos' / 'video.mp4']


@pytest.mark.parametrize(('name', 'words'), [('none', 'no recording'), ('', 'holds no recording')])
def test_what_holds_no_recording_is_said(tmp_path, name, words):
    with pytest.raises(ResourceNotFoundError, match=words):
        sources_in([tmp_path / name])


def test_embeddings_of_the_model_are_taken_as_they_are(recordings):
    (source,) = sources_in([recordings / 'robot'])
    rows, problems = read(source, ReaderOptions(model_id=recorded.MODEL_ID, model='not needed'))
    assert problems == []
    embeddings = [row for row in rows if row.kind is Kind.EMBEDDING]
    # Nothing changes but once: a row each, as long as it lasts.
    assert [row.camera for row in embeddings] == ['front', 'front']
    assert [row.recording for row in embeddings] == [source.name] * 2
    assert embeddings[0].end_ns == recorded.at(9.0)
    assert embeddings[1].stamp_ns == recorded.at(10.0)
    assert embeddings[1].end_ns == recorded.at(19.0)
    picture = decode_image(embeddings[1].thumbnail, 'jpeg', least_side=0).pixels
    assert abs(picture.mean() - recorded.picture(10.0).mean()) < 1.0, 'its own image'
    (event,) = (row for row in rows if row.kind is Kind.EVENT)
    assert (event.text, event.start_ns) == ('a cup', recorded.at(2.0))
    assert event.end_ns > recorded.at(18.0), 'it has not ended'


def test_other_recordings_are_watched_by_the_model(recordings, checkpoint):
    (clip,) = sources_in([recordings / 'robot'])
    (video,) = sources_in([recordings / 'videos' / 'video.mp4'])
    options = ReaderOptions(model_id=identity_of(checkpoint), model=checkpoint, backend='torch')
    for source, camera in ((clip, recorded.IMAGES.name), (video, 'video')):
        rows, problems = read(source, options)
        assert problems == []
        assert {row.kind for row in rows} == {Kind.EMBEDDING, Kind.EVENT}
        assert {row.camera for row in rows} == {camera}
        assert {row.model_id for row in rows} == {options.model_id}
        assert all(row.thumbnail for row in rows if row.kind is Kind.EMBEDDING)


@pytest.mark.slow
def test_a_recording_fails_alone_and_so_does_a_process(recordings, checkpoint):
    sources = sources_in([recordings])
    options = ReaderOptions(model_id=recorded.MODEL_ID, model=checkpoint, backend='torch')
    failures = {}
    is_killed = False
    for source, part in read_here(sources, options, jobs=1):
        if not is_killed and 'clips' in source.name and part.is_last:
            # The process that will read the next one is gone, as if memory had run out.
            (child,) = multiprocessing.active_children()
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            is_killed = True
        if part.is_last:
            failures[source.path.name.split('_')[0]] = part.failure
    assert failures['clip'] == ''
    assert 'cannot be decoded as a video' in failures['broken.mp4'] or (
        'has ended with status -9' in failures['broken.mp4']
    )
    assert failures['video.mp4'] == ''
    assert is_killed


@pytest.mark.slow
def test_the_command_fills_a_memory_once(recordings, checkpoint, tmp_path, capfd):
    memory = tmp_path / 'memory'
    command = ['index', str(recordings), '--memory', str(memory), '--model', checkpoint]
    command += ['--backend', 'torch', '--jobs', '2']
    assert main(command) == 1
    output = capfd.readouterr()
    assert 'cannot be decoded as a video' in output.err
    assert '2 recordings, ' in output.out
    hits = found(memory, identity_of(checkpoint))
    assert {Path(hit.recording).name.split('_')[0] for hit in hits} == {'clip', 'video.mp4'}
    (recordings / 'videos' / 'broken.mp4').unlink()
    assert main([*command, '--jobs', '-1']) == 1
    assert '--jobs is -1' in capfd.readouterr().err
    assert main([*command, '--query', 'captoin']) == 1
    assert "has no query 'captoin'" in capfd.readouterr().err
    assert main(command) == 0
    output = capfd.readouterr()
    assert '2 of 2 recordings are in the memory already' in output.out
    assert '0 recordings, 0 rows' in output.out
    assert len(found(memory, identity_of(checkpoint))) == len(hits)


def found(memory: Path, model_id: str) -> list[Hit]:
    with Memory(str(memory)) as opened:
        return opened.search(Search(CUP, model_id, limit=100))


@pytest.mark.slow
def test_a_ray_cluster_finds_the_same(recordings, checkpoint, tmp_path, capfd, monkeypatch):
    pytest.importorskip('ray', reason='needs ray')
    from ray.cluster_utils import Cluster

    monkeypatch.setenv('RAY_worker_niceness', '0')  # busy cores leave nothing to nice processes
    (recordings / 'videos' / 'broken.mp4').unlink()
    model = ['--model', checkpoint, '--backend', 'torch', '--threads', '1']
    cluster = Cluster(initialize_head=True, head_node_args={'num_cpus': 2})
    try:
        for name, where in (('here', []), ('ray', ['--ray', cluster.address])):
            command = ['index', str(recordings), '--memory', str(tmp_path / name), *model]
            assert main([*command, *where]) == 0, capfd.readouterr().err
    finally:
        cluster.shutdown()
    identity = identity_of(checkpoint)
    here, there = (
        [(hit.camera, hit.start_ns, hit.end_ns) for hit in found(tmp_path / name, identity)]
        for name in ('here', 'ray')
    )
    assert here
    assert here == there
    command[3] = str(tmp_path / 'nowhere')
    assert main([*command, '--ray', '127.0.0.1:1']) == 1
    assert "There is no Ray cluster at '127.0.0.1:1'" in capfd.readouterr().err
