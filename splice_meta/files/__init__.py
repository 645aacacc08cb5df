"""Files, on disks and in object stores: what they are, and what may be done with them."""
