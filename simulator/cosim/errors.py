"""What a design or a test asks for, and cannot have."""


class CosimError(Exception):
    """What a design or a test asks for cannot be served."""
