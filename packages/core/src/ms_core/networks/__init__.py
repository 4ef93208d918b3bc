"""Network parts that several packages build from.

Attribute names inside these cells are chosen so that a parameter's name equals its name in the checkpoints
of the old model zoo, without the leading `network.`: `features_1.0.features.1.gamma` and so on. Renaming
an attribute therefore breaks the loading of old weights.
"""
