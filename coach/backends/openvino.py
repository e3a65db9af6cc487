"""Embed on the CPU through OpenVINO: the same vectors as sentence-transformers, without its seconds of import.

Importing sentence-transformers and torch costs 5 to 25 s of CPU; reading the converted model back costs 0.5 s, and a
query 5 ms. In which precision and in batches of what size this machine is fastest is measured once and kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coach.errors import ModelMissingError
from coach.protocols import TokenVectors, Vectors
from coach.settings import Settings

LAYOUT = 2  # raise it whenever the prepared files change shape: older ones are prepared anew
BATCH_TOKENS = (1024, 2048, 4096)  # padded tokens a batch that are tried
LENGTH_STEP = 8  # lengths are padded to a multiple, so that few shapes have to be prepared
# Least cosine between converted and reference vectors: bf16 keeps 0.9999, int8 0.998.
FAITHFUL_COSINE = 0.999
FAITHFUL_COSINE_INT8 = 0.997
# int8: weights with a scale for each output, activations quantised on the way with a scale for each so many values.
# Larger groups were no faster and less exact (docs.openvino.ai, "Dynamic quantization").
INT8_GROUP = 128
WORTH_INT8 = 1.2  # times as fast as the exact precisions, from which int8 is taken
TRIAL_LENGTH = 192  # tokens of a text in a trial, as chunks have
TRIALS = 3  # timed runs of each choice; the fastest counts, for others only show who else was at work
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


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was fastest on the processor `processor`: `precision` is f32, bf16 or int8, `batch_tokens` counts padding;
    `tokens_per_second` of it, and of f32 for comparison."""

    processor: str
    precision: str
    batch_tokens: int
    tokens_per_second: int
    tokens_per_second_f32: int

    def __str__(self) -> str:
        faster = self.tokens_per_second / max(1, self.tokens_per_second_f32)
        gain = f", {faster:.1f}x f32" if self.precision != "f32" else ""
        return f"{self.precision}{gain}, batches of {self.batch_tokens} tokens, {self.tokens_per_second} tokens/s"


def prepare_embedder(settings: Settings, progress: Progress) -> Path:
    """Convert the embedding model once and return the folder of the converted form.

    The folder appears under its name only when whole, so that a run cut off leaves nothing behind
    that counts. Raises ModelMissingError when the conversion fails or is not faithful.
    """
    from coach.backends.model_files import find_embedding_model

    source = find_embedding_model(settings)
    name = f"{_label(settings, source)}@{_identity(source)[:12]}"
    target = settings.models_folder / "openvino" / name
    if _is_prepared(target):
        return target
    progress(f"Preparing the embedding model {name} (once, about half a minute) ...")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".preparing-", dir=target.parent) as temporary:
        draft = Path(temporary) / name
        draft.mkdir()
        _convert(source, draft, name)
        shutil.rmtree(target, ignore_errors=True)
        draft.replace(target)
    progress(f"The fastest here: {_tuned(target, settings.threads)}.")
    return target


def prepared_state(folder: Path) -> tuple[str, Tuning | None] | None:
    """Name and tuning of the prepared embedder in `folder`; None where there is none of this layout."""
    return (folder.name, _read_tuning(folder)) if _is_prepared(folder) else None


def _is_prepared(folder: Path) -> bool:
    try:
        facts = json.loads((folder / "embedder.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(facts, dict) and facts.get("layout") == LAYOUT


class OpenVinoEmbedder:
    """Embedder over one converted model. Safe to use from several threads; calls wait for each other."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        from tokenizers import Tokenizer

        folder = folder.resolve()  # the kept compiled form is found again by this path only
        try:
            facts = json.loads((folder / "embedder.json").read_text(encoding="utf-8"))
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.no_truncation()
            self._tokenizer.no_padding()
            self.tuning = _tuned(folder, threads)
            # A folder for each precision: the runtime takes one's compiled form for the other's, and crashes (2026.4).
            compiled = folder / f"compiled-{self.tuning.precision}"
            self._request = _compile(folder, threads, self.tuning.precision, compiled)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise ModelMissingError(
                "The prepared embedding model was damaged and has been removed: run `coach models pull`."
            ) from error
        self.name: str = facts["name"]
        self.dimension: int = facts["dimension"]
        self.max_tokens: int = facts["max_tokens"]
        self._averages_tokens: bool = facts["averages_tokens"]
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit rows (len(texts), dimension), in the order of `texts`; each text is cut at `max_tokens`."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        tokens = [self._cut(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts))]
        for batch in _batches([len(ids) for ids in tokens], self.tuning.batch_tokens):
            vectors[batch] = self._infer([tokens[place] for place in batch], outputs=1)[0]
        return vectors

    def embed_with_parts(
        self, texts: Sequence[str], parts: Sequence[Sequence[tuple[int, int]]]
    ) -> list[Vectors]:
        """The rows of each text and its parts, as `Embedder` says, from one pass over the text.

        A part of which the cut leaves no token has the text's own vector. A model whose sentence vector is not the
        mean of its token vectors is asked for each part by itself.
        """
        if not self._averages_tokens:
            return self._embed_each_part(texts, parts)
        encodings = self._tokenizer.encode_batch(list(texts))
        tokens = [self._cut(encoding.ids) for encoding in encodings]
        rows: dict[int, Vectors] = {}
        for batch in _batches([len(ids) for ids in tokens], self.tuning.batch_tokens):
            own, in_context = self._infer([tokens[place] for place in batch], outputs=2)
            for row, place in enumerate(batch):
                length = len(tokens[place])
                starts = [start for start, _ in encodings[place].offsets[:length]]
                means = _means(in_context[row, :length], starts, parts[place], own[row])
                rows[place] = np.vstack([own[row : row + 1], means])
        return [rows[place] for place in range(len(texts))]

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """The token vectors of each text and its own, as `Embedder` says."""
        encodings = self._tokenizer.encode_batch(list(texts))
        tokens = [self._cut(encoding.ids) for encoding in encodings]
        found: dict[int, TokenVectors] = {}
        for batch in _batches([len(ids) for ids in tokens], self.tuning.batch_tokens):
            own, in_context = self._infer([tokens[place] for place in batch], outputs=2)
            for row, place in enumerate(batch):
                inner = slice(1, len(tokens[place]) - 1)
                vectors = in_context[row, inner]
                vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
                found[place] = TokenVectors(vectors, encodings[place].offsets[inner], own[row])
        return [found[place] for place in range(len(texts))]

    def _embed_each_part(
        self, texts: Sequence[str], parts: Sequence[Sequence[tuple[int, int]]]
    ) -> list[Vectors]:
        each = [
            [text, *(text[start:end] for start, end in own)] for text, own in zip(texts, parts, strict=True)
        ]
        rows = self.embed([text for row in each for text in row])
        return np.split(rows, np.cumsum([len(row) for row in each])[:-1])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens included, uncut."""
        return [len(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts))]

    def _cut(self, ids: list[int]) -> list[int]:
        """At most `max_tokens` ids; the closing special token stays, as transformers' own cut leaves it."""
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def _infer(self, tokens: Sequence[Sequence[int]], outputs: int) -> list[Vectors]:
        """The first `outputs` of: unit rows (texts, dimension); the vector of each token (texts, tokens, width)."""
        longest = max(map(len, tokens))
        width = min(self.max_tokens, -(-longest // LENGTH_STEP) * LENGTH_STEP)
        ids = np.zeros((len(tokens), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(tokens):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        with self._lock:
            result = self._request.infer({"input_ids": ids, "attention_mask": mask})
            return [np.array(result[number], dtype=np.float32) for number in range(outputs)]


def _means(
    tokens: Vectors, starts: Sequence[int], parts: Sequence[tuple[int, int]], otherwise: Vectors
) -> Vectors:
    """The mean vector of the tokens of each part, at unit length; `otherwise` where a part has none.

    `starts` are the tokens' first characters. The first and the last token are special and belong to no part.
    """
    inner = np.asarray(starts[1:-1])
    rows = np.empty((len(parts), tokens.shape[1]), dtype=np.float32)
    for number, (start, end) in enumerate(parts):
        first, stop = np.searchsorted(inner, (start, end)) + 1
        rows[number] = tokens[first:stop].mean(axis=0) if stop > first else otherwise
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows


def _batches(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """Places of texts of like length, filled up to `most_tokens` padded tokens."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > most_tokens:
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


def _compile(folder: Path, threads: int, precision: str, kept_in: Path | None = None) -> Any:
    """The model ready to run; its compiled form, where `kept_in` is given, is kept there for the next time."""
    core = _openvino().Core()
    if kept_in is not None:
        core.set_property({"CACHE_DIR": str(kept_in)})
    options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    if precision == "int8":
        options |= {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": INT8_GROUP}
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    weights = "model-int8.xml" if precision == "int8" else "model.xml"
    return core.compile_model(str(folder / weights), "CPU", options).create_infer_request()


def _tuned(folder: Path, threads: int) -> Tuning:
    """What is fastest on this processor: as kept beside the model, else by a trial of a second or two."""
    known = _read_tuning(folder)
    processor = _processor()
    if known is None or known.processor != processor:
        known = _try_out(folder, threads, processor)
        draft = folder / f"tuning-{os.getpid()}.new"
        draft.write_text(json.dumps(asdict(known)), encoding="utf-8")
        draft.replace(folder / "tuning.json")
    return known


def _read_tuning(folder: Path) -> Tuning | None:
    try:
        return Tuning(**json.loads((folder / "tuning.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _processor() -> str:
    """Its name and, where the system lists them, its matrix units: many processors share a name and differ in those."""
    name = str(_openvino().Core().get_property("CPU", "FULL_DEVICE_NAME")).strip()
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\nflags")[2].partition("\n")[0]
    except OSError:
        return name
    units = sorted(flag for flag in flags.split() if flag.startswith("amx"))
    return f"{name} with {' '.join(units)}" if units else f"{name} without matrix units"


def _try_out(folder: Path, threads: int, processor: str) -> Tuning:
    """OpenVINO takes bf16 wherever the processor names it, and without matrix units that is the slower way; there
    int8 is the fastest on processors that multiply bytes (VNNI), a little less exactly."""
    names = _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    precisions = ["f32", "int8", *(["bf16"] if "BF16" in names else [])]
    requests = {precision: _compile(folder, threads, precision) for precision in precisions}
    middle = BATCH_TOKENS[len(BATCH_TOKENS) // 2]
    speeds = _speeds({precision: (request, middle) for precision, request in requests.items()})
    precision = max(speeds, key=lambda name: speeds[name] / (WORTH_INT8 if name == "int8" else 1))
    sizes = _speeds({size: (requests[precision], size) for size in BATCH_TOKENS})
    size = max(sizes, key=lambda tokens: sizes[tokens])
    return Tuning(processor, precision, size, round(sizes[size]), round(speeds["f32"]))


def _speeds(choices: Mapping[Any, tuple[Any, int]]) -> dict[Any, float]:
    """Tokens a second of each choice: a model ready to run, and tokens a batch. They take turns, so that a busy
    moment of the machine costs all alike."""
    best = dict.fromkeys(choices, 0.0)
    for trial in range(1 + TRIALS):  # the first one prepares the shapes
        for choice, (request, batch_tokens) in choices.items():
            ids = np.full((max(1, batch_tokens // TRIAL_LENGTH), TRIAL_LENGTH), 1000, dtype=np.int64)
            started = time.perf_counter()
            request.infer({"input_ids": ids, "attention_mask": np.ones_like(ids)})
            if trial:
                best[choice] = max(best[choice], ids.size / (time.perf_counter() - started))
    return best


def _convert(source: Path, draft: Path, name: str) -> None:
    """Write model.xml, model.bin, tokenizer.json and, last, embedder.json into `draft`."""
    openvino = _openvino()
    import torch

    from coach.backends.sentence_transformers import (
        as_traceable_module,
        averages_tokens,
        load_reference,
        reference_vectors,
    )

    reference = load_reference(source)
    example = torch.ones(2, 8, dtype=torch.long)
    with torch.no_grad(), _quiet():
        model = openvino.convert_model(
            as_traceable_module(reference),
            example_input={"input_ids": example, "attention_mask": example},
            input=[("input_ids", [-1, -1]), ("attention_mask", [-1, -1])],
        )
    openvino.save_model(model, str(draft / "model.xml"), compress_to_fp16=False)
    _quantise_weights(model)
    openvino.save_model(model, str(draft / "model-int8.xml"), compress_to_fp16=False)
    shutil.copy2(source / "tokenizer.json", draft / "tokenizer.json")
    facts = {
        "layout": LAYOUT,
        "name": name,
        "dimension": int(reference_vectors(reference, ["x"]).shape[1]),
        "max_tokens": int(reference.max_seq_length or 512),
        "averages_tokens": averages_tokens(reference, _PROBES),
    }
    (draft / "embedder.json").write_text(json.dumps(facts), encoding="utf-8")
    embedder = OpenVinoEmbedder(draft)
    converted = embedder.embed(_PROBES)
    for compiled in draft.glob("compiled-*"):  # names the folder it was made in: useless in its own
        shutil.rmtree(compiled, ignore_errors=True)
    cosines = (converted * reference_vectors(reference, _PROBES)).sum(axis=1)
    least = FAITHFUL_COSINE_INT8 if embedder.tuning.precision == "int8" else FAITHFUL_COSINE
    if float(cosines.min()) < least:
        raise ModelMissingError(
            f"The embedding model {name} does not survive conversion (cosine {cosines.min():.4f}): "
            "unset `embedder` in coach.toml, then run `coach doctor`."
        )


def _quantise_weights(model: Any) -> None:
    """Replace the weights of every matrix product by int8 and a scale for each output (symmetric)."""
    _openvino()
    from openvino import opset13

    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul" or node.input_value(1).get_node().get_type_name() != "Constant":
            continue
        weights = node.input_value(1).get_node().get_data().astype(np.float32)
        inputs = 1 if node.get_attributes()["transpose_b"] else 0
        scale = np.maximum(np.abs(weights).max(axis=inputs, keepdims=True), 1e-12) / 127
        small = opset13.constant(np.round(weights / scale).astype(np.int8), dtype=np.int8)
        product = opset13.multiply(opset13.convert(small, "f32"), opset13.constant(scale))
        node.input(1).replace_source_output(product.output(0))


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
