"""(P) Why a device does not hold a credential, in words for the clerk who can do something about it."""

from __future__ import annotations

REVOKED = "revoked"
"""Listed, but the edge followed an order that ended it: the hub that lists it has forgotten that."""

REFUSAL_ZH: dict[str, str] = {
    "photo_no_face": "照片中未检测到人脸，请重新拍照。",
    "photo_too_large": "照片文件太大，请压缩后重新上传。",
    "photo_unreadable": "照片打不开，请重新拍照。",
    "photo_unreachable": "设备暂时取不到照片，系统会自动重试；如一直不成功，请检查照片地址。",
    "photo_unavailable": "照片取不到或内容与登记的摘要不符，系统会自动重试；如一直不成功，请重新上传。",
    "photo_many_faces": "照片中有不止一张人脸，请只让本人入镜后重新拍照。",
    "photo_face_small": "照片中人脸太小，请靠近镜头（脸部约占画面三分之一）后重新拍照。",
    "photo_face_cut": "人脸没有完整入镜，请把整张脸放在画面中间后重新拍照。",
    "photo_pose": "脸没有正对镜头，请抬平头部、双眼平视镜头后重新拍照。",
    "photo_dark": "照片太暗，请到光线充足处重新拍照。",
    "photo_bright": "照片过亮，请避开强光直射后重新拍照。",
    "photo_uneven": "脸部一侧明亮、一侧过暗，请面向光源后重新拍照。",
    "photo_flat": "照片发灰、对比度太低，请擦净镜头、避开逆光后重新拍照。",
    "photo_blurred": "照片模糊，请拿稳设备、对焦清楚后重新拍照。",
    "photo_type": "照片格式不支持，请使用 JPEG 或 PNG 照片。",
    "photo_too_many_pixels": "照片尺寸（像素）太大，请缩小后重新上传。",
    "photo_missing": "设备没有收到照片，请重新上传照片。",
    "photo_too_similar": "与设备中另一人的照片过于相似，请核对是否重复登记。",
    "card_duplicate": "此卡号在设备上已属于另一人，请核对后换卡。",
    "card_invalid": "设备不接受此卡号，请核对卡号或换卡。",
    "card_too_long": "卡号超过设备能存的位数，请换一张卡。",
    "card_unreadable": "卡号不是设备能存的格式，请核对卡号或换卡。",
    "card_unsupported": "设备的读卡格式不支持此卡号，请换一张卡。",
    "no_card": "此人没有该设备能读的卡，请发一张门卡。",
    "token_too_long": "凭证编号超过设备能存的长度，请联系技术人员。",
    "list_full": "设备名单已满，请联系设备管理员。",
    "expired": "按边缘机时钟已到期，已从设备删除；如尚未到期，请检查边缘机的时间。",
    "reads_back_otherwise": "重新下发后，设备读回的内容仍与下发的不一致，请联系设备维护人员检查设备。",
    "disabled_at_device": "此凭证在门控设备上被停用，系统启用不成功，此人目前开不了这扇门；请联系设备维护人员在设备上启用。",
    REVOKED: "边缘机记得此凭证已终止（中心可能恢复了旧备份），没有放行。请核实；仍应通行的，请先办停用再恢复，换发新凭证。",
    "busy": "设备正忙，系统会自动重试。",
    "storage_failed": "设备存储出错，系统会自动重试；如一直不成功，请联系设备维护人员。",
    "bad_request": "设备不接受此条内容，请联系技术人员。",
    "packet_too_large": "发给设备的内容过大，请联系技术人员。",
    "unsupported": "该设备不支持此人的开门方式，请改用其他方式。",
    "unknown": "设备拒绝了此条，未说明原因。",
}


PARTIAL_ZH, FACE_ZH = "门卡照常可用。", "刷脸照常可用。"
"""A refused photo never locks out: the device took the card; and after a refused card the face."""
OUTDATED_ZH = "设备上仍是此人以前的内容（以前的卡或照片仍能开门），请尽快处理。"


def refusal_zh(code: str, text: str = "", *, partial: bool = False, outdated: bool = False) -> str:
    """The clerk's text; for a code this release does not know, the device's own words."""
    told = REFUSAL_ZH.get(code) or (f"设备拒绝（{code}）：{text}" if text else f"设备拒绝（{code}）")
    if (partial or outdated) and not told.endswith("。"):
        told += "。"
    if partial:
        return told + (FACE_ZH if code.startswith("card_") else PARTIAL_ZH)
    return told + OUTDATED_ZH if outdated else told
