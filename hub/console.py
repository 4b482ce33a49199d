"""The console's files: the built web application, or a page that says how to build it."""

from __future__ import annotations

import functools
import gzip
import mimetypes
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from hub.config import Config
from hub.errors import NotFound

NO_BUILD = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>Estate Hub</title>
<h1>控制台尚未构建</h1><p>接口已就绪（<a href="/api/v1/health">/api/v1/health</a>）。在源码目录运行
<code>make web</code> 后刷新本页。</p>
<p>The console has not been built: run <code>make web</code> in the source tree, then reload.</p></html>"""

TEXT = {".js", ".css", ".svg"}
PACKED = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}


def web_root(config: Config) -> Path | None:
    """The directory with `index.html`: the configured one, the source tree's build, or the wheel's."""
    here = Path(__file__).parent
    for place in (config.web_dir, here.parent / "web" / "dist", here / "_web"):
        if place and (place / "index.html").is_file():
            return place.resolve()
    return None


def add_console(app: FastAPI) -> None:
    """Last of all routes: every path that is no API and no file is the application's own (client-side routing)."""

    def console(path: str, request: Request) -> Response:
        root = web_root(request.app.state.hub.config)
        if path.startswith(("api/", "edge/")):
            raise NotFound("没有这个接口地址，请检查路径。")
        if root is None:
            return HTMLResponse(NO_BUILD, headers={"Cache-Control": "no-cache"})
        file = (root / path).resolve()
        if path and file.is_relative_to(root) and file.is_file():
            fixed = path.startswith("assets/")  # their names carry a hash of their content
            keep = {"Cache-Control": "public, max-age=31536000, immutable" if fixed else "no-cache"}
            if fixed and file.suffix in TEXT and "gzip" in request.headers.get("accept-encoding", ""):
                body, kind = _packed(file, file.stat().st_mtime_ns), mimetypes.guess_type(file.name)[0]
                return Response(body, headers=keep | PACKED, media_type=kind)
            return FileResponse(file, headers=keep)
        if "." in path.rpartition("/")[2] and "text/html" not in request.headers.get("accept", ""):
            # Only a browser that goes to a page asks for HTML; a page's own address may hold dots, as ids do.
            raise NotFound("没有这个文件。")
        return FileResponse(root / "index.html", headers={"Cache-Control": "no-cache"})

    app.add_api_route("/{path:path}", console, methods=["GET", "HEAD"], include_in_schema=False)


@functools.lru_cache(maxsize=64)
def _packed(file: Path, _changed_ns: int) -> bytes:
    """Compressed once, not for everyone who opens the console: two megabytes take longer than all the rest of the page."""
    return gzip.compress(file.read_bytes(), 9, mtime=0)
