#!/usr/bin/env bash
# GPJax 1.0.0: the arc-cosine kernel of an input with itself, or with a multiple of it, is NaN for many inputs.
#
# The kernel of ReLU features (chapter 4) is an arc cosine of the correlation of two inputs; of an input with itself that is
# 1, or what rounding makes of it. The kernel without bias, 500 Gaussian inputs of 5, 64 and 144 variables.
#   expected: numbers, at least where a Gram matrix always needs them
#   seen:     in single precision, the default of JAX, the kernel is NaN for every seventh input of 5 variables and two of
#             five of more, and for a fifth to a half of the pairs x, 1.7 x. The correlation is kept from 1 by a "jitter" of 1e-15, which
#             is nothing there. In double precision, which its tutorials switch on, it is right to rounding; with
#             several thousand inputs a few are NaN there, too. With the default bias the gradient by the bias is
#             NaN in single precision, so that a fit of hyperparameters is
# Elsewhere it is twice the course's kernel: Cho and Saul's has 1/pi where the mean over features has 1/(2 pi).
# Why it matters: one NaN on the diagonal makes every prediction NaN. Use double precision, and look at the diagonal.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet gpjax==1.0.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from gpjax.kernels import ArcCosine


def relu_kernel(X):
    """Mean over Gaussian weights u of variance 1/M of max(u x, 0) max(u x', 0), for all pairs of rows."""
    lengths = np.linalg.norm(X, axis=1)
    cosines = np.clip(X @ X.T / np.outer(lengths, lengths), -1, 1)
    angles = np.arccos(cosines)
    return np.outer(lengths, lengths) * (np.sin(angles) + (np.pi - angles) * cosines) / 2 / np.pi / X.shape[1]


def gram(X, Y):
    kernel = ArcCosine(order=1, weight_variance=1 / X.shape[1], bias_variance=0.0)
    return np.asarray(kernel.cross_covariance(jnp.asarray(X), jnp.asarray(Y)))


print("gpjax", version("gpjax"), "jax", jax.__version__)
for precise in [False, True]:
    jax.config.update("jax_enable_x64", precise)
    for n_variables in [5, 64, 144]:
        X = np.random.default_rng(0).standard_normal((500, n_variables))
        K, parallel, exact = gram(X, X), np.diag(gram(X, 1.7 * X)), relu_kernel(X)
        other = ~np.eye(500, dtype=bool)
        error = np.abs(K / 2 - exact)[other].max() / exact.max()
        print(f"{K.dtype}, {n_variables:3} variables: NaN on the diagonal {np.isnan(np.diag(K)).sum():3} of 500, of x, 1.7 x"
              f" {np.isnan(parallel).sum():3}; half of the others off by {error:.0e} of the largest value")
        assert error < (1e-13 if precise else 1e-5), "changed: between other inputs"
        if not precise:
            assert np.isnan(np.diag(K)).sum() > 20 and np.isnan(parallel).sum() > 20, "changed: no NaN in float32"
    x = jnp.asarray(X[0])
    slope = float(jax.grad(lambda bias: ArcCosine(order=1, bias_variance=bias)(x, x))(1.0))
    print(f"{K.dtype}: derivative of the kernel of x, x by the bias: {slope:.3f}, exact 1")
    assert np.isnan(slope) if not precise else abs(slope - 1) < 1e-6, "changed: the gradient"
many = np.random.default_rng(1).standard_normal((5000, 144))
n_nan = sum(np.isnan(np.diag(gram(rows, rows))).sum() for rows in np.split(many, 10))
print(f"float64, 144 variables: NaN on the diagonal {n_nan} of 5000")
assert 0 < n_nan < 100, "changed: no NaN in float64, or many"
PY
echo "as found"
