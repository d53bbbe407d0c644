"""What many visits leave behind: nothing."""

import json
import subprocess
import sys
from pathlib import Path


def test_fifty_visits_weigh_no_more_than_five():
    script = Path(__file__).with_name("fifty_visits.py")
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=1200)
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    print(found)
    assert found["open"] == 0
    assert found["late"] <= 1.05 * found["early"], found
