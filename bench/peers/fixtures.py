"""Small fixtures that hold tensor/nn to PyTorch: forward, gradients and steps of each layer, loss and optimiser, and of a tiny Transformer.

  python bench/peers/fixtures.py .        from the root of the repository

Inputs are rounded to float32, results computed in float64. The files are checked in; run this again only to add a case.
"""
import json, math, sys
from pathlib import Path

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def draw(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).float().double()


def flat(x):
    return [float(f"{v:.9g}") for v in x.detach().reshape(-1).tolist()]


class Parameters(dict):
    """Named leaves; make() draws one."""

    def make(self, name, *shape, scale=0.5, shift=0.0):
        self[name] = (draw(*shape, scale=scale) + shift).float().double().requires_grad_()
        return self[name]

    def values(self_):
        return {k: flat(v) for k, v in dict.items(self_)}

    def grads(self_):
        return {k: flat(torch.zeros_like(v) if v.grad is None else v.grad) for k, v in dict.items(self_)}


ACTIVATIONS = {"identity": lambda x: x, "relu": torch.relu, "gelu": F.gelu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "silu": F.silu}


def dense(p, name, i, o, f="identity"):
    w, b = p.make(name + ".weight", o, i), p.make(name + ".bias", o)
    return lambda x: ACTIVATIONS[f](x @ w.T + b)


def layer_norm(p, name, d):
    w, b = p.make(name + ".weight", d, scale=0.2, shift=1), p.make(name + ".bias", d)
    return lambda x: F.layer_norm(x, (d,), w, b, 1e-5)


def rms_norm(p, name, d):
    w = p.make(name + ".weight", d, scale=0.2, shift=1)
    return lambda x: F.rms_norm(x, (d,), w, 1e-5)


def attention(p, name, d, heads, offsets):
    qkv, out = dense(p, name + ".qkv", d, 3 * d), dense(p, name + ".out", d, d)

    def forward(x):
        parts = []
        for a, b in zip(offsets, offsets[1:]):
            q, k, v = qkv(x[a:b]).view(b - a, 3, heads, d // heads).permute(1, 2, 0, 3)
            parts.append(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(0, 1).reshape(b - a, d))
        return out(torch.cat(parts))

    return forward


def feed_forward(p, name, d, hidden, swiglu):
    if not swiglu:
        a, b = dense(p, name + ".in", d, hidden, "gelu"), dense(p, name + ".out", hidden, d)
        return lambda x: b(a(x))
    a, u, b = dense(p, name + ".in", d, hidden, "silu"), dense(p, name + ".up", d, hidden), dense(p, name + ".out", hidden, d)
    return lambda x: b(a(x) * u(x))


class Experts:
    """Top-1 (Switch) or top-2 (GShard) gating, capacity 1.25, balance loss .01 and router z-loss 1e-3."""

    def __init__(self, p, name, d, hidden, count, top):
        self.top, self.router = top, p.make(name + ".router.weight", count, d)
        self.layers = [feed_forward(p, f"{name}.experts.{i}", d, hidden, False) for i in range(count)]

    def __call__(self, x):
        rows, count = len(x), len(self.layers)
        logits = x @ self.router.T
        shares = logits.softmax(1)
        values, chosen = shares.topk(self.top, 1)
        weights = values if self.top == 1 else values / values.sum(1, keepdim=True)
        taken, y = [0] * count, [torch.zeros(x.shape[1]) for _ in range(rows)]
        for k in range(self.top):
            for t in range(rows):
                e = int(chosen[t, k])
                if taken[e] < math.ceil(1.25 * rows * self.top / count):
                    taken[e] += 1
                    y[t] = y[t] + weights[t, k] * self.layers[e](x[t : t + 1])[0]
        sent = torch.bincount(chosen[:, 0], minlength=count) / rows
        self.auxiliary = 0.01 * count * (sent * shares.mean(0)).sum() + 1e-3 * logits.logsumexp(1).square().mean()
        return torch.stack(y)


def block(p, name, d, heads, offsets, gated=False, swiglu=False, rms=False):
    def residual(part, branch):
        norm = (rms_norm if rms else layer_norm)(p, f"{name}.{part}.norm", d)
        gate = dense(p, f"{name}.{part}.gate", d, d, "sigmoid") if gated else None

        def forward(x):
            n = norm(x)
            z = branch(n)
            return x + (z * gate(n) if gated else z)

        return forward

    first = residual("attention", attention(p, name + ".attention", d, heads, offsets))
    second = residual("feedforward", feed_forward(p, name + ".feedforward", d, 4 * d, swiglu))
    return lambda x: second(first(x))


def layers():
    rows, offsets, out = 7, [0, 3, 4, 7], []

    def add(name, width, make):
        p = Parameters()
        layer, x = make(p), draw(rows, width).requires_grad_()
        y = layer(x)
        dy = draw(*y.shape)
        ((y * dy).sum() + getattr(layer, "auxiliary", 0)).backward()
        out.append({"name": name, "offsets": offsets, "parameters": p.values(), "x": flat(x), "y": flat(y), "dy": flat(dy), "dx": flat(x.grad), "gradients": p.grads()})

    for f in ACTIVATIONS:
        add("dense " + f, 5, lambda p: dense(p, "l", 5, 3, f))
    add("layer norm", 6, lambda p: layer_norm(p, "l", 6))
    add("rms norm", 6, lambda p: rms_norm(p, "l", 6))
    add("attention", 6, lambda p: attention(p, "l", 6, 2, offsets))
    add("swiglu", 6, lambda p: feed_forward(p, "l", 6, 9, True))
    add("block", 6, lambda p: block(p, "l", 6, 2, offsets))
    add("ligr block", 6, lambda p: block(p, "l", 6, 1, offsets, gated=True))
    add("ligr swiglu rms block", 6, lambda p: block(p, "l", 6, 3, offsets, gated=True, swiglu=True, rms=True))
    add("experts top 1", 6, lambda p: Experts(p, "l", 6, 8, 3, 1))
    add("experts top 2", 6, lambda p: Experts(p, "l", 6, 8, 4, 2))
    return out


def losses():
    out = []

    def simple(name, f, target):
        x = draw(12, scale=2).requires_grad_()
        value = f(x, target)
        value.backward()
        out.append({"name": name, "x": flat(x), "target": flat(target), "loss": value.item(), "dx": flat(x.grad)})

    draw(12), draw(12)  # of a loss that is gone: the others keep their numbers
    simple("bce", F.binary_cross_entropy_with_logits, torch.rand(12).float().double())

    def rows(name, width, fields, f):
        x = draw(5, width).requires_grad_()
        value = f(x)
        value.backward()
        out.append({"name": name, "x": flat(x), "loss": value.item(), "dx": flat(x.grad)} | fields)

    waits = [2, 0, ~1, 3, ~3]  # negative: not happened by the end of that bucket

    def hazard(x):
        total = 0
        for row, w in zip(x, waits):
            survived = w if w >= 0 else ~w + 1
            total = total - F.logsigmoid(-row[:survived]).sum() - (F.logsigmoid(row[w]) if w >= 0 else 0)
        return total / len(waits)

    rows("hazard", 4, {"targets": waits}, hazard)
    draw(5, 3)  # of a loss that is gone, too
    tokens, items, d = 6, 11, 4
    targets, negatives = torch.tensor([3, 0, -1, 10, 3, 7]), torch.tensor([2, 3, 9, 9, 0])
    cumulative = torch.cumsum(torch.rand(items) + 0.1, 0)
    log_q = torch.log(torch.diff(cumulative, prepend=torch.zeros(1)) / cumulative[-1])
    keep, k = targets >= 0, len(negatives)

    def scores(h, e, correct):
        own = (h * e[targets.clamp(min=0)]).sum(1, keepdim=True)
        other = h @ e[negatives].T
        if correct:
            own, other = own - log_q[targets.clamp(min=0)][:, None], other - log_q[negatives]
        other = other.masked_fill(negatives[None] == targets[:, None], -math.inf)
        return own[keep], other[keep]

    def softmax(h, e, correct):
        own, other = scores(h, e, correct)
        return (torch.cat([own, other], 1).logsumexp(1) - own[:, 0]).mean()

    def bce(h, e, beta):
        own, other = scores(h, e, False)
        return (-(beta * F.logsigmoid(own).sum(1) + F.logsigmoid(-other).sum(1)) / (k + 1)).mean()

    alpha, t = k / (items - 1), 0.75
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    for name, f in {
        "full softmax": lambda h, e: F.cross_entropy((h @ e.T)[keep], targets[keep]),
        "sampled softmax": lambda h, e: softmax(h, e, False),
        "sampled softmax logq": lambda h, e: softmax(h, e, True),
        "sampled bce": lambda h, e: bce(h, e, 1),
        "gbce": lambda h, e: bce(h, e, beta),
    }.items():
        h, e = draw(tokens, d).requires_grad_(), draw(items, d).requires_grad_()
        value = f(h, e)
        value.backward()
        out.append({"name": name, "h": flat(h), "items": flat(e), "targets": targets.tolist(), "negatives": negatives.tolist(), "cumulative": cumulative.tolist(),
                    "loss": value.item(), "dh": flat(h.grad), "ditems": flat(e.grad)})
    return out


def optimizers():
    """Four steps. The table's gradient has other rows each step; a row-wise optimiser keeps one mean square a row."""
    out, steps, rows = [], 4, [[4, 1], [1, 0], [2, 4], [1]]
    start, gradients = draw(6, 3), [draw(6, 3) for _ in range(steps)]
    for g, r in zip(gradients, rows):
        g[[i for i in range(6) if i not in r]] = 0

    def add(name, sparse, step, finish=lambda w: w):
        w, after = start.clone(), []
        for i in range(steps):
            w = step(w, i)
            after.append(flat(w))
        out.append({"name": name, "sparse": sparse, "start": flat(start), "gradients": [flat(g) for g in gradients], "rows": rows, "after": after})

    def of_torch(make, sparse):
        w = start.clone().requires_grad_()
        o = make([w])

        def step(_, i):
            g = gradients[i]
            w.grad = torch.sparse_coo_tensor(torch.tensor([rows[i]]), g[rows[i]], g.shape) if sparse else g.clone()
            o.step()
            return w

        return step

    for name, make in {
        "adagrad": lambda p: torch.optim.Adagrad(p, 0.1),
        "adam": lambda p: torch.optim.Adam(p, 0.1),
        "adamw": lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.01),
        "adafactor": lambda p: torch.optim.Adafactor(p, 0.1, eps=(2.0**-23, 1e-3), weight_decay=0.01),
    }.items():
        add(name, False, of_torch(make, False))
    add("adagrad", True, of_torch(lambda p: torch.optim.Adagrad(p, 0.1), True))
    add("adam", True, of_torch(lambda p: torch.optim.SparseAdam(p, 0.1), True))

    def row_wise(adam):
        square, mean = torch.zeros(6), torch.zeros(6, 3)

        def step(w, i):
            w = w.clone()
            for r in rows[i]:
                g = gradients[i][r]
                if not adam:
                    square[r] += g.square().mean()
                    w[r] -= 0.1 * g / (square[r].sqrt() + 1e-10)
                    continue
                square[r] = 0.999 * square[r] + 0.001 * g.square().mean()
                mean[r] = 0.9 * mean[r] + 0.1 * g
                w[r] -= 0.1 / (1 - 0.9 ** (i + 1)) * mean[r] / ((square[r] / (1 - 0.999 ** (i + 1))).sqrt() + 1e-8)
            return w

        return step

    add("row-wise adagrad", True, row_wise(False))
    add("row-wise adam", True, row_wise(True))
    return out


def transformer():
    """Three Adam steps of a tiny customer model: 12 items, width 8, one LiGR block of two heads."""
    p, d, offsets, fields = Parameters(), 8, [0, 4, 5, 9], {"type": 256}
    items, positions = p.make("items.weight", 12, d), p.make("positions.weight", 6, d)
    types = p.make("fields.type.weight", fields["type"], d)
    body = block(p, "blocks.0", d, 2, offsets, gated=True)
    norm = layer_norm(p, "norm", d)
    ids, at, kind = torch.randint(12, (9,)), torch.tensor([0, 1, 2, 3, 0, 0, 1, 2, 3]), torch.randint(2, (9,))
    targets = torch.randint(12, (9,))
    start = p.values()
    start["fields.type.weight"] = start["fields.type.weight"][: 2 * d]
    # A key's bias has no gradient but rounding, which a smaller epsilon would turn into steps.
    optimizer, losses = torch.optim.Adam(list(dict.values(p)), 1e-2, eps=1e-3), []
    hidden = lambda: norm(body(items[ids] + positions[at] + types[kind]))
    for _ in range(3):
        loss = F.cross_entropy(hidden() @ items.T, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    after = p.values()
    after["fields.type.weight"] = after["fields.type.weight"][: 2 * d]
    return {"ids": ids.tolist(), "types": kind.tolist(), "targets": targets.tolist(), "offsets": offsets, "start": start, "losses": losses,
            "after": after, "logits": flat(hidden() @ items.T)}


if __name__ == "__main__":
    root = Path(sys.argv[1])
    for name, make in {"tensor/nn/testdata/layers": layers, "tensor/nn/testdata/losses": losses, "tensor/nn/testdata/optimizers": optimizers,
                       "models/sequence/testdata/transformer": lambda: [transformer()]}.items():
        torch.manual_seed(1)
        path = root / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[\n" + ",\n".join(json.dumps(case) for case in make()) + "\n]\n")
