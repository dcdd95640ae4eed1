"""Architectures of transformers at reduced width: built from a configuration, nothing is loaded."""

import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from tests.sw.methods.tiny import BASE, fill


SIZES = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 48, "pad_token_id": 0}
HEADS = {**BASE, "head_dim": 16}
EXPERTS = {**HEADS, "num_experts_per_tok": 2, "num_local_experts": 4, "num_experts": 4,
           "moe_intermediate_size": 32}
VISION = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
          "intermediate_size": 48, "image_size": 8, "patch_size": 4, "projection_dim": 32}
TEXT = {**HEADS, "model_type": "llama"}

CAUSAL = {
    "llama": HEADS, "mistral": HEADS, "qwen2": HEADS, "qwen3": HEADS, "gemma3_text": HEADS,
    "phi3": {**HEADS, "pad_token_id": 0}, "olmo2": HEADS, "cohere": HEADS, "glm4": HEADS,
    "opt": {**HEADS, "ffn_dim": 48, "word_embed_proj_dim": 32, "pad_token_id": 1},
    "gpt_neox": HEADS, "falcon": BASE, "bloom": {**HEADS, "n_layer": 2, "n_head": 2},
    "gpt2": {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 32,
             "bos_token_id": None, "eos_token_id": None},
    "mixtral": EXPERTS, "qwen3_moe": EXPERTS, "gpt_oss": EXPERTS, "granitemoe": EXPERTS,
    "olmoe": EXPERTS,
    "deepseek_v3": {**EXPERTS, "n_routed_experts": 4, "n_group": 1, "topk_group": 1,
                    "first_k_dense_replace": 1, "q_lora_rank": 16, "kv_lora_rank": 16,
                    "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 16,
                    "head_dim": 8},
    "jetmoe": {**EXPERTS, "kv_channels": 16},
    "dbrx": {"vocab_size": 64, "d_model": 32, "n_heads": 2, "n_layers": 2, "max_seq_len": 64,
             "ffn_config": {"ffn_hidden_size": 32, "moe_num_experts": 4, "moe_top_k": 2},
             "attn_config": {"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 1e4}},
    "mamba": {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8,
              "time_step_rank": 4},
    "mamba2": {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8,
               "num_heads": 4, "head_dim": 16, "n_groups": 1, "chunk_size": 8},
    "jamba": {**EXPERTS, "mamba_d_state": 8, "mamba_dt_rank": 4, "attn_layer_period": 2,
              "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1},
}
ENCODERS = {
    "bert": SIZES, "roberta": {**SIZES, "max_position_embeddings": 40, "pad_token_id": 1},
    "modernbert": SIZES, "electra": {**SIZES, "embedding_size": 16},
    "deberta-v2": {**SIZES, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "distilbert": {"vocab_size": 64, "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48},
    "albert": {**SIZES, "embedding_size": 16},
    "xlnet": {"vocab_size": 64, "d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 48},
}
SEQ2SEQ = {
    "t5": {"vocab_size": 64, "d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2,
           "num_heads": 2},
    "bart": {"vocab_size": 64, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
             "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 48,
             "decoder_ffn_dim": 48, "pad_token_id": 1},
}
OTHERS = {
    "vit": VISION, "dinov2": VISION,
    "whisper": {"vocab_size": 64, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
                "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 48,
                "decoder_ffn_dim": 48, "num_mel_bins": 8, "max_source_positions": 8,
                "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
                "decoder_start_token_id": 1},
    "clip": {"text_config": {**SIZES, "projection_dim": 32, "bos_token_id": 1, "eos_token_id": 63},
             "vision_config": VISION, "projection_dim": 32},
    "llava": {"text_config": TEXT, "vision_config": {**VISION, "model_type": "clip_vision_model"},
              "image_token_id": 63, "vision_feature_layer": -1},
    "qwen2_vl": {"text_config": {**BASE, "rope_parameters": {
                     "rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}},
                 "vision_config": {"depth": 1, "embed_dim": 32, "num_heads": 2, "hidden_size": 32,
                                   "patch_size": 4, "spatial_merge_size": 1, "mlp_ratio": 2},
                 "image_token_id": 63, "vision_start_token_id": 62},
}

KINDS = [*CAUSAL, *ENCODERS, *SEQ2SEQ, *OTHERS]


def build(kind):
    """A model of random weights and the arguments of one call."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(3, 60, (2, 12), generator=generator)
    table = next(table for table in (CAUSAL, ENCODERS, SEQ2SEQ, OTHERS) if kind in table)
    auto = {id(CAUSAL): AutoModelForCausalLM, id(SEQ2SEQ): AutoModelForSeq2SeqLM}.get(
        id(table), AutoModel)
    torch.manual_seed(0)
    model = fill(auto.from_config(AutoConfig.for_model(kind, **table[kind])))
    batch = {"input_ids": ids}
    pixels = torch.randn(2, 3, 8, 8, generator=generator)
    if kind in ("vit", "dinov2"):
        batch = {"pixel_values": pixels}
    elif kind == "whisper":
        batch = {"input_features": torch.randn(2, 8, 16, generator=generator),
                 "decoder_input_ids": ids}
    elif kind in SEQ2SEQ:
        batch["decoder_input_ids"] = ids.flip(0)
    elif kind == "clip":
        batch["pixel_values"] = pixels
        ids[:, -1] = 63
    elif kind == "llava":
        batch["pixel_values"] = pixels
        ids[:, :4] = 63
    elif kind == "qwen2_vl":
        ids[:, 0], ids[:, 1:5] = 62, 63
        batch["pixel_values"] = torch.randn(8, 3 * 2 * 4 * 4, generator=generator)
        batch["image_grid_thw"] = torch.tensor([[1, 2, 2], [1, 2, 2]])
        batch["mm_token_type_ids"] = (ids == 63).long()
    return model, batch
