"""The console's worklist in Chromium: what a reader waits for, and how evenly the rows run."""
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "console"))
import browser  # noqa: E402

ROW = "document.querySelector('.rows .row')"
SCROLLS = {"rows": (120, 200), "pages": (900, 200), "leaps": (40000, 12)}  # pixels of the wheel at a time, how often


def is_there():
    return not browser.lacking()


def frames(page, by, steps):
    took = sorted(page.do("scroll", x=600, y=400, by=by, steps=steps))
    return {"count": len(took), "median_ms": statistics.median(took), "p95_ms": took[len(took) * 95 // 100], "slowest_ms": took[-1]}


def measure(url, name, password, node, entries):
    """From a reload to the first row, from `worklist read` to the list without the study, and each way to scroll."""
    page = browser.Browser()
    try:
        page.sign_in(url, name, password)
        page.until(ROW, 30)
        opened, left = [], []
        for _ in range(3):
            begun = time.perf_counter()
            page.do("reload")
            page.until(ROW, 30)
            opened.append((time.perf_counter() - begun) * 1000)
        page.do("mouse", x=600, y=10)  # nobody holds the order
        for entry in entries:
            gone = f"import('/source.js').then((m) => !m.source.list.entries.some((e) => e.study === '{entry['study']}'))"
            node.admin("worklist", "read", entry["study"])
            begun = time.perf_counter()
            page.until(gone, 30)
            left.append((time.perf_counter() - begun) * 1000)
        scrolled = {kind: frames(page, by, steps) for kind, (by, steps) in SCROLLS.items()}
        return {"chromium": page.version, "opened_median_ms": statistics.median(opened), "left_median_ms": statistics.median(left), "frames": scrolled}
    finally:
        page.close()
