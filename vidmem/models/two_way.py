"""The two-way transformer of the mask decoder: tokens look at the image, the image looks back at the tokens."""

from __future__ import annotations

from torch import Tensor, nn

from vidmem.models.layers import MLP, Attention


class TwoWayBlock(nn.Module):
    """Tokens among themselves, tokens at the image, an MLP, the image at the tokens."""

    def __init__(self, width: int, heads: int, feedforward: int, first: bool):
        super().__init__()
        self.first = first
        self.self_attn = Attention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn_token_to_image = Attention(width, heads, inner=width // 2)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = MLP((width, feedforward, width))
        self.norm3 = nn.LayerNorm(width)
        self.norm4 = nn.LayerNorm(width)
        self.cross_attn_image_to_token = Attention(width, heads, inner=width // 2)

    def forward(
        self, tokens: Tensor, image: Tensor, token_position: Tensor, image_position: Tensor
    ) -> tuple[Tensor, Tensor]:
        """tokens, token_position (B, T, C)   image (B, N, C)   image_position (N, C)   ->   tokens and image"""
        if self.first:  # the tokens are still their own position: no second helping, and nothing to add back to
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            placed = tokens + token_position
            tokens = tokens + self.self_attn(placed, placed, tokens)
        tokens = self.norm1(tokens)
        tokens = self.norm2(
            tokens + self.cross_attn_token_to_image(tokens + token_position, image + image_position, image)
        )
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(
            image + self.cross_attn_image_to_token(image + image_position, tokens + token_position, tokens)
        )
        return tokens, image


class TwoWayTransformer(nn.Module):
    """Two blocks and a last look of the tokens at the image."""

    def __init__(self, width: int, heads: int, feedforward: int, depth: int = 2):
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(width, heads, feedforward, first=i == 0) for i in range(depth))
        self.final_attn_token_to_image = Attention(width, heads, inner=width // 2)
        self.norm_final_attn = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, image: Tensor, image_position: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, T, C)   image (B, N, C)   image_position (N, C)   ->   tokens and image, as seen by each other"""
        position = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, position, image_position)
        looked = self.final_attn_token_to_image(tokens + position, image + image_position, image)
        return self.norm_final_attn(tokens + looked), image
