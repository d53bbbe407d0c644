"""Fifty people come, track a few frames and leave: prints the bytes of the process after the 5th and after the 50th.

    python tests/browser/fifty_visits.py

Run in a process of its own, so that nothing else counts.
"""

import gc
import json
import time
import urllib.request

import psutil

from vidmem.frames import demo
from vidmem.ui.serve import served

VISITS, EARLY = 50, 5


def main() -> None:
    demo.LENGTHS["koi"] = 4
    resident = {}
    with served() as page:
        address = page.address.rstrip("/")
        config = json.load(urllib.request.urlopen(address + "/config"))
        bench = next(each["id"] for each in config["components"] if each["props"].get("elem_id") == "workbench")

        def call(visit: int, name: str, **asked: object) -> dict:
            body = {"data": asked, "component_id": bench, "fn_name": name, "session_hash": f"visit{visit}"}
            kind = {"Content-Type": "application/json"}
            place = address + "/gradio_api/component_server"
            return json.load(urllib.request.urlopen(urllib.request.Request(place, json.dumps(body).encode(), kind)))

        for visit in range(1, VISITS + 1):
            urllib.request.urlopen(address + "/").read()
            view = call(visit, "act", verb="open")["view"]
            token = view["token"]
            call(visit, "act", verb="track", token=token, direction="forwards")
            while view.get("job") or not view["objects"][0]["runs"] or view["objects"][0]["runs"][-1][1] < 3:
                view = call(visit, "wait", token=token, serial=view["serial"])["view"]
            call(visit, "act", verb="export", token=token, formats=["png", "csv"])
            page.desks.close(token)
            if visit in (EARLY, VISITS):
                gc.collect()
                time.sleep(0.2)
                resident[visit] = psutil.Process().memory_info().rss
        left = [path for path in (page.folder / "desks").iterdir()]
    print(json.dumps({"early": resident[EARLY], "late": resident[VISITS], "open": len(left)}))


if __name__ == "__main__":
    main()
