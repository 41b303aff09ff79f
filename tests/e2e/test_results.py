"""Forty results of every kind, each judged by dciodvfy, dcentvfy, dsrdump and pydicom, six reports that span them by PixelMed, which takes
seconds a report (scripts/results does two hundred, all by all)."""
import os
import subprocess
import sys

import harness as h

if __name__ == "__main__":
    sys.exit(subprocess.run([os.path.join(h.SOURCE, "scripts/results"), "--count", "40", "--seed", "6", "--pixelmed", "6"]).returncode)
