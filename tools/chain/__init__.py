"""The whole chain in one process under virtual time: real hub, real edge, twins of everything else, faults at every step.

`python -m tools.chain --seeds 5000` plays seeds; a failing one is printed with its shortest script.
"""
