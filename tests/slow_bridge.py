"""The bridge of VideoLLaMB from its definition, number by number, in double precision: loops and no modules."""

import math

import numpy as np


def linear(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def normed(x, weights, name, eps):
    mean = x.mean(1, keepdims=True)
    variance = ((x - mean) ** 2).mean(1, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def attending(x, past, weights, name, heads, eps):
    q, k, v = (linear(a, weights, f"{name}.{b}") for a, b in ((x, "query"), (past, "key"), (past, "value")))
    size = q.shape[1] // heads
    out = np.zeros_like(q)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for row in range(len(q)):
            score = np.array([q[row, part] @ k[other, part] for other in range(len(k))]) / math.sqrt(size)
            share = np.exp(score - score.max())
            out[row, part] = (share / share.sum()) @ v[:, part]
    return normed(x + linear(out, weights, f"{name}.out"), weights, f"{name}.norm", eps)


def bridged(segments, weights, heads, count, eps, keeps="memory", retrieval=True, codes=None):
    """For each segment (N, C): the language tokens (N, D), the memory (M, C) as left, and as retrieved."""
    weights = {name: np.asarray(value, np.float64) for name, value in weights.items()}
    memory, cache, out = weights["first_memory"], [], []
    for index, segment in enumerate(segments):
        segment = np.asarray(segment, np.float64)
        if codes is not None:
            segment = segment + codes[min(index, len(codes) - 1)]
        h = np.concatenate([memory, segment])
        a = attending(h, h, weights, "block.attention", heads, eps)
        wide = gelu(linear(a, weights, "block.widen"))
        h = normed(a + linear(wide, weights, "block.narrow"), weights, "block.norm", eps)
        left, rest = h[:count], h[count:]
        cache.append(left if keeps == "memory" else rest)
        memory = attending(left, np.concatenate(cache), weights, "retriever", heads, eps) if retrieval else left
        out.append((gelu(linear(rest, weights, "projection")), left, memory))
    return out
