# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa eval --manifest`: a user's own videos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from training.evaluation.manifest_clips import VideoFrames, spread_clips
from training.evaluation.manifest_file import Line, parse_line, read_lines
from training.evaluation.manifest_scores import Answer, score_answers
from training.evaluation.test_set import View
from vljepa_ros.errors import ConfigurationError, ResourceNotFoundError

VIEW = View(fps=5.0, size=128, clip_frames=8)


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """A video of 4 s whose brightness says the time, beside a folder of images."""
    made = tmp_path_factory.mktemp('videos')
    writer = cv2.VideoWriter(
        str(made / 'v.mp4'), cv2.VideoWriter.fourcc(*'mp4v'), 30.0, (160, 120)
    )
    for index in range(120):
        writer.write(np.full((120, 160, 3), 2 * index, np.uint8))
    writer.release()
    (made / 'images').mkdir()
    for index in range(12):
        cv2.imwrite(
            str(made / 'images' / f'{index:03d}.png'), np.full((90, 90, 3), index, np.uint8)
        )
    return made


def line(folder: Path, **row: Any) -> Line:
    return parse_line(json.dumps({'video': 'v.mp4', **row}), number=7, folder=folder)


# ---- the file -----------------------------------------------------------------------------------


def test_a_line_with_everything(folder):
    found = line(
        folder,
        start_s=1,
        end_s=3.0,
        caption=['a', ' b ', 'a'],
        label='pick',
        question='what?',
        answer='x',
        candidates=['x', 'y'],
        action='lift',
        initial_s=1.5,
        goal_s=2.5,
    )
    assert found.video == folder / 'v.mp4'
    assert found.captions == ('a', 'b')
    assert (found.start_s, found.end_s, found.initial_s, found.goal_s) == (1.0, 3.0, 1.5, 2.5)
    assert found.texts == {'a', 'b', 'pick', 'x', 'y', 'lift'}


def test_an_action_lasts_from_the_start_to_the_end_unless_it_says_otherwise(folder):
    found = line(folder, action='lift', start_s=1.0, end_s=2.0)
    assert (found.initial_s, found.goal_s) == (1.0, 2.0)
    assert found.candidates == ()


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        ('{', 'not JSON'),
        ('[]', 'a list where a JSON object must be'),
        ('{"label": "x"}', 'video is None'),
        ('{"video": "no.mp4", "label": "x"}', 'there is no video'),
        ('{"video": "v.mp4"}', 'nothing to measure; give one of caption, label'),
        ('{"video": "v.mp4", "label": " "}', "label is ' '; it must be a text"),
        ('{"video": "v.mp4", "label": 3}', 'label is 3'),
        ('{"video": "v.mp4", "caption": []}', 'a text or a list of texts'),
        ('{"video": "v.mp4", "caption": ["a", 1]}', 'a text or a list of texts'),
        ('{"video": "v.mp4", "label": "x", "start_s": "1"}', "start_s is '1'"),
        ('{"video": "v.mp4", "label": "x", "start_s": -1}', 'start_s is -1'),
        ('{"video": "v.mp4", "label": "x", "start_s": NaN}', 'start_s is nan'),
        ('{"video": "v.mp4", "label": "x", "start_s": true}', 'start_s is True'),
        ('{"video": "v.mp4", "label": "x", "start_s": 2, "end_s": 2}', 'the first must be less'),
        ('{"video": "v.mp4", "action": "x", "initial_s": 3, "goal_s": 1}', 'initial_s and goal_s'),
        ('{"video": "v.mp4", "question": "x"}', 'question and answer belong together'),
        (
            '{"video": "v.mp4", "question": "x", "answer": "a", "candidates": ["b"]}',
            "'a', is not among the candidates",
        ),
    ],
)
def test_what_is_wrong_with_a_line_is_said(folder, text, named):
    with pytest.raises(ConfigurationError) as raised:
        parse_line(text, number=1, folder=folder)
    assert named in str(raised.value)


def test_bad_lines_are_numbered_and_blank_ones_do_not_matter(folder):
    path = folder / 'm.jsonl'
    path.write_text('\n{"video": "v.mp4", "label": "x"}\n\n{oops\n', encoding='utf-8')
    rows = list(read_lines(path))
    assert [(number, found is not None) for number, found, _ in rows] == [(2, True), (4, False)]
    assert 'not JSON' in rows[1][2]


def test_a_manifest_that_is_none(folder):
    with pytest.raises(ResourceNotFoundError, match='no manifest'):
        list(read_lines(folder / 'no.jsonl'))
    with pytest.raises(ConfigurationError, match='not UTF-8 text'):
        list(read_lines(folder / 'v.mp4'))


# ---- clips --------------------------------------------------------------------------------------


def test_clips_spread_over_a_long_part_and_stretch_over_a_short_one():
    clips = spread_clips(np.arange(100, 140), 8)
    assert clips[:, 0].tolist() == [100, 108, 116, 124, 132]
    assert (np.diff(clips, axis=1) == 1).all()
    assert spread_clips(np.arange(12), 8).tolist() == [list(range(2, 10))]
    assert spread_clips(np.arange(1000), 8).shape == (8, 8)
    assert spread_clips(np.array([3, 4, 5, 6]), 8).tolist() == [[3, 3, 4, 4, 5, 5, 6, 6]]


def test_a_part_of_a_video_is_seen_at_the_rate_of_the_clip(folder):
    wanted = line(folder, label='x', start_s=1.0, end_s=2.7)
    frames = VideoFrames(folder / 'v.mp4', [wanted], VIEW)
    clips = frames.clips(wanted)
    assert clips.shape == (1, 8, 128, 128, 3)
    # Brightness is 60 a second; the clip lies in the middle of the part, 5 frames a second.
    levels = clips[0].mean(axis=(1, 2, 3))
    assert np.diff(levels) == pytest.approx(12.0, abs=2.0)
    assert levels[0] >= 60.0 - 4.0
    assert levels[-1] <= 2.7 * 60.0 + 4.0


def test_the_pictures_around_an_action(folder):
    wanted = line(folder, action='x', initial_s=0.5, goal_s=3.0)
    clip = VideoFrames(folder / 'v.mp4', [wanted], VIEW).transition(wanted)
    levels = clip.mean(axis=(1, 2, 3))
    assert levels == pytest.approx([30.0] * 4 + [180.0] * 4, abs=9.0)
    whole = line(folder, action='x')
    last = VideoFrames(folder / 'v.mp4', [whole], VIEW).transition(whole)
    assert last[-1].mean() > 220.0


def test_a_folder_of_images_is_a_video(folder):
    wanted = parse_line('{"video": "images", "label": "x"}', number=1, folder=folder)
    assert VideoFrames(folder / 'images', [wanted], VIEW).clips(wanted).shape[0] == 1


def test_a_part_after_the_end_is_refused(folder):
    late = line(folder, label='x', start_s=9.0)
    frames = VideoFrames(folder / 'v.mp4', [late], VIEW)
    with pytest.raises(ConfigurationError, match='the video ends at 3.8'):
        frames.clips(late)
    with pytest.raises(ConfigurationError, match='initial_s is 9'):
        frames.transition(late)


# ---- scores -------------------------------------------------------------------------------------


def test_all_tasks_on_known_embeddings(folder):
    names = ['pick', 'push', 'yes', 'no', 'one', 'two', 'lift', 'slide']
    texts = dict(zip(names, np.eye(8), strict=True))
    rows = [
        line(folder, label='pick', caption='one', question='?', answer='yes', action='lift'),
        line(folder, label='push', caption=['two', 'one'], question='?', answer='no'),
        line(folder, label='push', action='slide', candidates=['slide', 'lift']),
    ]
    caption = [texts['pick'] + 2 * texts['one'], texts['pick'] + texts['two'], texts['push']]
    answers = [
        Answer(rows[0], 0, caption[0], texts['yes'], texts['lift']),
        Answer(rows[1], 1, caption[1], texts['yes'], None),
        Answer(rows[2], 1, caption[2], None, texts['lift']),
    ]
    measured = score_answers(answers, texts)
    scores = {name: score.value for name, score in measured.scores.items()}
    assert scores['classification'] == pytest.approx(2 / 3)
    assert scores['classification:majority'] == pytest.approx(2 / 3)
    assert scores['vqa'] == 0.5
    assert scores['action_inference'] == 0.5
    assert scores['action_inference:chance'] == 0.5
    # 'one' belongs to both lines, so neither is a wrong answer to the other.
    assert scores['retrieval_r1'] == 1.0
    assert measured.raw['classification']['answer'] == ['pick', 'pick', 'push']


def test_tasks_that_no_line_asks_for_have_no_score(folder):
    row = line(folder, label='pick')
    measured = score_answers([Answer(row, 0, np.eye(2)[0], None, None)], {'pick': np.eye(2)[0]})
    assert {name.partition(':')[0] for name in measured.scores} == {'classification'}


# ---- the command --------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def model(tmp_path_factory) -> Path:
    pytest.importorskip('torch', reason='needs PyTorch: make setup')
    from untrained import build_untrained_checkpoint

    return build_untrained_checkpoint(tmp_path_factory.mktemp('model'))


def run(folder: Path, model: Path, rows: list[str], capsys) -> tuple[int, str, dict[str, Any]]:
    from vljepa_ros import cli

    path, out = folder / 'list.jsonl', folder / 'out.json'
    path.write_text('\n'.join(rows), encoding='utf-8')
    out.unlink(missing_ok=True)
    arguments = ['--model', str(model), '--manifest', str(path), '--json', str(out)]
    status = cli.main(['eval', *arguments])
    found = json.loads(out.read_text(encoding='utf-8')) if out.is_file() else {}
    return status, capsys.readouterr().err, found


def test_the_command_measures_what_is_there_and_counts_what_is_not(folder, model, capsys):
    (folder / 'broken.mp4').write_bytes(b'no video')
    rows = [
        '{"video": "v.mp4", "label": "opens", "caption": "the robot opens the drawer"}',
        '{"video": "v.mp4", "start_s": 1, "label": "pushes", "question": "open?", "answer": "no"}',
        '{"video": "images", "label": "pushes", "action": "the robot closes the drawer"}',
        '{"video": "broken.mp4", "label": "opens"}',
        '{"video": "v.mp4", "start_s": 100, "label": "opens"}',
        '{"video": "v.mp4", "label": "' + 'too long ' * 200 + '"}',
        'nonsense',
    ]
    status, errors, found = run(folder, model, rows, capsys)
    assert status == 0
    assert {name for name in found['metrics'] if ':' not in name} == {
        *('classification', 'retrieval_r1', 'retrieval_r5', 'vqa', 'action_inference')
    }
    assert found['suite'] == 'eval_manifest'
    assert found['samples']['classification'] == 3
    assert [number for number, _ in found['settings']['lines_left_out']] == [4, 5, 6, 7]
    for number, reason in ((4, 'cannot be decoded'), (5, 'the video ends'), (7, 'not JSON')):
        assert any(
            text.startswith(f'line {number} left out') and reason in text
            for text in errors.splitlines()
        )
    assert '4 of 7 lines were left out' in found['notes']


def test_nothing_usable_is_an_error(folder, model, capsys):
    status, errors, found = run(folder, model, ['{}', 'x'], capsys)
    assert status == 1
    assert not found
    assert 'No line of' in errors
    assert '2 of 2 are faulty' in errors
