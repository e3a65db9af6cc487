"""Embed on the CPU through OpenVINO: the same vectors as sentence-transformers, without its seconds of import.

Importing sentence-transformers and torch costs 5 to 25 s of CPU; reading the converted model back
costs 0.5 s, and a query 5 ms. OpenVINO computes in bf16 by itself where the CPU has it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from coach.errors import ModelMissingError
from coach.protocols import Vectors
from coach.settings import Settings

BATCH_TOKENS = 2048  # padded tokens a batch; larger batches were slower on every CPU measured
LENGTH_STEP = 8  # lengths are padded to a multiple, so that few shapes have to be prepared
FAITHFUL_COSINE = 0.999  # least cosine between converted and reference vectors (bf16 keeps 0.9999)
_PROBES = (
    "What does the committee expect?",
    "A trade-off between latency and response quality in a real-time generation scenario.",
    "word " * 300,
)

Progress = Callable[[str], None]


def load_openvino_embedder(settings: Settings, progress: Progress | None = None) -> OpenVinoEmbedder:
    """The embedder of `settings`, converted on first use (`progress` gets plain lines).

    Raises ModelMissingError when the model's own files are missing, not whole or not convertible.
    """
    folder = prepare_embedder(settings, progress or (lambda line: print(line, file=sys.stderr)))
    return OpenVinoEmbedder(folder, threads=settings.threads)


def prepare_embedder(settings: Settings, progress: Progress) -> Path:
    """Convert the embedding model once and return the folder of the converted form.

    The folder appears under its name only when whole, so that a run cut off leaves nothing behind
    that counts. Raises ModelMissingError when the conversion fails or is not faithful.
    """
    from coach.backends.model_files import find_embedding_model

    source = find_embedding_model(settings)
    name = f"{_label(settings, source)}@{_identity(source)[:12]}"
    target = settings.models_folder / "openvino" / name
    if (target / "embedder.json").is_file():
        return target
    progress(f"Preparing the embedding model {name} (once, about half a minute) ...")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".preparing-", dir=target.parent) as temporary:
        draft = Path(temporary) / name
        draft.mkdir()
        _convert(source, draft, name)
        shutil.rmtree(target, ignore_errors=True)
        draft.replace(target)
    return target


class OpenVinoEmbedder:
    """Embedder over one converted model. Safe to use from several threads; calls wait for each other."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        from tokenizers import Tokenizer

        try:
            facts = json.loads((folder / "embedder.json").read_text(encoding="utf-8"))
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.no_truncation()
            self._tokenizer.no_padding()
            self._request = _compile(folder, threads)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise ModelMissingError(
                "The prepared embedding model was damaged and has been removed: run `coach models pull`."
            ) from error
        self.name: str = facts["name"]
        self.dimension: int = facts["dimension"]
        self.max_tokens: int = facts["max_tokens"]
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit rows (len(texts), dimension), in the order of `texts`; each text is cut at `max_tokens`."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        tokens = [self._cut(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts))]
        for batch in _batches([len(ids) for ids in tokens]):
            vectors[batch] = self._infer([tokens[place] for place in batch])
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens included, uncut."""
        return [len(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts))]

    def _cut(self, ids: list[int]) -> list[int]:
        """At most `max_tokens` ids; the closing special token stays, as transformers' own cut leaves it."""
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def _infer(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        longest = max(map(len, tokens))
        width = min(self.max_tokens, -(-longest // LENGTH_STEP) * LENGTH_STEP)
        ids = np.zeros((len(tokens), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(tokens):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        with self._lock:
            result = self._request.infer({"input_ids": ids, "attention_mask": mask})
            return np.array(result[0], dtype=np.float32)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of texts of like length, filled up to BATCH_TOKENS padded tokens."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _openvino() -> Any:
    """The vendor's package, with its usage statistics cut off: `import openvino` would report itself otherwise."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def _compile(folder: Path, threads: int) -> Any:
    openvino = _openvino()
    core = openvino.Core()
    core.set_property({"CACHE_DIR": str(folder / "compiled")})
    options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    return core.compile_model(str(folder / "model.xml"), "CPU", options).create_infer_request()


def _convert(source: Path, draft: Path, name: str) -> None:
    """Write model.xml, model.bin, tokenizer.json and, last, embedder.json into `draft`."""
    openvino = _openvino()
    import torch

    from coach.backends.sentence_transformers import as_traceable_module, load_reference, reference_vectors

    reference = load_reference(source)
    example = torch.ones(2, 8, dtype=torch.long)
    with torch.no_grad(), _quiet():
        model = openvino.convert_model(
            as_traceable_module(reference),
            example_input={"input_ids": example, "attention_mask": example},
            input=[("input_ids", [-1, -1]), ("attention_mask", [-1, -1])],
        )
    openvino.save_model(model, str(draft / "model.xml"), compress_to_fp16=False)
    shutil.copy2(source / "tokenizer.json", draft / "tokenizer.json")
    facts = {
        "name": name,
        "dimension": int(reference_vectors(reference, ["x"]).shape[1]),
        "max_tokens": int(reference.max_seq_length or 512),
    }
    (draft / "embedder.json").write_text(json.dumps(facts), encoding="utf-8")
    converted = OpenVinoEmbedder(draft).embed(_PROBES)
    cosines = (converted * reference_vectors(reference, _PROBES)).sum(axis=1)
    if float(cosines.min()) < FAITHFUL_COSINE:
        raise ModelMissingError(
            f"The embedding model {name} does not survive conversion (cosine {cosines.min():.4f}): "
            "unset `embedder` in coach.toml, then run `coach doctor`."
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's tracing warnings off the terminal: they concern shapes that are checked right after."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _label(settings: Settings, source: Path) -> str:
    return source.name if Path(settings.embedder).expanduser().is_dir() else settings.embedder


def _identity(source: Path) -> str:
    """SHA-256 over configuration, tokenizer, and size plus both ends of the weights."""
    digest = hashlib.sha256()
    for name in ("config.json", "tokenizer.json", "modules.json"):
        if (source / name).is_file():
            digest.update((source / name).read_bytes())
    weights = source / "model.safetensors"
    with weights.open("rb") as file:
        digest.update(str(weights.stat().st_size).encode())
        digest.update(file.read(1 << 20))
        file.seek(-min(1 << 20, weights.stat().st_size), os.SEEK_END)
        digest.update(file.read(1 << 20))
    return digest.hexdigest()
