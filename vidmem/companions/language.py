"""A vision language model of transformers as a companion: what is remembered enters it as `inputs_embeds`.

With a bridge (ours, trained, or a published one) scenes pass through it; without one, the tokens of each scene's frames
are averaged and kept as they are, which any model can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from vidmem.bridges import CachePolicy
from vidmem.bridges.bridge import RecurrentBridge
from vidmem.bridges.files import load_bridge
from vidmem.bridges.gathering import KEEP, Gathering
from vidmem.bridges.merge import Merge
from vidmem.bridges.segments import FRAMES, GRID, pooled
from vidmem.companions import Remembered
from vidmem.companions.families import Family, Where, family_of, look, positions
from vidmem.errors import InputError, ModelError, UsageError
from vidmem.values import Frame

Reads = Literal["memories", "latest", "both"]
GATHERED = 4  # tokens a side of a frame where no bridge condenses them
DESCRIBE = "Describe what happens in the latest scene of this video in one sentence."


@dataclass(frozen=True, eq=False)
class Prepared:
    """What `generate` is called with."""

    inputs_embeds: Tensor  # (1, L, D)
    attention_mask: Tensor  # (1, L)
    position_ids: Tensor | None  # (3, 1, L) for a model that tells time, row and column apart
    remembered: int  # how many of the tokens are memory

    def as_arguments(self) -> dict[str, Tensor]:
        said = {"inputs_embeds": self.inputs_embeds, "attention_mask": self.attention_mask}
        return said if self.position_ids is None else {**said, "position_ids": self.position_ids}


@dataclass(frozen=True, eq=False)
class Stored:
    """A vision language model of transformers, with what belongs to it."""

    model: Any
    tokenizer: Any
    processor: Any  # of images


class Language:
    """stored: a folder with a model, its tokenizer and image processor; or those, loaded before. Nothing is fetched.

    bridge   a file of weights; None keeps averaged tokens
    cache    what is kept of the scenes behind
    reads    what the language model is given: the "memories" kept of all scenes, the tokens of the "latest" scene
             (what the released VideoLLaMB is given), or "both"
    """

    def __init__(
        self,
        stored: str | Path | Stored = "",
        bridge: Path | None = None,
        cache: CachePolicy = Merge(KEEP),  # noqa: B008 (frozen)
        reads: Reads = "memories",
        device: str = "auto",
        dtype: torch.dtype | None = None,
        tokens: int = 64,
        describe: str = DESCRIBE,
    ):
        if reads not in ("memories", "latest", "both"):
            raise UsageError(f"A language model reads 'memories', 'latest' or 'both', not {reads!r}.")
        if tokens < 1:
            raise UsageError(f"An answer has one token or more, not {tokens}.")
        if not isinstance(stored, Stored):
            stored = read_stored(str(stored), device, dtype)
        self.model, self.tokenizer, self.processor = stored.model, stored.tokenizer, stored.processor
        self.family: Family = family_of(self.model.config.model_type)
        self.reads, self.tokens, self.prompt = reads, tokens, describe
        width = self.model.get_input_embeddings().weight.shape[1]
        self.where: Where = "language"
        if bridge is None:
            self.side, self.bridge = GATHERED, Gathering(GATHERED**2, cache)
        else:
            made = load_bridge(bridge, cache).to(self.model.device, self.model.dtype)
            self.where = self._where(made, width, bridge)
            self.side, self.bridge = GRID, made
        self.looks = FRAMES

    def _where(self, bridge: RecurrentBridge, width: int, path: Path) -> Where:
        tower = getattr(self.model.config.vision_config, "hidden_size", None)
        if bridge.sizes.language_width != width:
            raise ModelError(
                f"{path} makes tokens {bridge.sizes.language_width} wide; the language model reads {width}. "
                "A bridge belongs to the model it was trained with."
            )
        if bridge.sizes.width == tower and not self.family.mrope:
            return "vision"
        if bridge.sizes.width == width:
            return "language"
        raise ModelError(f"{path} is {bridge.sizes.width} wide; the model sees {tower} and reads {width}.")

    @torch.inference_mode()
    def see(self, frame: Frame) -> Tensor:
        """(side side, C)"""
        picture = frame.image.permute(1, 2, 0).cpu().numpy()
        given = self.processor(images=picture, return_tensors="pt").to(self.model.device)
        given["pixel_values"] = given["pixel_values"].to(self.model.dtype)
        return pooled(look(self.model, self.family, given, self.where)[None], self.side)[0]

    def start(self) -> Remembered:
        return Remembered(self.bridge.start())

    @torch.inference_mode()
    def remember(self, state: Remembered, frames: Sequence[Tensor]) -> Remembered:
        bridge, bridged = self.bridge.step(state.bridge, torch.cat(list(frames)))
        return Remembered(bridge, bridged.tokens)

    @torch.inference_mode()
    def answer(self, state: Remembered, question: str) -> str:
        """Greedy. Raises InputError when nothing was seen, UsageError for an empty question."""
        prepared = self.prepare(state, question)
        said = self.model.generate(**prepared.as_arguments(), max_new_tokens=self.tokens, do_sample=False)
        return self.tokenizer.decode(said[0], skip_special_tokens=True).strip()

    def describe(self, before: Remembered, after: Remembered) -> str:
        return self.answer(after, self.prompt)

    def memory(self, state: Remembered) -> tuple[Tensor, int]:
        """(1, K, D) the tokens the language model is given, and how many of them are one entry."""
        if state.latest is None:
            raise InputError("Nothing was seen yet, so nothing can be answered.")
        memories = self.bridge.read(state.bridge)
        each = memories.shape[1] // len(state.bridge.cache)
        if self.reads == "memories":
            return memories, each
        if self.reads == "latest":
            return state.latest, self.side**2
        return torch.cat([memories, state.latest], 1), 1 if each != self.side**2 else each

    def prepare(self, state: Remembered, question: str) -> Prepared:
        """The prompt with the memory where its placeholder stood."""
        if not question.strip():
            raise UsageError("The question is empty.")
        memory, each = self.memory(state)
        ids = self._ids(question)
        mark = self.tokenizer.convert_tokens_to_ids(self.family.placeholder)
        places = [index for index, token in enumerate(ids) if token == mark]
        if len(places) != 1:
            raise ModelError(
                f"The prompt holds {len(places)} tokens {self.family.placeholder!r} where one is wanted. The tokenizer "
                "does not belong to the model, or the question holds the placeholder itself."
            )
        before, behind = ids[: places[0]], ids[places[0] + 1 :]
        embed = self.model.get_input_embeddings()
        text = embed(torch.tensor([before + behind], device=self.model.device))
        memory = memory.to(text.dtype)
        embeds = torch.cat([text[:, : len(before)], memory, text[:, len(before) :]], 1)
        where = positions(self.family, len(before), memory.shape[1] // each, each, len(behind))
        mask = torch.ones(embeds.shape[:2], dtype=torch.long, device=embeds.device)
        return Prepared(embeds, mask, None if where is None else where.to(embeds.device), memory.shape[1])

    def _ids(self, question: str) -> list[int]:
        if getattr(self.tokenizer, "chat_template", None):
            content = [{"type": "image"}, {"type": "text", "text": question}]
            text = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
            )
            return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return list(self.tokenizer(self.family.prompt.format(text=question))["input_ids"])


def read_stored(folder: str, device: str = "auto", dtype: torch.dtype | None = None) -> Stored:
    """The model in a folder. dtype: as it was stored, when left out

    Raises InputError where no folder is, ModelError where it holds no such model, UsageError without transformers.
    """
    try:
        from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer
    except ImportError as missing:
        raise UsageError("A vision language model needs transformers: pip install 'vidmem[language]'") from missing
    if not folder or not Path(folder).is_dir():
        raise InputError(
            f"{folder or '(no name)'} is no folder with a stored model. Fetch one first, for example by `hf download`."
        )
    try:
        family_of(AutoConfig.from_pretrained(folder, local_files_only=True).model_type)
        model: Any = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True, dtype=dtype or "auto")
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as problem:
        raise ModelError(
            f"{folder} cannot be read as a vision language model ({str(problem).splitlines()[0]})."
        ) from problem
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return Stored(model.to(device).eval(), tokenizer, processor)
