"""Measure a scaling law: small transformers on the bytes of Python packages.

    python experiments/train.py corpus                  # once: fetch the text
    python experiments/train.py fresh  --workers 2      # one pass over D bytes: L(N, D)
    python experiments/train.py fixed  --workers 2      # T bytes until early stopping: L(N, T)
    python experiments/train.py tune   --workers 2      # the learning rates that `rate` comes from

Every finished run appends one row to measured_law.csv. A sweep that was stopped goes on where it was.
"""

import argparse
import contextlib
import csv
import functools
import hashlib
import math
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

HERE = Path(__file__).parent
CORPUS = HERE.parent / "_build" / "corpus"
RESULTS = HERE.parent / "book" / "data" / "measured_law.csv"

CONTEXT = 256  # bytes that a model sees
SHAPES = [(1, 16), (2, 16), (1, 32), (2, 32), (2, 48), (3, 64), (4, 80), (4, 112), (5, 144), (6, 208)]  # layers, width
FRESH = [2**k for k in range(18, 26)]  # D, bytes
FIXED = [2**k for k in (14, 16, 18, 20, 12)]  # T, bytes, for every second shape
LONGEST = 2**15  # steps of a run with a fixed training set, at most


@dataclass(frozen=True)
class Run:
    """One training run: what to train, on how much, how."""

    design: str  # "fresh", "fixed", "tune fresh" or "tune fixed"
    n_layers: int
    width: int
    n_bytes: int
    seed: int
    learning_rate: float


# --- the text ---------------------------------------------------------------------------------------------------------


def fetch_corpus():
    """Download the pinned packages and cut their Python files into training, validation and test text."""
    wheels = CORPUS / "wheels"
    subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
            ),
            *("--python-version=3.13", "--dest", str(wheels), "--requirement", str(HERE / "corpus.txt")),
        ],
        check=True,
    )
    parts = {"train": [], "validation": [], "test": []}
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                if info.filename.endswith(".py") and 100 < info.file_size < 100_000:
                    digest = hashlib.sha256(info.filename.encode()).digest()[0]
                    part = "test" if digest < 8 else "validation" if digest < 12 else "train"
                    parts[part].append(archive.read(info) + b"\0")
    arrays = {}
    for part, files in parts.items():  # files in random order, so that every stretch holds all packages
        order = np.random.default_rng(0).permutation(len(files))
        arrays[part] = np.frombuffer(b"".join(files[i] for i in order), np.uint8)
        print(f"{part}: {len(files)} files, {arrays[part].size:,} bytes")
    np.savez_compressed(CORPUS / "text.npz", **arrays)


@functools.cache
def load_corpus():
    """Return the three texts and a name that tells one corpus from another."""
    path = CORPUS / "text.npz"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run 'python experiments/train.py corpus' first")
    with np.load(path) as arrays:
        texts = {part: arrays[part] for part in ("train", "validation", "test")}
    name = hashlib.sha256(b"".join(text.tobytes() for text in texts.values())).hexdigest()[:12]
    return texts, name


def sequences(text, n_bytes, offset=0):
    """Cut n_bytes of a text into rows of CONTEXT + 1 bytes; the last byte of a row is the first of the next."""
    starts = offset + CONTEXT * np.arange(n_bytes // CONTEXT)[:, None]
    return text[(starts + np.arange(CONTEXT + 1)) % text.size]


# --- the model --------------------------------------------------------------------------------------------------------


class Block(nn.Module):
    """Attention and a two-layer network, each added to what comes in: 12 width^2 parameters."""

    def __init__(self, width, n_layers):
        super().__init__()
        self.norm_attention, self.norm_network = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.expand = nn.Linear(width, 4 * width, bias=False)
        self.contract = nn.Linear(4 * width, width, bias=False)
        for layer in (self.mix, self.contract):  # the sum of all branches starts as large as one
            layer.weight.data /= math.sqrt(2 * n_layers)

    def forward(self, x):
        n_batch, n_context, width = x.shape
        heads = self.query_key_value(self.norm_attention(x)).view(n_batch, n_context, 3, 4, width // 4)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mix(mixed.transpose(1, 2).reshape(n_batch, n_context, width))
        return x + self.contract(functional.gelu(self.expand(self.norm_network(x))))


class Transformer(nn.Module):
    """A causal transformer on bytes, with learned positions and one matrix for input and output."""

    def __init__(self, n_layers, width):
        super().__init__()
        self.byte = nn.Embedding(256, width)
        self.position = nn.Embedding(CONTEXT, width)
        nn.init.normal_(self.byte.weight, std=0.02)
        nn.init.normal_(self.position.weight, std=0.02)
        self.blocks = nn.Sequential(*(Block(width, n_layers) for _ in range(n_layers)))
        self.norm = nn.LayerNorm(width, bias=False)

    def forward(self, rows):
        """Mean loss in nats a byte of rows of CONTEXT + 1 bytes."""
        x = self.byte(rows[:, :-1]) + self.position.weight
        logits = functional.linear(self.norm(self.blocks(x)), self.byte.weight)
        return functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())


def count_parameters(n_layers, width):
    """Parameters besides the embeddings, and those of the embeddings."""
    return 12 * n_layers * width**2 + (2 * n_layers + 1) * width, (256 + CONTEXT) * width


@torch.no_grad()
def evaluate(model, rows):
    """Mean loss over all rows."""
    chunks = torch.split(rows, 64)
    return sum(len(chunk) * model(chunk.long()).item() for chunk in chunks) / len(rows)


# --- training ---------------------------------------------------------------------------------------------------------


def batch_size(n_bytes):
    """Sequences a step: they grow with the root of the data, as the number of steps does."""
    return max(2, round(math.sqrt(n_bytes / 2**16)))


def batches(n_rows, size, rng):
    """Endless batches of row numbers: every epoch in an order of its own."""
    left = np.empty(0, np.int64)
    while True:
        while len(left) < size:
            left = np.concatenate([left, rng.permutation(n_rows)])
        yield left[:size]
        left = left[size:]


class Trainer:
    """A model, its optimiser, and one step of training; on a GPU the step is recorded once and replayed."""

    def __init__(self, run, rows, device):
        torch.manual_seed(run.seed)
        self.model = Transformer(run.n_layers, run.width).to(device)
        self.rows = torch.from_numpy(rows).to(device)
        size = batch_size(run.n_bytes)
        self.batches = batches(len(rows), size, np.random.default_rng(run.seed))
        self.input = torch.zeros((size, CONTEXT + 1), dtype=torch.long, device=device)
        self.rate = torch.zeros((), device=device)
        matrices = [p for p in self.model.parameters() if p.ndim == 2]
        vectors = [p for p in self.model.parameters() if p.ndim < 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
            lr=self.rate, betas=(0.9, 0.95),
            capturable=device == "cuda", foreach=device == "cuda", fused=device == "cpu",
        )  # fmt: skip
        self.n_steps = 0
        self.graph = None

    def update(self):
        self.optimizer.zero_grad(set_to_none=False)
        self.model(self.input).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    def step(self, rate):
        self.input.copy_(self.rows[torch.from_numpy(next(self.batches)).to(self.rows.device)])
        self.rate.fill_(rate)
        self.n_steps += 1
        if self.rows.device.type == "cpu":
            self.update()
        elif self.n_steps <= 3:  # a recording must be preceded by a few steps on another stream
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                self.update()
            torch.cuda.current_stream().wait_stream(stream)
        else:
            if self.graph is None:
                self.graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(self.graph):
                    self.update()
            self.graph.replay()


def train_fresh(run, texts, device):
    """One pass: warm-up over a tenth of the steps, then a cosine to zero."""
    offset = np.random.default_rng([run.seed, 1]).integers(texts["train"].size)
    trainer = Trainer(run, sequences(texts["train"], run.n_bytes, offset), device)
    n_steps = len(trainer.rows) // trainer.input.shape[0]
    for i in range(n_steps):
        warm = (i + 1) / (0.1 * n_steps)
        trainer.step(run.learning_rate * min(warm, 0.5 + 0.5 * math.cos(math.pi * i / n_steps)))
    return trainer.model, n_steps, "end"


def train_fixed(run, texts, device):
    """A constant rate until the validation loss of the averaged weights has stopped falling.

    The average is over the last tenth of the steps, about. The run ends when a third of its steps brought nothing, or
    after LONGEST steps; what is returned is the best average.
    """
    offset = np.random.default_rng([run.seed, 1]).integers(texts["train"].size)
    trainer = Trainer(run, sequences(texts["train"], run.n_bytes, offset), device)
    validation = torch.from_numpy(sequences(texts["validation"], 2**17)).to(device)
    average = Transformer(run.n_layers, run.width).to(device)
    best, best_step, best_state, next_look = math.inf, 0, None, 64
    for i in range(LONGEST):
        trainer.step(run.learning_rate * min(1, (i + 1) / 100))
        if i % 8 == 0:
            with torch.no_grad():
                weight = min(1, 80 / (i + 8))
                torch._foreach_lerp_(list(average.parameters()), list(trainer.model.parameters()), weight)
        if i + 1 >= next_look:
            next_look = math.ceil(1.15 * (i + 1))
            loss = evaluate(average, validation)
            if loss < best:
                best, best_step = loss, i + 1
                best_state = {name: value.clone() for name, value in average.state_dict().items()}
            elif i + 1 > 1.5 * best_step:
                break
    average.load_state_dict(best_state)
    return average, best_step, "early" if best_step < 0.9 * (i + 1) else "limit"


def train(run, device="cpu"):
    """Train once; return the run's row."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    texts, corpus = load_corpus()
    model, n_steps, ended = (train_fixed if run.design.endswith("fixed") else train_fresh)(run, texts, device)
    test = torch.from_numpy(sequences(texts["test"], 2**20)).to(device)
    n_parameters, n_embedding = count_parameters(run.n_layers, run.width)
    return {
        **{field.name: getattr(run, field.name) for field in fields(Run)},
        "n_parameters": n_parameters,
        "n_embedding": n_embedding,
        "batch": batch_size(run.n_bytes),
        "n_steps": n_steps,
        "ended": ended,
        "loss": round(evaluate(model, test), 6),
        "seconds": round(time.perf_counter() - start, 1),
        "device": torch.cuda.get_device_name() if device == "cuda" else platform.machine(),
        "torch": torch.__version__,
        "corpus": corpus,
    }


# --- sweeps -----------------------------------------------------------------------------------------------------------


def rate(design, width, n_bytes):
    """The learning rate by the rule that 'tune' gave: smaller for wide layers, and for short runs."""
    if design == "fixed":
        return round(0.1 / width, 6)
    return round(0.4 / width * min(1, math.sqrt(n_bytes / 2**22)), 6)


def plan(design):
    """All runs of a design, the longest first."""
    if design == "tune":
        runs = [
            Run(f"tune {kind}", *shape, n_bytes, 0, round(rate(kind, shape[1], n_bytes) * 2**k, 6))
            for kind, shapes, sizes, powers in (
                ("fresh", (SHAPES[1], SHAPES[5], SHAPES[9]), (2**18, 2**22), range(-2, 3)),
                ("fixed", (SHAPES[1], SHAPES[5]), (2**15,), range(-2, 2)),
            )
            for shape in shapes
            for n_bytes in sizes
            for k in powers
        ]
    else:
        shapes, sizes = (SHAPES, FRESH) if design == "fresh" else (SHAPES[::2], FIXED)
        runs = [
            Run(design, *shape, n_bytes, seed, rate(design, shape[1], n_bytes))
            for i, shape in enumerate(shapes)
            for j, n_bytes in enumerate(sizes)
            for seed in range(3 if n_bytes == 2**12 or ((i + j) % 3 == 0 and (design == "fresh" or i < 3)) else 1)
        ]
    return sorted(runs, key=cost, reverse=True)


def cost(run):
    """Floating-point operations of a run, about, to sort and to tell the time left."""
    seen = (
        run.n_bytes
        if run.design.endswith("fresh")
        else min(20 * run.n_bytes, LONGEST * CONTEXT * batch_size(run.n_bytes))
    )
    return 6 * sum(count_parameters(run.n_layers, run.width)) * seen


KEY = [field.name for field in fields(Run)]
NUMBERS = {"n_parameters": int, "n_embedding": int, "batch": int, "n_steps": int, "loss": float, "seconds": float}
COLUMNS = [*KEY, *NUMBERS, "ended", "device", "torch", "corpus"]


def read_rows(path):
    """All finished runs of a file; a damaged row stops the sweep, since it may hide one."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    if not lines or lines[0] != COLUMNS:
        raise SystemExit(f"{path}: the first line must be {','.join(COLUMNS)}")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        row = dict(zip(COLUMNS, line, strict=False))
        try:
            if len(line) != len(COLUMNS) or not 0 < float(row["loss"]) < 10:
                raise ValueError("a row of another length, or a loss that cannot be")
            row |= {name: kind(row[name]) for name, kind in NUMBERS.items()}
            row |= {field.name: field.type(row[field.name]) for field in fields(Run)}
        except (ValueError, KeyError) as error:
            raise SystemExit(
                f"{path}, line {number} is damaged ({error}): delete it, and its run is done again"
            ) from None
        rows.append(row)
    return rows


def append_row(path, row):
    """Write a row, or nothing."""
    size = path.stat().st_size if path.exists() else 0
    try:
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if size == 0:
                writer.writeheader()
            writer.writerow(row)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.truncate(path, size)
        raise SystemExit(f"{path} could not be written ({error.strerror}): the rows in it are whole") from None


def sweep(runs, workers, device, path):
    """Train what is not in the file yet; each run's row is written when it is done."""
    done = {tuple(row[name] for name in KEY) for row in read_rows(path)}
    missing = [run for run in runs if tuple(getattr(run, name) for name in KEY) not in done]
    failed = 0
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(train, run, device): run for run in missing}
        total = sum(cost(run) for run in runs)
        bar = tqdm(total=round(total), initial=round(total - sum(map(cost, missing))), unit="flop", unit_scale=True)
        try:
            for future in as_completed(futures):
                run = futures[future]
                if error := future.exception():
                    failed += 1
                    tqdm.write(f"{run} failed: {error!r}")
                else:
                    append_row(path, future.result())
                bar.update(round(cost(run)))
        except BaseException as stop:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            if isinstance(stop, KeyboardInterrupt):
                raise SystemExit(
                    f"Stopped. {path} has {len(read_rows(path))} runs; the same command goes on."
                ) from None
            raise
    if failed:
        raise SystemExit(f"{failed} runs failed; the same command tries them again")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["corpus", "tune", "fresh", "fixed"])
    parser.add_argument("--workers", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--largest", type=int, default=10**9, help="leave larger models out (parameters)")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.what == "corpus":
        fetch_corpus()
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by a signal."))  # its workers end with it
    load_corpus()
    runs = [run for run in plan(options.what) if count_parameters(run.n_layers, run.width)[0] <= options.largest]
    sweep(runs, options.workers, options.device, options.output)


if __name__ == "__main__":
    main()
