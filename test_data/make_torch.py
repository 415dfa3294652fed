"""Makes torch/: checkpoints of the models in models/ as torch.save writes them, and small ones that must be
refused.

Versions: torch 2.15.0, safetensors 0.8.0. Run it in this folder.
"""
import collections, io, json, pathlib, zipfile

import torch
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).parent
OUT = HERE / "torch"


def state_dict(model):
    """A model's tensors together with the versions of its modules, as `state_dict()` returns them."""
    tensors = collections.OrderedDict(load_file(HERE / "models" / model / "model.safetensors"))
    tensors._metadata = collections.OrderedDict({"": {"version": 1}})
    return tensors


def views(tensors):
    """The same numbers as views: transposed matrices, a storage of many tensors, tied weights, a parameter."""
    out = collections.OrderedDict()
    out["position_ids"] = torch.arange(16).expand((1, -1))
    slab = torch.cat([t.flatten() for t in tensors.values() if t.dim() == 1])
    at = 0
    for name, t in tensors.items():
        if t.dim() == 1:
            out[name] = slab[at : at + len(t)]
            at += len(t)
        else:
            out[name] = t.t().contiguous().t() if "attention" in name else t
    words = next(name for name in out if "word_embeddings" in name)
    out["vocab_projector.weight"] = out[words]
    out[words] = torch.nn.Parameter(out[words])
    return out


def older(tensors, path):
    """As PyTorch 1.6 to 2.6 wrote it: storages sorted by their numbers as text, no entry .format_version."""
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    source = torch._C.PyTorchFileReader(io.BytesIO(buffer.getvalue()))
    writer = torch._C.PyTorchFileWriter(str(path))
    count = len({t.untyped_storage().data_ptr() for t in tensors.values()})
    names = ["data.pkl", *sorted((f"data/{n}" for n in range(count)))]
    for name in names:
        record = source.get_record(name)
        writer.write_record(name, record, len(record))
    writer.write_end_of_file()


def main():
    OUT.mkdir(exist_ok=True)
    plain = state_dict("tiny-bf16")
    torch.save(plain, OUT / "plain.bin")
    torch.save({"state_dict": views(plain), "epoch": 3, "lr_schedulers": [{"last_lr": [1e-5]}], "name": None}, OUT / "views.bin")
    older({name: t for name, t in plain.items() if t.dim() == 1}, OUT / "older.bin")
    torch.save(state_dict("tiny-electra-wide"), OUT / "legacy.bin", _use_new_zipfile_serialization=False)
    # Two parts of one model.
    names = list(plain)
    half = len(names) // 2
    parts = {f"pytorch_model-0000{i + 1}-of-00002.bin": part for i, part in enumerate((names[:half], names[half:]))}
    for file, part in parts.items(): torch.save({name: plain[name] for name in part}, OUT / file)
    weight_map = {name: file for file, part in parts.items() for name in part}
    index = {"metadata": {"total_size": sum(t.nbytes for t in plain.values())}, "weight_map": weight_map}
    (OUT / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")
    # Small ones, which are refused.
    layer = torch.nn.Linear(2, 2)
    torch.save(layer, OUT / "module.bin")
    torch.jit.save(torch.jit.script(layer), str(OUT / "script.bin"))
    torch.save({"model": layer.state_dict(), "ema": layer.state_dict()}, OUT / "two.bin")
    torch.save(torch.ones(2), OUT / "tensor.bin")
    torch.save(layer.state_dict(), OUT / "protocol4.bin", pickle_protocol=4)
    with zipfile.ZipFile(OUT / "compressed.bin", "w", zipfile.ZIP_DEFLATED) as out:
        with zipfile.ZipFile(OUT / "two.bin") as source:
            for name in source.namelist(): out.writestr(name, source.read(name))


main()
