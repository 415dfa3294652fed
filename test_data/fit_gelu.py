"""Prints the coefficients of `gelu` in src/backend/cpu/math.rs: erf(a / sqrt 2) = a P(a^2) / Q(a^2) on 0..=5.5.

A minimax fit, weighted with a / 2, by which GELU multiplies the error: linearized least squares whose weights
grow where the error is largest (Lawson 1961). numpy 2.4.6, scipy 1.17.
"""

import numpy as np
from scipy.special import erf

TOP, TERMS, POINTS, ROUNDS = 5.5, 6, 6000, 200

a = TOP / 2 * (1 - np.cos(np.linspace(0, np.pi, POINTS)))[1:]
wanted, u = erf(a / np.sqrt(2)), (a / TOP) ** 2
importance = a / 2 + 0.02  # not zero at zero, where the fit would otherwise be free
powers = u[:, None] ** np.arange(TERMS)
weights, denominator, best = np.ones_like(a), np.ones_like(a), None
for _ in range(ROUNDS):
    rows = np.hstack([a[:, None] * powers, -wanted[:, None] * powers[:, 1:]])
    scale = weights * importance / denominator
    solution = np.linalg.lstsq(rows * scale[:, None], wanted * scale, rcond=None)[0]
    p, q = solution[:TERMS], np.concatenate([[1.0], solution[TERMS:]])
    denominator = powers @ q
    error = np.abs(a * (powers @ p) / denominator - wanted) * importance
    if best is None or error.max() < best[0]:
        best = (error.max(), p, q)
    weights *= (1e-3 + error / error.max()) ** 0.3
    weights /= weights.max()

error, p, q = best
unscale = TOP ** (-2.0 * np.arange(TERMS))
print("largest error", error)
print("P, highest power first", (p * unscale)[::-1].astype(np.float32))
print("Q, highest power first", (q * unscale)[::-1].astype(np.float32))
