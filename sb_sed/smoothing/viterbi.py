"""Two-state Viterbi and forward-backward for many files and settings at once.

librosa and hmmlearn decode one sequence with one transition matrix a call; a
search tries hundreds of matrices on thousands of sequences, for which the calls
alone take minutes. Here numpy steps through time once, for all of them.

L. R. Rabiner, "A tutorial on hidden Markov models and selected applications in
speech recognition", Proc. IEEE 77(2), 1989.

Authors
 * sb_sed contributors 2026
"""

import numpy as np

from sb_sed.smoothing.elementary import expit

_LARGEST = 700.0  # log-odds whose exponential is still a finite number


def viterbi(
    log_emissions: np.ndarray,
    log_transitions: np.ndarray,
    log_initial: np.ndarray,
    lengths: np.ndarray,
    ties: np.ufunc = np.greater,
) -> np.ndarray:
    """Return the likeliest paths through chains with the states 0 and 1.

    The sums are those of ``librosa.sequence.viterbi`` and hmmlearn, term by
    term in double precision, so the paths are equal, ties included. Both end
    in state 0 if both states are equally likely there; further back librosa
    prefers coming from state 0 and hmmlearn from state 1.

    Arguments
    ---------
    log_emissions : np.ndarray
        Log-likelihood of each frame in each state, ``[F, T, 2]``.
    log_transitions : np.ndarray
        Of S settings, from state (rows) to state, ``[S, 2, 2]``.
    log_initial : np.ndarray
        Of the state in the first frame, ``[S, 2]``.
    lengths : np.ndarray
        Frames of each file, the rest of the T being padding, ``[F]``.
    ties : np.ufunc
        ``np.greater`` as librosa, ``np.greater_equal`` as hmmlearn.

    Returns
    -------
    path : np.ndarray
        Whether the state is 1, bool, ``[S, F, T]``; not so in the padding.

    Example
    -------
    >>> scores = np.array([0.1, 0.8, 0.9, 0.4, 0.8, 0.1])
    >>> emissions = np.log(np.stack([1 - scores, scores], axis=-1))
    >>> sticky, free = [[0.8, 0.2], [0.2, 0.8]], [[0.5, 0.5], [0.5, 0.5]]
    >>> path = viterbi(
    ...     emissions[None],
    ...     np.log([sticky, free]),
    ...     np.log(np.full((2, 2), 0.5)),
    ...     np.array([6]),
    ... )
    >>> path[:, 0].astype(int)
    array([[0, 1, 1, 1, 1, 0],
           [0, 1, 1, 0, 1, 0]])
    """
    # [state, time, file, setting]: the settings are innermost, as then the
    # transitions are a row and an emission is one number for a row.
    emissions = np.ascontiguousarray(log_emissions.T)[..., None]
    values = emissions[:, 0] + log_initial.T[:, None]
    # [from, to, file, setting]: numpy adds equal shapes twice as fast.
    transitions = np.broadcast_to(
        log_transitions.transpose(1, 2, 0)[:, :, None], (2, *values.shape)
    ).copy()
    from_silent, from_active = np.empty_like(transitions)
    n_frames = emissions.shape[1]
    # Whether the best way to each state comes from state 1.
    origin = np.empty((n_frames, *values.shape), dtype=bool)
    path = np.empty((n_frames, *values.shape[1:]), dtype=bool)
    ending = _files_by_last_frame(lengths)
    for t in range(n_frames):
        if t > 0:
            np.add(values[0], transitions[0], out=from_silent)
            np.add(values[1], transitions[1], out=from_active)
            ties(from_active, from_silent, out=origin[t])
            np.maximum(from_silent, from_active, out=values)
            values += emissions[:, t]
        if t in ending:
            silent, active = values[:, ending[t]]
            path[t, ending[t]] = active > silent
    # Where the origins of the two states differ.
    differ = np.logical_xor(origin[:, 0], origin[:, 1])
    for t in range(n_frames - 2, -1, -1):
        last = path[t, ending[t]] if t in ending else None
        np.logical_and(differ[t + 1], path[t + 1], out=path[t])
        path[t] ^= origin[t + 1, 0]
        if t in ending:
            path[t, ending[t]] = last
    path &= (np.arange(n_frames)[:, None] < lengths)[..., None]
    return path.transpose(2, 1, 0)


def posteriors(
    log_emissions: np.ndarray,
    log_transitions: np.ndarray,
    log_initial: np.ndarray,
    lengths: np.ndarray,
) -> np.ndarray:
    """Return the probability of state 1 in each frame, given the whole file.

    Forward-backward on the log-odds of the two states: one number in place of
    the usual two and a scale; equal to hmmlearn's ``predict_proba``.

    Arguments
    ---------
    log_emissions, log_transitions, log_initial, lengths
        As for :func:`viterbi`.

    Returns
    -------
    probability : np.ndarray
        ``[S, F, T]``; 0 in the padding.

    Example
    -------
    >>> emissions = np.log([[[0.9, 0.1], [0.2, 0.8]]])
    >>> transitions = np.log([[[0.8, 0.2], [0.2, 0.8]]])
    >>> uniform = np.log([[0.5, 0.5]])
    >>> posteriors(emissions, transitions, uniform, np.array([2])).round(3)
    array([[[0.191, 0.584]]])
    """
    odds = np.ascontiguousarray(
        (log_emissions[..., 1] - log_emissions[..., 0]).T
    )
    odds = np.clip(odds, -_LARGEST, _LARGEST)[..., None]
    (stay_silent, enter, leave, stay_active) = np.exp(
        log_transitions.reshape(-1, 4).T
    )
    n_frames = len(odds)
    ending = _files_by_last_frame(lengths)
    forward = np.empty((n_frames, len(lengths), len(log_transitions)))
    message = log_initial[:, 1] - log_initial[:, 0]
    for t in range(n_frames):
        np.add(odds[t], message, out=forward[t])
        message = _step(forward[t], stay_silent, enter, leave, stay_active)
    message = np.zeros(forward.shape[1:])
    for t in range(n_frames - 1, -1, -1):
        message[ending.get(t, [])] = 0
        later = odds[t] + message
        forward[t] += message
        message = _step(later, stay_silent, leave, enter, stay_active)
    inside = (np.arange(n_frames)[:, None] < lengths)[..., None]
    return np.where(inside, expit(forward), 0).transpose(2, 1, 0)


def _step(
    odds: np.ndarray,
    stay_silent: np.ndarray,
    to_active: np.ndarray,
    to_silent: np.ndarray,
    stay_active: np.ndarray,
) -> np.ndarray:
    """Return the log-odds of the neighbouring frame's state."""
    ratio = np.exp(np.clip(odds, -_LARGEST, _LARGEST))
    with np.errstate(divide="ignore"):
        return np.log(to_active + stay_active * ratio) - np.log(
            stay_silent + to_silent * ratio
        )


def _files_by_last_frame(lengths: np.ndarray) -> dict[int, np.ndarray]:
    """Map each last frame to the files that end with it."""
    return {
        int(length) - 1: np.flatnonzero(lengths == length)
        for length in np.unique(lengths)
    }
