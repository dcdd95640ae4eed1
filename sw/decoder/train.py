"""Train the decoder: ``python -m sw.decoder.train``, about half an hour on two cores.

Seeded and resumable: a run that was interrupted goes on from its last checkpoint, and gives the
same weights as one that was not.
"""

import argparse
import math
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from sw.decoder import WEIGHTS
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
        state = load(checkpoint, "decoder training")
        if (state["steps"], state["seed"]) != (steps, seed):
            raise ValueError(f"{checkpoint} must be of a run of {steps} steps and seed {seed}, "
                             f"not {state['steps']} and {state['seed']}")
        decoder.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    console = Console()
    with Progress(console=console) as progress:
        task = progress.add_task("training", total=steps, completed=first)
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
            progress.advance(task)
            if (step + 1) % EVERY == 0 or step + 1 == steps:
                console.print(f"step {step + 1}: loss {sum(losses) / len(losses):.3f}")
                losses.clear()
                save(checkpoint, "decoder training", {
                    "model": decoder.state_dict(), "optimizer": optimizer.state_dict(),
                    "step": step + 1, "steps": steps, "seed": seed})
    return decoder.eval()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m sw.decoder.train", description=__doc__)
    parser.add_argument("--steps", type=int, default=2000, help="steps, default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default %(default)s")
    parser.add_argument("-o", "--output", type=Path, default=WEIGHTS,
                        help="folder for weights, configuration and tokenizer")
    parser.add_argument("--checkpoint", type=Path, default=Path("build/decoder.pt"),
                        help="where to go on from, default %(default)s")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error(f"steps must be an integer from 1, not {options.steps}")
    try:
        options.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        options.output.mkdir(parents=True, exist_ok=True)
        words = tokenizer()
        tokens = torch.tensor(words.backend_tokenizer.encode(source(held_out=False)).ids)
        decoder = train(tokens, options.steps, options.seed, options.checkpoint)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    # Shards stay small enough for any host of repositories.
    decoder.bfloat16().save_pretrained(options.output, max_shard_size="3500KB")
    words.save_pretrained(options.output)


if __name__ == "__main__":
    main()
