"""Forty results of every kind, each judged by dciodvfy, dcentvfy, PixelMed, dsrdump and pydicom (scripts/results does two hundred)."""
import os
import subprocess
import sys

import harness as h

if __name__ == "__main__":
    sys.exit(subprocess.run([os.path.join(h.SOURCE, "scripts/results"), "--count", "40", "--seed", "6"]).returncode)
