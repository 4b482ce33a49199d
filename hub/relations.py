"""(P) How a member belongs to a household, in Chinese."""

from __future__ import annotations

RELATIONS_ZH = {"applicant": "申请人", "spouse": "配偶", "child": "子女", "parent": "父母", "other": "其他"}
