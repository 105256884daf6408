"""Holds Bellwether's model, its PyTorch twin and its ONNX export to each other. models/sequence/python_test.go runs it.

  python check.py compare < REQUEST     prints the logits of PyTorch and of onnxruntime for each case of the request
  python check.py refuse < FILES        prints why each file is refused
  python check.py fixture DIR           writes the small files that the test falls back on where there is no PyTorch
"""
import json, sys
from pathlib import Path

import torch

import bellwether_model as bm

TYPES = ["view_item", "purchase", "add_to_cart"]
CASES = {
    "plain": {"dim": 8, "blocks": 1, "heads": 2, "gated": True, "length": 5, "loss": "full"},
    "everything": {"dim": 4, "blocks": 2, "heads": 1, "hidden": 6, "swiglu": True, "rmsnorm": True, "experts": 3, "top": 2, "length": 5, "loss": "full",
                   "fields": ["type", "channel", "campaign", "gap", "hour", "price", "quantity"], "content": True, "tasks": {"type": 0.1, "wait": 0.1}},
    "hashed": {"dim": 4, "blocks": 2, "heads": 2, "experts": 2, "dense_blocks": 1, "length": 5, "loss": "sampled",
               "hash": {"rows": 12, "width": 3, "own": 2, "people": True}},
}


def of_torch(model, histories, people=None):
    """Scores by history, and the tasks' logits of those that are not empty."""
    return {"scores": model.score(histories, people).tolist(), "tasks": [{k: v.tolist() for k, v in model.outlook(h).items()} if h else {} for h in histories]}


def of_onnx(path, model, histories, people=None):
    """The same by onnxruntime, null for those without history or with a name: the file holds no people."""
    import numpy, onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    scores, tasks = [], []
    for h, person in zip(histories, people or [""] * len(histories)):
        if not h or person:
            scores.append(None)
            tasks.append({})
            continue
        # The whole history: the graph itself leaves out what is before the latest steps.
        rows = [[s.item] + [bm.FIELDS[f][1](model, s, h[i - 1] if i else None) for f in model.fields] for i, s in enumerate(h)]
        columns = numpy.array(rows, dtype=numpy.int64).T
        out = dict(zip(names, session.run(names, dict(zip(["items"] + model.fields, columns)))))
        states = model(model.encode(h))[0].detach().numpy()
        if out["states"].shape != states.shape or abs(out["states"] - states).max() > 1e-4 * max(1, abs(states).max()):
            sys.exit(f"{path}: its states are not PyTorch's")
        scores.append(out["logits"].tolist())
        tasks.append({t: out["next_" + t].tolist() for t in model.tasks})
    return {"scores": scores, "tasks": tasks}


def compare():
    """Each case: the model's file, its ONNX file or "", where to save PyTorch's copy, histories as lists of steps."""
    try:
        import onnxruntime  # noqa: F401
        runtime = True
    except ImportError:
        runtime = False
    answers = []
    for case in json.load(sys.stdin):
        model = bm.load(case["model"])
        bm.save(model, case["copy"])
        histories = [[bm.Step(*s) for s in h] for h in case["histories"]]
        people = case.get("people")
        answers.append({"torch": of_torch(model, histories, people), "onnx": of_onnx(case["onnx"], model, histories, people) if runtime else None})
    json.dump(answers, sys.stdout)


def refuse():
    """For each file of the request: why load refuses it, null where it does not. Any other exception ends the program."""
    answers = []
    for path in json.load(sys.stdin):
        try:
            bm.load(path)
            answers.append(None)
        except ValueError as e:
            answers.append(str(e))
    json.dump(answers, sys.stdout)


def fixture(directory):
    torch.manual_seed(1)
    out = []
    for name, settings in CASES.items():
        more = []
        if settings.get("content"):
            bounds, groups = torch.tensor([[2.0**k for k in range(6, 21)], [100.0 * k for k in range(15)]]), torch.tensor([0.0, 1, 0, 1, 1, 0, 0])
            more = [["email", "search"], ["spring"], {"content": torch.randn(7, 3), "prices.bounds": bounds, "prices.groups": groups}]
        model = bm.Model(settings, [f"item <{i}>" for i in range(7)], TYPES, *more)
        with torch.no_grad():
            for key, p in model.weights().items():
                p.copy_(torch.randn(p.shape) * 0.5 + (1 if key.endswith("norm.weight") else 0))
        if settings.get("hash"):
            model.give(torch.tensor([0, 1, 0, 0, 0, 1, 0], dtype=torch.uint8))
        people = ["", "ann", "", "böb"] if settings.get("hash") else None
        bm.save(model, directory / f"python-{name}.safetensors")
        histories = [[bm.Step(*s) for s in h] for h in [
            [], [[3, 0, 1, 0, 0, 0, 0]], [[1, 1, 2, 999, 1767225600, 0, 0], [-1, 0, 0, 0, 1767225661, 0, 0], [6, 2, 1, 50, 1767232800, 0, 0]],
            [[i % 7, i % 3, i, 100 << i, 1767225600 + 7**i] + ([i % 3, i % 2] if more else [0, 0]) for i in range(8)]]]
        case = {"name": name, "histories": histories} | ({"people": people} if people else {})
        out.append(case | of_torch(bm.load(directory / f"python-{name}.safetensors"), histories, people))
    (directory / "python.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in out) + "\n]\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:] in (["compare"], ["refuse"]):
        {"compare": compare, "refuse": refuse}[sys.argv[1]]()
    elif len(sys.argv) == 3 and sys.argv[1] == "fixture":
        fixture(Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
