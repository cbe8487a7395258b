"""Words with the vectors of a language model and their frequencies, for chapter 13: python experiments/words.py

Needs the packages of spectra.txt; nothing is downloaded. The result, book/data/words.npz, holds 1500 words drawn from
the vocabulary of wordllama, their vectors in steps of `step`, and how frequent each is in English by wordfreq.
"""

import json
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np
import wordfreq
from safetensors.numpy import load_file

RESULT = Path(__file__).parents[1] / "book" / "data" / "words.npz"
START = "▁"  # of a token that begins a word


def load_vocabulary():
    """All tokens that are whole English words of three letters or more, and their vectors."""
    package = files("wordllama")
    tokens = json.loads((package / "tokenizers" / "l2_supercat_tokenizer_config.json").read_text(encoding="utf-8"))
    vectors = load_file(package / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    names = {name[1:]: i for name, i in tokens["model"]["vocab"].items() if name.startswith(START)}
    words = [name for name in names if len(name) >= 3 and name.isascii() and name.isalpha() and name.islower()]
    words = [word for word in words if wordfreq.zipf_frequency(word, "en", wordlist="large") > 0]
    return np.array(words), vectors[[names[word] for word in words]].astype(float)


def main(size=1500):
    every, vectors = load_vocabulary()
    chosen = np.random.default_rng(0).permutation(len(every))[:size]
    words, vectors = every[chosen], vectors[chosen]
    frequency = [wordfreq.zipf_frequency(word, "en", wordlist="large") for word in words]
    step = np.abs(vectors).max() / 127
    np.savez_compressed(
        RESULT,
        words=words,
        vectors=np.round(vectors / step).astype(np.int8),
        step=step,
        frequency=np.array(frequency, np.float32),
        vectors_source=f"wordllama {version('wordllama')}, MIT",
        frequency_source=f"wordfreq {version('wordfreq')}, CC BY-SA 4.0",
    )
    print(f"{RESULT}: {size} of {len(every)} words, {RESULT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
