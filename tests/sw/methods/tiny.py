"""Small models of the usual kinds: weights of a fixed seed, nothing is loaded."""

import torch
from transformers import AutoConfig, AutoModelForCausalLM


BASE = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "intermediate_size": 48, "bos_token_id": None,
        "eos_token_id": None, "pad_token_id": None}


def fill(model, seed=0):
    """Give every matrix values of the same size, so that no layer is without effect."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, parameter.shape[-1] ** -0.5, generator=generator)
    return model.eval()


def causal(kind, **values):
    """A causal model of two layers."""
    return fill(AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **BASE | values)))


def ids(tokens=12, seed=0):
    return torch.randint(64, (2, tokens), generator=torch.Generator().manual_seed(seed))


def logits(model, seed=0):
    with torch.no_grad():
        return model(input_ids=ids(seed=seed), use_cache=False).logits
