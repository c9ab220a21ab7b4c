"""A whole installation in one thread, on a seeded clock, between vendors that fail in every way.

A seed decides everything: what customers answer, what agents do, which doorbells are lost, which worker freezes or
dies between which two steps, how long things take, and what the vendors make of each call. Months pass in
seconds. ``invariants.py`` says what must hold all the same. ``python -m tests.simulation --seeds 0-999`` runs many.
"""
