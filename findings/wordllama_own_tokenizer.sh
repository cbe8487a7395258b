#!/usr/bin/env bash
# wordllama 0.4.0.post1: load() does not find the tokenizer in its own wheel, and goes to the network for it.
#
# The wheel holds the weights and the tokenizer, and the page of `load` says that it looks there first.
#   expected: a model from the wheel alone, as for the weights, which lie in `weights/` and are found
#   seen:     the tokenizer lies in `tokenizers/`, and it looks in `tokenizer/`. It then downloads one; with
#             `disable_download=True`, or without network, it ends with an error that names the file that is there. Given its
#             own folder as `cache_dir` it finds both, because the folder of a cache is `tokenizers`
# Why it matters: a job without network fails although all is installed; with network, what is used is not what was pinned
# with the package. Here nothing is downloaded: downloads are disabled.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet wordllama==0.4.0.post1 numpy==2.4.6
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
from pathlib import Path

import wordllama

print("wordllama", version("wordllama"))
package = Path(wordllama.__file__).parent
for kind in ["weights", "tokenizers"]:
    (file,) = [path for path in (package / kind).iterdir() if path.suffix in [".safetensors", ".json"]]
    print(f"in the wheel: {file.relative_to(package)}, {file.stat().st_size / 1e6:.1f} MB")
try:
    wordllama.WordLlama.load(disable_download=True, cache_dir=Path("empty"))
    raise SystemExit("changed: load() finds the tokenizer")
except FileNotFoundError as error:
    print(f"load(disable_download=True): {error}")
    assert "l2_supercat_tokenizer_config.json" in str(error), "changed: another file is missing"
model = wordllama.WordLlama.load(disable_download=True, cache_dir=package)
near, far = model.similarity("river", "stream"), model.similarity("river", "theorem")
print(f"with its own folder as cache_dir: similarity of river and stream {near:.2f}, of river and theorem {far:.2f}")
assert near > far + 0.1, "changed: the tokenizer of the wheel does not fit its weights"
PY
echo "as found"
