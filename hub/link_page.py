"""What a sign-in link shows before it is used: a page with one button.

Chats and mail scanners open every link they pass on. Opening uses nothing up; the button posts, and that signs in. The page
asks for nothing else and names nobody: its preview may stand in a chat.
"""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse

from hub.config import Config

STYLE = """body{margin:0;font:16px/1.6 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;
color:#1f1f1f;background:#f5f5f5}main{box-sizing:border-box;max-width:32rem;margin:12vh auto 0;padding:24px;background:#fff;
border-radius:4px}h1{margin:0 0 12px;font-size:1.4rem}a{color:#0b57a4}p[lang=en]{color:#4a4a4a;font-size:.9375rem}
button{box-sizing:border-box;width:100%;min-height:48px;border:0;border-radius:4px;background:#0b57a4;color:#fff;
font:inherit;font-weight:600;cursor:pointer}button:focus-visible,a:focus-visible{outline:3px solid #f0a500;
outline-offset:2px}button span{font-weight:400}"""
ONCE = """let at=-Infinity;document.forms[0].addEventListener("submit",e=>{
const now=performance.now();if(now-at<3000)e.preventDefault();else at=now})"""
"""A double click posted twice: the second was told that the link is used, the first's answer with the session was dropped."""
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
    f"script-src 'sha256-{base64.b64encode(hashlib.sha256(ONCE.encode()).digest()).decode()}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
}


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1>{body}</main></html>"
    )


ASK = _page(
    "登录公租房小区物联网与出入管理",
    """<p>这条链接是管理员为一个人生成的。确认是给您本人的，再点击下面的按钮登录；请勿转发。</p>
<form method="post"><button>登录 <span lang="en">Sign in</span></button></form>
<p lang="en">An administrator made this link for one person. Press the button if that is you; do not pass the link on.</p>"""
    f"<script>{ONCE}</script>",
)
ENDED = _page(
    "登录链接已失效",
    """<p>链接只在有效期内可用，用过的不能再用。请向管理员索取新的登录链接；已经登录或设有密码的，<a href="/">进入首页</a>。</p>
<p lang="en">This sign-in link is used up or has expired. Ask an administrator for a new one, or, signed in already or with a
password, <a href="/">go to the first page</a>.</p>""",
)


def ask(status: int = 200) -> HTMLResponse:
    return HTMLResponse(ASK, status, HEADERS)


def ended() -> HTMLResponse:
    return HTMLResponse(ENDED, 410, HEADERS)


def pressed_elsewhere(request: Request, config: Config) -> bool:
    """Whether another site's page posts this: with a link of its owner's it would sign in whoever looks at it, unseen.

    A browser says `null` for the origin of a page without a referrer, which this one is; old ones name the address.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("Origin", "null")
    own = {request.headers.get("Host", ""), urlsplit(config.public_url).netloc}
    return origin != "null" and urlsplit(origin).netloc not in own
