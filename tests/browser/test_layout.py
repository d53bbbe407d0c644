"""Width, contrast and keys: usable by thumb, by keyboard and by weak eyes."""

import pytest

CONTRAST = """() => {
  const seen = (c) => { const v = c.match(/[\\d.]+/g).map(Number); return v.length > 3 ? v : [...v, 1]; };
  const linear = (x) => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  const light = (v) => 0.2126 * linear(v[0] / 255) + 0.7152 * linear(v[1] / 255) + 0.0722 * linear(v[2] / 255);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const v = seen(getComputedStyle(e).backgroundColor);
      if (v[3] > 0.9) return v;
    }
    return [255, 255, 255, 1];
  };
  const poor = [];
  for (const e of document.querySelectorAll('#workbench *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.offsetParent || e.disabled || e.closest('[data-at=stage], dialog, option')) continue;
    const [a, b] = [light(seen(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const words = e.textContent.trim().slice(0, 30);
    if (ratio < 4.5) poor.push(`${e.className || e.tagName} "${words}" ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("width, height", [(1280, 900), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(newcomer, width, height, scheme):
    bench = newcomer(width, height, color_scheme=scheme).open()
    bench.do("track-forwards")
    bench.reach(9)
    bench.stop()
    bench.tab.click("#workbench summary")
    bench.tab.wait_for_selector("#workbench .vm-entries img")
    bench.shot(f"layout-{width}-{scheme}", whole=True)
    assert bench.tab.evaluate("document.documentElement.scrollWidth") <= width, "nothing hangs over the edge"
    outside = bench.tab.evaluate(
        """w => [...document.querySelectorAll('#workbench button, #workbench input, #workbench select')]
                .filter(e => e.offsetParent)
                .filter(e => e.getBoundingClientRect().right > w + 1 || e.getBoundingClientRect().left < -1)
                .map(e => e.outerHTML.slice(0, 80))""",
        width,
    )
    assert not outside
    assert not bench.tab.evaluate(CONTRAST), "words stand out from their ground at least 4.5 to 1"
    nameless = bench.tab.evaluate(
        """() => [...document.querySelectorAll('#workbench button, #workbench input:not([hidden]), #workbench select')]
                 .filter(e => e.offsetParent && !e.textContent.trim())
                 .filter(e => !e.getAttribute('aria-label') && !e.labels?.length)
                 .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert not nameless, "whatever can be pressed says what it is"


def test_everything_can_be_done_with_keys(bench):
    keys, stage = bench.tab.keyboard, bench.tab.locator("#workbench [data-at=stage]")
    stage.focus()
    keys.press("n")
    bench.tab.wait_for_selector("#workbench [data-object='2-new'].vm-chosen")
    for _ in range(3):
        keys.press("Alt+ArrowLeft")
    keys.press("Enter")
    bench.until(lambda: bench.desk.work.objects == [1, 2], "Enter did not mark")
    keys.press("t")
    bench.until(bench.running, "t did not track")
    bench.reach(7)
    keys.press("Escape")
    bench.idle()
    keys.press("Home")
    bench.until(lambda: bench.desk.frame == 0, "Home did not go to the first frame")
    keys.press("ArrowRight")
    bench.until(lambda: bench.desk.frame == 1, "an arrow did not go on")
    keys.press("Shift+ArrowRight")
    bench.until(lambda: bench.desk.frame == 11, "Shift and an arrow did not go on by ten")
    keys.press("1")
    bench.until(lambda: bench.desk.selected == 1, "1 did not choose the first object")
    keys.press("h")
    bench.until(lambda: bench.desk.work.look(1).hidden, "h did not hide")
    keys.press("Delete")
    bench.until(lambda: bench.desk.work.objects == [2], "Delete did not delete")
    keys.press("Control+z")
    bench.until(lambda: bench.desk.work.objects == [1, 2], "Ctrl+Z did not undo")
    keys.press("Control+Shift+Z")
    bench.until(lambda: bench.desk.work.objects == [2], "Ctrl+Shift+Z did not redo")
    keys.press("?")
    bench.tab.wait_for_selector("#workbench dialog[open]")
    bench.shot("keys")
    keys.press("Escape")


def test_the_camera_is_followed_and_its_latency_shown(newcomer):
    bench = newcomer().open()
    tab = bench.tab
    tab.click("button[role=tab]:has-text('Camera')")
    tab.click("#camera [data-do=start]")
    tab.wait_for_function("document.querySelector('#camera [data-at=latency]').textContent.includes('ms')")
    box = tab.locator("#camera [data-at=picture]").bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.wait_for_function(r"/[0-9]\.[0-9]|sight/.test(document.querySelector('#camera [data-at=objects]').textContent)")
    tab.wait_for_function("document.querySelector('#camera [data-at=memory]').textContent.includes('KiB')")
    bench.shot("camera")
    tab.click("#camera [data-do=end]")  # and at once again: it goes on, and can be ended as before
    tab.click("#camera [data-do=start]:not([disabled])")
    tab.wait_for_function("!document.querySelector('#camera [data-do=end]').disabled")
    tab.click("#camera [data-do=end]")
