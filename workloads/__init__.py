"""From networks to hardware operations and memory traffic."""
