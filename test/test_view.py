# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures with words and change curves: what is where in them, whatever is said and seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vljepa_ros.stream.image_ops import BGR, Picture
from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.view.captioned_picture import (
    ALERT,
    ALERTS,
    LEAST_WIDTH,
    Caption,
    FiredRule,
    captioned,
)
from vljepa_ros.view.change_curve import CHANGE, DASHES, LINE, SPAN_S, ChangeCurve
from vljepa_ros.view.lettering import CUT_OFF, HAS_ALL_LETTERS, Lettering, drawable
from vljepa_ros.view.mosaic import Mosaic

RED, GREEN = (200, 30, 20), (20, 180, 40)
LONG = 'the robot puts the small green screwdriver into the open drawer of the cabinet ' * 3
TEXTS = ('', 'nothing happens', LONG, 'w' * 500, 'öffnet die Schublade – 打开抽屉', '\n\t\x00')


def plain(width: int = 640, height: int = 480, colour=RED) -> np.ndarray:
    return np.full((height, width, 3), colour, dtype=np.uint8)


def draw(image: np.ndarray, *captions: Caption, **options) -> np.ndarray:
    return captioned(Picture(image), captions, **{'most_width': 1280, **options})


def said(text: str, **changes) -> Caption:
    return Caption('caption', text, 'decoder', 0.9, **changes)


# ---- letters ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('text', 'ascii_only'),
    [
        ('the robot opens it', 'the robot opens it'),
        ('two\nlines\tand  gaps', 'two lines and gaps'),
        ('öffnet – weiß, café “x”…', 'offnet - weiss, cafe "x"...'),
        ('抽屉 1', '?? 1'),
        ('a\x00b\x1bc', 'abc'),
    ],
)
def test_letters_that_opencv_lacks_are_replaced(text, ascii_only):
    assert drawable(text, all_letters=False) == ascii_only
    expected = ' '.join(''.join(c if c.isprintable() else ' ' * c.isspace() for c in text).split())
    assert drawable(text, all_letters=True) == expected


@pytest.mark.parametrize('height', [9, 12, 25])
def test_lines_fit_their_width_and_lose_no_word_before_the_last(height):
    letters, width = Lettering(height), 30 * height
    lines = letters.lines(LONG.strip(), width, most=3)
    assert len(lines) == 3
    assert all(letters.width(line) <= width for line in lines)
    assert LONG.startswith(' '.join(lines).removesuffix(CUT_OFF))
    assert lines[-1].endswith(CUT_OFF)
    (only,) = letters.lines('w' * 500, width, most=1)
    assert only.startswith('www') and letters.width(only) <= width
    assert letters.lines('short', width, most=3) == ['short']
    assert letters.lines('', width, most=3) == []


@pytest.mark.parametrize('height', [9, 12, 25])
def test_a_capital_letter_is_as_high_as_it_should_be(height):
    image = np.zeros((100, 400, 3), dtype=np.uint8)
    Lettering(height).draw(image, 'HEH', (10, 80), (255, 255, 255))
    rows = np.flatnonzero((image > 100).any(axis=(1, 2)))
    assert abs(len(rows) - height) <= max(2, 0.15 * height)
    assert abs(rows[-1] - 80) <= 2


@pytest.mark.skipif(not HAS_ALL_LETTERS, reason='OpenCV 4 has the letters of ASCII only')
def test_letters_of_other_languages_are_drawn():
    pictures = []
    for text in ('é', '屉', 'ж', '?'):
        image = np.zeros((60, 60, 3), dtype=np.uint8)
        Lettering(25).draw(image, drawable(text), (10, 45), (255, 255, 255))
        pictures.append(image.tobytes())
    assert len(set(pictures)) == 4


# ---- the change curve ---------------------------------------------------------------------------


def curve_of(*points: tuple[float, float]) -> ChangeCurve:
    curve = ChangeCurve()
    for seconds, distance in points:
        curve.add(round(seconds * SECOND_NS), distance)
    return curve


def test_a_curve_keeps_its_last_seconds():
    curve = curve_of(*((second, 0.1) for second in range(100)))
    curve.mark(98 * SECOND_NS)
    first_ns, newest_ns = curve.points[0][0], curve.newest_ns
    assert newest_ns == 99 * SECOND_NS
    assert newest_ns - first_ns == SPAN_S * SECOND_NS
    old = curve.copy()
    curve.add(3 * SECOND_NS, 0.2)  # a recording that starts again
    assert (curve.points, curve.changes) == ([(3 * SECOND_NS, 0.2)], [])
    assert (len(old.points), old.changes) == (31, [98 * SECOND_NS])


def test_a_curve_stands_where_its_points_are():
    curve = curve_of((0, 0.0), (15, 0.5), (30, 0.0))
    curve.mark(10 * SECOND_NS)
    image = np.empty((61, 301, 3), dtype=np.uint8)
    curve.draw(image, now_ns=30 * SECOND_NS)
    assert tuple(image[10, 0]) == DASHES  # 0.5 of 0.6 from the foot
    assert tuple(image[5, 100]) == CHANGE
    near = (np.abs(image.astype(int) - LINE).sum(axis=2) < 60).nonzero()
    tops = {int(x): int(y) for y, x in zip(*near, strict=True) if x in (0, 150, 300)}
    assert tops[150] == pytest.approx(10, abs=2)
    assert tops[0] >= 58 and tops[300] >= 58


@pytest.mark.parametrize('points', [[], [(1, 0.5)], [(1, -1e-7), (2, 2.0)]])
def test_every_curve_can_be_drawn(points):
    image = np.empty((20, 100, 3), dtype=np.uint8)
    curve_of(*points).draw(image, now_ns=2 * SECOND_NS)
    assert (image == DASHES).all(axis=2).any()


def test_a_curve_that_strays_further_makes_room():
    curve = curve_of((0, 0.1), (15, 1.8), (30, 0.1))
    image = np.empty((61, 301, 3), dtype=np.uint8)
    curve.draw(image, now_ns=30 * SECOND_NS)
    assert tuple(image[44, 0]) == DASHES  # 0.5 of 1.89 from the foot


# ---- the picture --------------------------------------------------------------------------------


@pytest.mark.parametrize('size', [(320, 240), (640, 480), (1920, 1080), (480, 640), (80, 60)])
def test_the_picture_is_whole_and_the_size_is_the_same_whatever_is_said(size):
    width, height = size
    results = [draw(plain(width, height), said(text)) for text in TEXTS]
    assert len({result.shape for result in results}) == 1
    assert len({result.tobytes() for result in results}) > 3
    shown = min(1280, max(LEAST_WIDTH, width))
    below = round(height * shown / width)
    for result in results:
        assert result.shape[1] == shown and result.dtype == np.uint8
        assert (result[:below] == RED).all()
        assert result.shape[0] - below < 0.35 * shown


def test_colours_are_in_order_and_grey_is_grey():
    bgr = Picture(plain()[:, :, ::-1], BGR)
    assert (captioned(bgr, [said('a')], most_width=320)[:240] == RED).all()
    grey = Picture(np.full((48, 64, 1), 77, dtype=np.uint8), (0, 0, 0))
    assert (captioned(grey, [], most_width=640) == 77).all()


def test_each_query_has_a_row_of_its_own():
    heights = [len(draw(plain(), *[said('a')] * count)) for count in range(4)]
    assert heights[0] == 480
    assert len(set(np.diff(heights))) == 1 and heights[1] > 480


def test_what_is_over_or_a_known_phrase_looks_different():
    pictures = [
        draw(plain(), said('a door opens', **changes)).tobytes()
        for changes in ({}, {'is_over': True}, {'is_known': True})
    ]
    assert len(set(pictures)) == 3


@pytest.mark.parametrize(
    ('caption', 'remark'),
    [
        (Caption('caption'), 'no event yet'),
        (said('a', start_ns=2 * SECOND_NS, curve=curve_of((14.2, 0.0))), 'decoder 0.90, for 12 s'),
        (said('a', start_ns=2 * SECOND_NS), 'decoder 0.90'),
        (said('a', is_over=True, curve=curve_of((14.2, 0.0))), 'decoder 0.90, ended'),
    ],
)
def test_the_small_print_says_source_score_and_time(caption, remark):
    assert caption.remark == remark


def test_alerts_cover_the_top_of_the_picture():
    alerts = [FiredRule('drawer left open', 'error'), FiredRule('someone is there', 'warn')]
    result = draw(plain(), said('a'), camera='front', alerts=alerts)
    with_name = draw(plain(), said('a'), camera='front')
    assert result.shape == with_name.shape
    title = len(with_name) - len(draw(plain(), said('a')))
    assert title > 0
    last = result[title:, -1]
    changes = [tuple(row) for row in last[1:][(last[1:] != last[:-1]).any(axis=1)]]
    assert tuple(last[0]) == ALERT
    assert changes[:2] == [ALERTS['warn'], RED]
    # More than fit: the rest is left out.
    draw(plain(320, 40), said('a'), alerts=alerts * 20)


# ---- several cameras ----------------------------------------------------------------------------


def put(mosaic: Mosaic, name: str, image: np.ndarray) -> np.ndarray:
    given = mosaic.put(name, image)
    assert given is not None
    return given


def test_two_cameras_stand_side_by_side():
    mosaic = Mosaic(['left', 'right'])
    assert mosaic.columns == 2
    assert (put(mosaic, 'right', plain(colour=GREEN)) == GREEN).all()
    # The next one of the right camera brings both.
    assert mosaic.put('left', plain(width=320, height=240)) is None
    both = put(mosaic, 'right', plain(colour=GREEN))
    assert both.shape == (480, 1280, 3)
    assert (both[:240, :320] == RED).all() and (both[:, 640:] == GREEN).all()
    assert (both[240:, :640] == 0).all()


def test_a_mosaic_is_given_as_often_as_the_fastest_camera_comes():
    mosaic = Mosaic(['a', 'b', 'c'])
    assert mosaic.columns == 2
    for name in 'abc':
        mosaic.put(name, plain())
    rounds = [sum(mosaic.put(name, plain()) is not None for name in 'abc') for _ in range(10)]
    assert rounds == [1] * 10
    # The others have stopped; their last pictures stay.
    mosaic.put('b', plain())
    for _ in range(10):
        assert put(mosaic, 'b', plain()).shape == (960, 1280, 3)


def test_a_picture_can_be_saved_and_read(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), draw(plain(), said(LONG)))
    assert cv2.imread(str(tmp_path / 'a.png')) is not None
