# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The whole VL-JEPA model: its networks and their tokenizers.

video ─► X-Encoder ─► Predictor(query) ─► embedding ─► Y-Decoder ─► text
text  ─► Y-Encoder ─────────────────────► embedding      (only when words are needed)

Two small optional heads work on embeddings: Transition(state, action) and Inverse(state, goal).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from vljepa_ros.model.bert import BertYEncoder
from vljepa_ros.model.components import COMPONENTS, max_tokens, present, require_loaded
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.decoding import greedy
from vljepa_ros.model.gemma import GemmaYEncoder
from vljepa_ros.model.planning import Inverse, Transition
from vljepa_ros.model.predictor import Predictor
from vljepa_ros.model.tokenizer import Tokenizer
from vljepa_ros.model.x_encoder import XEncoder
from vljepa_ros.model.y_decoder import YDecoder

Y_ENCODERS = {'gemma': GemmaYEncoder, 'bert': BertYEncoder}
NETWORKS: Mapping[str, Callable[[ModelConfig], nn.Module]] = {
    'x_encoder': XEncoder,
    'predictor': Predictor,
    'y_encoder': lambda config: Y_ENCODERS[config.y_encoder.architecture](config),
    'y_decoder': YDecoder,
    'transition': Transition,
    'inverse': Inverse,
}


class VLJEPA(nn.Module):
    """Networks by component name; a part that is not loaded raises a clear error when used."""

    def __init__(
        self,
        config: ModelConfig,
        tokenizers: Mapping[str, Tokenizer],
        *,
        components: Collection[str] = COMPONENTS,
    ) -> None:
        """Create the networks with fresh weights.

        Args:
            config: sizes and queries.
            tokenizers: one for each of the loaded text components.
            components: subset of `COMPONENTS`; planning heads that `config` lacks are left out.
        """
        super().__init__()
        self.config = config
        self.tokenizers = dict(tokenizers)
        self.networks = nn.ModuleDict(
            {name: NETWORKS[name](config) for name in present(config) if name in components}
        )

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def network(self, name: str) -> nn.Module:
        """Return one of the networks.

        Raises:
            EngineError: this component was not loaded, or the model has none.
        """
        require_loaded(self.config, name, self.networks.keys())
        return self.networks[name]

    def tokenize(self, name: str, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return ids [N, L] and mask [N, L] of texts for the component `name`."""
        self.network(name)
        limit = max_tokens(self.config, name)
        ids, mask = self.tokenizers[name].encode(texts, max_tokens=limit)
        return torch.from_numpy(ids).to(self.device), torch.from_numpy(mask).to(self.device)

    def encode(self, clips: Tensor) -> Tensor:
        """Encode clips uint8 [B, T, H, W, 3] into visual tokens [B, N, D]."""
        features: Tensor = self.network('x_encoder')(clips)
        return features

    def predict(self, features: Tensor, queries: Sequence[str]) -> Tensor:
        """Answer every query on every clip; the video is encoded once for all of them.

        Args:
            features: visual tokens [B, N, D] of `encode`.
            queries: Q names of `config.queries` or free texts.

        Returns:
            Unit vectors [B, Q, embedding_dim].
        """
        ids, mask = self.tokenize('predictor', [self.config.query(query) for query in queries])
        predictor = self.network('predictor')
        assert isinstance(predictor, Predictor)
        return predictor.answers(features, ids, mask)

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """Embed N texts into unit vectors [N, embedding_dim]."""
        prompt = self.config.y_encoder.prompt
        embedding: Tensor = self.network('y_encoder')(
            *self.tokenize('y_encoder', [text.strip() and prompt + text for text in texts])
        )
        return embedding

    def decode(self, embeddings: Tensor) -> tuple[list[str], Tensor]:
        """Turn embeddings [N, embedding_dim] into N texts and their scores [N] in [0, 1]."""
        decoder = self.network('y_decoder')
        assert isinstance(decoder, YDecoder)
        tokenizer = self.tokenizers['y_decoder']

        def next_token(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                some = embeddings[torch.from_numpy(rows).to(embeddings.device)]
                step = decoder.next_token(some, torch.from_numpy(ids).to(self.device))
                return step.cpu().numpy()

        ids, scores = greedy(
            next_token,
            batch=len(embeddings),
            max_tokens=decoder.max_tokens,
            bos=tokenizer.bos,
            eos=tokenizer.eos,
            pad=tokenizer.pad,
        )
        return [tokenizer.decode(row) for row in ids], torch.from_numpy(scores)

    def transition(self, states: Tensor, actions: Tensor) -> Tensor:
        """Predict the states [B, N, D] after each of the actions [N, D] in each state [B, D]."""
        after: Tensor = self.network('transition')(states, actions)
        return after

    def inverse(self, initial: Tensor, goal: Tensor) -> Tensor:
        """Predict the actions [B, D] that lead from states [B, D] to goals [B, D]."""
        actions: Tensor = self.network('inverse')(initial, goal)
        return actions
