"""Text or time? One small transformer on the same text again and again, or on as much new text: book/data/passes.csv.

    python experiments/passes.py

All runs take the same steps of the same size at the same highest rate, that of both designs of train.py at this size of
text. So "again" against "new" shows what text does, and more passes what time does. "constant" is the schedule of
train.py's design `fixed`, "cosine" that of `fresh`.
"""

import csv
import math

import numpy as np
import torch
import train

RESULTS = train.RESULTS.with_name("passes.csv")
SHAPE, N_BYTES = (1, 32), 2**18
PASSES = [1, 4, 16]
SEEDS = [0, 1]
COLUMNS = ["schedule", "text", "passes", "seed", "n_parameters", "n_bytes", "n_steps", "loss"]


def start(seed, n_times):
    """A trainer on n_times N_BYTES bytes, from a place in the text that depends on the seed only."""
    run = train.Run("passes", *SHAPE, N_BYTES, seed, train.rate("fixed", SHAPE[1], N_BYTES))
    text = train.load_corpus()[0]["train"]
    offset = np.random.default_rng([seed, 1]).integers(text.size)
    return run, train.Trainer(run, train.sequences(text, n_times * N_BYTES, offset), "cpu")


def steps(passes):
    return passes * N_BYTES // train.CONTEXT // train.batch_size(N_BYTES)


def cosine(seed, passes, text):
    """The model after a warm-up over a tenth of the steps and a cosine to zero."""
    run, trainer = start(seed, passes if text == "new" else 1)
    n_steps = steps(passes)
    for i in range(n_steps):
        warm = (i + 1) / (0.1 * n_steps)
        trainer.step(run.learning_rate * min(warm, 0.5 + 0.5 * math.cos(math.pi * i / n_steps)))
    return trainer.model


def constant(seed):
    """Yield the averaged weights after each number of passes over the same text, at a constant rate."""
    run, trainer = start(seed, 1)
    average = train.Transformer(*SHAPE)
    for i in range(steps(max(PASSES))):
        trainer.step(run.learning_rate * min(1, (i + 1) / 100))
        if i % 8 == 0:
            with torch.no_grad():
                torch._foreach_lerp_(list(average.parameters()), list(trainer.model.parameters()), min(1, 80 / (i + 8)))
        for passes in PASSES:
            if i + 1 == steps(passes):
                yield passes, average


def trained():
    """Yield schedule, text, passes, seed and model of every run."""
    for seed in SEEDS:
        for passes in PASSES:
            for text in ["again", "new"] if passes > 1 else ["new"]:
                yield "cosine", text, passes, seed, cosine(seed, passes, text)
        for passes, model in constant(seed):
            yield "constant", "again" if passes > 1 else "new", passes, seed, model


def main():
    torch.set_num_threads(1)
    test = torch.from_numpy(train.sequences(train.load_corpus()[0]["test"], 2**20))
    n_parameters, _ = train.count_parameters(*SHAPE)
    with open(RESULTS, "w", newline="", encoding="utf-8", buffering=1) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for schedule, text, passes, seed, model in trained():
            loss = round(train.evaluate(model, test), 6)
            writer.writerow([schedule, text, passes, seed, n_parameters, N_BYTES, steps(passes), loss])


if __name__ == "__main__":
    main()
