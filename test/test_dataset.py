# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shards, clips, mirrored views, batches: what training sees is what the simulator drew."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace

import numpy as np
import pytest
from rendering import skip_without_graphics

pytest.importorskip('torch', reason='training needs PyTorch: make setup')
# Importing mujoco here would choose how it draws before the simulator does.
if importlib.util.find_spec('mujoco') is None:
    pytest.skip('training needs the simulator: make test installs it', allow_module_level=True)

from training import dataset
from training.augmentation import NARROW, WIDE, augment_colours, draw_view
from training.batches import NOT_VISIBLE, BatchSampler
from training.clips import ClipIndex, may_mirror, mirror_scene, mirror_segment
from training.concepts import UNNAMED, Concepts
from training.episodes import FACTS, Episodes
from training.manifest import contents
from training.pairing_masks import IGNORE_INDEX
from training.planning_training import simulated_transitions
from training.rewording import restore
from training.simulator_source import SimulatorSource, SourceSizes
from training.state_head import NOTHING, dense_targets
from training.synonyms import WORDS
from training.world import ObjectInfo, Segment, plan_episode, render_episode
from training.world.language.captions import caption
from training.world.language.parsing import parse_caption
from training.world.language.states import state_text
from training.world.language.words import COLOUR_WORDS, NUMBERS, words_in
from training.world.splits import UNSEEN_ACTIONS, UNSEEN_OBJECTS
from training.world.symbols import ACTIONS, COLOURS, KINDS
from vljepa_ros.errors import ConfigurationError, MissingDependencyError, ResourceNotFoundError

EPISODES = 6
SIZES = SourceSizes(clips=10, transitions=8, stills=4, nexts=6)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Render one small shard."""
    folder = tmp_path_factory.mktemp('data')
    patch = pytest.MonkeyPatch()
    patch.setattr(dataset, 'EPISODES_PER_SHARD', EPISODES)
    try:
        dataset.write_shard(folder, 'train', 0, 128)
    except MissingDependencyError as error:
        skip_without_graphics(error)
    finally:
        patch.undo()
    return folder


@pytest.fixture(scope='module')
def episodes(data) -> Episodes:
    return dataset.load(data, split='train')


@pytest.fixture(scope='module')
def index(episodes) -> ClipIndex:
    return ClipIndex(episodes, clip_frames=8)


@pytest.fixture(scope='module')
def source(index) -> SimulatorSource:
    return SimulatorSource(index, sizes=SIZES, seed=0)


def test_a_shard_holds_what_the_simulator_drew(episodes):
    seed = 2
    offset_s = float(np.random.default_rng([7, seed]).uniform(0.0, 0.2))
    drawn = render_episode(seed=seed, split='train', start_offset_s=offset_s)
    first = int(episodes.frame_end[seed - 1])
    assert int(episodes.frame_end[seed]) - first == len(drawn.frames)
    segment = int(episodes.segment_end[seed - 1])
    restored = [episodes.segment(segment + n) for n in range(len(drawn.segments))]
    assert [caption(s) for s in restored] == [caption(s) for s in drawn.segments]
    assert [s.success for s in restored] == [s.success for s in drawn.segments]
    for number in (0, len(drawn.frames) // 2, len(drawn.frames) - 1):
        assert episodes.scene(first + number).places == drawn.scene(number).places
        assert state_text(episodes.scene(first + number)) == state_text(drawn.scene(number))
        difference = episodes.frame(first + number).astype(int) - drawn.frames[number]
        assert np.abs(difference).mean() < 4.0


def test_missing_shards_name_the_command(data):
    with pytest.raises(ResourceNotFoundError, match='training.dataset --split val'):
        dataset.load(data, split='val')


def test_a_shard_of_another_world_is_refused(data, tmp_path):
    (tmp_path / 'train').mkdir()
    path = dataset.shard_path(tmp_path, 'train', 0)
    with np.load(dataset.shard_path(data, 'train', 0)) as shard:
        arrays = {name: shard[name] for name in shard.files}
    np.savez(path, **{**arrays, 'world_version': np.array(1)})
    with pytest.raises(ConfigurationError, match='version 1 of the world'):
        dataset.load(tmp_path, split='train')


def test_the_manifest_names_what_was_seen(episodes):
    seen = contents(episodes)
    assert seen['episodes'] == EPISODES
    assert sum(seen['segments'].values()) == len(episodes.segment_facts)
    pairs = {ObjectInfo(*pair) for pair in seen['objects']}
    assert pairs == {item for number in range(EPISODES) for item in episodes.objects(number)}
    assert not pairs & UNSEEN_OBJECTS
    assert not {tuple(pair) for pair in seen['actions']} & UNSEEN_ACTIONS


def test_clips_show_their_segment(index, episodes):
    rng = np.random.default_rng(0)
    for end in index.draw_ends(rng, 20):
        segment = episodes.segment(int(index.segment_of[end]))
        times = episodes.times_s[index.clip(int(end))]
        inside = (times >= segment.start_s) & (times < segment.end_s)
        assert inside.mean() >= 0.6
        assert len({int(e) for e in episodes.episode_of[index.clip(int(end))]}) == 1


def test_transitions_reach_from_before_to_after(index, episodes):
    rng = np.random.default_rng(0)
    for row in index.draw_transitions(rng, 20):
        segment = episodes.segment(int(row[0]))
        assert segment.action != 'idle'
        frames = index.transition(row, rng)
        assert len(set(frames[:4].tolist())) == len(set(frames[4:].tolist())) == 1
        assert episodes.times_s[frames[0]] <= segment.start_s
        assert episodes.times_s[frames[-1]] >= segment.end_s


def test_mirrored_words_are_those_of_the_mirrored_picture():
    segment = Segment(0.0, 1.0, 'push', 'cube', 'red', 'left')
    assert mirror_segment(segment).target == 'right'
    placed = replace(
        segment, action='put left of', target=None, reference=ObjectInfo('can', 'blue')
    )
    assert mirror_segment(placed).action == 'put right of'
    assert mirror_segment(mirror_segment(placed)) == placed
    away = replace(segment, target='away')
    assert mirror_segment(away) == away
    for seed in range(20):
        scene = plan_episode(seed=seed, split='val').scene(0.0)
        mirrored = mirror_scene(scene)
        assert mirror_scene(mirrored) == scene
        assert mirrored.across == tuple(-x for x in scene.across)
        assert mirrored.places == scene.places
        left_to_right = re.search(
            'From left to right on the table are (.*?)[.]', state_text(scene)
        )
        if left_to_right:
            ends = re.findall('the \\w+ \\w+', left_to_right[1])
            swapped = state_text(mirrored).split('are ', 1)[1]
            assert re.findall('the \\w+ \\w+', swapped)[: len(ends)] == ends[::-1]


@pytest.mark.parametrize(
    ('action', 'kind', 'allowed'),
    [
        ('put right of', 'cube', False),
        ('put left of', 'banana', False),
        ('put left of', 'ball', True),
        ('pick up', 'cube', True),
    ],
)
def test_what_becomes_a_test_combination_in_the_mirror_is_not_mirrored(action, kind, allowed):
    segment = Segment(0.0, 1.0, action, kind, 'red', reference=ObjectInfo('box', 'blue'))
    assert may_mirror(segment) == allowed


def test_no_stage_shows_a_test_combination_in_the_mirror(index, episodes, monkeypatch):
    # Six episodes hold few of the real ones, so the mirror image of what they hold is kept back.
    rows = range(len(episodes.segment_facts))
    sided = (s for s in map(episodes.segment, rows) if mirror_segment(s) != s)
    allowed = next(sided)
    kept = mirror_segment(allowed)

    def unseen(segment: Segment) -> bool:
        return (segment.action, segment.target) == (kept.action, kept.target)

    away = np.array([not unseen(episodes.segment(row)) for row in rows])

    def seen_only(found: np.ndarray) -> np.ndarray:
        keep = away[found[:, 0]] if found.ndim == 2 else away[index.segment_of[found]]
        return found[keep]

    for name in ('draw_ends', 'draw_transitions'):
        draw = getattr(ClipIndex, name)
        monkeypatch.setattr(ClipIndex, name, lambda *given, draw=draw: seen_only(draw(*given)))

    def shown() -> list[tuple[str | None, str | None]]:
        source = SimulatorSource(index, sizes=SourceSizes(60, 60, 4, 60), seed=0)
        texts = source.phrases()
        texts += [text for _, _, text in simulated_transitions(index, count=60, seed=0)]
        found = [(facts.action, facts.target) for facts in map(parse_caption, texts)]
        sampler = BatchSampler(index, seed=0)
        for step in range(6):
            for row in sampler.clips(step, clips=8, transitions=8).facts:
                target = int(row[list(FACTS).index('target')])
                words = FACTS['target'][target] if target >= 0 else None
                found.append((ACTIONS[row[list(FACTS).index('action')]], words))
        return found

    assert (kept.action, kept.target) in shown()
    monkeypatch.setattr('training.clips.is_unseen', unseen)
    assert (kept.action, kept.target) not in shown()
    assert (allowed.action, allowed.target) in shown()


@pytest.mark.parametrize(
    ('variety', 'left', 'within_px', 'least_turned'),
    [(NARROW, 18, 0.6, 0), (WIDE, 40, 0.8, 4)],
    ids=['narrow', 'wide'],
)
def test_a_view_moves_pictures_and_places_alike(variety, left, within_px, least_turned):
    turned = 0
    for seed in range(6):
        view = draw_view(np.random.default_rng(seed), size=64, variety=variety)
        picture = np.zeros((64, 64, 3), np.uint8)
        picture[28:33, left : left + 5] = 255
        places = np.array([[left + 2.0, 30.0, 2.0]])
        view.places(places)
        rows, columns = np.nonzero(view.frame(picture)[..., 0] > 128)
        np.testing.assert_allclose([columns.mean(), rows.mean()], places[0, :2], atol=within_px)
        assert (view.matrix[0, 0] < 0) == view.mirrored
        turned += abs(view.matrix[1, 0]) > 0.01
    assert turned >= least_turned


def test_a_grey_clip_has_no_colour_left_and_others_keep_theirs():
    frames = np.full((2, 2, 32, 32, 3), (200, 60, 40), np.uint8)
    grey = np.array([True, False])
    quiet = replace(WIDE, noise=0.0)
    varied = augment_colours(frames, np.random.default_rng(1), variety=quiet, grey=grey)
    colours = varied.astype(int).mean(axis=(1, 2, 3))
    assert np.ptp(colours[0]) < 1.0
    assert colours[1].argmax() == 0
    assert np.ptp(colours[1]) > 40.0


def test_batches_of_grey_clips_tell_no_colour(index):
    sampler = BatchSampler(index, seed=0, variety=replace(WIDE, grey_share=0.5))
    batch = sampler.clips(0, clips=12, transitions=4)
    assert 0 < batch.grey.sum() < 16
    colour = list(FACTS).index('colour')
    assert (batch.facts[batch.grey, colour] == NOT_VISIBLE).all()
    assert (batch.facts[~batch.grey, colour] != NOT_VISIBLE).all()
    targets = dense_targets(batch, patch=16, tubelet=2)
    assert (targets['colour'][batch.grey] == IGNORE_INDEX).all()
    assert (targets['kind'][batch.grey] != IGNORE_INDEX).all()


def test_of_a_grey_clip_no_text_names_a_colour(index):
    variety = replace(WIDE, grey_share=0.5, noise=0.0)
    sizes = SourceSizes(60, 10, 4, 10)
    source = SimulatorSource(index, sizes=sizes, seed=0, reworded=0.0, variety=variety)
    rng = np.random.default_rng(0)
    coloured = {part for words in COLOUR_WORDS.values() for part in words_in(' '.join(words.seen))}
    grey = idle = 0
    for number in range(len(source)):
        colourless = np.ptp(source.clip(number), axis=-1).max() == 0
        for pair in source.pairs(number, rng):
            named = {word for text in (pair.answer, *pair.negatives) for word in words_in(text)}
            if colourless:
                grey += 1
                idle += pair.shown.action == ACTIONS.index('idle')
                assert not named & coloured
                assert pair.shown.colour == pair.said.colour == UNNAMED
    assert grey > 5
    assert idle > 0


def test_what_a_source_says_of_its_texts_is_what_they_say(index):
    source = SimulatorSource(index, sizes=SourceSizes(20, 10, 4, 10), seed=0, reworded=0.0)
    rng = np.random.default_rng(0)
    captions = colours = 0
    for number in range(len(source)):
        for pair in source.pairs(number, rng):
            for text, said in zip(pair.negatives, pair.negatives_said, strict=False):
                if pair.said.action != UNNAMED:
                    read = parse_caption(text)
                    meant = Concepts.of(action=read.action, kind=read.kind, colour=read.colour)
                    assert said == meant, text
                    captions += 1
                else:
                    assert said == Concepts.of(colour=text), text
                    assert pair.shown.kind != UNNAMED
                    colours += 1
    assert captions > 20
    assert colours >= 7


def test_colours_vary_and_stay_what_they_are():
    frames = np.full((6, 2, 32, 32, 3), (200, 60, 40), np.uint8)
    varied = augment_colours(frames, np.random.default_rng(0))
    assert varied.shape == frames.shape
    assert (varied != frames).any()
    assert (varied.mean(axis=(1, 2, 3)).argmax(-1) == 0).all()


def test_batches_depend_on_seed_and_step_only(index):
    first = BatchSampler(index, seed=0).clips(3, clips=3, transitions=2)
    again = BatchSampler(index, seed=0).clips(3, clips=3, transitions=2)
    other = BatchSampler(index, seed=0).clips(4, clips=3, transitions=2)
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.facts, again.facts)
    assert not np.array_equal(first.frames, other.frames)
    assert first.is_transition.tolist() == [False, False, False, True, True]
    acted = first.facts[first.is_transition, list(FACTS).index('action')]
    assert (acted != ACTIONS.index('idle')).all()


def test_dense_targets_mark_the_patch_of_an_object(index):
    batch = BatchSampler(index, seed=0).tubelets(0, count=16, frames=2)
    targets = dense_targets(batch, patch=16, tubelet=2)
    assert {tuple(targets[name].shape) for name in ('kind', 'colour', 'place')} == {(16, 64)}
    found = 0
    for row in range(16):
        for thing in np.flatnonzero(np.isfinite(batch.pixels[row, 0, :, 0])):
            u, v = batch.pixels[row, :, thing, :2].mean(0)
            if 4 <= u < 124 and 4 <= v < 124:
                token = int(v // 16) * 8 + int(u // 16)
                kind, colour = int(targets['kind'][row, token]), int(targets['colour'][row, token])
                assert kind != NOTHING
                found += (kind - 1, colour - 1) == (
                    batch.kind[row, thing],
                    batch.colour[row, thing],
                )
    assert found >= 8


def test_a_source_gives_the_same_clips_and_fitting_texts(source):
    assert len(source) == sum(vars(SIZES).values())
    rng = np.random.default_rng(0)
    for number in range(len(source)):
        np.testing.assert_array_equal(source.clip(number), source.clip(number))
        pairs = source.pairs(number, rng)
        assert 1 <= len(pairs) <= 2
        for pair in pairs:
            assert pair.query.strip()
            assert pair.answer.strip()
            assert pair.answer not in pair.negatives


def test_what_is_learned_slowly_is_asked_for_often(source):
    rng = np.random.default_rng(0)
    answers = [source.pairs(SIZES.clips + SIZES.transitions, rng)[-1].answer for _ in range(600)]
    counted = sum(answer in NUMBERS for answer in answers)
    coloured = sum(restore(answer) in COLOURS for answer in answers)
    assert coloured > 20
    assert 2.0 < counted / coloured < 4.5


def test_texts_stay_in_the_words_of_the_simulator_if_asked(index, source):
    plain = SimulatorSource(index, sizes=SIZES, seed=0, reworded=0.0)
    further = {new for word in (*KINDS, *COLOURS) for new in WORDS[word]}
    rng = np.random.default_rng(0)

    def changed(some: SimulatorSource) -> int:
        pairs = [pair for number in range(len(some)) for pair in some.pairs(number, rng)]
        texts = [text for pair in pairs for text in (pair.query, pair.answer, *pair.negatives)]
        return sum(any(new in text for new in further) for text in texts)

    assert changed(plain) == 0
    assert changed(source) > 20


def test_sources_of_other_seeds_have_other_fingerprints(index, source):
    assert SimulatorSource(index, sizes=SIZES, seed=0).fingerprint == source.fingerprint
    assert SimulatorSource(index, sizes=SIZES, seed=1).fingerprint != source.fingerprint


def test_transitions_for_planning_are_still_images_before_and_after(index):
    texts = []
    for before, after, text in simulated_transitions(index, count=12, seed=0):
        for clip in (before, after):
            assert clip.shape == (8, 128, 128, 3)
            assert (clip == clip[:1]).all()
        assert (before != after).any()
        texts.append(text)
    assert len(texts) == 12
    assert all(text.startswith('The robot ') for text in texts)
