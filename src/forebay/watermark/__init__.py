"""A watermark in generated text: who is green, how a sampler favours it, and how it is found again. Needs NumPy only.

    key, context ─► Scheme: which tokens are green ─┬► Marker: favours them while a text is sampled
                                                     └► Detector: counts them in a text, and says how likely that is

Sources: Kirchenbauer et al., "A Watermark for Large Language Models" (arXiv:2301.10226) and "On the Reliability of
Watermarks for Large Language Models" (arXiv:2306.04634); Aaronson, "My AI Safety Lecture for UT Effective Altruism"
(2022) for `gumbel`.
"""
