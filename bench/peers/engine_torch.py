"""PyTorch on CPU at the shapes of bench/engine. Reads a case a line from stdin, "NAME TIMES", and answers each with one line of JSON: the
median of so many runs in milliseconds. `bellwether bench --peer` asks it in alternation with its own runs; by hand:
  echo "SASRec/200/full 5" | python bench/peers/engine_torch.py
"""
import argparse, functools, gzip, json, sys, time
from pathlib import Path
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

ap = argparse.ArgumentParser()
ap.add_argument("--shared", default="../shared"); ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--processor", action="store_true", help="processor time of one thread")
a = ap.parse_args()
torch.set_num_threads(1 if a.processor else a.threads); torch.manual_seed(42)
clock = time.process_time if a.processor else time.perf_counter
BATCH, ITEMS, DIM = 128, 3416, 64


class SASRec(nn.Module):
    """SASRec of Kang and McAuley 2018, as its PyTorch ports have it."""
    def __init__(s, n, d, L, heads=1, blocks=2, p=.2):
        super().__init__(); s.e, s.p = nn.Embedding(n + 1, d, padding_idx=0), nn.Embedding(L, d)
        s.att = nn.ModuleList(nn.MultiheadAttention(d, heads, p, batch_first=True) for _ in range(blocks))
        s.l1, s.l2 = (nn.ModuleList(nn.LayerNorm(d) for _ in range(blocks)) for _ in range(2))
        s.ff = nn.ModuleList(nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Dropout(p), nn.Linear(d, d), nn.Dropout(p)) for _ in range(blocks))
        s.out, s.drop = nn.LayerNorm(d), nn.Dropout(p); s.register_buffer("mask", torch.triu(torch.ones(L, L, dtype=torch.bool), 1))
    def forward(s, x):
        T = x.shape[1]; h = s.drop(s.e(x) * 8 + s.p.weight[:T])
        for att, l1, l2, ff in zip(s.att, s.l1, s.l2, s.ff):
            q = l1(h); h = l2(q + att(q, h, h, attn_mask=s.mask[:T, :T], need_weights=False)[0]); h = h + ff(h)
        return s.out(h)


class Block(nn.Module):
    """Pre-norm; gated: each branch times sigmoid(W x), as in eSASRec."""
    def __init__(s, d, gated, p=.2):
        super().__init__(); s.l1, s.l2 = nn.LayerNorm(d), nn.LayerNorm(d); s.qkv = nn.Linear(d, 3 * d); s.o = nn.Linear(d, d); s.p = p
        s.f1, s.f2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d); s.g = nn.ModuleList(nn.Linear(d, d) for _ in range(2 * gated))
    def forward(s, h):
        B, T, D = h.shape; gate = lambda i, n: torch.sigmoid(s.g[i](n)) if len(s.g) else 1
        n = s.l1(h); q, k, v = s.qkv(n).view(B, T, 3, 1, D).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=s.p if s.training else 0)
        h = h + F.dropout(s.o(x.transpose(1, 2).reshape(B, T, D)) * gate(0, n), s.p, s.training)
        n = s.l2(h); return h + F.dropout(s.f2(F.gelu(s.f1(n))) * gate(1, n), s.p, s.training)


class Trunk(nn.Module):
    def __init__(s, n, d, L, blocks, gated, p=.2):
        super().__init__(); s.e, s.p, s.drop = nn.Embedding(n + 1, d, padding_idx=0), nn.Parameter(torch.randn(L, d) * .02), p
        nn.init.normal_(s.e.weight, std=.02); s.b = nn.ModuleList(Block(d, gated, p) for _ in range(blocks)); s.n = nn.LayerNorm(d)
    def forward(s, x):
        h = F.dropout(s.e(x) + s.p[:x.shape[1]], s.drop, s.training)
        for b in s.b: h = b(h)
        return s.n(h)


def learn(opt, loss): opt.zero_grad(); loss.backward(); opt.step()


def matmul(shape):
    m, n, k = map(int, shape.split("x")); x, y = torch.randn(m, k), torch.randn(k, n)
    return lambda: torch.mm(x, y)


def sasrec(length, loss):
    L = int(length); m = SASRec(ITEMS, DIM, L); o = torch.optim.Adam(m.parameters(), 1e-3)
    x, y, z = (torch.randint(1, ITEMS + 1, (BATCH, L)) for _ in range(3))
    def step():
        h = m(x)
        if loss == "bce": v = F.softplus(-(h * m.e(y)).sum(-1)).mean() + F.softplus((h * m.e(z)).sum(-1)).mean()
        else: v = F.cross_entropy((h @ m.e.weight[1:].T).view(-1, ITEMS), (y - 1).view(-1))
        learn(o, v)
    return step


@functools.cache
def beauty_rows():
    rows = [[int(i) for i in l.split()[1:]] for l in gzip.open(Path(a.shared) / "data/sequences/amazon-beauty.txt.gz", "rt")]
    return max(map(max, rows)), [r[:-2] for r in rows if len(r) > 3]


def beauty(kind, blocks):
    n, rows = beauty_rows(); m = Trunk(n, DIM, 50, int(blocks), kind == "ligr"); o = torch.optim.Adam(m.parameters(), 1e-3)
    rng, order = np.random.default_rng(42), []
    def step():
        nonlocal order
        if len(order) < BATCH: order = list(rng.permutation(len(rows)))
        batch, order = [rows[j][-51:] for j in order[:BATCH]], order[BATCH:]
        x = np.zeros((BATCH, max(map(len, batch))), np.int64)
        for r, s in enumerate(batch): x[r, :len(s)] = s
        x = torch.from_numpy(x); inp, tgt = x[:, :-1], x[:, 1:]; keep = tgt > 0
        learn(o, F.cross_entropy(m(inp)[keep] @ m.e.weight.T, tgt[keep]))
    return step


def dnn(_, rows):
    net = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Dropout(.2), nn.Linear(128, 64), nn.ReLU(), nn.Dropout(.2), nn.Linear(64, 1))
    o = torch.optim.Adam(net.parameters()); X, Y = torch.randn(int(rows), 32), (torch.rand(int(rows), 1) > .5).float()
    return lambda: learn(o, F.binary_cross_entropy_with_logits(net(X), Y))


def sparse(shape):
    count, table = shape.split("of"); n, d = map(int, table.split("x"))
    e = nn.Embedding(n, d, sparse=True); o = torch.optim.SparseAdam(list(e.parameters()))
    return lambda: learn(o, e(torch.randint(0, n, (int(count),))).square().sum())


def infer(length, _):  # PyTorch has no cache of a person's past: one event costs the history
    m = SASRec(ITEMS, DIM, int(length)).eval(); x = torch.randint(1, ITEMS + 1, (1, int(length)))
    @torch.no_grad()
    def one(): return (m(x)[:, -1] @ m.e.weight.T).topk(10)
    return one


KINDS = {"MatMul": matmul, "SASRec": sasrec, "Beauty": beauty, "DNN": dnn, "RowWiseAdam": sparse, "Infer": infer}
print(json.dumps({"torch": torch.__version__}), flush=True)
ready, run = None, None
for line in sys.stdin:
    try:
        name, times = line.split(); kind, *shape = name.split("/")
        if name != ready:
            run = None; run, ready = KINDS[kind](*shape), name  # the last one's memory goes first
        for _ in range(2): run()
        ms = []
        for _ in range(int(times)):
            start = clock(); run(); ms.append((clock() - start) * 1e3)
        print(json.dumps({"name": name, "median_ms": sorted(ms)[len(ms) // 2], "least_ms": min(ms)}), flush=True)
    except Exception as e:
        print(json.dumps({"error": f"{type(e).__name__}: {e}"}), flush=True)
