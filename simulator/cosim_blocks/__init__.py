"""Blocks beside their RTL twins, cycle by cycle, in Verilator: what `dlasim cosim BLOCK` runs.

One row of `blocks.BLOCKS` and one module with a class Bench make a block; the rest here is the same for all.
"""
