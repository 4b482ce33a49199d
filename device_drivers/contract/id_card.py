"""(P) An identity card as a way in: only a keyed hash of its number is ever kept, on the hub, in lists and on the edge.

The key is the estate's own (it travels inside the signed list), so that hashes of two estates cannot be matched. A number has
some 2^33 likely values: whoever holds the key and the hashes can try them all. The hash keeps numbers out of pages, logs,
backups and lists; it is no protection against who takes the edge box apart, which is why a list holds only its own holders.
"""

from __future__ import annotations

import hashlib
import hmac

LENGTH = 32  # hexadecimal digits kept


def normalise(number: str) -> str:
    """As printed: 18 characters, a final X is upper case."""
    return "".join(number.split()).upper()


def hashed(number: str, key: str) -> str:
    """What a credential's identifier of type `id_card` holds. A text that is none (half a surrogate) matches nobody."""
    return hmac.new(key.encode(), normalise(number).encode(errors="replace"), hashlib.sha256).hexdigest()[:LENGTH]
