"""How Bellwether turns events into the rows of a model's tables (docs/formats/weights.md)."""
from typing import NamedTuple

import torch


class Step(NamedTuple):
    """One event of a history."""

    item: int = -1  # -1: none, or an unknown one
    type: int = 0
    quantity: int = 0
    price: int = 0  # minor units, 0: not known
    time: int = 0  # Unix seconds
    channel: int = 0  # 1 + index in model.channels, 0: not known
    campaign: int = 0


def power(x, limit):
    """0 for what is not positive, else 1 + floor(log2 x), below limit."""
    return min(max(x, 0).bit_length(), limit - 1)


def hour_of_week(time):
    hours = abs(time) // 3600
    return (hours if time >= 0 else -hours) % 168


def price_row(m, s):
    """0 where the price or its category's bounds are not known, else 1 + how many bounds are below."""
    bounds, groups = m.data.get("prices.bounds"), m.data.get("prices.groups")
    if s.price <= 0 or bounds is None:
        return 0
    return 1 + int((bounds[int(groups[s.item]) if s.item >= 0 and groups is not None else 0] < torch.tensor(float(s.price))).sum())


# By field: the rows of its table, and a step's row; before is the step before it or None, m the model.
FIELDS = {
    "type": (lambda m: 256, lambda m, s, before: s.type),
    "channel": (lambda m: len(m.channels) + 1, lambda m, s, before: s.channel),
    "campaign": (lambda m: len(m.campaigns) + 1, lambda m, s, before: s.campaign),
    "gap": (lambda m: 32, lambda m, s, before: power(s.time - before.time, 32) if before else 0),
    "hour": (lambda m: 168, lambda m, s, before: hour_of_week(s.time)),
    "price": (lambda m: 17, lambda m, s, before: price_row(m, s)),
    "quantity": (lambda m: 16, lambda m, s, before: power(s.quantity, 16)),
}


def hashed_rows(id, rows):
    """The two rows of an id in a table of so many: FNV-1a, mixed by SplitMix64's finaliser."""
    h = 14695981039346656037
    for byte in id.encode():
        h = (h ^ byte) * 1099511628211 % 2**64
    return [mix(h) * rows >> 64, mix(h ^ 0x9E3779B97F4A7C15) * rows >> 64]


def mix(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31
