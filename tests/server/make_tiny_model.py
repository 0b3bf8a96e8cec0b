"""Makes a Llama of some four million random parameters with a byte-level BPE tokenizer and a chat template, in seconds.

    python make_tiny_model.py FOLDER TEXT_FILE...

Its replies are noise; its tokens, prefixes, times and counters are as real as any model's. Needs numpy, safetensors
and tokenizers, which a vLLM installation has.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY, HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 4096, 256, 2, 4, 688, 131_072
SPECIAL = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
TEMPLATE = (
    "{{ '<|begin|>' }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def tokenizer(folder: Path, texts: list[Path]) -> None:
    """Train the tokenizer on the texts and write it with its chat template."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=alphabet)
    made.train([str(text) for text in texts], trainer)
    made.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|begin|>",
        "eos_token": "<|end|>",
        "pad_token": "<|end|>",
        "chat_template": TEMPLATE,
        "model_max_length": POSITIONS,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def weights(folder: Path) -> None:
    """Random weights of the right shapes."""
    draw = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return (draw.standard_normal(shape) * 0.02).astype(np.float32)

    tensors = {
        "model.embed_tokens.weight": random(VOCABULARY, HIDDEN),
        "model.norm.weight": np.ones(HIDDEN, np.float32),
    }
    for layer in range(LAYERS):
        name = f"model.layers.{layer}"
        for part in "qkvo":
            tensors[f"{name}.self_attn.{part}_proj.weight"] = random(HIDDEN, HIDDEN)
        tensors[f"{name}.mlp.gate_proj.weight"] = random(INNER, HIDDEN)
        tensors[f"{name}.mlp.up_proj.weight"] = random(INNER, HIDDEN)
        tensors[f"{name}.mlp.down_proj.weight"] = random(HIDDEN, INNER)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{name}.{norm}.weight"] = np.ones(HIDDEN, np.float32)
    tensors["lm_head.weight"] = random(VOCABULARY, HIDDEN)
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    print(f"{sum(tensor.size for tensor in tensors.values()) / 1e6:.1f} M parameters")


def main(folder: Path, texts: list[Path]) -> None:
    """Write the model's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer(folder, texts)
    weights(folder)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": POSITIONS,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(text) for text in sys.argv[2:]])
