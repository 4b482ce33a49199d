"""A command is followed when the hub signed it, for this edge: who gets into the broker opens no door. Pure."""

from __future__ import annotations

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device_drivers.contract.messages import Command, CommandProof

UNSIGNED = "命令没有中心的签名，未执行。如中心尚未升级，请先升级中心；否则请检查是否有人冒用消息服务。"
FORGED = "命令的签名不是本边缘机绑定的中心所签，未执行。请检查是否有人冒用消息服务。"
FOREIGN = "命令是签给另一台边缘机的，未执行。请检查是否有人冒用消息服务。"


class NotOurs(Exception):
    """A command that must not be followed; `what` is the note's word."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(f"{what}: {text}")
        self.what, self.text = what, text


def proved(command: Command, key: Ed25519PublicKey, edge: str) -> Command:
    """The command as it was signed. Raises NotOurs. Whether it has expired or came before is asked later (`commands`)."""
    if not command.signature:
        raise NotOurs("unsigned_command", UNSIGNED)
    try:
        key.verify(command.signature, command.proof)
        said = msgspec.json.decode(command.proof, type=CommandProof)
    except (InvalidSignature, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotOurs("bad_signature", FORGED) from error
    if said.edge != edge or said.command.id != command.id:
        raise NotOurs("foreign_command", FOREIGN)
    return said.command
