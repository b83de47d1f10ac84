"""What the policy language has and the engine does not yet do: loading refuses it, so that nobody relies on it.

Whoever makes the engine act on a feature removes its name here; the loader already reads all of them.
"""

NOT_YET = frozenset[str]()
