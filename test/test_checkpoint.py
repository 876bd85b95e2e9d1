# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint comes back as it was saved, and a damaged one says what is wrong with it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('tokenizers')
pytest.importorskip('safetensors')

import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from untrained import TEXTS, build_tokenizer, build_untrained_checkpoint  # noqa: E402

from vljepa_ros.errors import CheckpointError, ConfigurationError, EngineError  # noqa: E402
from vljepa_ros.model.bert import BertYEncoder  # noqa: E402
from vljepa_ros.model.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from vljepa_ros.model.checkpoint_folder import (  # noqa: E402
    CONFIG_FILE,
    load_config,
    model_id,
    tokenizer_file,
    weights_file,
)
from vljepa_ros.model.compact import LARGE_TABLE  # noqa: E402
from vljepa_ros.model.components import COMPONENTS, PLANNING, READERS, TOKENIZED  # noqa: E402
from vljepa_ros.model.vl_jepa import VLJEPA  # noqa: E402


@pytest.fixture(scope='module')
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_untrained_checkpoint(tmp_path_factory.mktemp('checkpoint'))


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    """Return a checkpoint that a test may damage."""
    return shutil.copytree(saved, tmp_path / 'copy')


def answers(model: VLJEPA) -> tuple[list[torch.Tensor], list[str]]:
    size = model.config.image_size
    shape = (1, model.config.clip_frames, size, size, 3)
    clips = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with torch.inference_mode():
        predicted = model.predict(model.encode(torch.from_numpy(clips)), ['caption', 'action'])
        texts, scores = model.decode(predicted[0])
        return [predicted, model.embed_text(TEXTS), scores], texts


def test_round_trip(saved: Path, tmp_path: Path) -> None:
    model = load_checkpoint(saved)
    save_checkpoint(model, tmp_path / 'new' / 'folder', tokenizer_source=saved)
    again = load_checkpoint(tmp_path / 'new' / 'folder')
    assert again.config == model.config
    before, texts = answers(model)
    after, texts_again = answers(again)
    assert all(map(torch.equal, before, after))
    assert texts == texts_again
    assert model_id(tmp_path / 'new' / 'folder', again.config) == model_id(saved, model.config)


def test_loaded_for_inference(saved: Path) -> None:
    model = load_checkpoint(saved)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_half_precision_files_load_as_float32(saved: Path, tmp_path: Path) -> None:
    model = load_checkpoint(saved)
    save_checkpoint(model.half(), tmp_path, tokenizer_source=saved)
    size = (saved / weights_file('x_encoder')).stat().st_size
    assert (tmp_path / weights_file('x_encoder')).stat().st_size < 0.6 * size
    loaded = load_checkpoint(tmp_path)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    expected = load_checkpoint(saved, components=['y_encoder']).embed_text(TEXTS)
    torch.testing.assert_close(loaded.embed_text(TEXTS), expected, rtol=0, atol=0.02)


def word_table(model: VLJEPA) -> torch.Tensor:
    encoder = model.networks['y_encoder']
    assert isinstance(encoder, BertYEncoder)
    return encoder.embeddings.word_embeddings.weight


def test_compact_files_load_as_float32(saved: Path, tmp_path: Path) -> None:
    """Half precision, and 8 bits where the table of tokens is large."""
    model = load_checkpoint(saved)
    y_encoder = dataclasses.replace(model.config.y_encoder, vocab_size=LARGE_TABLE)
    wide = VLJEPA(dataclasses.replace(model.config, y_encoder=y_encoder), model.tokenizers)
    table = word_table(wide)
    table.data[3] = 0.0  # a row without a largest number
    table.data[4] *= 1e-4
    save_checkpoint(wide, tmp_path, tokenizer_source=saved, dtype=torch.float16, int8_tables=True)
    with safe_open(tmp_path / weights_file('y_encoder'), 'pt') as file:
        assert file.get_slice('embeddings.word_embeddings.weight').get_dtype() == 'I8'
        assert file.get_slice('embeddings.position_embeddings.weight').get_dtype() == 'F16'
    with safe_open(tmp_path / weights_file('predictor'), 'pt') as file:
        assert file.get_slice('embed_tokens.weight').get_dtype() == 'F16'  # a small table
    loaded = load_checkpoint(tmp_path)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    again = word_table(loaded)
    largest = table.abs().amax(dim=1, keepdim=True)
    assert ((again - table).abs() <= 0.51 / 127 * largest).all()
    assert not bool(again[3].any())
    cosine = (loaded.embed_text(TEXTS) * wide.eval().embed_text(TEXTS)).sum(-1)
    assert cosine.min() > 0.999


@pytest.mark.parametrize(
    'components', [('x_encoder', 'predictor'), ('y_encoder',), ('y_decoder',), ('x_encoder',)]
)
def test_parts_need_only_their_own_files(copy: Path, components: tuple[str, ...]) -> None:
    for name in set(COMPONENTS) - set(components):
        (copy / weights_file(name)).unlink()
        (copy / tokenizer_file(name)).unlink(missing_ok=True)
    model = load_checkpoint(copy, components=components)
    assert set(model.networks) == set(components)
    assert set(model.tokenizers) == set(components) & set(TOKENIZED)


def test_planning_heads_are_optional(copy: Path) -> None:
    for name in PLANNING:
        (copy / weights_file(name)).unlink()
    configure(transition=None, inverse=None)(copy)
    model = load_checkpoint(copy)
    assert set(model.networks) == set(COMPONENTS) - set(PLANNING)
    assert 'transition' not in model.config.to_dict()
    with pytest.raises(EngineError, match="'tiny' has no 'transition'"):
        model.transition(torch.zeros(1, 256), torch.zeros(1, 256))
    with pytest.raises(CheckpointError, match=r'has no inverse and no transition; it has \['):
        load_checkpoint(copy, components=PLANNING)


@pytest.mark.parametrize('components', [['x_encoder', 'decoder'], [], 'x_encoder'])
def test_unknown_component(saved: Path, components: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"components are \[.*allowed are .*'y_decoder'"):
        load_checkpoint(saved, components=components)


class TestModelId:
    def test_form(self, saved: Path) -> None:
        name, digits = model_id(saved, load_config(saved)).split('@')
        assert name == 'tiny'
        assert len(digits) == 12
        assert int(digits, 16) >= 0

    def test_same_weights_same_id(self, saved: Path, tmp_path: Path) -> None:
        other = build_untrained_checkpoint(tmp_path)
        assert model_id(other, load_config(other)) == model_id(saved, load_config(saved))

    @pytest.mark.parametrize('component', COMPONENTS)
    def test_weights_of_the_space_change_it(self, copy: Path, component: str) -> None:
        before = model_id(copy, load_config(copy))
        model = load_checkpoint(copy)
        next(model.networks[component].parameters()).view(-1)[0] += 1e-3
        save_checkpoint(model, copy, tokenizer_source=copy)
        # The Y-Decoder and the planning heads read the space, they do not span it.
        same = model_id(copy, load_config(copy)) == before
        assert same == (component in READERS)

    @pytest.mark.parametrize('component', TOKENIZED)
    def test_tokenizers_change_it(self, copy: Path, component: str) -> None:
        before = model_id(copy, load_config(copy))
        path = copy / tokenizer_file(component)
        content = json.loads(path.read_text())
        content['normalizer'] = {'type': 'NFC'}
        path.write_text(json.dumps(content))
        assert (model_id(copy, load_config(copy)) == before) == (component in READERS)

    @pytest.mark.parametrize(
        ('changes', 'same'),
        [
            ({'clip_fps': 5}, True),  # written in another way
            ({'clip_fps': 4.0}, False),
            ({'image_mean': [0.5, 0.5, 0.5]}, False),
            ({'queries': {'state': 'Where is everything?'}}, False),
            ({'transition': None}, True),
        ],
        ids=str,
    )
    def test_configuration(self, copy: Path, changes: dict[str, object], same: bool) -> None:
        """What changes the meaning of an embedding counts, not how the file is written."""
        before = model_id(copy, load_config(copy))
        values = json.loads((copy / CONFIG_FILE).read_text()) | changes
        shuffled = dict(sorted(values.items(), reverse=True))
        (copy / CONFIG_FILE).write_text(json.dumps(shuffled, indent=7))
        assert (model_id(copy, load_config(copy)) == before) == same


Damage = Callable[[Path], object]


def cut(name: str) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-100])


def write(name: str, content: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content)


def remove(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def configure(**changes: object) -> Damage:
    def damage(folder: Path) -> None:
        values = json.loads((folder / CONFIG_FILE).read_text())
        (folder / CONFIG_FILE).write_text(json.dumps(values | changes))

    return damage


def drop_token(folder: Path) -> None:
    path = folder / 'predictor.tokenizer.json'
    path.write_text(path.read_text().replace('[PAD]', '[XXX]'))


def foreign_weights(folder: Path) -> None:
    save_file({'weight': torch.zeros(2, 2)}, folder / 'predictor.safetensors')


def exchange(folder: Path) -> None:
    shutil.copy(folder / 'x_encoder.safetensors', folder / 'y_encoder.safetensors')


def larger_vocabulary(folder: Path) -> None:
    path = folder / 'y_encoder.tokenizer.json'
    content = json.loads(path.read_text())
    content['added_tokens'].append(
        content['added_tokens'][0] | {'id': len(content['model']['vocab']), 'content': '[NEW]'}
    )
    path.write_text(json.dumps(content))


DAMAGES: dict[str, tuple[Damage, str, str]] = {
    # what was done: (how, file that the message names, cause that it names)
    'no config': (remove(CONFIG_FILE), CONFIG_FILE, 'no VL-JEPA checkpoint'),
    'no weights': (remove('x_encoder.safetensors'), 'x_encoder.safetensors', 'is missing'),
    'no tokenizer': (remove('y_decoder.tokenizer.json'), 'y_decoder.tokenizer.json', 'is missing'),
    'truncated weights': (cut('y_decoder.safetensors'), 'y_decoder.safetensors', 'truncated'),
    'empty weights': (write('predictor.safetensors', b''), 'predictor.safetensors', 'truncated'),
    'other file': (
        write('y_encoder.safetensors', b'PK\x03\x04' + bytes(500)),
        'y_encoder.safetensors',
        'no safetensors file',
    ),
    'foreign weights': (foreign_weights, 'predictor.safetensors', 'another architecture'),
    'exchanged weights': (exchange, 'y_encoder.safetensors', 'another architecture'),
    'other sizes': (configure(embedding_dim=64), 'safetensors', 'size mismatch'),
    'broken json': (write(CONFIG_FILE, b'{"name": '), CONFIG_FILE, 'Expecting value'),
    'json list': (write(CONFIG_FILE, b'[]'), CONFIG_FILE, 'must be a mapping'),
    'no utf-8': (write(CONFIG_FILE, b'\xff\xfe'), CONFIG_FILE, 'utf-8'),
    'unknown key': (configure(clip_fsp=4), CONFIG_FILE, 'clip_fsp'),
    'wrong type': (configure(clip_fps='4'), CONFIG_FILE, 'clip_fps must be of type float'),
    'wrong colour': (configure(image_mean=['r', 'g', 'b']), CONFIG_FILE, 'image_mean'),
    'zero': (configure(embedding_dim=0), CONFIG_FILE, 'embedding_dim is 0'),
    'incomplete': (configure(vision={'patch_size': 8}), CONFIG_FILE, 'vision lacks the keys'),
    'broken tokenizer': (cut('y_encoder.tokenizer.json'), 'y_encoder.tokenizer.json', 'readable'),
    'foreign tokenizer': (
        write('predictor.tokenizer.json', b'{"model": {"type": "Nonsense"}}'),
        'predictor.tokenizer.json',
        'readable',
    ),
    'binary tokenizer': (
        write('predictor.tokenizer.json', b'\x80\x81'),
        'predictor.tokenizer.json',
        'utf-8',
    ),
    'tokenizer without [PAD]': (drop_token, 'predictor.tokenizer.json', r'[PAD]'),
    'larger vocabulary': (larger_vocabulary, 'y_encoder.tokenizer.json', 'vocab_size'),
}


@pytest.mark.parametrize(('damage', 'file', 'cause'), DAMAGES.values(), ids=DAMAGES.keys())
def test_damage(copy: Path, damage: Damage, file: str, cause: str) -> None:
    damage(copy)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(copy)
    message = str(caught.value)
    assert file in message
    assert cause in message
    assert str(copy) in message
    assert len(message) < 1500


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match='nowhere is no VL-JEPA checkpoint'):
        load_checkpoint(tmp_path / 'nowhere')


def test_model_id_needs_the_weights_of_the_space(copy: Path) -> None:
    (copy / 'predictor.safetensors').unlink()
    with pytest.raises(CheckpointError, match=r'incomplete: predictor.safetensors is missing'):
        model_id(copy, load_config(copy))


def test_smaller_vocabulary_is_fine(copy: Path) -> None:
    """The table of token embeddings may have spare rows."""
    build_tokenizer(copy / 'y_decoder.tokenizer.json', vocab_size=300)
    load_checkpoint(copy)
