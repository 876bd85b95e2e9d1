# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Configuration, Predictor, loss, Y-Decoder, tokenizer, and the whole model."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('tokenizers')

import torch  # noqa: E402
from untrained import TEXTS, build_tokenizer, build_wordpiece  # noqa: E402

from vljepa_ros.errors import CheckpointError, ConfigurationError, EngineError  # noqa: E402
from vljepa_ros.model.components import COMPONENTS, TOKENIZED  # noqa: E402
from vljepa_ros.model.config import (  # noqa: E402
    LlamaConfig,
    ModelConfig,
    PlanningConfig,
    PredictorConfig,
    VisionConfig,
    YDecoderConfig,
)
from vljepa_ros.model.decoding import greedy  # noqa: E402
from vljepa_ros.model.loss import info_nce  # noqa: E402
from vljepa_ros.model.predictor import Predictor  # noqa: E402
from vljepa_ros.model.presets import paper_config, tiny_config
from vljepa_ros.model.tokenizer import Tokenizer  # noqa: E402
from vljepa_ros.model.vl_jepa import NETWORKS, VLJEPA  # noqa: E402
from vljepa_ros.model.y_decoder import YDecoder  # noqa: E402
from vljepa_ros.model.y_encoder_config import BertConfig, GemmaConfig  # noqa: E402

LLAMA = LlamaConfig(
    vocab_size=512,
    hidden_size=24,
    num_layers=2,
    num_heads=2,
    num_kv_heads=1,
    intermediate_size=40,
    rope_theta=100.0,
)
SMALL = ModelConfig(
    name='small',
    clip_frames=4,
    embedding_dim=16,
    vision=VisionConfig(image_size=32, hidden_size=20, num_layers=1, num_heads=2),
    predictor=PredictorConfig(llama=LLAMA, max_query_tokens=24),
    y_encoder=GemmaConfig(
        vocab_size=512,
        hidden_size=24,
        num_layers=2,
        num_heads=2,
        num_kv_heads=1,
        head_dim=8,
        intermediate_size=40,
        full_attention_every=2,
        sliding_window=4,
        max_tokens=32,
    ),
    y_decoder=YDecoderConfig(llama=LLAMA, prefix_tokens=2, max_tokens=12),
    queries={'caption': 'Describe what happens in the video.'},
    transition=PlanningConfig(hidden_size=24, num_layers=1),
    inverse=PlanningConfig(hidden_size=20, num_layers=2),
)
SMALL_BERT = dataclasses.replace(
    SMALL,
    predictor=PredictorConfig(llama=LLAMA, max_query_tokens=24, query_width=6),
    y_encoder=BertConfig(
        vocab_size=512,
        hidden_size=24,
        num_layers=2,
        num_heads=2,
        intermediate_size=40,
        max_positions=48,
        max_tokens=32,
    ),
)


def strong(module: torch.nn.Module, *, seed: int = 0) -> torch.nn.Module:
    """Give the weights values large enough that every input token shows in the output."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim > 1:
            parameter.data = noise * 2.0 / parameter.shape[-1] ** 0.5
    return module.eval().requires_grad_(False)


@pytest.fixture(scope='module')
def tokenizer_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('tokenizer') / 'y_encoder.tokenizer.json'
    build_tokenizer(path)
    return path


@pytest.fixture(scope='module', params=[SMALL, SMALL_BERT], ids=['gemma', 'bert'])
def model(request: pytest.FixtureRequest, tokenizer_path: Path) -> VLJEPA:
    tokenizers = {name: Tokenizer(tokenizer_path) for name in TOKENIZED}
    whole = VLJEPA(request.param, tokenizers)
    strong(whole)
    return whole


def overridden(base: Any, values: Any) -> Any:
    """Return the mapping `base` with the entries of `values`, mapping by mapping."""
    if not isinstance(base, dict) or not isinstance(values, dict):
        return values
    return base | {key: overridden(base.get(key), value) for key, value in values.items()}


class TestConfig:
    @pytest.mark.parametrize('config', [tiny_config(), paper_config(), SMALL, SMALL_BERT])
    def test_round_trip_through_json(self, config: ModelConfig) -> None:
        assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config

    def test_whole_numbers_count_as_float(self) -> None:
        config = ModelConfig.from_dict(SMALL.to_dict() | {'clip_fps': 5, 'image_std': [1, 1, 1]})
        assert (type(config.clip_fps), config.clip_fps) == (float, 5.0)
        assert config.image_std == (1.0, 1.0, 1.0)

    @pytest.mark.parametrize(
        ('values', 'message'),
        [
            ([], 'config must be a mapping, not list'),
            ({'vision': 3}, 'config.vision must be a mapping, not int'),
            ({'clip_fsp': 4.0}, r"unknown keys \['clip_fsp'\]; allowed are .*'clip_fps'"),
            ({'y_encoder': {'depth': 1}}, r"config.y_encoder has unknown keys \['depth'\]"),
            ({'clip_frames': '16'}, "config.clip_frames must be of type int, not '16'"),
            ({'clip_frames': 16.0}, 'config.clip_frames must be of type int, not 16.0'),
            ({'clip_frames': True}, 'config.clip_frames must be of type int, not True'),
            ({'clip_fps': False}, 'config.clip_fps must be of type float, not False'),
            ({'clip_fps': None}, 'config.clip_fps must be of type float, not None'),
            ({'name': 3}, 'config.name must be of type str, not 3'),
            ({'image_mean': [0.5, 0.5]}, 'config.image_mean must be a list of 3 numbers'),
            ({'image_mean': 'rgb'}, 'config.image_mean must be a list of 3 numbers'),
            ({'image_mean': [0.5, 'x', 0]}, "config.image_mean must be of type float, not 'x'"),
            ({'image_mean': [0.5, None, 0]}, 'config.image_mean must be of type float, not None'),
            ({'image_std': [0.5, 0.0, 0.5]}, r'image_std \(0.5, 0.0, 0.5\) positive'),
            ({'image_mean': [0.5, math.nan, 0.5]}, 'image_mean .* must be finite'),
            ({'queries': ['caption']}, 'config.queries must be a mapping of texts'),
            ({'queries': {'caption': 1}}, 'config.queries.caption must be of type str, not 1'),
            ({'clip_frames': 0}, 'clip_frames is 0; it must be positive'),
            ({'clip_frames': 15}, 'clip_frames 15 must be a multiple of vision.tubelet_size 2'),
            ({'clip_fps': 0}, 'clip_fps is 0.0; it must be positive'),
            ({'clip_fps': math.nan}, 'clip_fps is nan'),
            ({'clip_fps': math.inf}, 'clip_fps is inf; it must be positive and finite'),
            ({'vision': {'patch_size': 0}}, 'vision.patch_size is 0'),
            ({'vision': {'num_heads': 0}}, 'vision.num_heads is 0'),
            ({'vision': {'num_layers': -1}}, 'vision.num_layers is -1'),
            ({'vision': {'image_size': 250}}, 'image_size 250 must be a multiple of'),
            ({'vision': {'hidden_size': 1000}}, 'hidden_size 1000 must be a multiple of'),
            ({'vision': {'hidden_size': 1040}}, 'hidden_size 1040 must be a multiple of twice'),
            ({'predictor': {'max_query_tokens': 0}}, 'predictor.max_query_tokens is 0'),
            ({'predictor': {'llama': {'num_heads': 0}}}, 'llama.num_heads is 0'),
            ({'predictor': {'llama': {'num_heads': 33}}}, 'llama.hidden_size 2048 must be a'),
            ({'predictor': {'llama': {'num_kv_heads': 7}}}, 'num_kv_heads 7'),
            (
                {'predictor': {'llama': {'rope_scaling': {'high_freq_factor': 1}}}},
                'rope_scaling.low_freq_factor 1.0 must be less than',
            ),
            ({'predictor': {'llama': {'rope_scaling': 8}}}, 'rope_scaling must be a mapping'),
            ({'y_encoder': {'full_attention_every': 0}}, 'y_encoder.full_attention_every is 0'),
            ({'y_encoder': {'num_kv_heads': 2}}, 'y_encoder.num_kv_heads 2'),
            ({'y_encoder': {'head_dim': 255}}, 'y_encoder.head_dim 255 even'),
            (
                {'y_encoder': {'architecture': 'elmo'}},
                r"config.y_encoder.architecture is 'elmo'; allowed are \['bert', 'gemma'\]",
            ),
            ({'y_encoder': {'architecture': 3}}, 'config.y_encoder.architecture is 3'),
            ({'y_encoder': {'architecture': 'bert'}}, r"y_encoder has unknown keys \['full"),
            ({'y_encoder': 'bert'}, 'config.y_encoder must be a mapping, not str'),
            ({'predictor': {'query_width': 0}}, 'predictor.query_width is 0'),
            ({'predictor': {'query_width': 'all'}}, "query_width must be of type int, not 'all'"),
            ({'transition': {}}, r"config.transition lacks the keys \['hidden_size'"),
            ({'inverse': {'hidden_size': 0, 'num_layers': 1}}, 'planning.hidden_size is 0'),
            ({'y_decoder': {'prefix_tokens': 0}}, 'y_decoder.prefix_tokens is 0'),
            ({'y_decoder': {'max_tokens': 2}}, 'y_decoder.max_tokens 2 must be 3 or more'),
        ],
        ids=str,
    )
    def test_error(self, values: Any, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            ModelConfig.from_dict(overridden(paper_config().to_dict(), values))

    def test_missing_keys_are_named(self) -> None:
        values = SMALL.to_dict()
        del values['clip_fps'], values['vision']['num_heads']
        with pytest.raises(ConfigurationError, match=r"config lacks the keys \['clip_fps'\]"):
            ModelConfig.from_dict(values)
        values['clip_fps'] = 5.0
        with pytest.raises(ConfigurationError, match=r"config.vision lacks .*'num_heads'"):
            ModelConfig.from_dict(values)

    @pytest.mark.parametrize(
        ('changes', 'message'),
        [({'num_heads': 5}, 'hidden_size 384 must be'), ({'max_tokens': 600}, 'at most .* 512')],
    )
    def test_bert_error(self, changes: dict[str, int], message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            BertConfig(**changes)  # type: ignore[arg-type]

    def test_what_older_files_lack_has_the_meaning_that_it_had(self) -> None:
        values = dataclasses.replace(SMALL, transition=None, inverse=None).to_dict()
        assert 'architecture' not in values['y_encoder']
        assert 'query_width' not in values['predictor']
        assert not {'transition', 'inverse'} & set(values)
        config = ModelConfig.from_dict(values)
        assert isinstance(config.y_encoder, GemmaConfig)
        assert config.predictor.query_width is None
        assert config.transition is None
        named = overridden(values, {'y_encoder': {'architecture': 'gemma'}, 'inverse': None})
        assert ModelConfig.from_dict(named) == config

    def test_query_is_a_name_or_a_text(self) -> None:
        assert SMALL.query('caption') == 'Describe what happens in the video.'
        assert SMALL.query('What is red?') == 'What is red?'


class TestTokenizer:
    def test_round_trip(self, tokenizer_path: Path) -> None:
        tokenizer = Tokenizer(tokenizer_path)
        texts = [*TEXTS, 'Ünïcode 机器人 🙂']
        ids, mask = tokenizer.encode(texts, max_tokens=64)
        assert ids.dtype == np.int64
        assert mask.dtype == np.bool_
        assert ids.shape == mask.shape
        assert (ids[~mask] == tokenizer.pad).all()
        assert mask.any(axis=0).all(), 'no column is padding only'
        rows = [row[real].tolist() for row, real in zip(ids, mask, strict=True)]
        assert [tokenizer.decode(row) for row in rows] == texts

    def test_special_tokens(self, tokenizer_path: Path) -> None:
        tokenizer = Tokenizer(tokenizer_path)
        assert (tokenizer.pad, tokenizer.bos, tokenizer.eos) == (0, 1, 2)
        assert tokenizer.decode([1, *tokenizer.encode(['red'], max_tokens=9)[0][0], 2, 0]) == 'red'

    def test_own_padding_and_truncation_of_the_file_are_switched_off(self, tmp_path: Path) -> None:
        path = tmp_path / 'predictor.tokenizer.json'
        build_tokenizer(path)
        plain, _ = Tokenizer(path).encode([TEXTS[0]], max_tokens=64)
        content = json.loads(path.read_text())
        content['truncation'] = {
            'direction': 'Right',
            'max_length': 2,
            'strategy': 'LongestFirst',
            'stride': 0,
        }
        path.write_text(json.dumps(content))
        assert np.array_equal(Tokenizer(path).encode([TEXTS[0]], max_tokens=64)[0], plain)

    @pytest.mark.parametrize(
        ('texts', 'message'),
        [
            ([], 'No text was given'),
            (['red', ''], "A text is empty: ''"),
            ([' \n'], 'A text is empty'),
            (['red', 'blue ' * 99], r"The text 'blue .* has \d+ tokens; .* at most 20"),
        ],
    )
    def test_error(self, tokenizer_path: Path, texts: list[str], message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            Tokenizer(tokenizer_path).encode(texts, max_tokens=20)

    def test_limit_is_inclusive(self, tokenizer_path: Path) -> None:
        tokenizer = Tokenizer(tokenizer_path)
        length = tokenizer.encode([TEXTS[0]], max_tokens=64)[0].shape[1]
        assert tokenizer.encode([TEXTS[0]], max_tokens=length)[0].shape == (1, length)
        with pytest.raises(ConfigurationError):
            tokenizer.encode([TEXTS[0]], max_tokens=length - 1)

    def test_missing_special_token(self, tokenizer_path: Path, tmp_path: Path) -> None:
        path = tmp_path / 'y_decoder.tokenizer.json'
        path.write_text(tokenizer_path.read_text().replace('[EOS]', '[END]'))
        with pytest.raises(CheckpointError, match=r'y_decoder.*no special token \[EOS\]'):
            Tokenizer(path, writes=True)
        reader = Tokenizer(path)
        assert reader.bos == 1
        with pytest.raises(CheckpointError, match=r'no special token \[EOS\]'):
            _ = reader.eos

    @pytest.mark.parametrize('names', [('<pad>', '<bos>', '<eos>'), ('<pad>', '<s>', '</s>')])
    def test_names_of_other_families(
        self, tokenizer_path: Path, tmp_path: Path, names: tuple[str, str, str]
    ) -> None:
        path = tmp_path / 'y_decoder.tokenizer.json'
        content = tokenizer_path.read_text()
        for own, other in zip(('[PAD]', '[BOS]', '[EOS]'), names, strict=True):
            content = content.replace(own, other)
        path.write_text(content)
        tokenizer = Tokenizer(path, writes=True)
        assert (tokenizer.pad, tokenizer.bos, tokenizer.eos) == (0, 1, 2)

    def test_wordpiece(self, tmp_path: Path) -> None:
        """[CLS] and [SEP] are part of a text, and a text of nothing else is empty."""
        path = tmp_path / 'y_encoder.tokenizer.json'
        build_wordpiece(path)
        tokenizer = Tokenizer(path)
        assert tokenizer.pad == 0
        ids, mask = tokenizer.encode(['The robot opens', 'red'], max_tokens=5)
        assert ids[:, 0].tolist() == [2, 2]
        assert (ids[0, -1], ids[1, 2]) == (3, 3)
        assert mask.tolist() == [[True] * 5, [True] * 3 + [False] * 2]
        assert tokenizer.decode(ids[0].tolist()) == 'the robot opens'
        with pytest.raises(ConfigurationError, match='A text is empty'):
            tokenizer.encode(['red', '\u200b'], max_tokens=9)
        with pytest.raises(ConfigurationError, match='has 5 tokens'):
            tokenizer.encode(['the robot opens'], max_tokens=4)


@pytest.fixture(scope='module')
def inputs() -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    predictor = strong(Predictor(SMALL))
    generator = torch.Generator().manual_seed(0)
    visual = torch.randn(2, SMALL.num_visual_tokens, 20, generator=generator)
    return predictor, visual, torch.randint(3, 512, (2, 6), generator=generator)


class TestPredictor:
    def test_unit_vectors(self, inputs: Any) -> None:
        predictor, visual, ids = inputs
        out = predictor(visual, ids, torch.ones_like(ids, dtype=torch.bool))
        assert out.shape == (2, 16)
        torch.testing.assert_close(out.norm(dim=-1), torch.ones(2))

    def test_padded_query_gives_the_same_answer(self, inputs: Any) -> None:
        predictor, visual, ids = inputs
        real = torch.ones_like(ids, dtype=torch.bool)
        answers = [
            predictor(
                visual,
                torch.nn.functional.pad(ids, (0, 9), value=pad),
                torch.nn.functional.pad(real, (0, 9)),
            )
            for pad in (0, 77)
        ]
        assert torch.equal(*answers), 'padding must have exactly no effect'
        torch.testing.assert_close(answers[0], predictor(visual, ids, real), rtol=0, atol=1e-5)

    def test_video_and_query_both_matter(self, inputs: Any) -> None:
        predictor, visual, ids = inputs
        real = torch.ones_like(ids, dtype=torch.bool)
        answer = predictor(visual, ids, real)
        assert not torch.allclose(answer, predictor(visual.flip(0), ids, real), atol=0.01)
        assert not torch.allclose(answer, predictor(visual, ids.flip(0), real), atol=0.01)

    def test_narrow_query_table(self, inputs: Any) -> None:
        _, visual, ids = inputs
        predictor = Predictor(SMALL_BERT)
        assert predictor.embed_tokens.weight.shape == (512, 6)
        out = predictor(visual, ids, torch.ones_like(ids, dtype=torch.bool))
        assert out.shape == (2, 16)


class TestInfoNCE:
    """Hand-written values: the cosines are small whole numbers of tenths."""

    predicted = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    target = torch.tensor([[0.8, 0.6], [0.6, 0.8]])  # cosines [[.8, .6], [.6, .8]]

    @staticmethod
    def cross_entropy(positive: float, *negatives: float) -> float:
        total = sum(math.exp(value) for value in (positive, *negatives))
        return -math.log(math.exp(positive) / total)

    def test_two_pairs(self) -> None:
        loss = info_nce(self.predicted, self.target, temperature=0.1)
        assert float(loss) == pytest.approx(self.cross_entropy(8.0, 6.0), rel=1e-5)

    def test_hard_negatives_count_for_the_video_only(self) -> None:
        target = torch.cat((self.target, torch.tensor([[1.0, 0.0]])))  # cosines 1 and 0
        loss = info_nce(self.predicted, target, temperature=0.5)
        video = [self.cross_entropy(1.6, 1.2, 2.0), self.cross_entropy(1.6, 1.2, 0.0)]
        text = [self.cross_entropy(1.6, 1.2)] * 2
        assert float(loss) == pytest.approx(sum(video + text) / 4, rel=1e-5)

    def test_ignored_pairs_are_no_negatives(self) -> None:
        ignore = torch.tensor([[True, True], [False, True]])  # the positives cannot be ignored
        loss = info_nce(self.predicted, self.target, temperature=1.0, ignore=ignore)
        alone, both = 0.0, self.cross_entropy(0.8, 0.6)
        # Prediction 0 and target 1 have no negative left, prediction 1 and target 0 have one.
        assert float(loss) == pytest.approx((alone + both + both + alone) / 4, rel=1e-5)

    def test_gradient_is_finite_where_everything_is_ignored(self) -> None:
        predicted = self.predicted.clone().requires_grad_()
        everything = torch.ones(2, 2, dtype=torch.bool)
        loss = info_nce(predicted, self.target, temperature=0.1, ignore=everything)
        loss.backward()
        assert loss.item() == 0.0
        assert predicted.grad is not None
        assert predicted.grad.isfinite().all()


@pytest.fixture(scope='module')
def decoder() -> YDecoder:
    decoder = strong(YDecoder(SMALL))
    assert isinstance(decoder, YDecoder)
    return decoder


@pytest.fixture(scope='module')
def embeddings() -> torch.Tensor:
    noise = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.normalize(noise, dim=-1)


def generate(
    decoder: YDecoder, embeddings: torch.Tensor, **special: int
) -> tuple[list[list[int]], np.ndarray]:
    def next_token(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            some = embeddings[torch.from_numpy(rows)]
            return decoder.next_token(some, torch.from_numpy(ids)).numpy()

    return greedy(next_token, batch=len(embeddings), max_tokens=decoder.max_tokens, **special)


def test_components_are_the_networks() -> None:
    assert tuple(NETWORKS) == COMPONENTS


class TestYDecoder:
    EOS = 2

    def test_greedy_is_the_argmax_of_forward(self, decoder: Any, embeddings: Any) -> None:
        rows, scores = generate(decoder, embeddings, bos=1, eos=self.EOS, pad=0)
        assert any(rows)
        for row, score, embedding in zip(rows, scores.tolist(), embeddings, strict=True):
            complete = len(row) < SMALL.y_decoder.max_tokens - 1
            wanted = row + [self.EOS] * complete
            logits = decoder(embedding[None], torch.tensor([[1, *row]]))[0, : len(wanted)]
            logits[:, [0, 1]] = float('-inf')  # [PAD] and [BOS] are never written
            best, tokens = logits.log_softmax(-1).max(-1)
            assert tokens.tolist() == wanted
            assert score == pytest.approx(best.mean().exp().item(), rel=1e-4)
            assert 0.0 <= score <= 1.0

    def test_complete_texts_are_not_computed_further(
        self, decoder: YDecoder, embeddings: torch.Tensor
    ) -> None:
        rows, _ = generate(decoder, embeddings, bos=1, eos=511, pad=0)
        eos = rows[0][2]
        asked: list[list[int]] = []

        def next_token(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
            asked.append(rows.tolist())
            assert ids.shape == (len(rows), len(asked))
            with torch.inference_mode():
                some = embeddings[torch.from_numpy(rows)]
                return decoder.next_token(some, torch.from_numpy(ids)).numpy()

        texts, _ = greedy(
            next_token, batch=5, max_tokens=decoder.max_tokens, bos=1, eos=eos, pad=0
        )
        for number, text in enumerate(texts):
            steps = min(len(text) + 1, decoder.max_tokens - 1)
            assert sum(number in some for some in asked) == steps
        assert len({len(text) for text in texts}) > 1

    def test_stops_at_eos(self, decoder: YDecoder, embeddings: torch.Tensor) -> None:
        """A token that the decoder writes anyway becomes [EOS]: the texts end in front of it."""
        rows, _ = generate(decoder, embeddings, bos=1, eos=511, pad=0)
        eos = rows[0][2]
        cut, scores = generate(decoder, embeddings, bos=1, eos=eos, pad=0)
        assert cut == [row[: row.index(eos)] if eos in row else row for row in rows]
        assert len(cut[0]) < len(rows[0])
        assert ((scores >= 0) & (scores <= 1)).all()

    def test_a_finished_text_does_not_change_while_others_go_on(
        self, decoder: YDecoder, embeddings: torch.Tensor
    ) -> None:
        rows, _ = generate(decoder, embeddings, bos=1, eos=511, pad=0)
        eos = rows[0][2]
        together, scores = generate(decoder, embeddings, bos=1, eos=eos, pad=0)
        for index, embedding in enumerate(embeddings):
            row, score = generate(decoder, embedding[None], bos=1, eos=eos, pad=0)
            assert row == [together[index]]
            assert score == pytest.approx(scores[index : index + 1], rel=1e-4)

    def test_length_is_limited(self, decoder: YDecoder, embeddings: torch.Tensor) -> None:
        rows, _ = generate(decoder, embeddings, bos=1, eos=-1, pad=0)  # [EOS] never comes
        assert {len(row) for row in rows} == {SMALL.y_decoder.max_tokens - 1}

    def test_later_tokens_do_not_reach_earlier_ones(self, decoder: Any, embeddings: Any) -> None:
        ids = torch.randint(3, 512, (5, 8), generator=torch.Generator().manual_seed(0))
        changed = ids.clone()
        changed[:, 5:] = 7
        before, after = decoder(embeddings, ids), decoder(embeddings, changed)
        torch.testing.assert_close(before[:, :5], after[:, :5])
        assert not torch.allclose(before[:, 5:], after[:, 5:])


@pytest.fixture(scope='module')
def features(model: VLJEPA) -> torch.Tensor:
    clips = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 32, 3), dtype=np.uint8)
    return model.encode(torch.from_numpy(clips))


class TestVLJEPA:
    def test_several_queries_equal_single_ones(self, model: Any, features: Any) -> None:
        queries = ['caption', 'red?', 'Which action leads from the first image to the last one?']
        together = model.predict(features, queries)
        assert together.shape == (2, 3, 16)
        for clip in range(2):
            for index, query in enumerate(queries):
                single = model.predict(features[clip : clip + 1], [query])[0, 0]
                torch.testing.assert_close(together[clip, index], single, rtol=0, atol=1e-5)
        assert not torch.allclose(together[0, 0], together[0, 1], atol=0.01)
        assert not torch.allclose(together[0, 0], together[1, 0], atol=0.01)

    def test_named_query_is_its_text(self, model: VLJEPA, features: torch.Tensor) -> None:
        answers = model.predict(features, ['caption', SMALL.queries['caption']])
        torch.testing.assert_close(answers[:, 0], answers[:, 1])

    def test_texts_embed_the_same_in_any_company(self, model: VLJEPA) -> None:
        together = model.embed_text(TEXTS)
        torch.testing.assert_close(together.norm(dim=-1), torch.ones(len(TEXTS)))
        for text, embedding in zip(TEXTS, together, strict=True):
            torch.testing.assert_close(model.embed_text([text])[0], embedding, rtol=0, atol=1e-5)

    def test_prompt_comes_before_every_text(self, model: VLJEPA) -> None:
        y_encoder = dataclasses.replace(model.config.y_encoder, prompt='the robot ')
        prompted = VLJEPA(dataclasses.replace(model.config, y_encoder=y_encoder), model.tokenizers)
        prompted.load_state_dict(model.state_dict())
        expected = model.embed_text(['the robot opens'])
        torch.testing.assert_close(prompted.eval().embed_text(['opens']), expected)
        for empty in ('', '  '):
            with pytest.raises(ConfigurationError, match='empty'):
                prompted.embed_text([empty])

    def test_decoded_texts_hold_no_special_tokens(self, model: VLJEPA) -> None:
        texts, scores = model.decode(model.embed_text(TEXTS))
        assert len(texts) == len(scores) == len(TEXTS)
        assert not any('[EOS]' in text or '[BOS]' in text for text in texts)

    @pytest.mark.parametrize('component', NETWORKS)
    def test_a_part_that_is_not_loaded(self, component: str, model: VLJEPA) -> None:
        others = [name for name in NETWORKS if name != component]
        part = VLJEPA(model.config, model.tokenizers, components=others)
        use = {
            'x_encoder': lambda: part.encode(torch.zeros(1, 4, 32, 32, 3, dtype=torch.uint8)),
            'predictor': lambda: part.predict(torch.zeros(1, 8, 20), ['caption']),
            'y_encoder': lambda: part.embed_text(['red']),
            'y_decoder': lambda: part.decode(torch.zeros(1, 16)),
            'transition': lambda: part.transition(torch.zeros(1, 16), torch.zeros(1, 16)),
            'inverse': lambda: part.inverse(torch.zeros(1, 16), torch.zeros(1, 16)),
        }
        with pytest.raises(EngineError, match=f"'{component}' is not loaded; loaded are"):
            use[component]()
