# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The measurement of selective decoding: policies, scores and curves on streams that are known."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rendering import skip_without_graphics

from benchmarks import command
from benchmarks.events import bench, quiet_streams, real_videos, streams
from benchmarks.events.curves import curve_reduction, knee, rate_reaching, reduction
from benchmarks.events.decodes import Policy, causal, offline, oracle, uniform
from benchmarks.events.scoring import Point, Scorer, border_scores, matched, true_borders
from training.evaluation.captions import cider_scores
from training.evaluation.fixed_cider import FixedCider
from training.evaluation.results import Results
from training.evaluation.streams import Stream
from training.world import plan_episode
from training.world.language import caption, phrasings
from training.world.symbols import Segment
from vljepa_ros.errors import ConfigurationError, MissingDependencyError
from vljepa_ros.inference import load_engine
from vljepa_ros.resources import find_resource
from vljepa_ros.stream.changes.choice import DETECTORS, detector

SEGMENTS = (
    Segment(0.0, 4.0, 'idle'),
    Segment(4.0, 8.0, 'pick up', 'cup', 'red'),
    Segment(8.0, 10.0, 'idle'),
    Segment(10.0, 14.0, 'push', 'ball', 'blue', 'left'),
    Segment(14.0, 20.0, 'idle'),
)
MEANINGS = np.eye(8, dtype=np.float32)[[0, 1, 0, 2, 0]]


def made_stream() -> Stream:
    """Return a stream whose embeddings say which segment it is, at 5 Hz."""
    times = np.arange(0.7, 19.3, 0.2)
    numbers = [next(n for n, s in enumerate(SEGMENTS) if t < s.end_s) for t in times]
    return Stream(0, SEGMENTS, times, MEANINGS[numbers])


def say(embeddings: np.ndarray) -> list[str]:
    """Write the truth of a clear embedding, and of a mixed one nothing."""
    texts = [caption(SEGMENTS[number]) for number in (0, 1, 3)]
    found = [texts[int(row.argmax())] if row.max() > 0.95 else '' for row in embeddings]
    return found


def quiet(embedding: np.ndarray) -> bool:
    return int(embedding.argmax()) == 0


def times(policy: Policy) -> list[float]:
    return [round(decode.time_s, 2) for decode in policy.decodes]


class TestPolicies:
    def test_uniform_decodes_at_equal_distances(self):
        stream = made_stream()
        exact, pooled = (uniform(stream, 0.25, pooled=way) for way in (False, True))
        assert np.allclose(np.diff(times(exact)[:-1]), 4.0)
        assert len(exact.decodes) == len(pooled.decodes) == 5
        assert all(np.isclose(np.linalg.norm(one.embedding), 1.0) for one in pooled.decodes)
        assert max(one.embedding.max() for one in exact.decodes) == 1.0

    def test_the_oracle_decodes_each_annotation_once(self):
        policy = oracle(made_stream(), pooled=True)
        np.testing.assert_allclose(times(policy), [6.0, 12.0], atol=0.2)
        assert [int(one.embedding.argmax()) for one in policy.decodes] == [1, 2]

    def test_offline_finds_the_segments(self):
        policy = offline(made_stream(), 5, pooled=True)
        np.testing.assert_allclose(policy.borders_s, [4.1, 8.1, 10.1, 14.1], atol=0.21)
        assert len(policy.decodes) == 5
        assert len(offline(made_stream(), 5, pooled=True, quiet=quiet).decodes) == 2

    @pytest.mark.parametrize('name', sorted(DETECTORS))
    def test_causal_decodes_what_it_has_found(self, name):
        policy = causal(made_stream(), detector(name), pooled=True, quiet=quiet)
        np.testing.assert_allclose(policy.borders_s, [4.1, 8.1, 10.1, 14.1], atol=0.61)
        assert len(policy.decodes) == 2
        assert all(0.0 <= delay <= 1.0 for delay in policy.delays_s)
        assert len(causal(made_stream(), detector(name), pooled=False).decodes) == 5

    @pytest.mark.parametrize('name', sorted(DETECTORS))
    def test_both_texts_are_decoded_where_both_are_wanted(self, name):
        policy = causal(made_stream(), detector(name), pooled=True, both=True)
        assert len(policy.decodes) == 10
        assert len(policy.borders_s) == 4
        twice = causal(made_stream(), detector(name), pooled=True, quiet=quiet, both=True)
        assert [int(one.embedding.argmax()) for one in twice.decodes] == [1, 1, 2, 2]


class TestScores:
    def test_the_oracle_is_perfect_and_slow_uniform_is_not(self):
        scorer = Scorer([made_stream()], say, unseen=[False])
        best = scorer.score([oracle(made_stream(), pooled=True)], setting=0.0)
        assert best.rate_hz == pytest.approx(2 / 20)
        slow = scorer.score([uniform(made_stream(), 0.05, pooled=False)], setting=0.05)
        assert slow.cider < best.cider
        none = scorer.score([Policy([], [], [])], setting=0.0)
        assert (none.rate_hz, none.cider) == (0.0, 0.0)

    def test_each_annotation_takes_the_decode_nearest_in_time(self):
        scorer = Scorer([made_stream()], say, unseen=[False])
        whole = scorer.score([uniform(made_stream(), 1.0, pooled=False)], setting=1.0)
        best = scorer.score([oracle(made_stream(), pooled=True)], setting=0.0)
        assert whole.cider == pytest.approx(best.cider)
        assert whole.rate_hz == pytest.approx(19 / 20)

    def test_only_what_is_scored_is_put_into_words(self):
        spoken = []

        def count(embeddings: np.ndarray) -> list[str]:
            spoken.append(len(embeddings))
            return say(embeddings)

        scorer = Scorer([made_stream()], count, unseen=[False])
        scorer.score([uniform(made_stream(), 2.0, pooled=False)], setting=2.0)
        assert spoken == [2]

    def test_cider_is_the_librarys_own(self):
        references = [phrasings(segment) for segment in SEGMENTS]
        fixed = FixedCider(references)
        for texts in (
            [caption(segment) for segment in SEGMENTS],
            [caption(SEGMENTS[1])] * 5,
            ['the robot picks up a red ball', '', 'nothing', 'blue blue blue', 'a red cup'],
        ):
            np.testing.assert_allclose(fixed.scores(texts), cider_scores(texts, references))
            np.testing.assert_allclose(fixed.scores(texts), cider_scores(texts, references))

    @pytest.mark.parametrize(
        ('found', 'true', 'pairs'),
        [
            ([], [1.0], []),
            ([1.0], [], []),
            ([1.5], [1.0], [(0, 0)]),
            ([1.51], [1.0], []),
            ([0.6, 1.4], [1.0], [(0, 0)]),
            ([1.0], [0.8, 1.2], [(0, 0)]),
            ([0.9, 1.1], [0.8, 1.2], [(0, 0), (1, 1)]),
            ([0.2, 3.0, 5.1], [0.0, 2.0, 5.0], [(0, 0), (2, 2)]),
        ],
    )
    def test_borders_are_matched_once(self, found, true, pairs):
        assert matched(found, true, within_s=0.5) == pairs

    def test_border_scores(self):
        precision, recall, f1 = border_scores([[1.0, 2.0], []], [[1.1], [4.0]], within_s=0.5)
        assert (precision, recall, f1) == (0.5, 0.5, 0.5)
        assert border_scores([[]], [[]], within_s=0.5) == (0.0, 0.0, 0.0)
        assert true_borders(made_stream()) == [4.0, 8.0, 10.0, 14.0]


def point(rate_hz: float, cider: float) -> Point:
    return Point(rate_hz, rate_hz, cider, np.array([cider]), np.array([0]))


def curve(*pairs: tuple[float, float]) -> list[Point]:
    return [point(rate_hz, cider) for rate_hz, cider in pairs]


class TestCurves:
    UNIFORM = curve((0.1, 1.0), (0.2, 2.0), (0.4, 3.0), (1.0, 3.0), (2.0, 3.05))

    def test_rates_between_points_are_interpolated(self):
        assert rate_reaching(self.UNIFORM, 2.0) == pytest.approx(0.2)
        assert rate_reaching(self.UNIFORM, 2.5) == pytest.approx(np.sqrt(0.2 * 0.4))
        assert rate_reaching(self.UNIFORM, 0.5) == 0.1
        assert rate_reaching(self.UNIFORM, 3.1) == float('inf')

    def test_a_curve_that_falls_counts_as_what_it_had_reached(self):
        assert rate_reaching(curve((0.1, 2.0), (0.2, 1.0), (0.4, 3.0)), 1.5) == 0.1

    def test_the_knee_keeps_98_percent_of_the_best(self):
        assert knee(self.UNIFORM).rate_hz == 0.4

    def test_reductions_at_equal_cider(self):
        hertz = self.UNIFORM[3]
        assert reduction(point(0.1, 3.5), self.UNIFORM, hertz) == pytest.approx(10.0)
        # It says less well what happens: it is compared with the uniform rate that says as much.
        assert reduction(point(0.1, 2.0), self.UNIFORM, hertz) == pytest.approx(2.0)
        assert curve_reduction(curve((0.1, 1.0), (0.2, 3.5)), hertz) > 5.0
        assert curve_reduction(curve((0.1, 1.0)), hertz) == 0.0


@pytest.mark.parametrize('split', [*streams.TEST_SPLITS, 'val'])
def test_the_streams_are_what_the_protocol_asks_for(split):
    names = [*streams.test_streams(), *streams.val_streams()]
    own = [name for name in names if name.split == split]
    assert len(own) == (streams.VAL_STREAMS if split == 'val' else streams.PER_SPLIT)
    plans = [
        plan_episode(seed=name.seed, split=split, seconds=streams.SECONDS) for name in own[:3]
    ]
    rates = [streams.annotation_rate(plan.segments) for plan in plans]
    idle = [streams.idle_share(plan.segments) for plan in plans]
    assert np.mean(rates) == pytest.approx(0.40, abs=0.05)
    assert np.mean(idle) == pytest.approx(0.50, abs=0.05)
    assert all(plan.duration_s >= streams.SECONDS - 1e-6 for plan in plans)


@pytest.mark.parametrize('kind', quiet_streams.QuietKind)
def test_quiet_streams_are_quiet(kind):
    for name in quiet_streams.quiet_names(kind, 2):
        plan = plan_episode(seed=name.seed, split=name.split, actions=0, seconds=streams.SECONDS)
        assert streams.annotated(plan.segments) == []
        assert plan.layout.camera.moves == (kind is quiet_streams.QuietKind.MOVING)


def test_borders_in_videos_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = find_resource('samples/tabletop.mp4')
    labels = json.loads(sample.with_suffix('.json').read_text(encoding='utf-8'))
    borders_s = [row['start_s'] for row in labels['segments'][1:] if row['start_s'] < 20.0]
    video = {
        'name': 'table',
        'sha256': hashlib.sha256(sample.read_bytes()).hexdigest(),
        'until_s': 20.0,
        'borders_s': borders_s,
    }
    known = tmp_path / 'known.json'
    known.write_text(json.dumps({'reading_error_s': 0.1, 'videos': [video]}))
    monkeypatch.setattr(real_videos, 'KNOWN', known)
    with pytest.raises(ConfigurationError, match=r"lacks the real videos \['table'\]: download"):
        real_videos.find_videos(tmp_path)
    shutil.copy(sample, tmp_path / 'renamed.mp4')
    files = real_videos.find_videos(tmp_path)
    results = Results('events', quick=True)
    real_videos.add_real_borders(results, load_engine('tiny', threads=1), files)
    score = results.scores['events.real.boundary_f1'].value
    assert score > max(0.7, results.scores['events.real.boundary_f1:blind'].value)
    assert results.scores['events.real.boundary_recall'].samples == len(borders_s)
    assert max(results.raw['events.real']['table']) <= 20.0


def test_the_real_videos_are_known() -> None:
    videos, error_s = real_videos.known_videos()
    assert videos
    assert error_s > 0.0
    for video in videos:
        assert list(video.borders_s) == sorted(video.borders_s)
        assert 0.0 < video.borders_s[0] < video.borders_s[-1] < video.until_s


@pytest.mark.render
@pytest.mark.slow
def test_the_command_measures_and_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec('mujoco') is None:
        pytest.skip('drawing needs MuJoCo: make setup')
    from evaluation_models import build_worldly_checkpoint

    from training.world.renderer import shared_renderer

    try:
        shared_renderer(width=128, height=128, supersample=2)
    except MissingDependencyError as error:
        skip_without_graphics(error)
    for module in (streams, bench, quiet_streams):
        monkeypatch.setattr(module, 'SECONDS', 20.0)
    (tmp_path / 'model').mkdir()
    model, out = build_worldly_checkpoint(tmp_path / 'model'), tmp_path / 'events.json'
    arguments = ['events', '--model', str(model), '--quick', '--workers', '1']
    arguments += ['--cache', str(tmp_path / 'cache'), '--json', str(out)]
    assert command.main([*arguments, '--plot', str(tmp_path / 'curves.png')]) == 0
    found = json.loads(out.read_text(encoding='utf-8'))
    for name in (
        'decode_reduction.both_texts',
        'decode_reduction.causal',
        'boundary_f1',
        'detector_us',
        'false_per_hour.still',
    ):
        assert np.isfinite(found['metrics'][f'events.{name}'])
    assert found['metrics']['events.streams'] == 4
    assert found['metrics']['events.rate_hz.uniform_1hz'] == pytest.approx(1.0, abs=0.1)
    assert {'uniform.exact', 'offline.pooled', 'oracle.pooled'} < set(found['raw']['curves'])
    assert (tmp_path / 'curves.png').stat().st_size > 10_000
