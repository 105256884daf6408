"""Files of weights as Bellwether writes and reads them: safetensors with a card and a checksum in the metadata (docs/formats/weights.md)."""
import hashlib, json, math, os, struct

import torch

DTYPES = {"F32": torch.float32, "U8": torch.uint8}
NO_DIGEST = b"0" * 64


def read_weights(path):
    """The card and the arrays of a file. ValueError: it is not one, or was altered or cut."""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else 0
    if not 0 < n <= min(100 << 20, len(data) - 8):
        raise ValueError(f"{path} is not a file of weights: its header has {n} of {len(data)} bytes")
    try:
        header, body = json.loads(data[8 : 8 + n]), memoryview(bytearray(data[8 + n :]))
        meta = header.pop("__metadata__")
        digest, whole = meta["sha256"].encode(), hashlib.sha256(data[:8])
        whole.update(data[8 : 8 + n].replace(digest, NO_DIGEST, 1))
        whole.update(body)
        if whole.hexdigest().encode() != digest:
            raise ValueError("the checksum does not match: the file was altered or damaged")
        return json.loads(meta["card"]), {name: array(body, **e) for name, e in header.items()}
    except (ArithmeticError, AttributeError, LookupError, RecursionError, RuntimeError, TypeError, ValueError) as e:
        raise ValueError(f"{path} is not a file of weights, or a damaged one: {e}") from e


def array(body, dtype, shape, data_offsets):
    (start, end), kind = data_offsets, DTYPES[dtype]
    if not 0 <= start <= end <= len(body) or end - start != math.prod(shape) * kind.itemsize:
        raise ValueError(f"an array of {shape} does not fit its bytes {data_offsets}")
    return torch.frombuffer(body[start:end], dtype=kind).view(shape) if end > start else torch.empty(shape, dtype=kind)


def write_weights(path, card, arrays):
    """Writes a file of weights, in place of what was there once it is complete."""
    names, at, header = {torch.float32: "F32", torch.uint8: "U8"}, 0, {"__metadata__": {"sha256": NO_DIGEST.decode(), "card": json.dumps(card)}}
    body = []
    for name, a in arrays.items():
        body.append(a.detach().cpu().contiguous().numpy().tobytes())
        header[name] = {"dtype": names[a.dtype], "shape": list(a.shape), "data_offsets": [at, at + len(body[-1])]}
        at += len(body[-1])
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    head = struct.pack("<Q", len(head)) + head
    digest = hashlib.sha256(head)
    for b in body:
        digest.update(b)
    with open(f"{path}.partial", "wb") as f:
        f.writelines([head.replace(NO_DIGEST, digest.hexdigest().encode(), 1)] + body)
    os.replace(f"{path}.partial", path)
