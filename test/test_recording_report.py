# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa report`: one page with what a recording shows, safe to open and without the network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import recorded
from recorded import MODEL_ID, Recorder, at

from vljepa_ros import cli
from vljepa_ros.recordings import messages
from vljepa_ros.recordings.recording import RecordedEmbedding, RecordedEvent
from vljepa_ros.recordings.rosbags_library import StoragePlugin, Writer
from vljepa_ros.report.content import add_embeddings, streams_of
from vljepa_ros.report.timeline import curve_points
from vljepa_ros.report.times import Period, clock_time

NASTY = '</script><img src=x onerror="alert(1)"> & "the red cube"'


class Elements(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._within: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in ('meta', 'img', 'input'):
            self._within.append(dict(attributes).get('class') or tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        self._within.pop()

    def handle_data(self, data: str) -> None:
        if self._within:
            self.texts.setdefault(self._within[-1], []).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope='module')
def page(tmp_path_factory) -> str:
    """Return the page of a folder of clips: three segments, the last one with a nasty text."""
    folder = tmp_path_factory.mktemp('report')
    recorder = Recorder(folder / 'clips')
    changes = [(10.0, 'a', 'nothing happens'), (40.0, 'b', NASTY), (70.0, 'c', 'nothing happens')]
    for number, (seconds, segment, text) in enumerate(changes):
        while recorder._frames / 10 < seconds:
            recorder.play(recorder._frames / 10 + 0.05)
            now = (recorder._frames - 1) / 10
            recorder.recorder.add(recorded.embedding(now, np.eye(8)[max(0, number - 1)]))
        if number:
            since, before, said = changes[number - 1]
            ended = recorded.event(seconds, before, 'ENDED', start=since, text=said)
            recorder.recorder.ended(before, ended, age_s=0.0)
        started = recorded.event(seconds, segment, 'STARTED', start=seconds, text=text)
        recorder.recorder.started(segment, started, age_s=0.0)
    recorder.play(90)
    recorder.close()
    assert cli.main(['report', str(folder / 'clips'), '--out', str(folder / 'page.html')]) == 0
    return (folder / 'page.html').read_text(encoding='utf-8')


def test_the_page_needs_nothing_else_and_lets_no_text_act(page):
    elements = Elements(page)
    addresses = [
        value
        for _, attributes in elements.tags
        for name, value in attributes.items()
        if name in ('src', 'href', 'srcset', 'action', 'data')
    ]
    assert addresses
    assert all(re.match(r'data:image/jpeg;base64,|#s\d+$', str(value)) for value in addresses)
    assert not [name for _, item in elements.tags for name in item if name.startswith('on')]
    assert 'http' not in re.sub(r'http-equiv', '', page)
    # Only what is in the page may run: the policy names its digest.
    (policy,) = [item['content'] for item in elements.of('meta') if 'http-equiv' in item]
    for tag in ('style', 'script'):
        (content,) = re.findall(rf'<{tag}>(.*?)</{tag}>', page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in str(policy)
    assert "default-src 'none'" in str(policy)


def test_every_segment_has_its_text_time_and_picture(page):
    elements = Elements(page)
    cards = [item for item in elements.of('li') if item.get('class') == 'card']
    assert len(cards) == 3
    texts = [''.join(elements.texts['text'])]
    assert texts == [f'nothing happens{NASTY}nothing happens']
    assert elements.texts['time'] == ['0:00.7 to 0:30.7', '0:30.7 to 1:00.7', '1:00.7 to 1:00.7']
    pictures = elements.of('img')
    assert len(pictures) == 3
    greys = []
    for picture in pictures:
        data = base64.b64decode(str(picture['src']).split(',')[1])
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        greys.append(int(np.median(decoded)))
    # Of what is recorded of 10 to 40 s, 15 s is nearest to the middle; then 45 s or 65 s.
    assert greys[0] == 20 + 2 * 15
    assert greys[1] in (20 + 2 * 45, 20 + 2 * 65)
    assert greys[2] == 20 + 2 * 70
    bars = elements.of('rect')
    # The page begins with the first clip's first image, 0.7 s before its middle.
    assert [bar['x'] for bar in bars] == ['1.153%', '50.577%', '100.000%']
    assert [bar['class'] for bar in bars] == ['bar c0', 'bar c1', 'bar c0']


def test_similar_segments_can_be_told(page):
    (content,) = re.findall(r'id="vectors">(.*?)</script>', page, re.DOTALL)
    vectors = json.loads(content)
    assert (vectors['segments'], vectors['width']) == ([0, 1], 8)
    steps = np.frombuffer(base64.b64decode(vectors['data']), dtype=np.int8).reshape(2, 8)
    assert steps[0].argmax() != steps[1].argmax()


def event(segment: str, phase: str, start: float, end: float, text: str = '') -> RecordedEvent:
    moments = (at(end), at(end), 'lens', segment, phase, at(start), at(end))
    return RecordedEvent(*moments, text, 0.5, 'DECODER', 0.3, 'camera', 'caption', MODEL_ID)


def embedding(seconds: float, vector: np.ndarray, model_id: str = MODEL_ID) -> RecordedEmbedding:
    moment = at(seconds)
    key = (moment, moment, 'lens', 'camera', 'caption', model_id)
    return RecordedEmbedding(*key, moment, moment, vector.astype(np.float32))


def test_what_events_tell_is_joined():
    (stream,) = streams_of(
        [
            event('a', 'STARTED', 0.0, 1.0, 'first guess'),
            event('a', 'ENDED', 0.0, 5.0, 'known better'),
            event('b', 'STARTED', 5.0, 6.0),  # its end is not recorded
            event('c', 'ENDED', 9.0, 12.0),  # its start is not recorded
            event('d', 'STARTED', 12.0, 13.0),
        ]
    )
    assert [(item.id, item.start_ns, item.end_ns) for item in stream.segments] == [
        ('a', at(0), at(5)),
        ('b', at(5), at(9)),
        ('c', at(9), at(12)),
        ('d', at(12), at(13)),
    ]
    assert stream.segments[0].text == 'known better'
    one, other = np.eye(4)[:2]
    problems: list[str] = []
    add_embeddings(
        [stream],
        [
            *(embedding(seconds, one) for seconds in (1.0, 2.0, 3.0)),
            embedding(5.0, other),
            embedding(6.0, other),
            embedding(7.0, one, model_id='another'),
            embedding(8.0, np.full(4, np.nan)),
            embedding(15.0, one),
        ],
        problems,
    )
    np.testing.assert_allclose(stream.distances, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0], atol=1e-6)
    assert stream.segments[-1].end_ns == at(15), 'the last segment goes on as far as anything'
    assert problems == [
        '2 embeddings are left out: they are of another model than the events, or not finite'
    ]
    points = curve_points(stream, Period(at(0), at(15)))
    assert max(points, key=lambda point: point[1])[0] == pytest.approx(5 / 15, abs=2e-3)


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [(0.0, '0:00.0'), (59.96, '1:00.0'), (3599.9, '59:59.9'), (3723.44, '1:02:03.4')],
)
def test_times(seconds, text):
    assert clock_time(seconds) == text


@pytest.mark.parametrize('length_s', [0.5, 3.0, 61.0, 4000.0, 86400.0 * 400])
def test_an_axis_has_few_round_marks(length_s):
    marks = Period(at(0), at(length_s)).marks()
    assert 1 <= len(marks) <= 7
    assert marks[0] == (0.0, '0:00')
    assert all(0.0 <= share <= 1.0 for share, _ in marks)


def test_a_video_is_watched_by_the_model(tmp_path, capsys):
    pytest.importorskip('torch', reason='the model of the test needs PyTorch')
    from untrained import build_untrained_checkpoint

    model = build_untrained_checkpoint(tmp_path / 'model')
    writer = cv2.VideoWriter(
        str(tmp_path / 'video.mp4'), cv2.VideoWriter.fourcc(*'mp4v'), 10.0, (64, 48)
    )
    for step in range(40):
        writer.write(np.random.default_rng(step // 20).integers(0, 255, (48, 64, 3), np.uint8))
    writer.release()
    out = tmp_path / 'page.html'
    command = ['report', str(tmp_path / 'video.mp4'), '--out', str(out), '--model', str(model)]
    assert cli.main([*command, '--backend', 'torch', '--threads', '1']) == 0
    assert '1 segments' in capsys.readouterr().out
    text = out.read_text(encoding='utf-8')
    assert text.count('<img class="picture"') == 1
    assert 'has watched its images' in text
    # The video has 40 images at 10 Hz, and the segment begins in the middle of the first clip.
    assert '0:00.7 to' in text, 'times are those of the video'


def write_images(path: Path, *, count: int) -> Path:
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection('/i', messages.IMAGE, typestore=messages.typestore())
        for step in range(count):
            record = recorded.raw_image(step / 10)
            writer.write(connection, record.logged_ns, record.data)
    return path


def test_without_anything_to_show_the_reason_is_said(tmp_path, capsys):
    pytest.importorskip('torch', reason='the model of the test needs PyTorch')
    assert cli.main(['report', str(tmp_path / 'nowhere')]) == 1
    assert 'There is no recording' in capsys.readouterr().err
    with Writer(tmp_path / 'empty', version=8, storage_plugin=StoragePlugin.MCAP):
        pass
    assert cli.main(['report', str(tmp_path / 'empty')]) == 1
    assert 'has neither events nor images' in capsys.readouterr().err
    short = write_images(tmp_path / 'short', count=5)
    assert cli.main(['report', str(short), '--threads', '1']) == 1
    assert 'too few images for a clip' in capsys.readouterr().err
