"""The sizes of every SAM 2: what a checkpoint does not say about itself, and what it must agree with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vidmem.errors import UnknownName


@dataclass(frozen=True)
class Architecture:
    """Every size of one SAM 2. The defaults are those of the published 2.1 models (Ravi et al. 2024, appendix D)."""

    name: str
    # the Hiera trunk
    embed_dim: int = 96
    num_heads: int = 1  # in the first stage; doubles with the width
    stages: tuple[int, ...] = (1, 2, 7, 2)  # blocks of each stage
    global_att_blocks: tuple[int, ...] = (5, 7, 9)  # blocks that attend over the whole picture
    window_spec: tuple[int, ...] = (8, 4, 14, 7)  # side of the attention windows of each stage
    background_size: tuple[int, int] = (7, 7)  # of the learned position map that is stretched over the picture
    # everything behind it
    image_size: tuple[int, int] = (1024, 1024)  # (H, W) the frame is resized to
    d_model: int = 256
    mem_dim: int = 64  # channels of a memory token
    memory_layers: int = 4
    dim_feedforward: int = 2048  # of memory attention
    decoder_feedforward: int = 2048
    iou_head_width: int = 256
    layer_scale: float = 1e-6  # of the memory encoder's two last blocks, where training starts
    num_maskmem: int = 7  # rows of the temporal code
    # what 2.1 has and 2.0 has not
    occlusion_embedding: bool = True  # no_obj_embed_spatial
    pointer_time: bool = True  # object pointers carry how long ago they were seen

    @property
    def channels(self) -> tuple[int, ...]:
        """Width of each stage, shallow to deep."""
        return tuple(self.embed_dim * 2**stage for stage in range(len(self.stages)))

    @property
    def pointer_tokens(self) -> int:
        """Memory tokens one object pointer is cut into."""
        return self.d_model // self.mem_dim

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w) of the stride-16 features and of one page of memory."""
        return self.image_size[0] // 16, self.image_size[1] // 16

    def at(self, image_size: tuple[int, int]) -> Architecture:
        """The same network over another input grid. Sides must be multiples of 32."""
        return replace(self, image_size=image_size)

    @property
    def fast_pays(self) -> bool:
        """Whether fewer bits are worth it unasked: a frame is faster by a half or more; measured, see docs/speed.md."""
        return self.d_model >= 256

    @property
    def fingerprint(self) -> tuple[int | bool | tuple[int, ...], ...]:
        """The part of the sizes that the shapes of a checkpoint tell."""
        return (
            self.embed_dim,
            self.stages,
            self.background_size,
            self.d_model,
            self.mem_dim,
            self.memory_layers,
            self.dim_feedforward,
            self.decoder_feedforward,
            self.num_maskmem,
            self.occlusion_embedding,
            self.pointer_time,
        )


_TRUNKS = {
    "tiny": Architecture("tiny"),
    "small": Architecture("small", stages=(1, 2, 11, 2), global_att_blocks=(7, 10, 13)),
    "base+": Architecture(
        "base+",
        embed_dim=112,
        num_heads=2,
        stages=(2, 3, 16, 3),
        global_att_blocks=(12, 16, 20),
        background_size=(14, 14),
    ),
    "large": Architecture(
        "large",
        embed_dim=144,
        num_heads=2,
        stages=(2, 6, 36, 4),
        global_att_blocks=(23, 33, 43),
        window_spec=(8, 4, 16, 8),
    ),
}

NANO = Architecture(
    "nano",
    embed_dim=32,
    stages=(1, 3, 6, 1),
    global_att_blocks=(5, 6, 9),
    window_spec=(8, 4, 8, 8),
    image_size=(352, 352),
    d_model=128,
    mem_dim=64,
    memory_layers=2,
    dim_feedforward=512,
    layer_scale=0.1,
)

# What nano was before it was made larger. Its first weights were saved without their sizes, and stay readable.
BEFORE = replace(
    NANO,
    name="nano-bc33034d",
    stages=(1, 2, 3, 1),
    global_att_blocks=(4, 5),
    image_size=(320, 320),
    d_model=64,
    mem_dim=32,
    dim_feedforward=256,
)

# Random weights of these sizes run in milliseconds: for tests. The windows do not divide the grid, so padding happens.
MICRO = Architecture(
    "micro",
    embed_dim=8,
    stages=(1, 2, 3, 1),
    global_att_blocks=(4,),
    window_spec=(8, 4, 6, 3),
    image_size=(128, 128),
    d_model=32,
    mem_dim=8,
    memory_layers=2,
    dim_feedforward=64,
    decoder_feedforward=64,
    iou_head_width=32,
    layer_scale=0.1,
)

EMBEDDED = "nano"  # the one that comes with vidmem

ARCHITECTURES: dict[str, Architecture] = {
    **{f"sam2.1-{size}": replace(trunk, name=f"sam2.1-{size}") for size, trunk in _TRUNKS.items()},
    **{
        f"sam2-{size}": replace(trunk, name=f"sam2-{size}", occlusion_embedding=False, pointer_time=False)
        for size, trunk in _TRUNKS.items()
    },
    EMBEDDED: NANO,
    BEFORE.name: BEFORE,
    "micro": MICRO,
}


def architecture(name: str) -> Architecture:
    """The sizes called `name`."""
    if name not in ARCHITECTURES:
        raise UnknownName(f"No SAM 2 is named {name!r}. Known: {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]
