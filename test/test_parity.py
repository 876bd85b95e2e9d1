# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our networks compute what the `transformers` classes compute, from the same named weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip(
    'transformers', reason="parity needs transformers: pip install 'transformers>=5.23'"
)

import torch  # noqa: E402
import transformers  # noqa: E402
from transformers.models.vjepa2.modeling_vjepa2 import VJEPA2Encoder  # noqa: E402
from untrained import TEXTS, build_wordpiece  # noqa: E402

from vljepa_ros.model.bert import BertYEncoder  # noqa: E402
from vljepa_ros.model.config import (  # noqa: E402
    LlamaConfig,
    ModelConfig,
    PredictorConfig,
    RopeScaling,
    VisionConfig,
    YDecoderConfig,
)
from vljepa_ros.model.gemma import GemmaYEncoder  # noqa: E402
from vljepa_ros.model.layers import LlamaStack  # noqa: E402
from vljepa_ros.model.predictor import Predictor  # noqa: E402
from vljepa_ros.model.presets import paper_config, tiny_config
from vljepa_ros.model.tokenizer import Tokenizer  # noqa: E402
from vljepa_ros.model.x_encoder import XEncoder  # noqa: E402
from vljepa_ros.model.y_decoder import YDecoder  # noqa: E402
from vljepa_ros.model.y_encoder_config import BertConfig, GemmaConfig  # noqa: E402

# The head of 44 has unrotated channels, the patch is no power of two, T/tubelet differs from both.
ODD_VISION = ModelConfig(
    clip_frames=9,
    image_mean=(0.1, 0.5, 0.7),
    image_std=(0.5, 0.3, 0.2),
    vision=VisionConfig(
        image_size=50,
        patch_size=10,
        tubelet_size=3,
        hidden_size=88,
        num_layers=3,
        num_heads=2,
        mlp_ratio=2.5,
        layer_norm_eps=1e-5,
    ),
)
LLAMA = LlamaConfig(
    vocab_size=61,
    hidden_size=48,
    num_layers=3,
    num_heads=6,
    num_kv_heads=2,
    intermediate_size=80,
    rope_theta=500.0,
)
# With these numbers the frequencies of a head of 8 fall on both sides of and between the limits.
SCALING = RopeScaling(
    factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_positions=64
)
LLAMA_VARIANTS = {
    'grouped heads': LLAMA,
    'one head per key': dataclasses.replace(LLAMA, num_kv_heads=6),
    'llama3 rope scaling': dataclasses.replace(LLAMA, rope_scaling=SCALING),
}
GEMMA = GemmaConfig(
    vocab_size=61,
    hidden_size=48,
    num_layers=5,
    num_heads=4,
    num_kv_heads=2,
    head_dim=20,
    intermediate_size=80,
    rope_theta=5000.0,
    rope_local_theta=100.0,
    sliding_window=6,
    full_attention_every=3,
    max_tokens=32,
)

BERT = BertConfig(
    vocab_size=61,
    hidden_size=48,
    num_layers=3,
    num_heads=4,
    intermediate_size=80,
    layer_norm_eps=1e-3,
    max_positions=40,
    max_tokens=32,
)


def randomise(module: torch.nn.Module) -> None:
    """Give every weight, norm and bias a value large enough to matter in the result."""
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        scale = 0.5 if parameter.ndim == 1 else 2.0 / parameter.shape[-1] ** 0.5
        noise = torch.randn(parameter.shape, generator=generator) * scale
        parameter.data = parameter.data + noise if parameter.ndim == 1 else noise


def shapes(module: torch.nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in module.state_dict().items()}


def vjepa2_config(config: ModelConfig) -> transformers.VJEPA2Config:
    vision = config.vision
    return transformers.VJEPA2Config(
        patch_size=vision.patch_size,
        crop_size=vision.image_size,
        frames_per_clip=config.clip_frames,
        tubelet_size=vision.tubelet_size,
        hidden_size=vision.hidden_size,
        num_attention_heads=vision.num_heads,
        num_hidden_layers=vision.num_layers,
        mlp_ratio=vision.mlp_ratio,
        layer_norm_eps=vision.layer_norm_eps,
    )


def llama_config(config: LlamaConfig) -> transformers.LlamaConfig:
    rope: dict[str, object] = {'rope_type': 'default', 'rope_theta': config.rope_theta}
    if config.rope_scaling is not None:
        rope |= {
            'rope_type': 'llama3',
            'factor': config.rope_scaling.factor,
            'low_freq_factor': config.rope_scaling.low_freq_factor,
            'high_freq_factor': config.rope_scaling.high_freq_factor,
            'original_max_position_embeddings': config.rope_scaling.original_max_positions,
        }
    return transformers.LlamaConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_kv_heads,
        rms_norm_eps=config.rms_norm_eps,
        max_position_embeddings=1024,
        rope_parameters=rope,
        tie_word_embeddings=True,
    )


def gemma_config(config: GemmaConfig) -> transformers.Gemma3TextConfig:
    return transformers.Gemma3TextConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.num_kv_heads,
        head_dim=config.head_dim,
        query_pre_attn_scalar=config.head_dim,
        rms_norm_eps=config.rms_norm_eps,
        sliding_window=config.sliding_window,
        sliding_window_pattern=config.full_attention_every,
        rope_parameters={
            'full_attention': {'rope_type': 'default', 'rope_theta': config.rope_theta},
            'sliding_attention': {'rope_type': 'default', 'rope_theta': config.rope_local_theta},
        },
        use_bidirectional_attention=True,
    )


def bert_config(config: BertConfig) -> transformers.BertConfig:
    return transformers.BertConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        layer_norm_eps=config.layer_norm_eps,
        max_position_embeddings=config.max_positions,
    )


def text_model_config(text: GemmaConfig | BertConfig) -> ModelConfig:
    return ModelConfig(embedding_dim=16, y_encoder=text)


@pytest.mark.parametrize('config', [tiny_config(), ODD_VISION], ids=['tiny', 'odd'])
def test_x_encoder(config: ModelConfig) -> None:
    theirs = VJEPA2Encoder(vjepa2_config(config)).eval()
    randomise(theirs)
    ours = XEncoder(config).eval()
    ours.load_state_dict(theirs.state_dict())
    size = config.image_size
    clips = np.random.default_rng(0).integers(0, 256, (2, config.clip_frames, size, size, 3))
    pixels = (clips / 255.0 - np.array(config.image_mean)) / np.array(config.image_std)
    video = torch.from_numpy(pixels.astype(np.float32)).permute(0, 1, 4, 2, 3)  # [B, T, 3, H, W]
    with torch.inference_mode():
        expected = theirs(pixel_values_videos=video).last_hidden_state
        tokens = ours(torch.from_numpy(clips.astype(np.uint8)))
    assert tokens.shape == (2, config.num_visual_tokens, config.vision.hidden_size)
    torch.testing.assert_close(tokens, expected, rtol=1e-3, atol=1e-3)


def llama_pair(config: LlamaConfig) -> tuple[transformers.LlamaModel, LlamaStack]:
    """Return their model and ours with its weights; only the unused token table is left out."""
    theirs = transformers.LlamaModel(llama_config(config)).eval()
    randomise(theirs)
    ours = LlamaStack(config, max_positions=40).eval()
    weights = theirs.state_dict()
    del weights['embed_tokens.weight']
    ours.load_state_dict(weights)
    return theirs, ours


@pytest.mark.parametrize('config', LLAMA_VARIANTS.values(), ids=LLAMA_VARIANTS.keys())
def test_llama_with_full_attention(config: LlamaConfig) -> None:
    theirs, ours = llama_pair(config)
    x = torch.randn(2, 40, config.hidden_size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        # A mask with four dimensions replaces the causal one; zeros allow everything.
        expected = theirs(
            inputs_embeds=x, attention_mask=torch.zeros(2, 1, 40, 40)
        ).last_hidden_state
        torch.testing.assert_close(ours(x), expected, rtol=1e-4, atol=1e-4)
        causal = theirs(inputs_embeds=x).last_hidden_state
        torch.testing.assert_close(ours(x, causal=True), causal, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(causal, expected, atol=0.1), 'the masks make no difference here'


def test_llama_rope_scaling_makes_a_difference() -> None:
    x = torch.randn(1, 40, LLAMA.hidden_size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        plain = llama_pair(LLAMA)[1](x)
        scaled = llama_pair(LLAMA_VARIANTS['llama3 rope scaling'])[1](x)
    assert not torch.allclose(plain, scaled, atol=1e-2)


def test_llama_padding_equals_transformers_and_has_no_effect() -> None:
    theirs, ours = llama_pair(LLAMA)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 12, LLAMA.hidden_size, generator=generator)
    mask = torch.arange(12) < torch.tensor([[12], [7]])
    junk = torch.where(mask[:, :, None], x, 1e4 * torch.randn(x.shape, generator=generator))
    hidden = torch.zeros(2, 1, 12, 12).masked_fill(~mask[:, None, None, :], float('-inf'))
    with torch.inference_mode():
        expected = theirs(inputs_embeds=x, attention_mask=hidden).last_hidden_state
        out = ours(x, mask=mask)
        other_padding = ours(junk, mask=mask)
        alone = ours(x[1:, :7])
    torch.testing.assert_close(out[mask], expected[mask], rtol=1e-4, atol=1e-4)
    assert torch.equal(out[mask], other_padding[mask]), 'padding must have exactly no effect'
    torch.testing.assert_close(out[1:, :7], alone, rtol=1e-4, atol=1e-4)


def gemma_pair(config: GemmaConfig) -> tuple[transformers.Gemma3TextModel, GemmaYEncoder]:
    """Return their model and ours with its weights; ours has a head on top."""
    theirs = transformers.Gemma3TextModel(gemma_config(config)).eval()
    randomise(theirs)
    ours = GemmaYEncoder(text_model_config(config)).eval()
    missing, unexpected = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert set(missing) == {'head.weight', 'head.bias'}
    assert not unexpected
    return theirs, ours


@pytest.mark.parametrize('window', [2, 5, 6, 512])
def test_gemma(window: int) -> None:
    """Texts of 23 and 9 tokens; windows shorter than both, odd, even, and longer than both."""
    theirs, ours = gemma_pair(dataclasses.replace(GEMMA, sliding_window=window))
    ids = torch.randint(3, GEMMA.vocab_size, (2, 23), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(23) < torch.tensor([[23], [9]])
    ids = torch.where(mask, ids, 0)
    with torch.inference_mode():
        expected = theirs(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        out = ours.encode(ids, mask)
    torch.testing.assert_close(out[mask], expected[mask], rtol=1e-3, atol=1e-3)


def test_gemma_padding_has_no_effect() -> None:
    """Also where the padding is longer than the window, so that a row sees no real token."""
    _, ours = gemma_pair(dataclasses.replace(GEMMA, sliding_window=4))
    ids = torch.randint(3, GEMMA.vocab_size, (1, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(30)[None] < 9
    zeros, ones = (torch.nn.functional.pad(ids, (0, 21), value=pad) for pad in (0, 7))

    def check_mask(layer: object, args: object, options: dict[str, torch.Tensor]) -> None:
        assert options['mask'].any(dim=-1).all(), 'a row that sees nothing is NaN in some backends'

    for layer in ours.layers:
        layer.register_forward_pre_hook(check_mask, with_kwargs=True)
    with torch.inference_mode():
        alone = ours(ids, torch.ones_like(ids, dtype=torch.bool))
        padded = ours(zeros, mask)
        assert torch.equal(padded, ours(ones, mask)), 'padding must have exactly no effect'
        assert ours.encode(zeros, mask).isfinite().all()
    torch.testing.assert_close(padded, alone, rtol=1e-4, atol=1e-5)


def bert_pair(config: BertConfig) -> tuple[transformers.BertModel, BertYEncoder]:
    """Return their model and ours with its weights; ours has a head on top."""
    theirs = transformers.BertModel(bert_config(config), add_pooling_layer=False).eval()
    randomise(theirs)
    ours = BertYEncoder(text_model_config(config)).eval()
    missing, unexpected = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert set(missing) == {'head.weight', 'head.bias'}
    assert not unexpected
    return theirs, ours


@pytest.mark.parametrize('config', [BERT, BertConfig()], ids=['odd', 'MiniLM'])
def test_bert(config: BertConfig) -> None:
    theirs, ours = bert_pair(config)
    ids = torch.randint(3, config.vocab_size, (2, 23), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(23) < torch.tensor([[23], [9]])
    ids = torch.where(mask, ids, 0)
    with torch.inference_mode():
        expected = theirs(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        out = ours.encode(ids, mask)
    torch.testing.assert_close(out[mask], expected[mask], rtol=1e-3, atol=1e-3)
    cosine = torch.nn.functional.cosine_similarity(out[mask], expected[mask], dim=-1)
    assert cosine.min() > 0.99999


def test_bert_padding_has_no_effect() -> None:
    _, ours = bert_pair(BERT)
    ids = torch.randint(3, BERT.vocab_size, (1, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(30)[None] < 9
    zeros, ones = (torch.nn.functional.pad(ids, (0, 21), value=pad) for pad in (0, 7))
    with torch.inference_mode():
        alone = ours(ids, torch.ones_like(ids, dtype=torch.bool))
        padded = ours(zeros, mask)
        assert torch.equal(padded, ours(ones, mask)), 'padding must have exactly no effect'
        assert ours.encode(zeros, mask).isfinite().all()
    torch.testing.assert_close(padded, alone, rtol=1e-4, atol=1e-5)


def test_wordpiece_ids_are_those_of_transformers(tmp_path: Path) -> None:
    """The file is read as shipped: its padding and truncation are off, [CLS] and [SEP] are on."""
    path = tmp_path / 'y_encoder.tokenizer.json'
    build_wordpiece(path)
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(path), pad_token='[PAD]')
    texts = [*TEXTS, 'Ünïcode: the RED cup, unbelievably (not) red!', 'a [SEP] b']
    expected = theirs(texts, padding=True, truncation=False, return_tensors='np')
    ids, mask = Tokenizer(path).encode(texts, max_tokens=64)
    np.testing.assert_array_equal(ids, expected['input_ids'])
    np.testing.assert_array_equal(mask, expected['attention_mask'].astype(bool))


def test_y_decoder() -> None:
    """Tied weights; theirs read our soft prefix as input embeddings."""
    config = ModelConfig(
        embedding_dim=16, y_decoder=YDecoderConfig(llama=LLAMA, prefix_tokens=3, max_tokens=20)
    )
    theirs = transformers.LlamaForCausalLM(llama_config(LLAMA)).eval()
    randomise(theirs)
    ours = YDecoder(config).eval()
    weights = {
        name.removeprefix('model.').replace('layers.', 'blocks.layers.', 1): value
        for name, value in theirs.state_dict().items()
        if name != 'lm_head.weight'
    }
    weights['blocks.norm.weight'] = weights.pop('norm.weight')
    missing, unexpected = ours.load_state_dict(weights, strict=False)
    assert set(missing) == {'prefix.weight', 'prefix.bias'}
    assert not unexpected
    embeddings = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
    ids = torch.randint(0, LLAMA.vocab_size, (2, 7), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        prefix = ours.prefix(embeddings).view(2, 3, -1)
        both = torch.cat((prefix, theirs.get_input_embeddings()(ids)), dim=1)
        expected = theirs(inputs_embeds=both).logits[:, 3:]
        logits = ours(embeddings, ids)
    assert logits.shape == (2, 7, LLAMA.vocab_size)
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-3)


def test_training_computes_what_inference_does() -> None:
    """Where gradients are wanted the attention may take another way to the same result."""
    _, llama = llama_pair(LLAMA)
    _, y_encoder = gemma_pair(dataclasses.replace(GEMMA, sliding_window=4))
    _, bert = bert_pair(BERT)
    x_encoder = XEncoder(ODD_VISION)
    randomise(x_encoder)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 12, LLAMA.hidden_size, generator=generator)
    mask = torch.arange(12) < torch.tensor([[12], [3]])
    ids = torch.randint(3, GEMMA.vocab_size, (2, 12), generator=generator)
    clips = torch.randint(0, 256, (1, 9, 50, 50, 3), generator=generator, dtype=torch.uint8)
    ways = {
        'padded': lambda: llama(x, mask=mask)[mask],
        'causal': lambda: llama(x, causal=True),
        'text': lambda: y_encoder(ids, mask),
        'bert': lambda: bert(ids, mask),
        'video': lambda: x_encoder(clips),
    }
    for name, way in ways.items():
        with torch.enable_grad():
            trained = way()
        trained.sum().backward()
        with torch.inference_mode():
            torch.testing.assert_close(trained.detach(), way(), rtol=1e-3, atol=1e-3, msg=name)
    for module in (llama, y_encoder, bert, x_encoder):
        for weight in module.parameters():
            assert weight.grad is not None
            assert weight.grad.isfinite().all()


class TestPaperSizes:
    """On the meta device: names and shapes, no memory."""

    @pytest.fixture(autouse=True)
    def on_meta(self) -> Iterator[None]:
        with torch.device('meta'):
            yield

    @staticmethod
    def millions(*parts: torch.nn.Module) -> float:
        count = sum(parameter.numel() for part in parts for parameter in part.parameters())
        return round(count / 1e6, 1)

    def test_x_encoder_is_vit_l(self) -> None:
        ours = XEncoder(paper_config())
        assert self.millions(ours) == 303.9
        assert shapes(ours) == shapes(VJEPA2Encoder(transformers.VJEPA2Config()))

    def test_predictor_is_half_of_llama_3_2_1b(self) -> None:
        config = paper_config()
        ours = Predictor(config)
        assert self.millions(ours.blocks) == 486.6
        released = transformers.LlamaConfig(
            vocab_size=128256,
            hidden_size=2048,
            intermediate_size=8192,
            num_hidden_layers=8,  # of 16
            num_attention_heads=32,
            num_key_value_heads=8,
        )
        theirs = shapes(transformers.LlamaModel(released))
        assert ours.embed_tokens.weight.shape == theirs.pop('embed_tokens.weight')
        assert shapes(ours.blocks) == theirs

    def test_y_encoder_is_embedding_gemma(self) -> None:
        ours = GemmaYEncoder(paper_config())
        assert self.millions(ours.embed_tokens, ours.layers, ours.norm) == 302.9
        released = transformers.Gemma3TextConfig(
            vocab_size=262144,
            hidden_size=768,
            intermediate_size=1152,
            num_hidden_layers=24,
            num_attention_heads=3,
            num_key_value_heads=1,
            head_dim=256,
            use_bidirectional_attention=True,
        )
        backbone = {name: size for name, size in shapes(ours).items() if 'head.' not in name}
        assert backbone == shapes(transformers.Gemma3TextModel(released))
        types = [GemmaConfig().is_full_attention(layer) for layer in range(24)]
        assert types == [kind == 'full_attention' for kind in released.layer_types]

    def test_bert_is_minilm(self) -> None:
        ours = BertYEncoder(ModelConfig(y_encoder=BertConfig()))
        assert self.millions(ours.embeddings, ours.encoder) == 22.6
        released = transformers.BertConfig(
            hidden_size=384,
            intermediate_size=1536,
            num_hidden_layers=6,
            num_attention_heads=12,
        )
        backbone = {name: size for name, size in shapes(ours).items() if 'head.' not in name}
        assert backbone == shapes(transformers.BertModel(released, add_pooling_layer=False))

    def test_predictor_config_reaches_the_blocks(self) -> None:
        config = ModelConfig(predictor=PredictorConfig(llama=LLAMA, max_query_tokens=5))
        assert Predictor(config).blocks.cos.shape[0] == config.num_visual_tokens + 5
