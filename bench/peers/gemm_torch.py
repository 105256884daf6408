"""Matrix products of PyTorch at the shapes of bench/engine, in processor time of one thread: the twin of
  go run ./bench/engine -cpu -only MatMul/
for a machine that others use, where time on the wall says little. Prints one JSON document.
"""
import json, time
import torch

torch.set_num_threads(1)
torch.manual_seed(42)


def times(run, n=41, warm=3):
    for _ in range(warm):
        run()
    ms = []
    for _ in range(n):
        start = time.thread_time()
        run()
        ms.append((time.thread_time() - start) * 1e3)
    return sorted(ms)


out = []
for m, n, k in [(6400, 64, 64), (25600, 64, 64), (6400, 256, 64), (128, 3416, 64), (6400, 3416, 64), (512, 512, 512), (1024, 1024, 1024)]:
    x, y = torch.randn(m, k), torch.randn(k, n)
    ms = times(lambda: torch.mm(x, y))
    out.append({"name": f"MatMul/{m}x{n}x{k}", "median_ms": ms[len(ms) // 2], "least_ms": ms[0], "gflops": 2e-6 * m * n * k / ms[len(ms) // 2]})
print(json.dumps(out, indent=1))
