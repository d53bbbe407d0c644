"""SAM 2 and 2.1 (Ravi et al. 2024) as stages that remember nothing.

`Sam2` holds the weights under their published names. Its tensor stages (encode_image, condition, decode_masks,
decode_given_mask, encode_memory) take batches and gradients; the three verbs of `Model` put frames, questions and
guesses through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.errors import UsageError
from vidmem.models import ModelSpec, checkpoints
from vidmem.models.answering import answer_by_looking, answer_with_given
from vidmem.models.compiled import CompiledEncoder
from vidmem.models.digest import digest
from vidmem.models.gathering import gather
from vidmem.models.hiera import ImageEncoder
from vidmem.models.holes import fill_holes
from vidmem.models.layers import MLP, Linear
from vidmem.models.mask_decoder import MaskDecoder
from vidmem.models.memory_attention import MemoryAttention
from vidmem.models.memory_encoder import MemoryEncoder
from vidmem.models.options import Options, as_device, as_dtype, as_grid, precise
from vidmem.models.outline import Outline
from vidmem.models.pages import place_code, placed, shared_out
from vidmem.models.pixels import prepare
from vidmem.models.position import sine_map, time_code
from vidmem.models.prompt_encoder import PromptEncoder
from vidmem.models.recall import Recall
from vidmem.models.sizes import Architecture
from vidmem.values import Candidates, Features, Frame, Guess, Memory, Question

PLACE_CODE = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
POSITION_SHARE = 0.1  # of the sine map, added to the features before memory attention (memory_attention.py:140)


class Answers(NamedTuple):
    """What the decoder says of a batch. Mask 0 answers a clear prompt, masks 1 to 3 one that may mean several."""

    masks: Tensor  # (B, 4, 4h, 4w) logits, not blanked
    pred_iou: Tensor  # (B, 4) 0..1
    object_pointers: Tensor  # (B, 4, C), not mixed with the pointer of absence
    object_score: Tensor  # (B, 1) logit


class Conditioned(NamedTuple):
    """The features of a frame after looking at one memory."""

    image: Tensor  # (1, C, h, w)
    usage: list[Tensor] | None  # for each page (1, N): how much each token was attended, where that was wanted


class Sam2(nn.Module):
    """The weights and the stages. `sizes.image_size` is the input grid; its sides are multiples of 32."""

    def __init__(self, sizes: Architecture, options: Options | None = None):
        super().__init__()
        self.sizes = sizes
        self.options = options or Options()
        width, narrow = sizes.d_model, sizes.mem_dim
        self.maskmem_tpos_enc = _small(sizes.num_maskmem, 1, 1, narrow)
        self.no_mem_embed = _small(1, 1, width)
        self.no_mem_pos_enc = _small(1, 1, width)  # published, never used
        self.no_obj_ptr = _small(1, width)
        self.no_obj_embed_spatial = _small(1, narrow) if sizes.occlusion_embedding else None
        self.image_encoder = ImageEncoder(sizes)
        self.mask_downsample = nn.Conv2d(1, 1, kernel_size=4, stride=4)
        self.memory_attention = MemoryAttention(sizes)
        self._recall = Recall(self.memory_attention)
        self.memory_encoder = MemoryEncoder(sizes)
        self.sam_prompt_encoder = PromptEncoder(width)
        self.sam_mask_decoder = MaskDecoder(sizes)
        self._outline = Outline(self.sam_mask_decoder)
        self._compiled = CompiledEncoder()
        self.obj_ptr_proj = MLP((width, width, width, width))
        self.obj_ptr_tpos_proj = Linear(width, narrow) if sizes.pointer_time else None

    # Tensor stages. B runs over (object, hypothesis); h w is the stride-16 grid.

    def encode_image(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The features of pictures, once for all objects.

        pixels (B, 3, H, W) normalised   ->   s4 (B, C / 8, 4h, 4w), s8 (B, C / 4, 2h, 2w), s16 (B, C, h, w)
        """
        skips = self.sam_mask_decoder.conv_s0, self.sam_mask_decoder.conv_s1
        if torch.is_grad_enabled():
            s4, s8, s16 = self.image_encoder(pixels)
            return skips[0](s4), skips[1](s8), s16
        levels = self.image_encoder.trunk(pixels)
        s4, s8 = self.image_encoder.neck.skipped(levels, skips)
        return s4, s8, self.image_encoder.neck.deep(levels)

    def without_memory(self, s16: Tensor) -> Tensor:
        """The features of a frame of which nothing is remembered.     s16 (B, C, h, w)   ->   the same"""
        return s16 + self.no_mem_embed.transpose(1, 2)[..., None]

    def condition(
        self,
        s16: Tensor,
        pages: Sequence[Tensor],
        slots: Tensor,
        pointers: Tensor | None = None,
        ages: Tensor | None = None,
    ) -> Tensor:
        """The features of a frame after looking at memories of equal length; takes gradients.     ->   (B, C, h, w)

        s16 (B or 1, C, h, w)   pages: P tensors (B, N, Cm)   slots (B, P) rows of the temporal code
        pointers (B, R, C)   ages (B, R) in spans, negative for the future
        """
        grid = s16.shape[2], s16.shape[3]
        width, narrow, dtype = self.sizes.d_model, self.sizes.mem_dim, s16.dtype
        image = s16 + POSITION_SHARE * sine_map(width, *grid, s16.device).to(dtype)
        placements = [placed(tokens.shape[1], grid) for tokens in pages]
        values, keys = [], []
        for index, tokens in enumerate(pages):
            tokens = tokens.to(dtype)
            place = place_code(narrow, grid, placements[index], s16.device).to(dtype)
            values.append(tokens)
            keys.append(tokens + (place + self.maskmem_tpos_enc[slots[:, index], 0]))
        if pointers is not None and pointers.shape[1]:
            parts = width // narrow
            tokens = pointers.to(dtype).unflatten(2, (parts, narrow)).flatten(1, 2)
            key = tokens
            if self.obj_ptr_tpos_proj is not None and ages is not None:
                key = tokens + self.obj_ptr_tpos_proj(time_code(ages, width).to(dtype)).repeat_interleave(parts, dim=1)
            values.append(tokens)
            keys.append(key)
        image = image.flatten(2).transpose(1, 2)
        seen = self.memory_attention(image, torch.cat(values, dim=1), torch.cat(keys, dim=1), grid, placements)
        return seen.transpose(1, 2).unflatten(2, grid)

    def recall(self, s16: Tensor, memories: Sequence[Memory]) -> list[Conditioned]:
        """The features of a frame after looking at each memory, whatever its length: `condition` while tracking.

        s16 (B or 1, C, h, w); with one, it is looked at once for all. The scale of a page or pointer multiplies memory
        + position before the key projection, its bias is added to the attention logits. A square of tokens attended as
        one counts as many as it stands for, by a bias of its own. Usage is told to the memories that want it.
        """
        grid = s16.shape[2], s16.shape[3]
        known = gather(self, memories, s16.device, s16.dtype)
        image = s16 + POSITION_SHARE * sine_map(self.sizes.d_model, *grid, s16.device).to(s16.dtype)
        want_usage = any(memory.want_usage for memory in memories)
        image = image.flatten(2).transpose(1, 2)
        seen = self._recall(image, known.tokens, known.places, grid, known.pool, want_usage)
        images = seen.image.transpose(1, 2).unflatten(2, grid)
        usage: list[list[Tensor] | None] = [None] * len(memories)
        if seen.usage is not None:
            shares = [shared_out(used[None], grid, own) for used, own in zip(seen.usage, known.pages, strict=True)]
            usage = [own if memory.want_usage else None for own, memory in zip(shares, memories, strict=True)]
        return [Conditioned(images[row, None], own) for row, own in enumerate(usage)]

    def decode_masks(
        self,
        image: Tensor,
        s8: Tensor,
        s4: Tensor,
        points: Tensor | None = None,
        labels: Tensor | None = None,
        mask_logits: Tensor | None = None,
    ) -> Answers:
        """All four masks for each row of a batch.

        image (B, C, h, w) conditioned   s8, s4 (B or 1, ...) as `encode_image` gives them
        points (B, P, 2) in pixels of the input grid   labels (B, P) 1 on, 0 off, 2 and 3 the corners of a box (first)
        mask_logits (B, 1, 4h, 4w) an earlier answer to start from
        """
        grid = image.shape[2], image.shape[3]
        encoder = self.sam_prompt_encoder
        if points is None or labels is None:
            sparse = encoder.nothing(len(image))
        else:
            sparse = encoder.points(points, labels, (grid[0] * 16, grid[1] * 16))
        dense = encoder.mask(mask_logits, grid)
        decoder = self.sam_mask_decoder if torch.is_grad_enabled() else self._outline
        decoded = decoder(image, encoder.image_position(*grid), sparse, dense, s8, s4)
        return Answers(decoded.masks, decoded.pred_iou, self.obj_ptr_proj(decoded.tokens), decoded.object_score)

    def decode_given_mask(self, s16: Tensor, s8: Tensor, s4: Tensor, masks: Tensor) -> Answers:
        """What the model makes of objects whose masks are given. Only its pointers are asked for: no memory is read.

        s16 (B or 1, C, h, w) not conditioned   masks (B, 1, 16 h, 16 w) 0 or 1
        """
        image = s16.expand(len(masks), -1, -1, -1)
        return self.decode_masks(image, s8, s4, mask_logits=self.mask_downsample(masks.to(s16.dtype)))

    def encode_memory(self, s16: Tensor, masks: Tensor, visible: Tensor) -> Tensor:
        """One page of memory for each mask.

        s16 (B or 1, C, h, w) not conditioned   masks (B, 1, 16 h, 16 w) 0..1   visible (B,) bool   ->   (B, h w, Cm)
        """
        page = self.memory_encoder(s16, masks.to(s16.dtype) * 20 - 10)
        if self.no_obj_embed_spatial is not None:
            page = page + torch.where(visible[:, None], 0.0, self.no_obj_embed_spatial)[..., None, None]
        return page.flatten(2).transpose(1, 2)

    # The three verbs of `Model`.

    @property
    def spec(self) -> ModelSpec:
        height, width = self.sizes.image_size
        return ModelSpec(
            self.sizes.name,
            self.sizes.image_size,
            self.sizes.grid,
            self.sizes.mem_dim,
            self.sizes.num_maskmem,
            self.sizes.pointer_tokens,
            (height // 4, width // 4),
            str(self.options.memory_dtype).removeprefix("torch."),
            str(self.no_mem_embed.dtype).removeprefix("torch."),
        )

    @property
    def device(self) -> torch.device:
        return self.no_mem_embed.device

    @property
    def backbone(self) -> str:
        """A name of what `encode` makes features with: equal for equal weights."""
        return digest(self.image_encoder, self.sam_mask_decoder.conv_s0, self.sam_mask_decoder.conv_s1)

    @torch.no_grad()
    def encode(self, frame: Frame) -> Features:
        """What there is to see in a frame: levels s4 and s8 as the decoder takes them, and s16."""
        return self.encode_several([frame])[0]

    @torch.no_grad()
    def encode_several(self, frames: Sequence[Frame]) -> list[Features]:
        """`encode` for several frames in one batch."""
        size, how = self.sizes.image_size, self.options.resize
        pixels = torch.cat([prepare(frame.image, size, how, self.device) for frame in frames])
        pixels = pixels.to(self.no_mem_embed.dtype)
        levels = self._compiled(self, pixels) if self.options.compile else self.encode_image(pixels)
        return [
            Features(frame.index, frame.size, (levels[0][row, None], levels[1][row, None], levels[2][row, None]))
            for row, frame in enumerate(frames)
        ]

    @torch.no_grad()
    def decode(self, features: Features, questions: Sequence[Question]) -> list[Candidates]:
        """The candidates for each question: three masks where the prompt may mean several things, else one.

        Raises InputError for a prompt that does not fit the frame.
        """
        given = {i: q for i, q in enumerate(questions) if q.prompt is not None and q.prompt.mask is not None}
        asked = {i: q for i, q in enumerate(questions) if i not in given}
        rows = answer_by_looking(self, features, asked) | answer_with_given(self, features, given)
        # The only wait for the device in a frame: every score of every question at once.
        numbers = torch.stack([rows[i].numbers for i in range(len(questions))]).tolist() if rows else []
        return [
            Candidates(
                rows[i].masks,
                tuple(scores[: len(rows[i].masks)]),
                rows[i].object_pointers,
                self.no_obj_ptr[0].detach(),
                scores[-1],
                rows[i].usage,
            )
            for i, scores in enumerate(numbers)
        ]

    @torch.no_grad()
    def remember(self, features: Features, guesses: Sequence[Guess]) -> Tensor:
        """(B, N, C): the page of each guess, to be stored. Its mask is that of `resolve`: blanked if not visible."""
        logits = torch.stack([guess.mask for guess in guesses]).float()
        prompted = torch.tensor([guess.prompted for guess in guesses], device=logits.device)[:, None, None]
        if self.options.fill_hole_area and any(guess.prompted for guess in guesses):
            logits = torch.where(prompted, fill_holes(logits, self.options.fill_hole_area), logits)
        whole = F.interpolate(logits[:, None], self.sizes.image_size, mode="bilinear", align_corners=False)
        masks = whole.sigmoid()
        if self.options.binarize_prompts:
            masks = torch.where(prompted[:, None], (whole > 0).to(masks.dtype), masks)
        # Weights were taught to mark absence by their own score; a tracker may show what they hold to be absent.
        visible = torch.tensor([g.visible and g.object_score_logit > 0 for g in guesses], device=logits.device)
        return self.encode_memory(features.levels[2], masks, visible).to(self.options.memory_dtype)


def _small(*shape: int) -> nn.Parameter:
    return nn.Parameter(nn.init.trunc_normal_(torch.empty(shape), std=0.02))


def load(
    name: str = "nano",
    *,
    checkpoint: str | Path | None = None,
    image_size: int | tuple[int, int] | list[int] | None = None,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype | None = None,
    precision: str = "auto",
    **options: Any,
) -> Sam2:
    """A SAM 2 ready to track: in evaluation mode, without gradients.

    name: a published size ("sam2.1-tiny"), the embedded "nano", or the path of a checkpoint file.
    checkpoint: the file to read instead of the one known by the name; it must hold weights of that size.
    image_size: side or (H, W) of the input grid, multiples of 32; the one it was trained at when left out.
    precision: "exact" (float32), "fast" (bfloat16) or "auto": fast where this processor and model gain by it, told by
    `vidmem doctor` and by `spec.precision`. nano is exact unless asked otherwise.
    dtype: of weights and features, a torch dtype or its name; it overrules `precision`.
    options: fields of `Options` (resize, stability_fallback, binarize_prompts, fill_hole_area, memory_dtype, ...).

    Raises ModelError for a checkpoint that is missing, broken or of another model, UsageError for a wrong option.
    """
    known = {field.name for field in fields(Options)}
    if unknown := sorted(options.keys() - known):
        raise UsageError(f"SAM 2 has no option {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
    if "memory_dtype" in options:
        options["memory_dtype"] = as_dtype(options["memory_dtype"])
    chosen, device = Options(**options), as_device(device)
    path, expected = checkpoints.find(name, checkpoint)
    sizes, weights = checkpoints.read(path, expected)
    if image_size is not None:
        sizes = sizes.at(as_grid(image_size))
    dtype = precise(precision, sizes, device) if dtype is None else as_dtype(dtype)
    with torch.device("meta"):
        model = Sam2(sizes, chosen)
    checkpoints.check(weights, model.state_dict(), path, sizes.name)
    model.load_state_dict({key: tensor.to(device, dtype) for key, tensor in weights.items()}, assign=True)
    # Places are finer than half precision can tell apart.
    code = model.sam_prompt_encoder.pe_layer
    code.positional_encoding_gaussian_matrix = weights[PLACE_CODE].to(device, torch.float32)
    return model.eval().requires_grad_(False)
