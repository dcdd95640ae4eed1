"""Training of the decoder: what ``python -m sw.decoder.train`` does.

Seeded and resumable: a run that was interrupted goes on from its last checkpoint, and gives the
same weights as one that was not.
"""

import math
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from hw.command.faults import Fault, reason
from hw.command.files import alone, temporary, write_all
from hw.command.progress import doing
from sw.decoder.text import source
from sw.files import load, save


VOCABULARY = 1024
LENGTH = 256
"""Tokens of a window."""
BATCH = 8
RATE = 3e-3
"""Highest learning rate, after 5 % of the steps; it then falls to a tenth as a cosine."""

EVERY = 100
"""Steps between checkpoints, each with a line of its loss."""


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer, trained on the training text."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        [source(held_out=False)],
        trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet,
                            show_progress=False))
    return PreTrainedTokenizerFast(tokenizer_object=bpe, clean_up_tokenization_spaces=False)


def model(seed: int) -> LlamaForCausalLM:
    """Return the untrained decoder."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=256, intermediate_size=704, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=LENGTH,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=None))


def rate(step: int, steps: int) -> float:
    """Learning rate of a step: linear warm-up, then a cosine."""
    warm = max(1, steps // 20)
    if step < warm:
        return RATE * (step + 1) / warm
    return RATE * (0.55 + 0.45 * math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def batch(tokens: Tensor, seed: int, step: int) -> Tensor:
    """Random windows of a step, which depend on seed and step alone."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    starts = torch.randint(len(tokens) - LENGTH, (BATCH,), generator=generator)
    return tokens[starts[:, None] + torch.arange(LENGTH)]


def train(tokens: Tensor, steps: int, seed: int, checkpoint: Path) -> LlamaForCausalLM:
    """Train for ``steps`` steps, going on from ``checkpoint`` where it exists."""
    decoder = model(seed).train()
    optimizer = torch.optim.AdamW(decoder.parameters(), betas=(0.9, 0.95), weight_decay=0.1)
    first = 0
    if checkpoint.exists():
        state = load(checkpoint, "decoder training", {
            "model": dict, "optimizer": dict, "step": int, "steps": int, "seed": int})
        if (state["steps"], state["seed"]) != (steps, seed):
            raise ValueError(f"{checkpoint} must be of a run of {steps} steps and seed {seed}, "
                             f"not {state['steps']} and {state['seed']}")
        decoder.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    with doing("training", steps - first) as task:
        losses = []
        for step in range(first, steps):
            for group in optimizer.param_groups:
                group["lr"] = rate(step, steps)
            windows = batch(tokens, seed, step)
            loss = decoder(input_ids=windows, labels=windows).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            task.advance()
            if (step + 1) % EVERY == 0 or step + 1 == steps:
                print(f"step {step + 1}: loss {sum(losses) / len(losses):.3f}", flush=True)
                losses.clear()
                save(checkpoint, "decoder training", {
                    "model": decoder.state_dict(), "optimizer": optimizer.state_dict(),
                    "step": step + 1, "steps": steps, "seed": seed})
    return decoder.eval()


def write_decoder(output: Path, steps: int, seed: int, checkpoint: Path) -> None:
    """Train the decoder and write it, with its tokenizer, into a folder: all of it or nothing."""
    with doing("training the tokenizer"):
        words = tokenizer()
        tokens = torch.tensor(words.backend_tokenizer.encode(source(held_out=False)).ids)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with alone(checkpoint.with_name(f".{checkpoint.name}.lock"), f"writes {checkpoint.name}"):
        decoder = train(tokens, steps, seed, checkpoint)
    with temporary() as beside:
        try:
            # Shards stay small enough for any host of repositories.
            decoder.bfloat16().save_pretrained(beside, max_shard_size="3500KB")
            words.save_pretrained(beside)
        except Exception as error:  # each library has its own
            raise Fault(f"TMPDIR must take the files of the decoder, not fail at {str(beside)!r} "
                        f"({reason(error)}): run it again to go on from "
                        f"{checkpoint}") from error
        write_all(output, {path.name: path.read_bytes()
                           for path in sorted(beside.iterdir())})
