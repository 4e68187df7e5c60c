"""Models of a few thousand random weights, and tokenizers for them, made here: no hub is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl.chat_template_utils import qwen3_chat_template

START, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
OPENING = f"{START}assistant\n"


def make_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a byte-level tokenizer with Qwen3's chat template that has seen ``texts``."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=1500, special_tokens=[PAD, START, END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=PAD)
    made.chat_template = qwen3_chat_template
    return made


class ScriptedModel(LlamaForCausalLM):
    """A Llama whose logits lean so far towards a script that sampling follows it.

    A script is what to write in each turn of an assistant. With several, a batch's rows take them by turns,
    until what was written tells which it is. Weights are trained as ever.
    """

    scripts: Sequence[Sequence[list[int]]] = ()
    opening: Sequence[int] = ()
    ids: Sequence[list[int]] = ()

    def forward(self, input_ids: torch.Tensor, **options: Any) -> Any:
        cache = options.get("cache")
        seen = cache is not None and cache.get_seq_length() > 0
        new = input_ids.tolist()
        self.ids = [old + more for old, more in zip(self.ids, new, strict=True)] if seen else new
        output = super().forward(input_ids=input_ids, **options)
        lean = torch.zeros_like(output.logits)
        for row, ids in enumerate(self.ids):
            if (token := self._next(ids, row)) is not None:
                lean[row, -1, token] = 1000.0
        output.logits = output.logits + lean
        return output

    def _next(self, ids: list[int], row: int) -> int | None:
        """Return the script's next token; TRL scores what was written by the weights alone."""
        width = len(self.opening)
        starts = [at + width for at in range(len(ids)) if ids[at : at + width] == list(self.opening)]
        if not starts:
            return None
        written = ids[starts[0] :]
        fitting = [script for script in self.scripts if script[0][: len(written)] == written[: len(script[0])]]
        script = fitting[row % len(fitting)] if fitting else self.scripts[0]
        turn = script[len(starts) - 1] if len(starts) <= len(script) else []
        place = len(ids) - starts[-1]
        return turn[place] if place < len(turn) else None


def make_model(tokenizer: PreTrainedTokenizerFast, scripts: Sequence[Sequence[str]]) -> ScriptedModel:
    """Return a model that writes the scripts, each the texts of its turns."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=4096,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = ScriptedModel(config)
    model.opening = tokenizer(OPENING)["input_ids"]
    model.scripts = [[tokenizer(text + END)["input_ids"] for text in turns] for turns in scripts]
    return model
