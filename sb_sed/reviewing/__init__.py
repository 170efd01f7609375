"""The listener's loop: what to listen to, and what follows from the answers.

Of all the boxes (events at any confidence) that a smoother finds, a few are
drawn with known probabilities; a listener says whether they are right; from
that follow the thresholds of the classes, what a confidence means, precision,
recall and F1, each with an interval.

Authors
 * sb_sed contributors 2026
"""
