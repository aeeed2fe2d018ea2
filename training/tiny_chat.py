"""A tiny chat model of any decoder architecture that transformers knows: random weights, words of its own, a chat template.

It stands in for one of 7 or 8 billion parameters where a recipe is rehearsed: same classes, same files, same layers to put adapters on.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from clinsim.errors import UsageError

BEGIN, STOP, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
VOCABULARY = 1024
SMALL = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
    "max_position_embeddings": 32_768,
}  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content or '' }}"
    "{% for call in message.tool_calls or [] %}\n<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}"
    "{% if loop.first and tools %}\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tiny_chat(folder: Path, architecture: str, texts: Iterable[str], seed: int = 0) -> None:
    """Write a model with the words of some texts to a folder that transformers and servers read.

    Raises:
        UsageError: There is no such architecture.
    """
    words = chat_words(texts)
    words.save_pretrained(folder)
    try:
        config = AutoConfig.for_model(
            architecture, **SMALL, vocab_size=len(words), bos_token_id=None, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            make: Any = AutoModelForCausalLM.from_config  # not annotated there
            make(config, dtype=torch.float32).save_pretrained(folder)
    except ValueError as problem:
        raise UsageError(f"architecture: {architecture!r} is no decoder that transformers knows, as qwen3 and llama are") from problem


def chat_words(texts: Iterable[str], size: int = VOCABULARY) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `size` tokens, learnt from texts, with the marks and the template of a chat."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=[PAD, BEGIN, STOP], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    make: Any = PreTrainedTokenizerFast  # not annotated there
    words: PreTrainedTokenizerFast = make(tokenizer_object=tokenizer, pad_token=PAD, eos_token=STOP)
    words.chat_template = TEMPLATE
    return words
