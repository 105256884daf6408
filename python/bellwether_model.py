"""Bellwether's customer model in PyTorch: the trunk of models/sequence, on the same files of weights.

    model = load("model.safetensors")
    scores = model.score([[Step(item=3, time=1767225600), Step(item=7, time=1767225660)]])    # [people, items]
    save(model, "tuned.safetensors")                                                            # Bellwether loads it

A file is safetensors with a card and a checksum in its metadata (docs/formats/weights.md). Step.item indexes model.items,
Step.type model.types. Logits equal Bellwether's to 1e-4 (models/sequence/python_test.go).
"""
import json, math

import torch
import torch.nn.functional as F
from torch import nn

from bellwether_tokens import FIELDS, Step, hashed_rows
from bellwether_weights import read_weights, write_weights

FAMILY = "transformer"
WAITS = 32  # buckets of the task "wait"
DEFAULTS = {"hidden": 0, "gated": False, "swiglu": False, "rmsnorm": False, "experts": 0, "top": 0, "dense_blocks": 0, "hash": None, "fields": None, "content": False, "dropout": 0.0, "tasks": None}
DATA = ("content", "prices.bounds", "prices.groups")  # arrays that a model may have beside its parameters


def bag(table, rows):
    """Sums of a table's rows [..., some], those below 0 being nothing."""
    return (F.embedding(rows.clamp(min=0), table) * (rows >= 0).unsqueeze(-1)).sum(-2)


class Model(nn.Module):
    """A causal Transformer over tokens [people, steps, 1 + fields]: items' indices, then each field's row.

    settings is the card's: dim, blocks, heads and length must be there. Parameters have the names of the file, model["norm.weight"].
    data holds the arrays of DATA that there are.
    """

    def __init__(self, settings, items, types=(), channels=(), campaigns=(), data={}):
        super().__init__()
        self.settings, self.items, self.types, self.channels, self.campaigns, self.data = dict(settings), list(items), list(types), list(channels), list(campaigns), dict(data)
        self.s = DEFAULTS | self.settings
        self.fields, self.tasks = self.s["fields"] or [], sorted(self.s["tasks"] or {})
        if not set(self.fields) <= set(FIELDS) or not set(self.tasks) <= {"type", "wait"}:
            raise ValueError(f"of the fields {self.fields} and tasks {self.tasks} this version knows {sorted(FIELDS)}, type and wait")
        h = self.s["hash"]
        if h and not (0 <= h.get("own", 0) < h["rows"] and h["width"] > 0):
            raise ValueError(f"the settings make no hash table: {h}")
        if not (self.s["heads"] > 0 and self.s["dim"] % self.s["heads"] == 0 and 0 <= self.s["blocks"] <= 256 and 0 <= self.s["experts"] <= 1024):
            raise ValueError(f"the settings make no model: {self.settings}")
        for name, (shape, fill) in self.layout().items():
            self.register_parameter(name.replace(".", "/"), nn.Parameter(fill(*shape)))
        self.register_buffer("popularity", torch.full((len(self.items),), -math.log(max(1, len(self.items)))))
        self.give(torch.zeros(len(self.items), dtype=torch.uint8))

    def give(self, own):
        """Says which items have a row of the hash table to themselves: the last ones, in the items' order."""
        self.own, self.rows = own, None
        if self.s["hash"] and own.device.type != "meta":
            shared = self.s["hash"]["rows"] - self.s["hash"].get("own", 0)
            free = iter(range(shared, self.s["hash"]["rows"]))
            self.rows = torch.tensor([[next(free), -1] if mine else hashed_rows("item:" + i, shared) for i, mine in zip(self.items, own.tolist())])

    def __getitem__(self, name):
        return self._parameters[name.replace(".", "/")]

    def weights(self):
        """The parameters by the names of the file."""
        return {name.replace("/", "."): p for name, p in self._parameters.items()}

    def layout(self):
        """By name: shape and first values, which are Bellwether's in distribution."""
        s, out = self.s, {}
        d, hidden = s["dim"], s["hidden"] or 4 * s["dim"]
        rows = lambda *shape: torch.randn(shape) * 0.02
        bound = lambda i: lambda *shape: (torch.rand(shape) * 2 - 1) / math.sqrt(i)

        def dense(name, i, o):
            out[name + ".weight"], out[name + ".bias"] = ((o, i), bound(i)), ((o,), bound(i))

        def norm(name):
            out[name + ".weight"] = ((d,), torch.ones)
            if not s["rmsnorm"]:
                out[name + ".bias"] = ((d,), torch.zeros)

        def feed_forward(name):
            for part, i, o in [("in", d, hidden)] + [("up", d, hidden)] * s["swiglu"] + [("out", hidden, d)]:
                dense(f"{name}.{part}", i, o)

        tables = {"positions": s["length"]} | {f"fields.{f}": FIELDS[f][0](self) for f in self.fields}
        if s["hash"]:
            out["hash.weight"] = ((s["hash"]["rows"], s["hash"]["width"]), rows)
            out["hash.projection.weight"] = ((d, s["hash"]["width"]), bound(s["hash"]["width"]))
        else:
            tables["items"] = len(self.items)
        for name, n in tables.items():
            out[name + ".weight"] = ((n, d), rows)
        if s["content"]:
            out["content.weight"] = ((d, self.data["content"].shape[1]), rows)
        for i in range(s["blocks"]):
            a, f = f"blocks.{i}.attention", f"blocks.{i}.feedforward"
            dense(a + ".qkv", d, 3 * d)
            dense(a + ".out", d, d)
            mixed = s["experts"] > 1 and i >= s["dense_blocks"]
            if mixed:
                out[f + ".router.weight"] = ((s["experts"], d), bound(d))
            for prefix in [f"{f}.experts.{e}" for e in range(s["experts"])] if mixed else [f]:
                feed_forward(prefix)
            for name in (a, f):
                norm(name + ".norm")
                if s["gated"]:
                    dense(name + ".gate", d, d)
        norm("norm")
        for t in self.tasks:
            dense("tasks." + t, d, WAITS if t == "wait" else max(1, len(self.types)))
        return out

    # The network.

    def forward(self, tokens, people=None):
        """States after each step, [people, steps, dim]. Pad short histories on the right: nothing looks there.

        people, [people, 2], are the hashed rows of each name: see named.
        """
        ids = tokens[..., :1]
        if self.s["hash"]:
            rows = torch.where(ids >= 0, self.rows[ids[..., 0].clamp(min=0)], -1)
            if people is not None:
                rows = torch.cat([rows, people.unsqueeze(1).expand_as(rows)], -1)
            x = bag(self["hash.weight"], rows) @ self["hash.projection.weight"].T
        else:
            x = bag(self["items.weight"], ids)
        x = x + self["positions.weight"][: tokens.shape[1]]
        for i, f in enumerate(self.fields):
            x = x + F.embedding(tokens[..., 1 + i], self[f"fields.{f}.weight"])
        if self.s["content"]:
            x = x + bag(self.data["content"], ids) @ self["content.weight"].T
        x = self.dropout(x)
        for i in range(self.s["blocks"]):
            x = self.residual(f"blocks.{i}.attention", x, self.attention)
            mixed = self.s["experts"] > 1 and i >= self.s["dense_blocks"]
            x = self.residual(f"blocks.{i}.feedforward", x, self.experts if mixed else self.feed_forward)
        return self.norm("norm", x)

    def dropout(self, x):
        return F.dropout(x, self.s["dropout"], self.training)

    def dense(self, name, x):
        return F.linear(x, self[name + ".weight"], self[name + ".bias"])

    def norm(self, name, x):
        if self.s["rmsnorm"]:
            return F.rms_norm(x, x.shape[-1:], self[name + ".weight"], 1e-5)
        return F.layer_norm(x, x.shape[-1:], self[name + ".weight"], self[name + ".bias"], 1e-5)

    def residual(self, name, x, branch):
        n = self.norm(name + ".norm", x)
        z = branch(name, n)
        if self.s["gated"]:
            z = z * torch.sigmoid(self.dense(name + ".gate", n))
        return x + self.dropout(z)

    def attention(self, name, x):
        people, steps, d = x.shape
        q, k, v = self.dense(name + ".qkv", x).view(people, steps, 3, self.s["heads"], -1).permute(2, 0, 3, 1, 4)
        return self.dense(name + ".out", F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(people, steps, d))

    def feed_forward(self, name, x):
        z = self.dense(name + ".in", x)
        z = F.silu(z) * self.dense(name + ".up", x) if self.s["swiglu"] else F.gelu(z)
        return self.dense(name + ".out", z)

    def experts(self, name, x):
        """The best one or two of the experts for each step, as when Bellwether scores: no capacity, no auxiliary losses."""
        flat = x.reshape(-1, x.shape[-1])
        best, chosen = F.linear(flat, self[name + ".router.weight"]).softmax(-1).topk(max(1, self.s["top"]))
        if self.s["top"] > 1:
            best = best / best.sum(-1, keepdim=True)
        y = torch.zeros_like(flat)
        for e in range(self.s["experts"]):
            rows, rank = (chosen == e).nonzero(as_tuple=True)
            y = y.index_add(0, rows, self.feed_forward(f"{name}.experts.{e}", flat[rows]) * best[rows, rank, None])
        return y.view_as(x)

    def logits(self, states):
        """Scores of every item as the next one."""
        if not self.s["hash"]:
            return states @ self["items.weight"].T
        return states @ (bag(self["hash.weight"], self.rows) @ self["hash.projection.weight"].T).T

    def loss(self, tokens, targets):
        """Mean cross-entropy of the next item at each step; targets [people, steps], -1 for none."""
        return F.cross_entropy(self.logits(self(tokens)).flatten(0, 1), targets.flatten(), ignore_index=-1)

    # Histories.

    def encode(self, steps):
        """Tokens [1, steps, 1 + fields] of the latest steps of one history."""
        first = max(0, len(steps) - self.s["length"])
        rows = [[s.item] + [FIELDS[f][1](self, s, steps[i - 1] if i else None) for f in self.fields] for i, s in enumerate(steps)]
        tokens = torch.tensor(rows[first:], dtype=torch.long).view(1, -1, 1 + len(self.fields))
        if tokens.numel() and not (-1 <= int(tokens[..., 0].min()) and int(tokens[..., 0].max()) < len(self.items)):
            raise ValueError(f"an item is not among the {len(self.items)} of the vocabulary")
        return tokens

    def named(self, person):
        """The hashed rows [1, 2] of a person's name; None where people play no part."""
        h = self.s["hash"] or {}
        return torch.tensor([hashed_rows("person:" + person, h["rows"] - h.get("own", 0))]) if person and h.get("people") else None

    @torch.inference_mode()
    def score(self, histories, people=None):
        """Scores [people, items]; without history ln of each item's share of the training events. people are names, "" for none."""
        self.eval()
        names = people or [""] * len(histories)
        return torch.stack([self.logits(self(self.encode(h), self.named(p))[0, -1]) if h else self.popularity for h, p in zip(histories, names)])

    @torch.inference_mode()
    def outlook(self, history):
        """The tasks' logits after a history: "type" of the next event, "wait" as hazards by bucket."""
        self.eval()
        state = self(self.encode(history))[0, -1]
        return {t: self.dense("tasks." + t, state) for t in self.tasks}


# Files.


def load(path):
    """A model from Bellwether's file, ready to score; call train() on it before training. ValueError as read_weights."""
    card, arrays = read_weights(path)
    if card.get("family") != FAMILY:
        raise ValueError(f"{path} holds a model of the family {card.get('family')!r}, not {FAMILY!r}")
    try:
        with torch.device("meta"):  # takes no memory before the shapes are known to be the file's
            names = [card.get(kind) or [] for kind in ("types", "channels", "campaigns")]
            model = Model(card["settings"], json.loads(arrays["vocabulary"].numpy().tobytes()), *names, {a: arrays[a] for a in DATA if a in arrays})
        own = model.weights() | {"popularity": model.popularity}
        wrong = [name for name, p in own.items() if name not in arrays or arrays[name].shape != p.shape]
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
        raise ValueError(f"{path}: its card makes no model: {e}") from e
    if wrong:
        raise ValueError(f"{path}: {wrong[0]} is not {list(own[wrong[0]].shape)}")
    model = model.to_empty(device="cpu")
    with torch.no_grad():
        for name, p in (model.weights() | {"popularity": model.popularity}).items():
            p.copy_(arrays[name])
    own, most = arrays.get("own", torch.zeros(len(model.items), dtype=torch.uint8)), (model.s["hash"] or {}).get("own", 0)
    if own.shape != (len(model.items),) or int((own != 0).sum()) > most:
        raise ValueError(f"{path}: it does not say which items have one of {most} rows of their own")
    model.give(own)
    return model.eval()


def save(model, path):
    """Writes a file that Bellwether loads."""
    vocabulary = torch.tensor(list(json.dumps(model.items).encode()), dtype=torch.uint8)
    card = {"family": FAMILY, "settings": model.settings, "types": model.types}
    card |= {kind: names for kind, names in [("channels", model.channels), ("campaigns", model.campaigns)] if names}
    own = {"own": model.own} if (model.s["hash"] or {}).get("own") else {}
    write_weights(path, card, model.weights() | own | model.data | {"popularity": model.popularity, "vocabulary": vocabulary})
