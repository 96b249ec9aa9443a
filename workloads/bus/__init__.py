"""Recorded bus traffic as a workload: what a block did on its AXI port, replayed in front of any memory."""
