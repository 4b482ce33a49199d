"""What the API refuses, in words for the person at the screen. Rooms raise `ApiError`; `hub/app.py` makes the envelope."""

from __future__ import annotations


class ApiError(Exception):
    """`status` is the HTTP status, `code` a stable word for programs, `message` zh-CN and says what to do next."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class NotFound(ApiError):
    """Also what lies outside the caller's estates: one must not learn that it exists."""

    def __init__(self, message: str = "没有找到，或不在您管理的小区内。请返回列表重新选择。") -> None:
        super().__init__(404, "not_found", message)


class Forbidden(ApiError):
    def __init__(self, message: str = "您的岗位没有这项权限。如需办理，请联系管理员。") -> None:
        super().__init__(403, "forbidden", message)


class Unauthenticated(ApiError):
    def __init__(self, message: str = "请先登录。") -> None:
        super().__init__(401, "unauthenticated", message)


class BadRequest(ApiError):
    def __init__(self, message: str, code: str = "bad_request") -> None:
        super().__init__(400, code, message)


class Conflict(ApiError):
    def __init__(self, message: str, code: str = "conflict") -> None:
        super().__init__(409, code, message)
