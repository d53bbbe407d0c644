"""Vision language models small enough to be made on the spot, of random weights, stored as real ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

WORDS = ["what", "happens", "here", "?", "USER", ":", "ASSISTANT", "a", "red", "disc", "appears", "then", "nothing"]
WIDTH, TOWER = 32, 16


def tokenizer(special):
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<s>", "</s>", "<unk>", *special, *WORDS]
    made = Tokenizer(WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=special,
    )


def text_config(words):
    return {
        "vocab_size": words,
        "hidden_size": WIDTH,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def llava(folder: Path) -> Path:
    import transformers

    words = tokenizer(["<image>"])
    made: Any = transformers.LlavaConfig  # its stubs know fewer fields than it has
    config = made(
        text_config={"model_type": "llama", **text_config(len(words))},
        vision_config={
            "model_type": "clip_vision_model",
            "hidden_size": TOWER,
            "intermediate_size": 24,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 7,
            "projection_dim": 8,
        },
        image_token_id=words.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2,
    )
    size = {"height": 28, "width": 28}
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=size)
    return _store(transformers.LlavaForConditionalGeneration, config, words, processor, folder)


def qwen(folder: Path, kind: str = "qwen2_vl") -> Path:
    import transformers

    special = ["im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad"]
    words = tokenizer([f"<|{name}|>" for name in special])
    ids = {name: words.convert_tokens_to_ids(f"<|{name}|>") for name in special}
    vision = {"depth": 2, "num_heads": 2, "patch_size": 7, "spatial_merge_size": 2}
    if kind == "qwen2_vl":
        vision |= {"embed_dim": TOWER, "hidden_size": WIDTH, "mlp_ratio": 2}
    else:
        vision |= {"hidden_size": TOWER, "out_hidden_size": WIDTH, "intermediate_size": 24, "window_size": 28}
        vision |= {"fullatt_block_indexes": [1]}
    name = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL"}[kind]
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}
    config = getattr(transformers, f"{name}Config")(
        text_config={**text_config(len(words)), "rope_parameters": rope},
        vision_config=vision,
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
    )
    processor = transformers.Qwen2VLImageProcessor(patch_size=7, min_pixels=28 * 28, max_pixels=56 * 56)
    return _store(getattr(transformers, f"{name}ForConditionalGeneration"), config, words, processor, folder)


MAKERS = {"llava": llava, "qwen2_vl": qwen, "qwen2_5_vl": lambda folder: qwen(folder, "qwen2_5_vl")}


def _store(kind, config, words, processor, folder):
    torch.manual_seed(0)
    model = kind(config).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.15)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
